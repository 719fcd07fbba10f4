"""What a vault provider is: a logged-in connection, what it returns, and how a login talks to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from core.structs import Struct
from core.vault.config import AnyLink

CONNECT_S = 5.0
READ_S = 10.0
"""Time limits that a provider gives to its SDK for one call, with at most one retry."""
TOTAL_S = 15.0
"""How long one fetch may take in all, logging in included, a person's answers not; then its thread is abandoned."""


class FetchedSecret(Struct, frozen=True):
    """A secret as the vault holds it, before a JSON key is chosen; `data` never appears in a repr."""

    unshown = frozenset({"data"})

    data: bytes
    version: str = ""
    stages: tuple[str, ...] = ()
    """AWS staging labels; empty elsewhere."""
    created: datetime | None = None
    resolved_id: str = ""
    """What the vault calls it: ARN, full resource name, mount and path, identifier with version."""
    notes: tuple[str, ...] = ()
    """Warnings for a person (`expires in 2 days`), never the value."""
    fingerprint: str = ""
    """Of the login material it was fetched with, where that is read from files anew each time (`cache_file` off)."""


class SecretSummary(Struct, frozen=True):
    """One row of a picker: names only."""

    name: str
    """What is shown."""
    link_fields: Mapping[str, object]
    """Fields of the provider's link struct that select it, to fill in the link form."""
    is_folder: bool = False
    """Listing again with `name` as prefix goes one level down."""


class Provider(Protocol):
    """A logged-in connection to one vault account. Methods block; they may be called from several threads."""

    @property
    def identity(self) -> str:
        """Shown to the user: ARN, token display name and policies, service account e-mail, account user name."""
        ...

    @property
    def expires_at(self) -> datetime | None:
        """When the login ends, aware UTC; None = not known to end. A provider that renews by itself reports None."""
        ...

    def fetch(self, link: AnyLink) -> FetchedSecret:
        """Read one secret, whole; the JSON key of the link is applied by the caller.

        Raises SecretNotFound, AccessDenied, LoginRequired, LoginFailed, ProviderUnavailable.
        """
        ...

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        """At most `limit` secrets whose names start with `prefix`, for a picker. AccessDenied if one may not."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class RereadsLogin(Protocol):
    """A provider whose login material is read from files anew at every fetch (`cache_file` off)."""

    def fingerprint(self) -> str:
        """Of the material as it is now; a cached secret is served only while this equals its own. Blocks to read."""
        ...


class AuthPrompter(Protocol):
    """How a login talks to a person; called from a provider's thread, each method blocks until there is an answer.

    A refusal (CI, or the person cancelled) raises LoginRequired.
    """

    def ask_code(self, title: str, message: str) -> str:
        """A short one-time code, such as of an MFA device."""
        ...

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        """Show where to type which code until the returned object is dismissed; the login polls its `cancelled`."""
        ...

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        """Open a browser, or show the address where there is none, while the login listens on `redirect_uri`.

        `pasted` of the returned object is a redirect address that the person pasted back, if any.
        """
        ...


class Dismiss(Protocol):
    """Something shown to a person while a login waits."""

    @property
    def cancelled(self) -> bool: ...

    @property
    def pasted(self) -> str | None: ...

    def dismiss(self) -> None: ...
