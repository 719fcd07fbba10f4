"""Links a variable to a secret of a vault: which credential, which secret, which key of it, each picked or typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Button, Input, Static
from textual.worker import Worker

from core.errors import FieldError, HushpostError
from core.models import CREDENTIAL_NAME, Variable
from core.secret import Secret
from core.vault.config import PROVIDERS, AnyLink, Link
from core.vault.fields import FormField, build_link, form_fields, link_type, texts
from core.vault.provider import SecretSummary
from core.vault.selection import Inside, whole
from tui import keys
from tui.foreign import foreign
from tui.screens import link_keys
from tui.screens.base import SessionWork
from tui.screens.credential_form import add_credential
from tui.screens.dialogs import ConfirmDialog, DialogButton, PickDialog
from tui.screens.variable_rows import SHORT_PROVIDERS
from tui.screens.work_dialog import StatusLine, WorkDialog
from tui.widgets.footer import KeyFooter
from tui.widgets.form import Form
from tui.widgets.line_input import LineInput
from tui.widgets.offered_input import OfferedInput
from tui.widgets.pick_list import Pick, PickList, matching

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.service import SecretInfo
    from core.vault.store import StoredCredential

_ADD = "\n"
"""The key of the row that adds a credential: no credential can be called this."""

LIST_LIMIT = 200
TYPING_PAUSE_S = 0.3
SELECTING = ("key", "encoding", "trim")
"""Fields that every provider's link has: they come last."""
OF_ONE_SECRET = ("version", "version_id", "version_stage", "key")
"""Fields that mean nothing for another secret."""

NAME_HERE = FormField(
    "",
    "Credential's name here",
    "stands in the workspace's file; each user says which of their credentials it means",
    required=True,
)


def link_fields(struct: type[Link]) -> Sequence[FormField]:
    """The rows of a link's form: which secret first, then what is taken out of it."""
    return sorted(form_fields(struct), key=lambda field: field.name in SELECTING)


async def link_variable(
    screen: SessionWork[Any], name: str, variable: Variable, save: Callable[[Variable], None]
) -> Variable | None:
    """Ask which credential and which secret, store the link with `save`, and fetch it once; the variable as stored."""
    chosen = await choose_credential(screen, variable.link)
    if chosen is None:
        return None
    return await screen.ask(LinkDialog(screen.session, name, variable, chosen, save))


async def choose_credential(screen: SessionWork[Any], link: AnyLink | None) -> StoredCredential | None:
    """One of this user's credentials, those of an existing link's provider first."""
    from tui.cures import unlock

    session = screen.session
    if session.store.exists and not session.store.unlocked and not await unlock(screen):
        return None
    wanted = link.provider if link is not None else ""
    while True:
        stored = list(session.credentials()) if session.store.exists else []
        order = list(PROVIDERS)
        stored.sort(key=lambda one: (one.provider != wanted, order.index(one.provider), one.name.casefold()))
        picked: str | None = _ADD
        if stored:
            picks = [
                Pick(one.name, one.name, f"{SHORT_PROVIDERS[one.provider]}, {one.credential.label}") for one in stored
            ]
            bound = session.consent.binding(link.credential) if link is not None else None
            dialog = PickDialog(
                session,
                "Which vault, as whom?",
                [*picks, Pick(_ADD, "Add a credential…")],
                current=bound or stored[0].name,
            )
            picked = await screen.ask(dialog)
        if picked is None:
            return None
        name = await add_credential(screen, wanted) if picked == _ADD else picked
        if name is not None:
            return next(one for one in session.credentials() if one.name == name)
        if not stored:
            return None


