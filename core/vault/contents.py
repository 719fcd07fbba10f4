"""What the credential store holds once it is open: credentials, values of secret variables, and the history's key.

A record that cannot be read stays as it is and is listed with its problem, so that one bad record, or one of a newer
version, neither hides the others nor is lost by the next save.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from core.errors import StoreCorrupt, StoreError
from core.models import CREDENTIAL_NAME
from core.secret import Secret
from core.structs import Struct
from core.vault.config import PROVIDERS, AnyCredential


class StoredCredential(Struct, frozen=True):
    """One credential of this user."""

    id: str
    """Stays the same when it is renamed or edited."""
    name: str
    provider: str
    credential: AnyCredential
    fingerprint: str
    """Changes with every edit, tells nothing of the content, and differs between stores."""


class UnreadableCredential(Struct, frozen=True):
    """A record that this version cannot read, and why. It can be replaced or deleted under its name."""

    id: str
    name: str
    provider: str
    problem: str


class ValueKey(Struct, frozen=True):
    """Which secret variable a value belongs to; `scope` is the file that declares it (`environments/production`)."""

    workspace_id: str
    real_path: str
    scope: str
    name: str


_HistoryKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    provider: str
    credential: msgspec.Raw


class _Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    workspace: str
    path: str
    scope: str
    name: str
    value: Secret


class _Named(msgspec.Struct, frozen=True):
    """As much of an unreadable record as may still be there."""

    id: str = ""
    name: str = ""
    provider: str = ""


class Contents:
    """A working copy: `decode` one, change it, `encode` it."""

    def __init__(self, history_key: bytes) -> None:
        self.history_key = history_key
        self.values: dict[ValueKey, Secret] = {}
        self._rows: list[tuple[StoredCredential | UnreadableCredential, msgspec.Raw]] = []
        self._unread_values: list[msgspec.Raw] = []
        self._rest: dict[str, msgspec.Raw] = {}

    @classmethod
    def new(cls) -> Contents:
        return cls(secrets.token_bytes(32))

    @classmethod
    def decode(cls, body: bytes, source: str) -> Contents:
        try:
            parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            contents = cls(msgspec.json.decode(parts.pop("history_key"), type=_HistoryKey))
            records = msgspec.json.decode(parts.pop("credentials"), type=list[msgspec.Raw])
            values = msgspec.json.decode(parts.pop("values"), type=list[msgspec.Raw])
        except (msgspec.DecodeError, KeyError, ValueError) as error:
            # Not chained: the error may quote what it could not read.
            raise StoreCorrupt(
                f'"{source}" opens, and its content is not what this version understands ({type(error).__name__})',
                hint="update hushpost",
            ) from None
        contents._rest = parts
        contents._rows = [(contents._credential(raw), raw) for raw in records]
        for raw in values:
            try:
                row = msgspec.json.decode(raw, type=_Value, dec_hook=_hidden)
            except (msgspec.DecodeError, ValueError, RecursionError):
                contents._unread_values.append(raw)
            else:
                contents.values[ValueKey(row.workspace, row.path, row.scope, row.name)] = row.value
        return contents

    def encode(self) -> bytes:
        values = [
            _encoded(_Value(key.workspace_id, key.real_path, key.scope, key.name, value), key.name)
            for key, value in self.values.items()
        ]
        return msgspec.json.encode(
            {
                "history_key": self.history_key,
                "credentials": [raw for _, raw in self._rows],
                "values": values + self._unread_values,
                **self._rest,
            }
        )

    def credentials(self) -> tuple[StoredCredential, ...]:
        return tuple(row for row, _ in self._rows if isinstance(row, StoredCredential))

    def unreadable(self) -> tuple[UnreadableCredential, ...]:
        return tuple(row for row, _ in self._rows if isinstance(row, UnreadableCredential))

    def get(self, name: str) -> StoredCredential:
        row = self._rows[self._place(name)][0]
        if isinstance(row, UnreadableCredential):
            raise StoreError(
                f'the credential "{name}" cannot be read: {row.problem}', hint="enter it again, or update hushpost"
            )
        return row

    def put(self, name: str, credential: AnyCredential, previous: str | None) -> None:
        """Add a credential, or edit the one called `previous` (else `name`) in its place."""
        if not re.fullmatch(CREDENTIAL_NAME, name):
            raise StoreError(
                f'"{name}" cannot be the name of a credential',
                hint="use up to 64 letters, digits, blanks and . _ @ -, a letter or digit first",
            )
        names = [row.name for row, _ in self._rows]
        if previous not in (None, name) and name in names:
            raise StoreError(f'there is a credential "{name}" already', hint="choose another name")
        edited = name if previous is None else previous
        place = self._place(edited) if edited in names or previous is not None else None
        known = self._rows[place][0].id if place is not None else ""
        record = _Record(
            id=known or secrets.token_hex(8),
            name=name,
            provider=credential.provider,
            credential=_encoded(credential, name),
        )
        raw = msgspec.Raw(msgspec.json.encode(record))
        row = self._credential(raw)
        if isinstance(row, UnreadableCredential):
            raise StoreError(f'the credential "{name}" cannot be stored: {row.problem}')
        if place is None:
            self._rows.append((row, raw))
        else:
            self._rows[place] = (row, raw)

    def rename(self, name: str, new: str) -> None:
        self.put(new, self.get(name).credential, name)

    def delete(self, name: str) -> None:
        del self._rows[self._place(name)]

    def move_values(self, place: Callable[[ValueKey], ValueKey | None], *, keep: bool) -> int:
        """Give values the keys that `place` returns, None leaving one where it is; `keep` copies instead of moving."""
        moved = {key: new for key in self.values if (new := place(key)) not in (None, key)}
        taken = {new: self.values[key] for key, new in moved.items() if new is not None}
        if not keep:
            self.values = {key: value for key, value in self.values.items() if key not in moved}
        self.values.update(taken)
        return len(moved)

    def _place(self, name: str) -> int:
        for number, (row, _) in enumerate(self._rows):
            if row.name == name:
                return number
        raise StoreError(f'there is no credential "{name}"', hint="see `hushpost credential list`")

    def _credential(self, raw: msgspec.Raw) -> StoredCredential | UnreadableCredential:
        fingerprint = hashlib.blake2b(bytes(raw), key=self.history_key, digest_size=16).hexdigest()
        try:
            record = msgspec.json.decode(raw, type=_Record)
            if record.provider not in PROVIDERS:
                raise msgspec.ValidationError("unknown provider - at `$.provider`")
            credential = msgspec.json.decode(record.credential, type=PROVIDERS[record.provider][1], dec_hook=_hidden)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            found = _named(raw)
            name = found.name or f"unreadable {fingerprint[:8]}"
            return UnreadableCredential(found.id, name, found.provider, _problem(error, found))
        return StoredCredential(record.id, record.name, record.provider, credential, fingerprint)


def _named(raw: msgspec.Raw) -> _Named:
    try:
        return msgspec.json.decode(raw, type=_Named)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _Named()


def _problem(error: Exception, found: _Named) -> str:
    """Why a record cannot be read, without the decoder's words: they may quote a value."""
    if found.provider and found.provider not in PROVIDERS:
        return f'the provider "{found.provider}" is not known to this version'
    field = re.search(r"at `\$\.?([A-Za-z0-9_.\[\]]*)`", str(error))
    return f'its field "{field[1]}" is not as expected' if field and field[1] else "its fields are not as expected"


def _encoded(value: Any, name: str) -> msgspec.Raw:
    try:
        return msgspec.Raw(msgspec.json.encode(value, enc_hook=_revealed))
    except UnicodeEncodeError:
        raise StoreError(f'the value of "{name}" is no valid text and cannot be stored') from None


def _revealed(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(type(value).__name__)


def _hidden(wanted: type, value: Any) -> Any:
    if wanted is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError("expected a text")
