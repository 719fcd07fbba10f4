"""The Redactor, which stands before every sink and masks each known secret in every form it may be written in."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import NoReturn, Protocol

from core.encoded import BASE64, DEPTH, LONG, Decoded, decode, few_forms, forms, pieces
from core.secret import MASK, Secret

_MASK = MASK.encode()
_WINDOW = 256 * 1024
_STRETCH = 12
"""How many times longer than its form a hit can be where escapes of its characters are escaped again."""
_SLACK = 256


class RedactedStream(Protocol):
    """Bytes pass through in pieces; those in which a secret may still be going on are held back."""

    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes: ...


class _Form:
    """One byte sequence to search for; `names` is replaced, never changed, so that a search may read it at any time."""

    __slots__ = ("margin", "names")

    def __init__(self, margin: int, name: str) -> None:
        self.margin = margin
        self.names = frozenset({name})


class _Tier:
    """Forms that were added at about the same time, with their automaton."""

    __slots__ = ("automaton", "forms", "order")

    def __init__(self, forms: dict[bytes, _Form]) -> None:
        # Where there is no secret, nothing is searched.
        from ahocorasick_rs import BytesAhoCorasick

        self.forms = forms
        self.order = list(forms.values())
        self.automaton = BytesAhoCorasick(forms)


class Redactor:
    """Knows secrets and replaces them by dots. Reading is safe from any thread while others add.

    Of a Basic header it leaves the user name, which is no secret. Values shorter than four characters are not searched.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[tuple[str, Secret]] = set()
        self._forms: dict[bytes, _Form] = {}
        self._pending: dict[bytes, _Form] = {}
        self._tiers: tuple[_Tier, ...] = ()
        self._hold = 0

    def add(self, name: str, secret: Secret) -> None:
        """Mask this value from now on; values added before under the same name stay masked."""
        with self._lock:
            if (name, secret) in self._known:
                return
            self._known.add((name, secret))
            value = secret.reveal()
            written = forms if len(value) <= LONG else few_forms
            for piece in pieces(value):
                for pattern, margin in written(piece).items():
                    self._add(name, pattern, margin)

    def _add(self, name: str, pattern: bytes, margin: int) -> None:
        form = self._forms.get(pattern)
        if form is None:
            self._forms[pattern] = self._pending[pattern] = _Form(margin, name)
            self._hold = max(self._hold, len(pattern) * _STRETCH + _SLACK)
        else:
            form.margin = max(form.margin, margin)
            form.names |= {name}

    def forget(self) -> None:
        """Drop every secret."""
        with self._lock:
            self._known.clear()
            self._forms = {}
            self._pending = {}
            self._tiers = ()
            self._hold = 0

    def without(self, secrets: Collection[Secret]) -> Redactor:
        """One that knows all but these values, as it is now."""
        other = Redactor()
        with self._lock:
            known = list(self._known)
        for name, secret in known:
            if secret not in secrets:
                other.add(name, secret)
        return other

    @property
    def empty(self) -> bool:
        """Nothing is searched for: every text comes back as it is."""
        return not self._forms

    def redact(self, text: str) -> str:
        if not self._forms:
            return text
        data = text.encode("utf-8", "surrogatepass")
        clean = self.redact_bytes(data)
        return text if clean is data else clean.decode("utf-8", "surrogatepass")

    def redact_bytes(self, data: bytes) -> bytes:
        """The same object when there is nothing to mask."""
        stream = self._pass(data)
        return b"".join(stream.passed) if stream.names else data

    def names_in(self, text: str | bytes) -> frozenset[str]:
        """Which of the secrets occur, whole or by a piece, in any form."""
        return self._pass(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text).names

    def stream(self) -> RedactedStream:
        return _Stream(self)

    def _pass(self, data: bytes) -> _Stream:
        stream = _Stream(self)
        window = max(_WINDOW, 4 * self._hold)
        for start in range(0, len(data), window):
            stream.passed.append(stream.feed(data[start : start + window]))
        stream.passed.append(stream.finish())
        return stream

    def _current(self) -> tuple[tuple[_Tier, ...], int]:
        """The automata of all forms, and how many bytes one hit can take at most.

        A new automaton is made of the forms added since, and merged with its elders only when it has outgrown them: a
        run that captures a token per request would otherwise build everything anew each time.
        """
        with self._lock:
            if self._pending:
                new, tiers = self._pending, list(self._tiers)
                while tiers and len(tiers[-1].forms) < 2 * len(new):
                    new = tiers.pop().forms | new
                self._tiers = (*tiers, _Tier(new))
                self._pending = {}
            return self._tiers, self._hold

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} secrets)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Redactor cannot be pickled or copied")


