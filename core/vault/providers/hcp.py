"""HCP Vault Secrets through httpx. The service ended on 2026-07-01: who still has links to it is told where to go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from core.errors import (
    AccessDenied,
    LoginFailed,
    ProviderUnavailable,
    SecretNotFound,
    VaultError,
)
from core.vault.config import AnyCredential, AnyLink, HcpClient, HcpLink
from core.vault.endpoint import endpoint
from core.vault.provider import CONNECT_S, READ_S, AuthPrompter, FetchedSecret, Provider, SecretSummary

T = TypeVar("T")

LOGIN = "https://auth.idp.hashicorp.com"
API = "https://api.cloud.hashicorp.com"
AUDIENCE = "https://api.hashicorp.cloud"
VERSION = "2023-11-28"
RENEW_BEFORE_S = 60.0
MOVED = "HCP Vault Secrets has ended: move the secret to HCP Vault Dedicated and link it as HashiCorp Vault"


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0


class _Static(msgspec.Struct):
    version: int = 0
    value: str = ""
    created_at: str = ""


class _Several(msgspec.Struct):
    version: int = 0
    values: dict[str, str] = {}
    created_at: str = ""


class _Secret(msgspec.Struct):
    name: str = ""
    static_version: _Static | None = None
    rotating_version: _Several | None = None
    dynamic_instance: _Several | None = None


class _Opened(msgspec.Struct):
    secret: _Secret


class _Page(msgspec.Struct, frozen=True):
    next_page_token: str = ""


class _Named(msgspec.Struct):
    name: str = ""
    id: str = ""


class _Listed(msgspec.Struct):
    organizations: tuple[_Named, ...] = ()
    projects: tuple[_Named, ...] = ()
    apps: tuple[_Named, ...] = ()
    secrets: tuple[_Named, ...] = ()
    pagination: _Page = _Page()


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Get a first token; later ones are got when the last is about to end."""
    if not isinstance(credential, HcpClient):
        raise TypeError(f"{type(credential).__name__} is no credential of HCP Vault Secrets")
    vault = HcpVault(credential)
    try:
        vault.log_in()
    except BaseException:
        vault.close()
        raise
    return vault


