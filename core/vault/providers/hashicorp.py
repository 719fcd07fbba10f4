"""HashiCorp Vault, OpenBao and HCP Vault Dedicated: reads and lists KV 1 and KV 2 through hvac."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import hvac
import hvac.exceptions
import msgspec

from core.errors import AccessDenied, ProviderUnavailable, SecretNotFound, VaultError
from core.vault.config import AnyCredential, AnyLink, HashicorpLink
from core.vault.provider import AuthPrompter, FetchedSecret, Provider, SecretSummary
from core.vault.providers.hashicorp_errors import TokenRefused, said, token_is_known, translated
from core.vault.providers.hashicorp_login import LoggedIn, Method, method_of, open_client, parsed
from core.vault.selection import compact

T = TypeVar("T")

NOT_ENGINES = frozenset({"sys", "auth", "identity", "cubbyhole"})
"""Below these a GET answers other things than secrets: `auth/token/lookup-self` would answer the token itself."""


class _Metadata(msgspec.Struct):
    version: int = 0
    created_time: str = ""
    deletion_time: str = ""
    destroyed: bool = False


class _Version2(msgspec.Struct):
    metadata: _Metadata
    data: msgspec.Raw


class _Version2Answer(msgspec.Struct):
    data: _Version2


class _Version1Answer(msgspec.Struct):
    data: msgspec.Raw


class _Deleted(msgspec.Struct):
    metadata: _Metadata


class _DeletedAnswer(msgspec.Struct):
    data: _Deleted


class _Versions(msgspec.Struct):
    current_version: int = 0


class _VersionsAnswer(msgspec.Struct):
    data: _Versions


class _Mount(msgspec.Struct):
    type: str = ""
    path: str = ""
    options: dict[str, str] | None = None

    @property
    def kv_version(self) -> int:
        return 2 if (self.options or {}).get("version") == "2" else 1

    @property
    def holds_secrets(self) -> bool:
        return self.type in ("kv", "generic")


class _MountAnswer(msgspec.Struct):
    data: _Mount


class _Mounts(msgspec.Struct):
    secret: dict[str, _Mount] = {}


class _MountsAnswer(msgspec.Struct):
    data: _Mounts


class _Keys(msgspec.Struct):
    keys: tuple[str, ...] = ()


class _KeysAnswer(msgspec.Struct):
    data: _Keys


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Log in; a login that renews itself does so at the fetch that finds it ended."""
    method = method_of(credential, prompter)
    client = open_client(credential)
    try:
        return HashicorpVault(client, method, method.log_in(client))
    except BaseException:
        client.adapter.close()
        raise


