"""What to do about a failure, said in keys: core's hints name command lines, which nobody in the app need leave for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from core.errors import HushpostError
from tui.keys import keys_of

Keys = Callable[[str], str]

_ASKS = "send again: the app asks"


def _on_it(action: str) -> Callable[[Keys], str]:
    return lambda key: f"press {key(action)} on it in the credentials ({key('app.credentials')})"


_HERE: tuple[tuple[str, Callable[[Keys], str]], ...] = (
    (r"credential edit", _on_it("credentials.edit")),
    (r"credential login", _on_it("credentials.login")),
    (r"credential list", lambda key: f"the credentials ({key('app.credentials')})"),
    (r"credential add", lambda key: f"{key('credentials.add')} in the credentials ({key('app.credentials')})"),
    (r"store init", lambda key: key("app.lock")),
    (r"new", lambda key: f"{key('workspaces.create')} in the workspaces ({key('app.workspaces')})"),
    (r"open", lambda key: f"{key('workspaces.open')} in the workspaces ({key('app.workspaces')})"),
    (r"bind", lambda key: _ASKS),
)
"""A command that has its like in the app, and what stands in its place; the others are left as they are."""
_COMMAND = re.compile(r"(?:\brun:? )?(?P<quote>`?)hushpost (?P<line>[^`;\n]*)(?P=quote)")
_OUTSIDE = re.compile(
    r",? or give it in the environment: .*|,? or pass it: -v .*|, or for this run with -v [^;\s]*"
    r"|approve the host in the app, or (?=run: hushpost)"
)
"""What is only for the command line."""


def hint_here(error: HushpostError, remapped: Mapping[str, str]) -> str:
    """The hint of a failure; empty where there is none."""

    def key(action: str) -> str:
        return keys_of(action, remapped).partition(",")[0] or "the palette"

    def here(match: re.Match[str]) -> str:
        line = match["line"]
        for command, said in _HERE:
            if re.match(rf"{command}\b", line):
                return said(key)
        return match[0]

    return _COMMAND.sub(here, _OUTSIDE.sub("", error.hint or ""))
