"""Takes a pasted command line apart as the shell would that it was copied for: a POSIX shell, cmd or PowerShell.

`shlex` is not enough: it knows neither `$'…'` nor where a variable stands, and keeps the break of a continued line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import FormatError

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Around the name of a shell variable in a word; no text holds these, they are no characters."""

_PROMPT = re.compile(r"\s*[$%>#][ \t]+")
_FOR_CMD = re.compile(r"\^\"|\^[ \t]*\r?\n")
_CONTINUED_POWERSHELL = re.compile(r"`\r?\n")
_CONTINUED = re.compile(r"\\\r?\n")
_TOKEN = re.compile(
    r"""(?P<continued>\\\r?\n(?:>[ \t])?)
      | (?P<space>[ \t\r]+)
      | (?P<comment>(?<!\S)\#[^\n]*)
      | (?P<redirect>\d*(?:>>|>&|>|<)[ \t]*(?:&?\d+\b|[^\s;|&<>]+)?)
      | (?P<end>\n|;|\|\|?|&&|&(?=\s|$))
      | '(?P<single>[^']*)'
      | \$'(?P<ansi>(?:\\.|[^'\\])*)'
      | \$?"(?P<double>(?:\\.|[^"\\])*)"
      | (?P<variable>\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}))
      | \\(?P<escaped>.)
      | (?P<plain>[^\s'"\\$;|<>&]+|[$&])
    """,
    re.DOTALL | re.VERBOSE,
)
_IN_DOUBLE = re.compile(r"\\(?P<escaped>[$`\"\\])|\\\n|(?P<variable>\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\}))", re.DOTALL)
_ANSI = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<byte>[0-9A-Fa-f]{1,2})|u(?P<short>[0-9A-Fa-f]{1,4})"
    r"|U(?P<long>[0-9A-Fa-f]{1,8})|c(?P<control>.)|(?P<other>.))",
    re.DOTALL,
)
_ANSI_SIGNS = {"a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11} | {
    sign: ord(sign) for sign in "\\'\"?"
}


@dataclass(frozen=True)
class Words:
    """The first command of a text; a shell variable in a word stands between `OPEN` and `CLOSE`."""

    words: tuple[str, ...]
    left_out: bool = False
    """Something follows it."""


def split(text: str) -> Words:
    """Raises FormatError where a quote is not closed."""
    text = text.strip()
    if OPEN in text or CLOSE in text:
        raise FormatError("holds what is no character", source="curl", hint="copy the command again")
    if (prompt := _PROMPT.match(text)) is not None:
        text = text[prompt.end() :]
    if _FOR_CMD.search(text) and not _CONTINUED.search(text):
        return _split_cmd(text.replace("\r\n", "\n"))
    return _split_posix(_CONTINUED_POWERSHELL.sub(" ", text))


def _split_posix(text: str) -> Words:
    words: list[str] = []
    word: str | None = None
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            what = "quote is not closed" if text[position] in "'\"$" else "backslash stands at the end"
            raise FormatError(
                f"a {what}", source="curl", where=f"character {position + 1}", hint="copy the whole command"
            )
        position = token.end()
        kind = token.lastgroup
        if kind in ("space", "continued", "comment", "redirect", "end"):
            if word is not None and kind != "continued":
                words.append(word)
                word = None
            if kind == "end" and words:
                return Words(tuple(words), left_out=bool(text[position:].strip(" \n;")))
            continue
        word = (word or "") + _piece(token)
    if word is not None:
        words.append(word)
    return Words(tuple(words))


def _piece(token: re.Match[str]) -> str:
    kind, text = token.lastgroup, token[token.lastgroup or 0]
    if kind == "ansi":
        return _ansi(text)
    if kind == "double":
        return _IN_DOUBLE.sub(_in_double, text)
    return _variable(text) if kind == "variable" else text


def _in_double(match: re.Match[str]) -> str:
    return _variable(match["variable"]) if match["variable"] else match["escaped"] or ""


def _variable(text: str) -> str:
    return f"{OPEN}{text.strip('${}')}{CLOSE}"


def _ansi(text: str) -> str:
    """The text of `$'…'`: bytes and code points, some of them halves of a pair as JavaScript has them."""
    data = bytearray()
    done = 0
    for match in _ANSI.finditer(text):
        data += text[done : match.start()].encode("utf-8", "surrogatepass")
        done = match.end()
        data += _ansi_bytes(match)
    data += text[done:].encode("utf-8", "surrogatepass")
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise FormatError(
            "a text in $'…' holds bytes that are no UTF-8 text",
            source="curl",
            hint="keep the body in a file and write --data-binary @FILE",
        ) from None


def _ansi_bytes(match: re.Match[str]) -> bytes:
    if match["octal"] or match["byte"]:
        return bytes([(int(match["octal"], 8) if match["octal"] else int(match["byte"], 16)) & 0xFF])
    if match["short"] or match["long"]:
        point = int(match["short"] or match["long"], 16)
        return chr(min(point, 0x10FFFF)).encode("utf-8", "surrogatepass")
    if match["control"]:
        return bytes([ord(match["control"]) & 0x1F])
    sign = _ANSI_SIGNS.get(match["other"])
    return bytes([sign]) if sign is not None else match[0].encode("utf-8", "surrogatepass")


def _split_cmd(text: str) -> Words:
    """First what cmd does with carets, then what a Windows program does with quotes and backslashes."""
    plain = []
    quoted = left_out = False
    position = 0
    while position < len(text):
        sign = text[position]
        if sign == "^" and not quoted:
            # A caret before a line break takes the break away, and then the next character is as it is.
            position += 2 if text[position + 1 : position + 2] == "\n" else 1
            sign = text[position : position + 1]
        elif sign == '"':
            quoted = not quoted
        elif sign in "\n&|" and not quoted:
            left_out = bool(text[position:].strip("\n&| "))
            break
        plain.append(sign)
        position += 1
    return Words(_split_windows("".join(plain)), left_out)


def _split_windows(text: str) -> tuple[str, ...]:
    words: list[str] = []
    word: str | None = None
    quoted = False
    position = 0
    while position < len(text):
        sign = text[position]
        position += 1
        if sign in " \t" and not quoted:
            if word is not None:
                words.append(word)
            word = None
            continue
        word = word or ""
        if sign == "\\":
            count = 1 + len(text) - position - len(text[position:].lstrip("\\"))
            position += count - 1
            # Backslashes are themselves, except before a quote.
            before_quote = text[position : position + 1] == '"'
            word += "\\" * (count // 2 if before_quote else count)
            if before_quote and count % 2:
                word += '"'
                position += 1
        elif sign == '"':
            if quoted and text[position : position + 1] == '"':
                word += '"'
                position += 1
            else:
                quoted = not quoted
        else:
            word += sign
    if quoted:
        raise FormatError("a quote is not closed", source="curl", hint="copy the whole command")
    if word is not None:
        words.append(word)
    return tuple(words)
