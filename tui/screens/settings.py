"""The settings mode: every setting with its value and meaning, and the key of every action."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from core.settings import Settings
from tui import keys, remapping, themes
from tui.foreign import foreign, visible
from tui.screens.base import SessionDialog, SessionScreen
from tui.screens.dialogs import AskTextDialog, PickDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.pick_list import Pick
from tui.widgets.rows import Cell, Column, Row, Rows

if TYPE_CHECKING:
    from core.session import Session

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Secrets": ("cache_minutes", "lock_after_minutes", "clipboard"),
    "Sending": ("timeout", "proxy"),
    "History": ("history", "history_days", "history_megabytes"),
    "Terminal": ("theme", "mouse", "animations", "cell_display", "editor", "pager"),
}
_ABSENT = "as the environment says"


@cache
def documented(struct: type[Any]) -> Mapping[str, str]:
    """The docstring under each field of a struct, which the running program does not keep."""
    module = ast.parse(dedent(inspect.getsource(struct)))
    body = [line for node in module.body if isinstance(node, ast.ClassDef) for line in node.body]
    found = {}
    for field, after in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            value = after.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = inspect.cleandoc(value.value)
    return found


def label(name: str) -> str:
    """`cache_minutes` as a person reads it."""
    return name.replace("_", " ").capitalize()


def shown(name: str, value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return _ABSENT
        case "":
            return "what fits the terminal" if name == "theme" else _ABSENT
        case float():
            return f"{value:g}"
    return visible(str(value))


def choices(name: str) -> tuple[str, ...]:
    """The values of a field that has only a few."""
    hint = get_type_hints(Settings)[name]
    return tuple(get_args(hint)) if get_origin(hint) is Literal else ()


def parsed(name: str, text: str) -> object:
    """The typed value of a text; ValueError says what is wrong."""
    hint = get_type_hints(Settings, include_extras=True)[name]
    try:
        return msgspec.convert(text.strip(), hint, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(_plain(str(error))) from None


def _plain(message: str) -> str:
    """msgspec's words for a person: `Expected `int` >= 0` is "a whole number of 0 or more is needed"."""
    expected = message.removeprefix("Expected ").partition(", got")[0]
    kind = "a whole number" if "int" in expected else "a number" if "float" in expected else ""
    if not kind:
        return "that is no value for this setting"
    for sign, words in ((">=", "of {} or more"), ("<=", "of {} at most"), (">", "above {}")):
        if sign in expected:
            return f"{kind} {words.format(expected.split(sign)[1].strip(' `'))} is needed"
    return f"{kind} is needed"