class _Stream:
    """A window over the bytes that pass: what is before its start is settled."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._window = b""
        self._masked = -1
        """How much of the window's start belongs to a span whose mask is already out; -1 for no such span."""
        self.names: frozenset[str] = frozenset()
        self.passed: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        self._window += data
        tiers, hold = self._redactor._current()
        # Searching the held-back bytes again with every few new ones would be slow.
        return b"" if len(self._window) < 2 * hold else self._settle(tiers, len(self._window) - hold)

    def finish(self) -> bytes:
        return self._settle(self._redactor._current()[0], None)

    def _settle(self, tiers: tuple[_Tier, ...], until: int | None) -> bytes:
        """Mask and release the window up to about `until`, whatever starts there included; None: all of it."""
        window = self._window
        layers: list[Decoded] = []
        spans = [(0, self._masked)] if self._masked >= 0 else []
        data = window
        for depth in range(DEPTH + 1):
            for tier in tiers:
                self._search(tier, data, layers, spans)
            layer = decode(data) if tiers and depth < DEPTH else None
            if layer is None:
                break
            layers.append(layer)
            data = layer.data
        cut = len(window) if until is None else _boundary(window, layers, until)
        out: list[bytes] = []
        settled, continued = 0, -1
        for start, end in _masks(window, spans):
            if start >= cut:
                break
            out.append(window[settled:start])
            if start > 0 or self._masked < 0:
                out.append(_MASK)
            settled = min(end, cut)
            continued = end - cut
        out.append(window[settled:cut])
        self._window = window[cut:]
        self._masked = max(continued, -1)
        return b"".join(out)

    def _search(self, tier: _Tier, data: bytes, layers: list[Decoded], spans: list[tuple[int, int]]) -> None:
        found = tier.automaton.find_matches_as_indexes(data, overlapping=True)
        for number, start, end in found:
            form = tier.order[number]
            if not form.names <= self.names:
                self.names |= form.names
            for _ in range(form.margin):
                start -= start > 0 and data[start - 1] in BASE64
                end += end < len(data) and data[end] in BASE64
            for layer in reversed(layers):
                start, end = layer.start(start), layer.end(end)
            spans.append((start, end))


def _masks(window: bytes, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What to mask, in order: spans that touch are one, and none begins or ends inside a UTF-8 character."""
    return _union([_whole_characters(window, start, end) for start, end in _union(spans)])


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    union: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(end, union[-1][1]))
        else:
            union.append((start, end))
    return union


def _whole_characters(window: bytes, start: int, end: int) -> tuple[int, int]:
    if _character(window, end) < end:
        while end < len(window) and 0x80 <= window[end] < 0xC0:
            end += 1
    return _character(window, start), end


def _character(window: bytes, position: int) -> int:
    """The start of the UTF-8 character that holds `position`; the position itself in bytes that are no UTF-8."""
    for start in range(position, max(position - 4, -1), -1):
        if start >= len(window) or window[start] < 0x80:
            break
        if window[start] >= 0xC0:
            return start
    return position


def _boundary(window: bytes, layers: list[Decoded], cut: int) -> int:
    """The place at or just beside `cut` where no escape of any layer is torn."""
    for layer in layers:
        cut = layer.position(cut)
    for layer in reversed(layers):
        cut = layer.start(cut)
    return _character(window, cut)