class HcpVault:
    """One service principal's connection; httpx's client serves several threads."""

    def __init__(self, credential: HcpClient) -> None:
        self._credential = credential
        self._login = endpoint(credential.endpoint) or LOGIN
        self._api = endpoint(credential.endpoint) or API
        self._http = httpx.Client(timeout=httpx.Timeout(READ_S, connect=CONNECT_S), follow_redirects=False)
        self._renewing = threading.Lock()
        self._token = ""
        self._ends = 0.0

    @property
    def identity(self) -> str:
        return f"service principal {self._credential.client_id}"

    @property
    def expires_at(self) -> datetime | None:
        """None: it renews itself."""
        return None

    def log_in(self) -> None:
        """Client credentials grant. LoginFailed when the client ID or its secret is wrong."""
        with translated(self._login):
            answer = self._http.post(
                f"{self._login}/oauth2/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": self._credential.client_id,
                    "client_secret": self._credential.client_secret.reveal(),
                    "audience": AUDIENCE,
                },
            )
        if answer.status_code in (400, 401, 403):
            raise LoginFailed(
                "HCP refuses the client ID or its secret",
                hint="make a new key for the service principal, and edit the credential with it",
            )
        token = _read(answer, _Token, self._login)
        self._token, self._ends = token.access_token, time.monotonic() + token.expires_in

    def fetch(self, link: AnyLink) -> FetchedSecret:
        if not isinstance(link, HcpLink):
            raise TypeError(f"{type(link).__name__} is no link to HCP Vault Secrets")
        path = f"{_app(link)}/secrets/{_part(link.secret, 'secret')}"
        if link.version is None:
            secret = _read(self._get(f"{path}:open", link), _Opened, self._api).secret
        else:
            secret = _read(self._get(f"{path}/versions/{link.version}:open", link), _Secret, self._api)
        if secret.static_version is not None:
            found = secret.static_version
            data, version, created = found.value.encode("utf-8"), found.version, found.created_at
        else:
            several = secret.rotating_version or secret.dynamic_instance
            if several is None:
                raise SecretNotFound(f'secret "{link.label}" has no value', hint="give it one, or link another")
            data, version, created = msgspec.json.encode(several.values), several.version, several.created_at
        return FetchedSecret(
            data,
            version=str(version) if version else "",
            created=_moment(created),
            resolved_id=f"{link.app}/{link.secret}",
            notes=("HCP Vault Secrets ended on 2026-07-01",),
        )

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        """Organizations, then projects, then apps, then secrets: `ORG/PROJECT/APP/SECRET`, by their ids and names."""
        parts = prefix.split("/")
        *above, start = parts
        fields = dict(zip(("organization_id", "project_id", "app"), above, strict=False))
        where = f"/secrets/{VERSION}"
        match above:
            case []:
                rows = self._listed("/resource-manager/2019-12-10/organizations")
                names = [row.id for row in rows]
            case [organization]:
                query = {"scope.type": "ORGANIZATION", "scope.id": organization}
                names = [row.id for row in self._listed("/resource-manager/2019-12-10/projects", query)]
            case [organization, project]:
                names = [row.name for row in self._listed(f"{where}{_project(organization, project)}/apps")]
            case [organization, project, app]:
                path = f"{where}{_project(organization, project)}/apps/{_part(app, 'app')}/secrets"
                names = [row.name for row in self._listed(path)]
            case _:
                return ()
        next_field = ("organization_id", "project_id", "app", "secret")[len(above)]
        is_folder = len(above) < 3
        base = "".join(f"{part}/" for part in above)
        return [
            SecretSummary(f"{base}{name}{'/' if is_folder else ''}", fields | {next_field: name}, is_folder)
            for name in sorted(names)
            if name.startswith(start)
        ][:limit]

    def close(self) -> None:
        self._http.close()

    def _listed(self, path: str, query: dict[str, str] | None = None) -> list[_Named]:
        found: list[_Named] = []
        page = ""
        while True:
            asked = {**(query or {}), "pagination.page_size": "100"}
            if page:
                asked["pagination.next_page_token"] = page
            listed = _read(self._get(path, None, asked), _Listed, self._api)
            found += listed.organizations or listed.projects or listed.apps or listed.secrets
            page = listed.pagination.next_page_token
            if not page:
                return found

    def _get(self, path: str, link: HcpLink | None, query: dict[str, str] | None = None) -> httpx.Response:
        """An answer of the API; a token that ended early is replaced once."""
        answer = self._call(lambda: self._ask(path, query))
        if answer.status_code == 401:
            stale = self._token
            with self._renewing:
                if self._token == stale:
                    self.log_in()
            answer = self._call(lambda: self._ask(path, query))
        if answer.status_code == 200:
            return answer
        raise self._failure(answer.status_code, link)

    def _call(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        with self._renewing:
            if time.monotonic() > self._ends - RENEW_BEFORE_S:
                self.log_in()
        with translated(self._api):
            return ask()

    def _ask(self, path: str, query: dict[str, str] | None) -> httpx.Response:
        return self._http.get(f"{self._api}{path}", params=query, headers={"Authorization": f"Bearer {self._token}"})

    def _failure(self, status: int, link: HcpLink | None) -> VaultError:
        label = f'"{link.label}"' if link is not None else "that"
        match status:
            case 404 if link is not None and link.version is not None:
                return SecretNotFound(
                    f"there is no secret {label}, or it has no such version",
                    hint="correct the link: organization, project, app, secret and version",
                )
            case 404:
                return SecretNotFound(
                    f"there is no secret {label}", hint="correct the link: organization, project, app and secret"
                )
            case 403:
                return AccessDenied(
                    f'"{self.identity}" may not read {label}', hint="ask for the role Vault Secrets App Secret Reader"
                )
            case 401:
                return LoginFailed("HCP refuses the token it has just given", hint="try again")
            case 410:
                return ProviderUnavailable("HCP Vault Secrets has ended", hint=MOVED)
            case 429:
                return ProviderUnavailable(f'"{self._api}" gets too many requests', hint="wait, then try again")
            case _:
                return ProviderUnavailable(f'"{self._api}" answered with status {status}', hint=MOVED)


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Turn what httpx raises into an error of ours."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ProviderUnavailable(
            f'"{address}" cannot be reached within {CONNECT_S:g} seconds', hint="check the network"
        ) from error
    except httpx.TimeoutException as error:
        raise ProviderUnavailable(f'"{address}" did not answer within {READ_S:g} seconds', hint=MOVED) from error
    except httpx.ConnectError as error:
        raise ProviderUnavailable(f'"{address}" cannot be reached', hint="check the address and the network") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderUnavailable(f'what "{address}" answered is no answer of HCP', hint=MOVED) from error


def _app(link: HcpLink) -> str:
    return f"/secrets/{VERSION}{_project(link.organization_id, link.project_id)}/apps/{_part(link.app, 'app')}"


def _project(organization: str, project: str) -> str:
    return f"/organizations/{_part(organization, 'organization')}/projects/{_part(project, 'project')}"


def _part(text: str, what: str) -> str:
    """One segment of a path. Dot segments would be resolved before sending, to quite another address."""
    if text.strip() in ("", ".", ".."):
        raise SecretNotFound(f"the {what} of the link is empty", hint=f"correct the {what} in the link")
    return quote(text.strip(), safe="")


def _read(answer: httpx.Response, type: type[T], address: str) -> T:
    try:
        return msgspec.json.decode(answer.content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not chained: the decoder's error may quote what it read.
        raise ProviderUnavailable(f'what "{address}" answered is no answer of HCP', hint=MOVED) from None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
