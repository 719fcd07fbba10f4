"""What the open workspace asks of this user before its requests can be sent: names to bind, and hosts to approve."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING

from core.consent.consent import Need
from core.environment import Scope, Source
from core.errors import HushpostError, NotBound
from core.models import Request, Variable, Variables, variable
from core.sending.prepare import prepare
from core.vault.config import AnyLink

if TYPE_CHECKING:
    from core.session import Session
    from core.workspace.workspace import Workspace


def links(workspace: Workspace) -> Iterator[tuple[Source, str, Variable, AnyLink]]:
    """Every enabled linked variable of every readable file; what cannot be read is a problem told elsewhere."""
    for source, variables in _holders(workspace):
        for name, entry in variables.items():
            long = variable(entry)
            if long.link is not None and long.enabled:
                yield source, name, long, long.link


def unbound(session: Session) -> Sequence[str]:
    """The credential names that links use and that are bound to nothing here, in order of first use."""
    found: dict[str, None] = {}
    if session.workspace is not None:
        for _, _, _, link in links(session.workspace):
            try:
                session.consent.credential_for(link)
            except NotBound:
                found[link.credential] = None
            except HushpostError:
                continue  # bound, though it cannot be had now
    return tuple(found)


def needed_approvals(session: Session) -> Sequence[Need]:
    """Where requests would take secrets in the active environment and this user has not approved it, in tree order."""
    found: dict[Need, None] = {}
    workspace = session.workspace
    if workspace is None:
        return ()
    for reference in workspace.requests():
        try:
            request = workspace.load_request(reference)
            scope, whole = session.scope(request, reference), session.effective(request, reference)
        except HushpostError:
            continue  # `check` tells it
        found.update(dict.fromkeys(unapproved(session, whole, scope, reference)))
    return tuple(found)


def unapproved(
    session: Session, whole: Request, scope: Scope, reference: str, *, later: Container[str] = ()
) -> Sequence[Need]:
    """Where one request would take secrets and this user has not approved it; nothing where it cannot be built.

    `later` are names whose values are captured only then. A host that is itself secret or captured cannot be told
    beforehand: it is asked for when it is met.
    """
    try:
        prepared = prepare(whole, scope.preview(), files=session.file, reference=reference, defaults=session.defaults)
        wanted = session.sender.needs(prepared)
    except HushpostError:
        return ()
    if "{{" in prepared.shown.url.partition("://")[2].partition("/")[0]:
        return ()
    needs = (Need(use.credential, what) for use, what in wanted if not use.consented and use.name not in later)
    return tuple(need for need in needs if not session.consent.covered(need))


def _holders(workspace: Workspace) -> Iterator[tuple[Source, Variables]]:
    for name in workspace.environments():
        try:
            yield Source("base" if name == "base" else "environment", name), workspace.load_environment(name).variables
        except HushpostError:
            continue
    seen: set[str] = set()
    for reference in workspace.requests():
        try:
            for label, folder in workspace.folders_of(reference):
                if label not in seen:
                    seen.add(label)
                    yield Source("folder", label), folder.variables
            yield Source("request", reference), workspace.load_request(reference).variables
        except HushpostError:
            continue
