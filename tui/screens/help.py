"""What the keys do, those of the focused part first; and a few sentences on the screen they were asked from."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui import keys
from tui.screens.base import SessionDialog
from tui.widgets.footer import KeyFooter

if TYPE_CHECKING:
    from core.session import Session

_ABOUT = {
    "workspaces": "A workspace is a folder made to be kept in git: requests and environments, no secrets. "
    "Forgetting one leaves its files alone; deleting one removes them.",
    "requests": "Tab goes from part to part, enter on a row of the tree opens a request. {{name}} stands for a "
    "variable: its colour says which kind it is, an underlined one is not defined, and the line below the editor says "
    "where its value comes from. A secret's value is never shown.",
    "environments": "Base is always there; the active environment overrides it. A variable is plain text, a secret of "
    "the local store, or a link to a secret in a vault.",
    "credentials": "A credential is how you log in to one vault account. It is kept encrypted on this machine and "
    "never in a workspace. Below it are the secrets held in memory, each with the time it has left.",
    "history": "What was sent from this app, masked: a secret stands as dots. It is sealed on this machine with a key "
    "of the credential store; while that is locked, only what was sent since is here. Enter reads an answer again, c "
    "on one and c on another compare them. A request, a workspace or the settings can turn it off.",
    "runner": "Ctrl+r runs what is selected, as often as there are rows of data, each iteration with captures of its "
    "own; escape stops it and keeps what ran. Enter reads an answer, o opens the request to mend it, r runs again what "
    "did not pass, together with what it takes captured values from. Every exchange goes to the history, as one that "
    "is sent by hand. Of a long run, the bodies of requests that passed are given up first.",
    "settings": "Settings are yours, not the workspace's. Each action's keys can be changed here.",
}
_LISTED_ANSWER = ("The answer", "arrows, page keys and h j k l move in it; esc goes back to the list")
_PARTS = {
    "requests.tree": ("The request tree", "folders and requests of the workspace, as their files stand on the disk"),
    "requests.method": (
        "The method",
        "up, down and first letters go through the usual ones, enter lists them and takes any other",
    ),
    "requests.url": ("The address", "enter sends; {{ offers the variables; what is pasted may be a curl command"),
    "requests.response": (
        "The answer",
        "arrows, page keys and h j k l move in it; the line above says what came and how fast",
    ),
    "history.exchange": _LISTED_ANSWER,
    "runner.exchange": _LISTED_ANSWER,
    "environments.environments": (
        "The environments",
        "space or enter makes one the active one; right goes to its variables",
    ),
    "environments.variables": ("The variables", "enter edits one; left goes to the environments"),
    "credentials.credentials": (
        "Your credentials",
        "enter edits one, or unlocks the store; tab goes to the cached secrets",
    ),
    "credentials.cache": ("Cached secrets", "held in memory until their time is over; enter forgets one at once"),
    "workspaces.known": ("Your workspaces", "the one used last stands first; enter opens one"),
    "history.exchanges": ("What was sent", "the newest first; enter reads the answer again"),
    "history.query": ("The search", "each word narrows the list; down or enter goes into it"),
    "runner.results": ("The run", "a line for each request that runs; enter reads its answer"),
    "settings.settings": (
        "The settings",
        "enter changes one, d gives it its default back; below them the keys of every action",
    ),
    "TabLine": ("Tabs", "left and right choose one, enter or down goes into it"),
    "FormTable": ("A form", "what is typed goes into the value; enter goes on with the one there, space chooses"),
    "PathTable": ("Path parameters", "the :names of the address; enter edits a value, a digit begins a new one"),
    "KeyValueTable": ("A table", "arrows go from cell to cell, enter edits one; what is pasted takes its place"),
    "BodyText": ("A text", "tab leaves it; the keys of text fields are below"),
    "LineInput": ("A text field", "tab leaves it; the keys of text fields are below"),
    "TemplateInput": ("A text field", "{{ offers the variables; tab leaves it"),
}
"""Title and sentence for the focused part, by mode and id of it or of what holds it, or by one of its classes."""
_EDITING = (
    ("tab, shift+tab", "next part, previous part"),
    ("ctrl+a, ctrl+e", "start and end of the line"),
    ("ctrl+w, ctrl+u, ctrl+k", "delete a word, to the start, to the end"),
    ("ctrl+x, ctrl+v", "cut and paste what was copied here; your terminal's paste works too"),
    ("ctrl+z, ctrl+y", "undo and redo in a text area"),
    ("{{", "offers names; up, down and tab pick one"),
    ("down, then enter", "takes one of the usual headers, or of the workspace's files, where they are offered"),
)

_KEYS = 23
"""Cells of the column of keys."""


class HelpScreen(SessionDialog[None]):
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.CLOSE)

    def __init__(self, session: Session, of: Screen[Any]) -> None:
        super().__init__(session)
        self._mode = getattr(of, "MODE", "")
        self._focused: dict[str, None] = {}
        """Places of the key table that the focused part and what holds it take keys from, nearest first."""
        self._without: set[str] = set()
        """Actions of these that there never are in it."""
        self._look_at(of)
        self._part = self._part_of(of)

    def _look_at(self, of: Screen[Any]) -> None:
        by_name = {key.name: key.place for key in keys.table()}
        for node in of.focused.ancestors_with_self if of.focused is not None else (of,):
            without = getattr(node, "without", ())
            for bound in node._bindings.key_to_bindings.values():
                for binding in bound:
                    if binding.id in by_name:
                        self._focused[by_name[binding.id]] = None
                        if binding.action.partition("(")[0] in without:
                            self._without.add(binding.id)

    def _part_of(self, of: Screen[Any]) -> tuple[str, str] | None:
        for node in of.focused.ancestors_with_self if of.focused is not None else ():
            for name in (f"{self._mode}.{node.id}", *(one.__name__ for one in type(node).__mro__)):
                if name in _PARTS:
                    return _PARTS[name]
        return None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog large") as box:
            box.border_title = "Help"
            with VerticalScroll(id="scroll"):
                yield Static(self._text())
        yield KeyFooter()

    def on_mount(self) -> None:
        self.query_one("#scroll").focus()

    def _text(self) -> Content:
        parts: list[Content] = []
        if self._part is not None:
            title, sentence = self._part
            parts += [Content.assemble(Content.styled(title, "$primary bold"), f": {sentence}."), Content("")]
        about = _ABOUT.get(self._mode)
        if about:
            parts += [Content(about), Content("")]
        places = [*self._focused, *(place for place in keys.PLACES if place not in self._focused)]
        for place in places:
            rows = [key for key in keys.table() if key.place == place and self._is_listed(key.name)]
            if rows:
                parts.append(Content.styled(keys.PLACES[place].capitalize(), "$primary bold"))
                parts += [self._row(key) for key in rows]
                parts.append(Content(""))
        parts.append(Content.styled("In text fields", "$primary bold"))
        parts += [self._line(shown, sentence) for shown, sentence in _EDITING]
        parts += [
            Content(""),
            Content("Where no text field has the focus, 1 to 8 do the same as f1 to f8, and q quits."),
            Content("Keys are changed in the settings (f8), or under [keys] in settings.toml."),
            Content("To select text with the mouse, hold shift (in some terminals option)."),
        ]
        return Content("\n").join(parts)

    def _is_listed(self, name: str) -> bool:
        return name not in self._without and not name.startswith("app.plain_")

    def _row(self, key: keys.Key) -> Content:
        shown = keys.keys_of(key.name, self.session.settings.keys) or "no key"
        return self._line(shown, key.sentence)

    def _line(self, shown: str, sentence: str) -> Content:
        width = max(20, min(self.app.size.width, 100) - _KEYS - 9)
        first, *more = wrap(sentence, width) or [""]
        rest = "".join(f"\n{'':{_KEYS + 3}}{line}" for line in more)
        return Content.assemble(Content.styled(f"  {shown:{_KEYS}} ", "$accent"), first + rest)
