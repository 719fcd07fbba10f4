"""A variable as a row of the environments screen, and what is said of it below the table; never a secret's value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.models import Variable
from core.secret import MASK
from core.vault.config import AnyLink
from core.vault.selection import whole
from tui.widgets.countdown import WIDTH
from tui.widgets.rows import Cell, Column, Row, Until

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.cache import CacheEntry

SHORT_PROVIDERS = {
    "hashicorp": "HashiCorp",
    "aws": "AWS",
    "gcp": "GCP",
    "azure": "Azure",
    "hcp": "HCP",
    "memory": "In memory",
}
VARIABLE_COLUMNS = (
    Column("Variable", share=4),
    Column("Kind", width=6),
    Column("Value", share=4),
    Column("Vault", width=9, from_width=84),
    Column("Credential", share=2, from_width=84),
    Column("Left".rjust(WIDTH), width=WIDTH),
    Column("Description", share=4, from_width=110),
)


class Look:
    """The session as it is at one moment: each binding is read once, however many variables use it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._bound: dict[str, str | None] = {}
        self._cached = {(entry.key.link, entry.credential): entry for entry in session.cached()}

    def bound(self, link: AnyLink) -> str | None:
        """The user's credential that the link's name means."""
        if link.credential not in self._bound:
            self._bound[link.credential] = self.session.consent.binding(link.credential)
        return self._bound[link.credential]

    def cached(self, link: AnyLink) -> CacheEntry | None:
        """What is in memory of the secret behind a link."""
        return self._cached.get((whole(link), self.bound(link) or ""))


def linked_to(link: AnyLink) -> str:
    """The secret in its vault, with the key that is taken out of it."""
    return f"{link.label}#{link.key}" if link.key else link.label


def variable_row(look: Look, holder: str, name: str, variable: Variable) -> Row:
    off = "muted" if not variable.enabled else ""
    kind = Cell(variable.kind, off or {"plain": "", "secret": "secret", "linked": "linked"}[variable.kind])
    left = Until(None)
    vault = credential = ""
    match variable.kind:
        case "plain":
            value = Cell((variable.value or "").replace("\n", "⏎"), off)
        case "secret":
            shown = shown_value(look.session, holder, name, variable)
            value = Cell(shown, off if shown == MASK else "warning")
        case "linked":
            link = variable.link
            if link is None:
                raise TypeError(name)
            vault, credential = SHORT_PROVIDERS[link.provider], link.credential
            value = Cell(f"{MASK} {linked_to(link)}", off)
            if look.bound(link) is None:
                left = Until(None, "unbound")
            elif entry := look.cached(link):
                left = Until(entry.expires_at)
    shown_name = Cell(name if variable.enabled else f"{name} (off)", off)
    cells = (
        shown_name,
        kind,
        value,
        Cell(vault, off),
        Cell(credential, off),
        left,
        Cell(variable.description, "muted"),
    )
    return Row(name, cells)


def explain(session: Session, holder: str, name: str, variable: Variable) -> list[str]:
    """Up to four lines of text that may be foreign."""
    lines = [variable.description] if variable.description else []
    match variable.kind:
        case "plain":
            value = variable.value or ""
            lines.append(f"value: {value}" if value else "value: empty")
        case "secret":
            stored = session.values.has(holder, name)
            lines.append(
                "value: the store is locked"
                if stored is None
                else "value: in the encrypted store of this machine"
                if stored
                else "value: none on this machine yet; press s to set it"
            )
        case "linked":
            if variable.link is not None:
                lines += _explain_link(session, variable.link)
    rules = []
    if variable.allowed_hosts is not None:
        rules.append("hosts: " + (", ".join(variable.allowed_hosts) or "none"))
    if variable.cache_minutes is not None:
        rules.append(f"kept {variable.cache_minutes} min" if variable.cache_minutes else "never kept")
    if variable.refetch_on_401:
        rules.append("fetched anew on a 401")
    if not variable.enabled:
        rules.append("off: as if it were not there")
    return [*lines, " · ".join(rules)] if rules else lines


def shown_value(session: Session, holder: str, name: str, variable: Variable) -> str:
    """What stands for the value of a variable where there is no room for more."""
    if variable.link is not None:
        return f"{MASK} {linked_to(variable.link)}"
    if variable.secret:
        return "no value here" if session.values.has(holder, name) is False else MASK
    return variable.value or ""


def _explain_link(session: Session, link: AnyLink) -> list[str]:
    bound = session.consent.binding(link.credential)
    if bound is None:
        whose = f'credential "{link.credential}", which is not bound on this machine: l links it anew'
    else:
        state = session.login_state(bound).state
        whose = (
            f'credential "{link.credential}"' + (f', your "{bound}"' if bound != link.credential else "") + f", {state}"
        )
    return [f"secret: {linked_to(link)}", f"{SHORT_PROVIDERS[link.provider]}, {whose}"]