class LinkDialog(WorkDialog[Variable]):
    """The vault's secrets and the link's fields: picking one fills the others."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(keys.DIALOG),
        *keys.plain("up", "list('move', -1)"),
        *keys.plain("down", "list('move', 1)"),
        *keys.plain("pageup", "list('page', -1)"),
        *keys.plain("pagedown", "list('page', 1)"),
    ]

    def __init__(
        self,
        session: Session,
        name: str,
        variable: Variable,
        stored: StoredCredential,
        save: Callable[[Variable], None],
    ) -> None:
        super().__init__(session)
        self._variable_name = name
        self._variable = variable
        self._local = stored
        self._save = save
        self._saved: Variable | None = None
        self._lists: dict[str, Sequence[SecretSummary]] = {}
        self._under = ""
        """The prefix of the list that is shown."""
        self._lister: Worker[None] | None = None
        self._pause: Timer | None = None
        self._inside: tuple[AnyLink, Inside] | None = None
        """The secret whose keys are known, and what is in it."""
        self._shows_keys = False
        """The list has the keys of the secret, not the secrets."""

    def compose(self) -> ComposeResult:
        link = self._variable.link
        relink = link is not None and link.provider == self._local.provider
        fields = link_fields(link_type(self._local.provider))
        values: dict[str, str | Secret] = texts(link) if link is not None and relink else {}
        values[NAME_HERE.name] = link.credential if link is not None and relink else self._local.name
        with Vertical(classes="dialog vault", id="link") as box:
            box.border_title = foreign(f'Link "{self._variable_name}": {PROVIDERS[self._local.provider][0]}')
            with Vertical(id="link-sides"):
                with Vertical(id="link-pick"):
                    yield LineInput(placeholder="type to find a secret", id="find")
                    yield Static("", id="link-listing", markup=False)
                    yield PickList(id="secrets", empty="", active=True)
                with Vertical(id="link-form"):
                    key = OfferedInput(str(values.get("key", "")), name="key")
                    yield Form((*fields, NAME_HERE), values, controls={"key": key})
            yield StatusLine()
            with Horizontal(classes="dialog-buttons"):
                yield Static(foreign(f'with your credential "{self._local.name}"'), id="link-as")
                yield DialogButton("Use", id="yes")
                yield DialogButton("Close", id="no")
        yield KeyFooter()

    def on_resize(self, event: events.Resize) -> None:
        room = event.size.height - (10 if self.has_class("-wide") else 16)
        self.query_one(Form).fit(room)

    def on_mount(self) -> None:
        self.query_one("#secrets", PickList).can_focus = False
        self.query_one("#find").focus()
        self._list("")

    # Picking

    @property
    def _listing(self) -> bool:
        return self._lister is not None and not self._lister.is_finished

    def _list(self, prefix: str) -> None:
        """Show what stands under a prefix, from the vault or as it was listed before."""
        self._under = prefix
        if prefix in self._lists:
            self._show_list()
            return
        self._say("listing… esc stops it")
        self._lister = self.run(
            lambda: self.session.list_secrets(self._local.name, prefix, LIST_LIMIT),
            lambda found: self._listed(prefix, found),
            failed=self._not_listed,
            group="list",
            exclusive=True,
            long=True,
        )

    def _listed(self, prefix: str, found: Sequence[SecretSummary]) -> None:
        self._lists[prefix] = found
        self._lister = None
        self._show_list()

    def _not_listed(self, error: HushpostError) -> None:
        self._lister = None
        self._say(f"cannot list: {self.session.redact(str(error))}; type the fields")
        if self.query_one("#find").has_focus and not self.query_one("#find", LineInput).value:
            self.query_one(Form).focus_first()

    def _show_list(self) -> None:
        self._shows_keys = False
        found = self._lists.get(self._under, ())
        picks = [Pick(str(index), one.name, "folder" if one.is_folder else "") for index, one in enumerate(found)]
        shown = matching(picks, self.query_one("#find", LineInput).value)
        secrets = self.query_one("#secrets", PickList)
        secrets.choices = shown
        secrets.action_edge(0)
        full = len(found) >= LIST_LIMIT
        self._say(f"{len(shown)} of {'the first ' if full else ''}{len(found)}" if found else "nothing here")

    def _say(self, text: str) -> None:
        self.query_one("#link-listing", Static).update(foreign(text))

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        typed = event.value
        under = typed[: typed.rfind("/") + 1]
        full = len(self._lists.get(self._under, ())) >= LIST_LIMIT
        prefix = typed if full and typed.startswith(self._under) else under
        if prefix == self._under or prefix in self._lists:
            self._under = prefix
            if not self._listing:
                self._show_list()
            return
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(TYPING_PAUSE_S, lambda: self._list(prefix))

    @on(Input.Submitted, "#find")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#secrets", PickList).action_pick()

    @on(PickList.Picked)
    def _picked(self, event: PickList.Picked) -> None:
        event.stop()
        if self._shows_keys:
            self.query_one(Form).fill({"key": self._key.offers[int(event.choice.key)]})
            self._key.focus()
            return
        picked = self._lists[self._under][int(event.choice.key)]
        if picked.is_folder:
            find = self.query_one("#find", LineInput)
            find.value = picked.name
            find.cursor_position = len(picked.name)
            self._list(picked.name)
            return
        form = self.query_one(Form)
        present = form.texts
        values: dict[str, object] = dict(picked.link_fields)
        if any(str(value) != present.get(name) for name, value in picked.link_fields.items()):
            values = {name: "" for name in OF_ONE_SECRET if name in present} | values
        form.fill(values)
        self._key.focus()
        self._offer_keys()

    def action_list(self, what: str, by: int) -> None:
        if self._shows_keys:
            return
        secrets = self.query_one("#secrets", PickList)
        (secrets.action_go if what == "move" else secrets.action_page)(by)

    # The keys of the picked secret

    @property
    def _key(self) -> OfferedInput:
        return self.query_one(OfferedInput)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if event.widget is self._key:
            self._offer_keys()
        elif event.widget.id == "find" and self._shows_keys:
            self._show_list()

    def _offer_keys(self) -> None:
        """Offer the keys of the secret that the fields name; whoever types one meanwhile is not disturbed."""
        values = self.query_one(Form).texts
        del values[NAME_HERE.name]
        try:
            link = whole(build_link(self._local.provider, self._local.name, values))
        except FieldError:
            return
        if self._inside is not None and self._inside[0] == link:
            self._show_keys()
            return
        self._key.offers = ()
        self._say("looking which keys it has… type one, or leave it blank for the whole secret")
        self.run(
            lambda: self.session.look_inside(self._local.name, link),
            lambda inside: self._looked_inside(link, inside),
            failed=self._not_looked_inside,
            group="keys",
            exclusive=True,
        )

    def _looked_inside(self, link: AnyLink, inside: Inside) -> None:
        self._inside = link, inside
        if self._key.has_focus:
            self._show_keys()

    def _not_looked_inside(self, error: HushpostError) -> None:
        self._say("its keys cannot be offered: type one, or leave it blank for the whole secret")
        if not self.working:
            self.show_problem(error)

    def _show_keys(self) -> None:
        if self._inside is None:
            return
        inside = self._inside[1]
        self._key.offers = link_keys.offers(inside)
        self._shows_keys = True
        self.query_one("#secrets", PickList).choices = link_keys.picks(inside)
        self._key_changed()
        if inside.kind == "bytes" and not self.query_one(Form).texts["encoding"]:
            self.query_one(Form).fill({"encoding": "base64"})
        count = len(self._key.offers) - 1
        self._say(
            f"{count} key{'' if count == 1 else 's'}: up and down choose, enter links it" if count else "it has no keys"
        )

    @on(Form.Edited)
    def _edited(self, event: Form.Edited) -> None:
        if event.name == "key":
            self._key_changed()

    def _key_changed(self) -> None:
        """Let the list's cursor follow the field."""
        if self._shows_keys and self._key.value in self._key.offers:
            self.query_one("#secrets", PickList).select(str(self._key.offers.index(self._key.value)))

    # Using

    @on(Form.Submitted)
    def _submitted(self) -> None:
        self._use()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._use()
        else:
            self.dismiss(self._saved)

    def action_cancel(self) -> None:
        if self._listing and self._lister is not None:
            self._lister.cancel()
            self._lister = None
            self._say("listing stopped; type the fields")
        elif self.working:
            super().action_cancel()
        else:
            self.dismiss(self._saved)

    def _use(self) -> None:
        form = self.query_one(Form)
        values = form.texts
        name = str(values.pop(NAME_HERE.name)).strip()
        try:
            if not re.fullmatch(CREDENTIAL_NAME, name):
                raise FieldError("the name cannot be used", fields={NAME_HERE.name: "is no name of a credential"})
            link = build_link(self._local.provider, name, values)
        except FieldError as error:
            form.show_problems(error.fields)
            if not error.fields:
                self.show_problem(error)
            return
        form.show_problems({})
        variable = msgspec.structs.replace(self._variable, value=None, secret=False, link=link)
        self.work(
            "fetching it once",
            lambda: self._store_and_fetch(variable, name),
            self._fetched,
            failed=self._not_fetched,
            long=True,
        )

    async def _store_and_fetch(self, variable: Variable, name: str) -> SecretInfo | None:
        """None when the person did not want the name to mean another credential."""
        bound = self.session.consent.binding(name)
        if bound is not None and bound != self._local.name:
            question = (
                f'In this workspace "{name}" means your credential "{bound}".\n\n'
                f'Shall it mean "{self._local.name}" from now on, for every link that uses the name?'
            )
            if not await self.ask(
                ConfirmDialog(self.session, "Bind the name anew?", question, yes="Bind", danger=True)
            ):
                return None
        if self._saved != variable:
            self._save(variable)
            self._saved = variable
        self.session.consent.bind(name, self._local.name)
        return await self.session.details(self._variable_name, variable, fresh=True)

    def _fetched(self, info: SecretInfo | None) -> None:
        if info is None:
            return
        version = f", version {info.version}" if info.version else ""
        self.tell(f'"{self._variable_name}" is linked and was fetched{version}')
        self.dismiss(self._saved)

    def _not_fetched(self, error: HushpostError) -> None:
        self.show_problem(error)
        if self._saved is not None:
            reason = self.status.text.removeprefix("! ")
            self.status.problem(f"the link is saved, but its secret could not be fetched\n  {reason}")
