"""Every expected failure, as one small tree.

    HushpostError                    str() is the user's sentence, hint the next step
    ├─ FileError                     a TOML file we cannot use
    │  └─ FileNotAllowed             a file outside the workspace that this user has not allowed
    ├─ TemplateError                 an undefined variable, or a cycle
    ├─ RequestError                  building or sending failed; `kind` says how
    ├─ FormatError                   an import or export we cannot read or express
    ├─ FieldError                    a form's texts that make no credential or link
    ├─ ScriptError                   a script failed, or did what scripts may not do
    ├─ ScriptsNotAllowed             this user has not let the workspace's scripts run, or read secrets
    ├─ StoreError                    the credential store
    │  ├─ StoreLocked
    │  ├─ WrongPassphrase
    │  └─ StoreCorrupt
    └─ VaultError                    getting a secret
       ├─ SecretNotFound
       ├─ AccessDenied
       ├─ LoginRequired              a login ended, a person can start it again
       ├─ LoginFailed                a login was refused
       ├─ NotBound                   this user has not said which credential a name means
       └─ ProviderUnavailable        unreachable, TLS, sealed, throttled, time-out

A class exists only where a caller catches it; variety goes into attributes. Messages are lower-case sentences without a
full stop, never hold a secret, and name the thing in double quotes; hints are an action.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

RequestErrorKind = Literal[
    "url",
    "request",
    "connect",
    "timeout",
    "tls",
    "proxy",
    "protocol",
    "disk",
    "cancelled",
    "host-not-allowed",
    "redirect-refused",
]


class HushpostError(Exception):
    """An expected failure: what happened, and what to do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.notes: tuple[str, ...] = ()
        """What a script wrote before it, redacted."""

    def __str__(self) -> str:
        return self.message

    def along_with(self, others: Sequence[HushpostError]) -> Self:
        """The same failure, of the same class, that also says what failed beside it."""
        copy = self._copy()
        copy.message = "; ".join((self.message, *map(str, others)))
        every: Sequence[HushpostError] = (self, *others)
        hints = dict.fromkeys(error.hint for error in every if error.hint)
        copy.hint = "; ".join(hints) or None
        return copy

    def _copy(self) -> Self:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.args = self.args
        return copy

    @property
    def kind(self) -> str:
        """The class in kebab case, as the JSON report names it."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(self).__name__).lower()


class FileError(HushpostError):
    """A file of a workspace or of the user that cannot be used as it is.

    `key` is the path of the offending key in the file (`variables.password.value`), None when the whole file is meant.
    """

    def __init__(self, message: str, *, path: Path, key: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.key = key

    def __str__(self) -> str:
        where = f"{self.path}: {self.key}" if self.key else str(self.path)
        return f"{where}: {self.message}"


class FileNotAllowed(FileError):
    """A workspace names a file that lies outside of it; `path` is its real path, which this user may allow."""


class TemplateError(HushpostError):
    """Variables that are undefined, disabled, or refer to each other in a circle.

    `names` are the variables, `where` the field that used them (`url`, `header "Accept"`).
    """

    def __init__(self, message: str, *, names: Sequence[str], where: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.names = tuple(names)
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class RequestError(HushpostError):
    """A request that could not be built or sent."""

    def __init__(self, message: str, *, kind: RequestErrorKind, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self._kind = kind

    @property
    def kind(self) -> RequestErrorKind:
        return self._kind


class HostNotAllowed(RequestError):
    """A secret would have gone to a host that its variable or this user does not allow.

    `missing` lists what an approval has to cover, one grammar string a need (see `core.hosts`); it is empty when the
    variable's own `allowed_hosts` forbids the host, which no approval can cure. `credential` is the workspace's name of
    the credential that the secret is of, empty for a value of the local store.
    """

    def __init__(
        self,
        message: str,
        *,
        variable: str,
        credential: str = "",
        host: str,
        missing: Sequence[str] = (),
        redirect: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, kind="redirect-refused" if redirect else "host-not-allowed", hint=hint)
        self.variable = variable
        self.credential = credential
        self.host = host
        self.missing = tuple(missing)


class FormatError(HushpostError):
    """An import we cannot read, or an export that cannot express the request; `where` is the place in `source`."""

    def __init__(self, message: str, *, source: str, where: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.where = where


class FieldError(HushpostError):
    """Texts that make no credential or link; `fields` has what is wrong with each, by field name, for a form."""

    def __init__(self, message: str, *, fields: Mapping[str, str], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.fields = dict(fields)


class ScriptError(HushpostError):
    """A script raised, was ended, or handed back what cannot be used."""


class ScriptsNotAllowed(HushpostError):
    """This user has not granted what a script needs; `missing` is the grant: `scripts` (to run), `secrets`."""

    def __init__(self, message: str, *, missing: Literal["scripts", "secrets"], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.missing: Literal["scripts", "secrets"] = missing


class StoreError(HushpostError):
    """The credential store cannot be read or written."""


class StoreLocked(StoreError):
    """The store exists and its key is not in memory, or there is no store yet (`missing`)."""

    def __init__(self, message: str, *, missing: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.missing = missing


class WrongPassphrase(StoreError):
    """A passphrase, key file or keyring entry that opens none of the store's slots."""


class StoreCorrupt(StoreError):
    """The store's bytes are not what was written: damaged, cut short, or of a newer format."""


class VaultError(HushpostError):
    """A secret could not be had from a vault.

    `provider` and `credential` say where; `variable` is set by whoever knows which variable asked, with `for_variable`.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        credential: str = "",
        variable: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.provider = provider
        self.credential = credential
        self.variable = variable

    def __str__(self) -> str:
        return f'variable "{self.variable}": {self.message}' if self.variable else self.message

    def for_variable(self, name: str) -> Self:
        """The same failure, naming the variable that asked; a shared fetch has several askers, so this is a copy."""
        copy = self._copy()
        copy.variable = name
        return copy


class SecretNotFound(VaultError):
    """A secret, version, key, mount or project is absent, disabled, deleted or destroyed."""


class AccessDenied(VaultError):
    """The login works and may not read this."""


class LoginRequired(VaultError):
    """A login ended or never was, and a person has to log in."""


class LoginFailed(VaultError):
    """The vault refused the credential."""


class NotBound(VaultError):
    """This user has not said which local credential a workspace's credential name means."""


class ProviderUnavailable(VaultError):
    """The vault could not be reached or could not answer."""
