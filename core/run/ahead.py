"""What a person can settle before a run, so that none of it stops a request on the way: found without sending."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core import needs
from core.consent import survey
from core.consent.consent import Need
from core.environment import Scope
from core.errors import HushpostError, NotBound, StoreLocked, TemplateError
from core.models import Request, Scripts
from core.secret import Secret
from core.sending.prepare import texts
from core.template import references as references_in

if TYPE_CHECKING:
    from core.session import Session

_BREATH_S = 0.02
"""How long files are looked at before whoever shares the loop gets a turn."""
_LATER = Secret("captured later")


@dataclass(frozen=True)
class Ahead:
    """What some requests will ask for, each thing once, in order of first use."""

    questions: tuple[str, ...] = ()
    """Of `{{?…}}`."""
    locked: bool = False
    """A value is in the credential store, or behind a credential of it, and the store is locked."""
    unbound: tuple[NotBound, ...] = ()
    approvals: tuple[Need, ...] = ()
    scripts: bool = False
    """Scripts would run that this user has not let run."""

    @property
    def consents(self) -> bool:
        """There is more to settle than questions."""
        return bool(self.locked or self.unbound or self.approvals or self.scripts)


async def look_ahead(session: Session, references: Sequence[str], rows: Sequence[Mapping[str, str]] = ()) -> Ahead:
    """Of these requests in this order, with these data rows.

    What cannot be read or built is left out: the run says it. So is what only an answer shows, such as a captured host.
    """
    look = _Look(session, list({frozenset(row): row for row in rows}.values()) or [{}])
    resumed = time.monotonic()
    for reference in references:
        if time.monotonic() - resumed > _BREATH_S:
            await asyncio.sleep(0)
            resumed = time.monotonic()
        look.at(reference)
    return look.found


@dataclass
class _Look:
    session: Session
    rows: Sequence[Mapping[str, str]]
    """One of each set of names that data rows have."""
    captured: dict[str, str | Secret] = field(default_factory=dict)
    """Names that the requests so far capture."""
    questions: dict[str, None] = field(default_factory=dict)
    unbound: dict[str, NotBound] = field(default_factory=dict)
    approvals: dict[Need, None] = field(default_factory=dict)
    locked: bool = False
    scripts: bool = False

    @property
    def found(self) -> Ahead:
        scripts = self.scripts and "scripts" not in self.session.script_grants()
        return Ahead(tuple(self.questions), self.locked, tuple(self.unbound.values()), tuple(self.approvals), scripts)

    def at(self, reference: str) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        try:
            request = workspace.load_request(reference)
            whole = self.session.effective(request, reference)
        except HushpostError:
            return
        self.scripts = self.scripts or whole.scripts != Scripts()
        for row in self.rows:
            self._with(request, whole, reference, row)
        self.captured.update({capture.name: _LATER for capture in whole.captures})

    def _with(self, request: Request, whole: Request, reference: str, row: Mapping[str, str]) -> None:
        try:
            scope = self.session.scope(request, reference, overrides=row, captured=self.captured)
            found = needs.look(scope, texts(whole, reference))
        except TemplateError:
            # A script may set what is not there yet; what is asked in so many words is known.
            self.questions.update(dict.fromkeys(_asked(whole, reference)))
            return
        except HushpostError:
            return
        self.questions.update(dict.fromkeys(found.prompts))
        for name in found.fetched:
            self._value(scope, name)
        approvals = survey.unapproved(self.session, whole, scope, reference, later=self.captured)
        self.approvals.update(dict.fromkeys(approvals))

    def _value(self, scope: Scope, name: str) -> None:
        entry = scope.entry(name)
        link = entry.variable.link if entry is not None else None
        store = self.session.store
        if link is None:
            self.locked = self.locked or (store.exists and not store.unlocked)
            return
        try:
            self.session.consent.credential_for(link)
        except NotBound as error:
            self.unbound.setdefault(link.credential, error)
        except StoreLocked:
            self.locked = True
        except HushpostError:
            pass


def _asked(whole: Request, reference: str) -> Iterator[str]:
    for _, text in texts(whole, reference):
        yield from (found.name for found in references_in(text) if found.kind == "prompt")
