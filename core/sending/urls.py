"""Builds a request's URL: path parameters, query, and what is percent-encoded where.

Text of the file and plain values may hold structure: only what no URL can hold is encoded in them. A hidden value may
be structure up to the end of the host. After it, it is one value: `?` and `#` are encoded in it, in a query also `&`
and `+`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote, unquote, unquote_plus

from core.errors import RequestError
from core.hosts import DEFAULT_PORTS, Origin
from core.secret import MASK
from core.structs import Struct
from core.template import Rendered, references

Render = Callable[[str, str], Rendered]
"""Renders a text that stands at a place: (text, where)."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PARAMETER = re.compile(r"(?<=/):([A-Za-z_][A-Za-z0-9_-]*)(?=[/?#]|$)")
# What is kept as it is: the characters RFC 3986 has for a path and a query, and well-formed escapes.
_NOT_IN_URL = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]")
_NOT_IN_PATH_VALUE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/@!$&'()*+,;=%-]")
_NOT_IN_QUERY_VALUE = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/@!$'()*,;=%-]")
_AFTER_HOST = re.compile(r"[/?#]")


class Address(Struct, frozen=True):
    """Where a request goes."""

    unshown = frozenset({"url", "origin", "user"})

    url: str
    """Absolute, without user information and fragment, in ASCII."""
    shown: str
    origin: Origin
    names: frozenset[str]
    """The secrets in it, the host included."""
    user: tuple[str, str] | None = None
    """User name and password that stood before the host."""


def parameters_in(text: str) -> tuple[str, ...]:
    """Names of the path parameters (`/:name`) that a URL as written has room for, in order.

    `/%3Aname` is no parameter: so a segment is written that begins with a colon.
    """
    return tuple(dict.fromkeys(match[1] for match in _parameters(text)))


def require_values(text: str, values: Mapping[str, str]) -> None:
    """Refuse a URL with a path parameter that has no value: its name would be sent in its place."""
    name = next((name for name in parameters_in(text) if not values.get(name)), None)
    if name is not None:
        raise RequestError(
            f'path parameter "{name}" has no value',
            kind="url",
            hint=f'give it one in the tab Params or under path_params, or write "%3A{name}" for a plain ":{name}"',
        )


def _parameters(text: str) -> Iterator[re.Match[str]]:
    end = _first(text, "?#")
    return _PARAMETER.finditer(text, 0, len(text) if end is None else end)


def query_in(text: str) -> str:
    """The query that stands in a URL as written."""
    bare = _without_fragment(text)
    start = _first(bare, "?")
    return bare[start + 1 :] if start is not None else ""


def taken_apart(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A URL as written without its query, and the query's pairs as rows would have them, not encoded.

    A pair that no row can stand for (without `=`, with an escape that is no text) stays in the URL.
    """
    query = query_in(text)
    if not query:
        return text, ()
    bare = _without_fragment(text)
    pairs: list[tuple[str, str]] = []
    stay: list[str] = []
    for piece in _cut(query, "&"):
        name, *value = _cut(piece, "=", once=True)
        decoded = [_decoded(part) for part in (name, *value)]
        if len(decoded) == 2 and name and decoded[0] is not None and decoded[1] is not None:
            pairs.append((decoded[0], decoded[1]))
        elif piece:
            stay.append(piece)
    start = len(bare) - len(query) - 1
    return text[:start] + ("?" + "&".join(stay) if stay else "") + text[len(bare) :], tuple(pairs)


def as_written(text: str, values: Mapping[str, str], query: Iterable[tuple[str, str]]) -> str:
    """The whole URL for a reader: parameters with what is written for them, then the rows; nothing is encoded."""
    text = _without_fragment(text.strip())
    parts: list[str] = []
    done = 0
    for match in _parameters(text):
        parts += [text[done : match.start()], values.get(match[1]) or match[0]]
        done = match.end()
    whole = "".join(parts) + text[done:]
    rows = "&".join(f"{name}={value}" for name, value in query)
    return f"{whole}{'&' if query_in(text) else '?'}{rows}" if rows else whole


def _cut(text: str, sign: str, *, once: bool = False) -> list[str]:
    """The text at each sign that is not inside braces."""
    pieces: list[str] = []
    while (at := _first(text, sign)) is not None and not (once and pieces):
        pieces.append(text[:at])
        text = text[at + 1 :]
    return [*pieces, text]


def _decoded(text: str) -> str | None:
    """Without escapes, templates left alone; None where encoding it again would send something else."""
    parts: list[str] = []
    done = 0
    for reference in references(text):
        parts += [_plain(text[done : reference.start]), text[reference.start : reference.end]]
        done = reference.end
    parts.append(_plain(text[done:]))
    decoded = "".join(parts)
    same = "\ufffd" not in decoded and len(references(decoded)) == len(references(text))
    return decoded if same and all(part.isprintable() for part in parts) else None


def _plain(text: str) -> str:
    return unquote_plus(text, errors="replace")


def compose(
    text: str, values: Mapping[str, str], query: Iterable[tuple[Rendered, Rendered]], render: Render
) -> Rendered:
    """The URL as it is written in the file, with the values of its parameters and query, encoded but not examined."""
    text = _without_fragment(text.strip())
    parts: list[Rendered | str] = []
    done = 0
    for match in _parameters(text) if values else ():
        if match[1] in values:
            parts.append(render(text[done : match.start()], "url"))
            parts.append(_segment(match[1], render(values[match[1]], f'path parameter "{match[1]}"')))
            done = match.end()
    parts.append(render(text[done:], "url"))
    encoder = _Encoder()
    url = Rendered.join("", parts).map(encoder.text, encoder.hidden)
    parts = [url]
    for name, value in query:
        parts += ["?" if len(parts) == 1 and "?" not in url.shown else "&", _quoted(name), "=", _quoted(value)]
    return Rendered.join("", parts) if len(parts) > 1 else url


def _without_fragment(text: str) -> str:
    """The text up to its `#`, which no server is sent; one inside braces belongs to a question."""
    return text[: _first(text, "#")]


def _first(text: str, characters: str) -> int | None:
    """Where the first of these characters stands that is not inside braces."""
    if not any(character in text for character in characters):
        return None
    inside = [(reference.start, reference.end) for reference in references(text)]
    for position, character in enumerate(text):
        if character in characters and not any(start < position < end for start, end in inside):
            return position
    return None


def examine(url: Rendered) -> Address:
    """The URL taken apart and checked; a RequestError says what is wrong with it, in names."""
    real, shown = url.reveal(), url.shown
    scheme = _SCHEME.match(real)
    if scheme is None:
        if not real:
            raise RequestError("the request has no URL", kind="url", hint="write one such as https://api.example.com")
        raise RequestError(
            f'the URL "{shown}" has no scheme', kind="url", hint=f"write https://{shown.lstrip('/')}, or http://"
        )
    name = scheme[1].lower()
    if name not in DEFAULT_PORTS:
        raise RequestError(f'the URL "{shown}" is not http or https', kind="url", hint="begin it with https://")
    authority, path = _split(real[scheme.end() :])
    user, _, host = authority.rpartition("@")
    if "\\" in authority:
        raise RequestError(f'the URL "{shown}" has a backslash in its host', kind="url", hint="write / instead")
    try:
        origin = Origin.of(f"{name}://{host}")
    except ValueError as error:
        raise RequestError(f'the URL "{shown}" has no valid host: {error}', kind="url", hint="check the host") from None
    return Address(
        url=f"{origin}{path}",
        shown=_shown(shown, origin),
        origin=origin,
        names=url.secrets,
        user=_user(user) if user else None,
    )


def shown_origin(shown: str) -> str:
    """Scheme and host of a shown URL, for messages."""
    match = re.match(r"[^/?#]*//[^/?#]*", shown)
    return match[0] if match else shown


class _Encoder:
    """Percent-encodes a URL piece by piece, knowing where in it each piece stands; the fragment is dropped."""

    def __init__(self) -> None:
        self._place = "host"
        self._head = ""
        """What was seen until the host ended."""

    def text(self, piece: str) -> str:
        if self._place != "host":
            return self._structure(piece)
        self._head += piece
        end = _host_end(self._head)
        if end is None:
            # Up to there nothing is encoded: what is wrong in a host has to be seen, not mended.
            return piece
        self._place = "path"
        cut = len(piece) - (len(self._head) - end)
        return piece[:cut] + self._structure(piece[cut:])

    def hidden(self, piece: str) -> str:
        match self._place:
            case "host":
                return self.text(piece)
            case "path":
                return _NOT_IN_PATH_VALUE.sub(_percent, piece)
            case "query":
                return _NOT_IN_QUERY_VALUE.sub(_percent, piece)
            case _:
                return ""

    def _structure(self, piece: str) -> str:
        if self._place == "fragment":
            return ""
        kept, fragment, _ = piece.partition("#")
        if "?" in kept:
            self._place = "query"
        if fragment:
            self._place = "fragment"
        return _NOT_IN_URL.sub(_percent, kept)


def _host_end(url: str) -> int | None:
    """Where the host ended; None when it may go on."""
    scheme = _SCHEME.match(url)
    after = _AFTER_HOST.search(url, scheme.end()) if scheme else None
    return after.start() if after else None


def _split(rest: str) -> tuple[str, str]:
    """The authority, and path with query."""
    end = _AFTER_HOST.search(rest)
    if end is None:
        return rest, "/"
    path = rest[end.start() :]
    return rest[: end.start()], path if path.startswith("/") else f"/{path}"


def _shown(shown: str, origin: Origin) -> str:
    match = _SCHEME.match(shown)
    if match is None:
        # The scheme itself is part of a variable.
        return re.sub(r"(?<=//)[^/?#]*@", f"{MASK}@", shown)
    authority, path = _split(shown[match.end() :])
    user, _, host = authority.rpartition("@")
    if "{{" not in host:
        # As the wire has it: two names that look alike are told apart by their ASCII form.
        host = origin.netloc
    return f"{match[0].lower()}{f'{MASK}@' if user else ''}{host}{path}"


def _user(text: str) -> tuple[str, str]:
    name, _, password = text.partition(":")
    return unquote(name), unquote(password)


def _segment(name: str, value: Rendered) -> Rendered:
    real = value.reveal()
    if real in ("", ".", ".."):
        raise RequestError(
            f'path parameter "{name}" is "{real}", which would make another path',
            kind="url",
            hint=f'give ":{name}" a value',
        )
    return _quoted(value)


def _quoted(value: Rendered) -> Rendered:
    return value.map(lambda piece: quote(piece, safe="", errors="surrogatepass"))


def _percent(match: re.Match[str]) -> str:
    return quote(match[0], safe="", errors="surrogatepass")