class SettingsScreen(SessionScreen[None]):
    MODE = "settings"
    AUTO_FOCUS = "#settings"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.SETTINGS)

    def compose_body(self) -> ComposeResult:
        columns = (Column("Setting", share=3), Column("Value", share=2), Column("Meaning", share=5, from_width=110))
        with Vertical(classes="pane") as pane:
            pane.border_title = "Settings"
            yield Rows(columns, id="settings", titles=False)
        yield Static("", classes="pane-help", markup=False)

    def on_mount(self) -> None:
        self._look()

    def session_resumed(self) -> None:
        self._look()

    def _look(self) -> None:
        settings = self.session.settings
        helps = documented(Settings)
        _, problems = remapping.keymap(settings.keys)
        rows = [Row(f"problem:{at}", (f"! {problem}",), heading=True) for at, problem in enumerate(problems)]
        for group, names in GROUPS.items():
            rows.append(Row(group, (group,), heading=True))
            for name in names:
                value = getattr(settings, name)
                default = value == getattr(Settings(), name)
                cells = (
                    label(name),
                    Cell(shown(name, value), "" if default else "strong"),
                    Cell(helps.get(name, "").replace("\n", " "), "muted"),
                )
                rows.append(Row(name, cells))
        place = ""
        for key in keys.table():
            if key.place != place:
                place = key.place
                rows.append(Row(f"keys.{place}", (f"Keys: {keys.PLACES[place]}",), heading=True))
            changed = key.name in settings.keys
            clashes = any(f'"{key.name}"' in problem for problem in problems)
            cells = (
                key.sentence[:1].upper() + key.sentence[1:],
                Cell(
                    ("! " if clashes else "") + (keys.keys_of(key.name, settings.keys) or "none"),
                    "bad" if clashes else "strong" if changed else "",
                ),
                Cell(key.name, "muted"),
            )
            rows.append(Row(f"key:{key.name}", cells))
        self.query_one(Rows).show(rows)

    @on(Rows.Highlighted)
    def _explain(self, event: Rows.Highlighted) -> None:
        self.query_one(".pane-help", Static).update(foreign(self._help(event.key), lines=True))
        self.refresh_bindings()

    def _help(self, key: str | None) -> str:
        if key is None:
            return ""
        if not key.startswith("key:"):
            default = shown(key, getattr(Settings(), key))
            return f"{documented(Settings).get(key, '')}\nDefault: {default}"
        name = key.removeprefix("key:")
        default = keys.keys_of(name, {}) or "none"
        sentence = next((key.sentence for key in keys.table() if key.name == name), "")
        return f'{sentence[:1].upper()}{sentence[1:]}: "{name}" in settings.toml.\nDefault: {default}'

    def action_find(self) -> None:
        """Go to a setting or an action by a word of it."""
        rows = self.query_one(Rows)
        picks = []
        for name in (row.key for row in rows.rows if not row.heading):
            text, value, _ = rows.text(name).split(" | ", 2)
            picks.append(Pick(name, text, value))

        async def find() -> None:
            picked = await self.ask(PickDialog(self.session, "Find a setting or an action", picks, current=rows.key))
            if picked is not None:
                rows.go_to(picked)

        self.run(find)

    # Changing

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        self.action_change()

    def action_change(self) -> None:
        key = self.query_one(Rows).key
        if key is None:
            return
        if key.startswith("key:"):
            self.run(lambda: self._change_key(key.removeprefix("key:")))
        elif isinstance(value := getattr(self.session.settings, key), bool):
            self._save(**{key: not value})
        else:
            self.run(lambda: self._change(key, value))

    async def _change(self, name: str, value: object) -> None:
        offered = choices(name) or (("", *themes.names(self.app)) if name == "theme" else ())
        if offered:
            picks = [Pick(choice, shown(name, choice)) for choice in offered]
            picked = await self.ask(PickDialog(self.session, label(name), picks, current=str(value)))
            if picked is not None:
                self._save(**{name: picked})
            return

        def problem(text: str) -> str | None:
            try:
                parsed(name, text)
            except ValueError as error:
                return str(error)
            return None

        text = await self.ask(
            AskTextDialog(
                self.session,
                label(name),
                documented(Settings).get(name, label(name)),
                "" if value is None else f"{value:g}" if isinstance(value, float) else str(value),
                problem=problem,
                empty_allowed=isinstance(value, str) or value is None,
            )
        )
        if text is not None:
            self._save(**{name: parsed(name, text)})

    async def _change_key(self, name: str) -> None:
        pressed = await self.ask(KeyDialog(self.session, name))
        if pressed is not None:
            self._save_keys({**self.session.settings.keys, name: pressed})

    def action_default(self) -> None:
        """Take the value back that the setting has without a settings file."""
        key = self.query_one(Rows).key
        if key is None:
            return
        if key.startswith("key:"):
            name = key.removeprefix("key:")
            self._save_keys({one: held for one, held in self.session.settings.keys.items() if one != name})
        else:
            self._save(**{key: getattr(Settings(), key)})

    def action_no_key(self) -> None:
        key = self.query_one(Rows).key
        if key is not None and key.startswith("key:"):
            self._save_keys({**self.session.settings.keys, key.removeprefix("key:"): "none"})

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "no_key":
            return bool(self.query(Rows)) and (self.query_one(Rows).key or "").startswith("key:")
        return True

    def _save_keys(self, mapped: Mapping[str, str]) -> None:
        self._save(keys=dict(mapped))

    def _save(self, **changes: Any) -> None:
        async def save() -> None:
            self.session.save_settings(msgspec.structs.replace(self.session.settings, **changes))

        def saved(_: None) -> None:
            self.hushpost.settings_changed(*changes)
            self._look()
            self.refresh_bindings()

        self.run(save, saved, failed=self.show_unmended)


class KeyDialog(SessionDialog[str]):
    """The key that is pressed next."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DIALOG)

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(session)
        self._name_of_action = name

    def compose(self) -> ComposeResult:
        key = next(key for key in keys.table() if key.name == self._name_of_action)
        with Vertical(classes="dialog") as box:
            box.border_title = "Press the new key"
            yield Static(foreign(f"For: {key.sentence}"), classes="dialog-text")
            yield Static("", classes="dialog-problem", markup=False)
        yield KeyFooter()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            return
        event.stop()
        event.prevent_default()
        problem = self._problem(event.key)
        if problem:
            self.query_one(".dialog-problem", Static).update(foreign(f"! {problem}"))
        else:
            self.dismiss(event.key)

    def _problem(self, pressed: str) -> str:
        if not remapping.is_key(pressed):
            return "not every terminal sends this key: press another one"
        before = remapping.clashes(self.session.settings.keys)
        after = remapping.clashes({**self.session.settings.keys, self._name_of_action: pressed})
        for clash in after:
            if clash not in before:
                _, *names = clash
                other = next(key for key in keys.table() if key.name in names and key.name != self._name_of_action)
                return (
                    f'{keys.shown_key(pressed)} is the key of "{other.sentence}" ({keys.PLACES[other.place]}): '
                    "press another one, or take it away there first"
                )
        return ""
