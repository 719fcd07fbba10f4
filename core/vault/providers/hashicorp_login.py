"""How each credential type gets its token from Vault or OpenBao, and the HTTP session that carries it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import hvac
import hvac.adapters
import hvac.exceptions
import msgspec
import requests
from requests.auth import AuthBase

from core.errors import LoginFailed, LoginRequired, ProviderUnavailable
from core.vault.config import (
    AnyCredential,
    VaultAgent,
    VaultAppRole,
    VaultLdap,
    VaultOidc,
    VaultToken,
    VaultUserpass,
)
from core.vault.environ import vault_defaults
from core.vault.provider import CONNECT_S, READ_S, AuthPrompter
from core.vault.providers.hashicorp_errors import said, token_is_known, translated

T = TypeVar("T")

TIMEOUT = (CONNECT_S, READ_S)
EDIT = "enter it again: `hushpost credential edit {credential}`"


class LoggedIn(msgspec.Struct, frozen=True):
    """As whom, and until when (None: not known to end, or renewed by itself)."""

    identity: str
    policies: tuple[str, ...] = ()
    expires_at: datetime | None = None

    @property
    def described(self) -> str:
        return f"{self.identity} (policies: {', '.join(self.policies)})" if self.policies else self.identity


class Method(Protocol):
    """One credential type's way to a token; `log_in` sets the client's token."""

    def log_in(self, client: hvac.Client) -> LoggedIn: ...

    def log_in_again(self, client: hvac.Client) -> LoggedIn:
        """After the token has ended: a new one without a person, or LoginRequired."""
        ...


class _Auth(msgspec.Struct):
    """The `auth` part of a login's answer."""

    client_token: str = ""
    policies: tuple[str, ...] | None = ()
    metadata: dict[str, str] | None = None
    lease_duration: int = 0


class LoginAnswer(msgspec.Struct):
    auth: _Auth | None = None


class _Token(msgspec.Struct):
    """What lookup-self says."""

    display_name: str = ""
    policies: tuple[str, ...] | None = ()
    expire_time: datetime | None = None


class _TokenAnswer(msgspec.Struct):
    data: _Token


class SameOriginSession(requests.Session):
    """Follows no redirect away from the vault's own address: requests would send the token's header along."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            here, there = _origin(str(resp.url)), _origin(target, str(resp.url))
            if here != there:
                resp.close()
                raise ProviderUnavailable(
                    f'"{here}" sends its clients on to "{there}"',
                    hint="if that is your vault, make it the credential's server address",
                )
        return target


class _NoAuth(AuthBase):
    """Keeps requests from adding what ~/.netrc has for the host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def open_client(credential: AnyCredential) -> hvac.Client:
    """A client without a token. Proxies come from the environment, and authorities too if the credential has none."""
    server = address(credential)
    namespace = str(getattr(credential, "namespace", ""))
    ca_file = str(getattr(credential, "ca_file", ""))
    if isinstance(credential, VaultAgent):
        defaults = vault_defaults()
        namespace, ca_file = namespace or defaults.namespace, ca_file or defaults.ca_file
    if isinstance(credential, VaultOidc):
        namespace = namespace or oidc_parts(credential.oidc_provider_url)[1]
    if not _sendable(namespace):
        raise LoginFailed("the namespace has characters that no namespace has", hint="correct the credential")
    verify: bool | str = True
    if ca_file:
        path = Path(ca_file).expanduser()
        if not path.exists():
            raise ProviderUnavailable(
                f'the CA file "{ca_file}" does not exist', hint="correct the credential's CA file"
            )
        verify = str(path)
    session = SameOriginSession()
    session.auth = _NoAuth()
    session.verify = verify
    # An empty token: with None hvac would look for one in VAULT_TOKEN and ~/.vault-token.
    return hvac.Client(
        url=server,
        token="",
        verify=verify,
        timeout=TIMEOUT,
        session=session,
        namespace=namespace.strip("/") or None,
        adapter=hvac.adapters.RawAdapter,
    )


def address(credential: AnyCredential) -> str:
    """The server's address, without what people copy along from a browser."""
    text = str(getattr(credential, "server_address", ""))
    if not text and isinstance(credential, VaultAgent):
        text = vault_defaults().address
        if not text:
            raise LoginFailed(
                "the credential has no server address and VAULT_ADDR is not set",
                hint="set one of them",
            )
    if not text and isinstance(credential, VaultOidc):
        text = oidc_parts(credential.oidc_provider_url)[0]
    text = text.strip().rstrip("/").removesuffix("/v1").removesuffix("/ui").rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text) or not _origin(text):
        raise LoginFailed(
            "the server address is no http or https address",
            hint="write it like https://vault.example.com:8200",
        )
    return text


def oidc_parts(provider_url: str) -> tuple[str, str]:
    """Server address and namespace of `https://HOST/v1/[NAMESPACE/]identity/oidc/provider/NAME`."""
    server, found, path = provider_url.partition("/v1/")
    namespace = path.partition("identity/oidc/")[0].strip("/")
    return (server, namespace) if found else ("", "")