class HashicorpVault:
    """One account's connection; hvac's client and the session below it serve several threads."""

    def __init__(self, client: hvac.Client, method: Method, logged_in: LoggedIn) -> None:
        self._client = client
        self._address = str(client.url)
        self._method = method
        self._logged_in = logged_in
        self._renewing = threading.Lock()
        self._mounts: dict[str, _Mount] = {}

    @property
    def identity(self) -> str:
        return self._logged_in.described

    @property
    def expires_at(self) -> datetime | None:
        return self._logged_in.expires_at

    def fetch(self, link: AnyLink) -> FetchedSecret:
        if not isinstance(link, HashicorpLink):
            raise TypeError(f"{type(link).__name__} is no link to HashiCorp Vault")
        mount, path = _clean(link.mount, "mount"), _clean(link.path, "path")
        if mount.split("/")[0] in NOT_ENGINES:
            raise SecretNotFound(f'"{mount}" is no mount of secrets', hint="correct the mount in the link")
        return self._renewed(lambda: self._fetch(link, mount, path))

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        """Mounts first, then what is directly below the folder that `prefix` names; the rest of it filters by name."""
        return self._renewed(lambda: self._list(prefix, limit))

    def close(self) -> None:
        self._client.adapter.close()

    def _renewed(self, call: Callable[[], T]) -> T:
        """Call once more with a new login, if the server does not know the token any more."""
        token = self._client.token
        with translated(self._address):
            try:
                return call()
            except TokenRefused:
                with self._renewing:
                    if self._client.token == token:  # else another thread has just done it
                        self._logged_in = self._method.log_in_again(self._client)
            try:
                return call()
            except TokenRefused:
                raise ProviderUnavailable(
                    f'the vault at "{self._address}" refuses the token it has just given', hint="try again"
                ) from None

    def _fetch(self, link: HashicorpLink, mount: str, path: str) -> FetchedSecret:
        self._check_mount(link, mount)
        kv = self._client.secrets.kv
        try:
            if link.kv_version == 1:
                response = kv.v1.read_secret(path, mount_point=mount)
                return FetchedSecret(
                    compact(bytes(parsed(response, _Version1Answer, self._address).data)),
                    resolved_id=self._full(f"{mount}/{path}"),
                )
            response = kv.v2.read_secret_version(
                path, version=link.version, mount_point=mount, raise_on_deleted_version=True
            )
        except hvac.exceptions.Forbidden as error:
            need = f"{mount}/{path}" if link.kv_version == 1 else f"{mount}/data/{path}"
            raise self._refused(error, "read", need) from error
        except hvac.exceptions.InvalidPath as error:
            raise self._absent(error, link, mount, path) from error
        answer = parsed(response, _Version2Answer, self._address).data
        deletion = _moment(answer.metadata.deletion_time)
        return FetchedSecret(
            compact(bytes(answer.data)),
            version=str(answer.metadata.version),
            created=_moment(answer.metadata.created_time),
            resolved_id=self._full(f"{mount}/{path}"),
            notes=(f"this version is deleted by itself at {_shown(deletion)}",) if deletion is not None else (),
        )

    def _check_mount(self, link: HashicorpLink, mount: str) -> None:
        """Read from KV engines only, of the version that the link says: elsewhere a GET may create things."""
        engine = self._mounts.get(mount)
        if engine is None:
            engine = self._look_up_mount(mount)
            if engine is None:
                return
        real = engine.path.strip("/")
        if not engine.holds_secrets:
            raise SecretNotFound(
                f'"{mount}" holds no key-value secrets but is an engine of type "{engine.type}"',
                hint="correct the mount in the link",
            )
        if real and real != mount:
            raise SecretNotFound(
                f'there is no mount "{mount}", but a mount "{real}"',
                hint="correct the mount in the link, the rest belongs to the path",
            )
        if engine.kv_version != link.kv_version:
            raise SecretNotFound(
                f'"{mount}" is a mount of KV version {engine.kv_version}, and the link says {link.kv_version}',
                hint=f"set the KV version of the link to {engine.kv_version}",
            )
        self._mounts[mount] = engine

    def _look_up_mount(self, mount: str) -> _Mount | None:
        """What is mounted there; None where the server does not say."""
        try:
            response = self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{quote(mount)}")
        except hvac.exceptions.Forbidden as error:
            if "preflight capability check" not in said(error):
                return None  # reading will tell a refused token from a refused path
            if "root" in self._logged_in.policies:
                raise SecretNotFound(f'there is no mount "{mount}"', hint="correct the mount in the link") from error
            raise AccessDenied(
                f'"{self.identity}" may use nothing at the mount "{mount}", or there is no such mount',
                hint=f'check the mount, or ask for a policy with "read" below "{mount}"',
            ) from error
        except hvac.exceptions.InvalidPath as error:
            if "namespace not found" in said(error):
                raise
            return None
        return parsed(response, _MountAnswer, self._address).data

    def _refused(self, error: hvac.exceptions.Forbidden, capability: str, path: str) -> Exception:
        if not token_is_known(error):
            return TokenRefused()
        try:
            self._client.auth.token.lookup_self()
        except hvac.exceptions.Forbidden as refusal:
            if not token_is_known(refusal):
                return TokenRefused()
        return AccessDenied(
            f'"{self.identity}" may not {capability} "{self._full(path)}"',
            hint=f'ask for a policy with "{capability}" on "{path}"',
        )

    def _absent(
        self, error: hvac.exceptions.InvalidPath, link: HashicorpLink, mount: str, path: str
    ) -> VaultError | hvac.exceptions.InvalidPath:
        text = said(error)
        if "namespace not found" in text:
            return error
        self._mounts.pop(mount, None)  # it may be another engine by now
        if "no handler for route" in text:
            return SecretNotFound(f'there is no mount "{mount}"', hint="correct the mount in the link")
        where = f'"{self._full(f"{mount}/{path}")}"'
        try:
            gone = msgspec.json.decode(str(error.text or ""), type=_DeletedAnswer).data.metadata
        except (msgspec.DecodeError, UnicodeError):
            gone = None
        if gone is not None:
            version = f"version {gone.version} of {where}"
            if link.version is None:
                version = f"the newest version of {where}, {gone.version},"
            if gone.destroyed:
                return SecretNotFound(f"{version} was destroyed", hint="link another version, or write a new one")
            since = _moment(gone.deletion_time)
            return SecretNotFound(
                f"{version} was deleted at {_shown(since)}" if since is not None else f"{version} was deleted",
                hint="undelete it in the vault, or link another version",
            )
        if link.version is not None:
            newest = self._newest_version(mount, path)
            which = f"its newest is {newest}" if newest else "or there is no such secret"
            return SecretNotFound(
                f"{where} has no version {link.version}, {which}",
                hint="correct the version in the link, or leave it blank for the newest",
            )
        return SecretNotFound(f"there is no secret {where}", hint="correct the path in the link")

    def _newest_version(self, mount: str, path: str) -> int:
        try:
            response = self._client.secrets.kv.v2.read_secret_metadata(path, mount_point=mount)
        except hvac.exceptions.VaultError:  # it may need a policy of its own
            return 0
        return parsed(response, _VersionsAnswer, self._address).data.current_version

    def _list(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        engines = self._visible_mounts()
        mount = max((path for path in engines if prefix.startswith(path)), key=len, default=None)
        if mount is None:
            found = sorted(path for path in engines if path.startswith(prefix))
            return [self._row(path, engines[path], path, "") for path in found][:limit]
        folder, _, start = prefix.removeprefix(mount).rpartition("/")
        names = self._names(mount.rstrip("/"), folder, engines[mount].kv_version)
        below = f"{folder}/" if folder else ""
        rows = (self._row(mount, engines[mount], f"{mount}{below}{name}", f"{below}{name}") for name in names)
        return [row for row in rows if row.name.startswith(f"{mount}{below}{start}")][:limit]

    def _row(self, mount: str, engine: _Mount, name: str, path: str) -> SecretSummary:
        fields: dict[str, object] = {"mount": mount.rstrip("/"), "kv_version": engine.kv_version}
        if path:
            fields["path"] = path.rstrip("/")
        return SecretSummary(name, fields, is_folder=name.endswith("/"))

    def _visible_mounts(self) -> dict[str, _Mount]:
        try:
            response = self._client.adapter.get("/v1/sys/internal/ui/mounts")
        except hvac.exceptions.Forbidden as error:
            raise self._refused(error, "read", "sys/internal/ui/mounts") from error
        found = parsed(response, _MountsAnswer, self._address).data.secret
        return {path: engine for path, engine in found.items() if engine.holds_secrets}

    def _names(self, mount: str, folder: str, kv_version: int) -> Sequence[str]:
        kv = self._client.secrets.kv
        engine = kv.v1 if kv_version == 1 else kv.v2
        try:
            response = engine.list_secrets(_clean(folder, "path") if folder else "", mount_point=mount)
        except hvac.exceptions.InvalidPath:  # nothing there
            return ()
        except hvac.exceptions.Forbidden as error:
            where = "/".join(part for part in (mount, "" if kv_version == 1 else "metadata", folder) if part)
            denied = self._refused(error, "list", f"{where}/")
            if isinstance(denied, AccessDenied):
                denied.hint = f"{denied.hint}, or type the path of the secret"
            raise denied from error
        return parsed(response, _KeysAnswer, self._address).data.keys

    def _full(self, path: str) -> str:
        namespace = self._client.adapter.namespace
        return f"{namespace}/{path}" if namespace else path


def _clean(text: str, what: str) -> str:
    """Without the slashes around it. Dot segments would be resolved before sending, to quite another address."""
    text = text.strip("/")
    if not text or any(part in ("", ".", "..") for part in text.split("/")):
        raise SecretNotFound(
            f'the {what} of the link is empty or has an empty part, "." or ".."', hint=f"correct the {what} in the link"
        )
    return text


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _shown(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else "an unknown time"
