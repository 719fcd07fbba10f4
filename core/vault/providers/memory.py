"""A vault in this process, for the demo and for tries: the secrets are part of the credential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from core.errors import LoginFailed, SecretNotFound
from core.vault.config import AnyCredential, AnyLink, MemoryCredential, MemoryLink
from core.vault.provider import AuthPrompter, FetchedSecret, Provider, SecretSummary
from core.vault.selection import compact


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Read the secrets; there is nobody to log in to."""
    if not isinstance(credential, MemoryCredential):
        raise TypeError(f"{type(credential).__name__} is no credential of the memory vault")
    try:
        raw = msgspec.json.decode(credential.secrets.reveal().encode("utf-8"), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise LoginFailed(
            "its secrets are no JSON object of names and texts",
            hint='write them like {"name": "text"}: `hushpost credential edit {credential}`',
        ) from None
    return MemoryVault({name: _value(bytes(value)) for name, value in raw.items()})


class MemoryVault:
    """Names and values; a value that is no text is kept as JSON."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = dict(secrets)

    @property
    def identity(self) -> str:
        return "in memory"

    @property
    def expires_at(self) -> datetime | None:
        return None

    def fetch(self, link: AnyLink) -> FetchedSecret:
        if not isinstance(link, MemoryLink):
            raise TypeError(f"{type(link).__name__} is no link to the memory vault")
        if link.name not in self._secrets:
            raise SecretNotFound(f'there is no secret "{link.name}"', hint="correct the name in the link")
        return FetchedSecret(self._secrets[link.name], resolved_id=link.name)

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        names = sorted(name for name in self._secrets if name.startswith(prefix))
        return [SecretSummary(name, {"name": name}) for name in names[:limit]]

    def close(self) -> None:
        """Nothing: a fetch in another thread may still be reading."""


def _value(raw: bytes) -> bytes:
    return msgspec.json.decode(raw, type=str).encode("utf-8") if raw.startswith(b'"') else compact(raw)