def method_of(credential: AnyCredential, prompter: AuthPrompter) -> Method:
    match credential:
        case VaultToken():
            return TokenMethod(credential)
        case VaultAppRole() | VaultUserpass() | VaultLdap():
            return LoginMethod(credential)
        case VaultAgent():
            return AgentMethod(credential)
        case VaultOidc():
            # Imported here: it brings the listener for the browser's redirect, which the others do not need.
            from core.vault.providers.hashicorp_oidc import OidcMethod

            return OidcMethod(credential, prompter)
    raise TypeError(f"{type(credential).__name__} is no credential of HashiCorp Vault")


class TokenMethod:
    """A token as it is: when it has ended, a person has to bring another one."""

    def __init__(self, credential: VaultToken) -> None:
        self._token = credential.token.reveal().strip()

    def log_in(self, client: hvac.Client) -> LoggedIn:
        return use_token(client, self._token, refused="the server refuses the token", hint=EDIT)

    def log_in_again(self, client: hvac.Client) -> LoggedIn:
        raise LoginRequired("the token has ended", hint="give it a new token: `hushpost credential edit {credential}`")


class AgentMethod:
    """The token that `vault login`, `bao login` or an agent left in a file, read again when it has ended."""

    def __init__(self, credential: VaultAgent) -> None:
        self._path = Path(credential.token_file or "~/.vault-token").expanduser()

    def log_in(self, client: hvac.Client) -> LoggedIn:
        return use_token(
            client,
            self._read(),
            refused=f'the server refuses the token in "{self._path}"',
            hint="log in with `vault login` or `bao login`",
        )

    def log_in_again(self, client: hvac.Client) -> LoggedIn:
        if self._read() == client.token:
            raise LoginRequired(
                f'the token in "{self._path}" has ended', hint="log in with `vault login` or `bao login`"
            )
        return self.log_in(client)

    def _read(self) -> str:
        try:
            token = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not token:
            raise LoginRequired(f'there is no token in "{self._path}"', hint="log in with `vault login` or `bao login`")
        return token


class LoginMethod:
    """AppRole, userpass and LDAP: logs in again by itself whenever its token has ended."""

    def __init__(self, credential: VaultAppRole | VaultUserpass | VaultLdap) -> None:
        self._credential = credential

    def log_in(self, client: hvac.Client) -> LoggedIn:
        credential = self._credential
        mount = credential.auth_mount.strip("/")
        what = "role ID or the secret ID" if isinstance(credential, VaultAppRole) else "user name or the password"
        with translated(str(client.url)):
            try:
                response = self._post(client, mount)
            except hvac.exceptions.Forbidden as error:
                raise LoginFailed(
                    f'there is no login at "auth/{mount}", or it may not be used',
                    hint="check the credential's auth mount and namespace",
                ) from error
            except hvac.exceptions.InvalidRequest as error:
                if "HTTPS server" in said(error):
                    raise
                raise LoginFailed(f"the server refuses the {what}", hint=EDIT) from error
            auth = parsed(response, LoginAnswer, str(client.url)).auth
        if auth is None or not auth.client_token:
            raise LoginFailed("the server asks for a second factor", hint="use a login without one for this credential")
        client.token = auth.client_token
        metadata = auth.metadata or {}
        who = metadata.get("role_name") or metadata.get("username") or type(credential).label
        return LoggedIn(f"{mount} {who}", tuple(auth.policies or ()))

    def log_in_again(self, client: hvac.Client) -> LoggedIn:
        return self.log_in(client)

    def _post(self, client: hvac.Client, mount: str) -> requests.Response:
        credential = self._credential
        response: requests.Response
        if isinstance(credential, VaultAppRole):
            response = client.auth.approle.login(
                credential.role_id, credential.secret_id.reveal(), use_token=False, mount_point=mount
            )
        elif isinstance(credential, VaultLdap):
            response = client.auth.ldap.login(
                credential.username, credential.password.reveal(), use_token=False, mount_point=mount
            )
        else:
            # Quoted here: for userpass hvac does not.
            response = client.auth.userpass.login(
                quote(credential.username, safe=""),
                credential.password.reveal(),
                use_token=False,
                mount_point=quote(mount),
            )
        return response


def use_token(client: hvac.Client, token: str, *, refused: str, hint: str) -> LoggedIn:
    """Give the client this token and ask the server whose it is."""
    if not _sendable(token) or not token:
        raise LoginFailed("the token has characters that no token has", hint=hint)
    client.token = token
    with translated(str(client.url)):
        try:
            response = client.auth.token.lookup_self()
        except hvac.exceptions.Forbidden as error:
            if token_is_known(error):
                return LoggedIn("a token that may not look itself up")
            raise LoginFailed(refused, hint=hint) from error
        found = parsed(response, _TokenAnswer, str(client.url)).data
    expires_at = found.expire_time.astimezone(UTC) if found.expire_time is not None else None
    return LoggedIn(found.display_name or "token", tuple(found.policies or ()), expires_at)


def parsed(response: requests.Response, model: type[T], server: str) -> T:
    """The answer's body as this struct."""
    try:
        return msgspec.json.decode(response.content, type=model)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Not `from` the decoder's error: it may quote what it read.
        raise ProviderUnavailable(
            f'what "{server}" answered is no answer of a vault', hint="check the credential's server address"
        ) from None


def _origin(url: str, base: str = "") -> str:
    """Scheme, host and port; empty for what is no address."""
    try:
        parts = urlsplit(urljoin(base, url))
        return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}" if parts.hostname else ""
    except ValueError:
        return ""


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
