"""Errors with a cure: the dialog that offers it, does it, and says whether the work should be tried again.

Consents are given here and nowhere else in the app: which local credential a workspace's name means, and which hosts
may receive its secrets. Each dialog shows what is asked for and by which workspace before anything is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import (
    FileError,
    FileNotAllowed,
    HostNotAllowed,
    HushpostError,
    LoginRequired,
    NotBound,
    ScriptsNotAllowed,
    StoreLocked,
)
from tui.widgets.pick_list import Pick

if TYPE_CHECKING:
    from core.session import Session
    from tui.screens.base import SessionWork

CURABLE = (StoreLocked, NotBound, HostNotAllowed, FileNotAllowed, LoginRequired, ScriptsNotAllowed)
"""What `cured` offers a cure for."""
_ADD = "\n"
"""The key of the row that adds a credential: no credential can be called this."""


async def cured(screen: SessionWork[Any], error: HushpostError) -> bool:
    """Offer the cure of this failure; True when it was done and the work should be tried again."""
    match error:
        case StoreLocked():
            return await unlock(screen)
        case NotBound() if error.credential:
            return await bind(screen, error)
        case HostNotAllowed() if error.missing:
            return await allow_host(screen, error)
        case FileNotAllowed():
            return await allow_file(screen, error)
        case FileError():
            return await mend(screen, error)
        case LoginRequired() if error.credential:
            return await log_in(screen, error)
        case ScriptsNotAllowed():
            return await allow_scripts(screen, error)
        case _:
            return False


async def mend(screen: SessionWork[Any], error: FileError) -> bool:
    """Show what is wrong with a file of ours until the person has mended it; False for any other failure of a file."""
    from core.mending import broken
    from tui.screens.broken_file import BrokenFileDialog

    session = screen.session
    problem = broken(error.path, session.paths)
    if problem is None or not await screen.ask(BrokenFileDialog(session, problem)):
        return False
    if problem.path == session.paths.settings:
        screen.hushpost.settings_mended()
    return True


async def unlock(screen: SessionWork[Any]) -> bool:
    """Unlock the store, or make it where there is none; True when it is open afterwards."""
    if await screen.session.unlock_unattended():
        return True
    from tui.screens.unlock import UnlockScreen

    await screen.ask(UnlockScreen(screen.session))
    return bool(screen.session.store.unlocked)


def who(session: Session) -> str:
    """The open workspace and where it is, as the start of a sentence."""
    workspace = session.workspace
    return f'The workspace "{workspace.name}" in {workspace.real_path}' if workspace is not None else "The workspace"


async def bind(screen: SessionWork[Any], error: NotBound) -> bool:
    """Ask which local credential the workspace's name means; the person may also add one or refuse."""
    from tui.screens.dialogs import PickDialog

    session = screen.session
    if session.store.exists and not session.store.unlocked and not await unlock(screen):
        return False
    if await take_over(screen):
        return True
    stored = [one for one in session.credentials() if not error.provider or one.provider == error.provider]
    picks = [Pick(one.name, one.name, f"{one.provider} {one.credential.label}") for one in stored]
    picks.append(Pick(_ADD, "Add a credential…", "opens the credentials"))
    of_provider = f" ({error.provider})" if error.provider else ""
    picked = await screen.ask(
        PickDialog(
            session,
            "Which credential?",
            picks,
            current=error.credential,
            text=f'{who(session)} asks for a credential it calls "{error.credential}"{of_provider}'
            f"{_for_variable(error)}. It may then read, as you, the secrets its files name. Which of your credentials "
            "is it?",
        )
    )
    if picked is None:
        return False
    if picked == _ADD:
        await screen.hushpost.action_mode("credentials")
        return False
    session.consent.bind(error.credential, picked)
    return True


async def take_over(screen: SessionWork[Any]) -> bool:
    """Offer what was allowed and stored for the workspace where it was before; True when it is taken over."""
    from tui.screens.dialogs import ConfirmDialog

    session = screen.session
    old = session.moved_from()
    if old is None:
        return False
    agreed = await screen.ask(
        ConfirmDialog(
            session,
            "Was this workspace moved?",
            f"{who(session)} was known at\n\n  {old.path}\n\nwhere it is not any more. If you moved it, it may keep "
            "the credentials, hosts and secret values that you allowed it there.",
            yes="I moved it",
            no="Start with nothing",
            danger=True,
            unasked=True,
        )
    )
    if agreed:
        await session.take_over(old)
    return bool(agreed)


def _for_variable(error: NotBound) -> str:
    return f' for the variable "{error.variable}"' if error.variable else ""


async def allow_host(screen: SessionWork[Any], error: HostNotAllowed) -> bool:
    """Ask whether a host may receive a secret, as the request would send it."""
    from tui.screens.dialogs import ConfirmDialog

    session = screen.session
    needs = screen.needs(error)
    hosts = "\n".join(f"  {need.what}" for need in needs)
    credentials = sorted({need.credential for need in needs if need.credential})
    whose = f'credential "{credentials[0]}"' if credentials else "local store"
    how = "\n\nThe address was reached by a redirect." if error.kind == "redirect-refused" else ""
    agreed = await screen.ask(
        ConfirmDialog(
            session,
            "May this host receive the secret?",
            f'{who(session)} wants to send the value of "{error.variable}" to:\n\n{hosts}{how}\n\n'
            f"It may then receive every secret of the {whose} that this workspace uses.",
            yes="Allow and send",
            no="Refuse",
            danger=True,
            unasked=True,
        )
    )
    if agreed:
        session.consent.approve(needs)
    return bool(agreed)


async def allow_file(screen: SessionWork[Any], error: FileNotAllowed) -> bool:
    """Ask whether a file outside the workspace may be used by it."""
    from tui.screens.dialogs import ConfirmDialog

    session = screen.session
    agreed = await screen.ask(
        ConfirmDialog(
            session,
            "May the workspace use this file?",
            f"{who(session)} names a file that lies outside of it:\n\n  {error.path}\n\n"
            "Its content may then be sent by the workspace's requests.",
            yes="Allow and send",
            no="Refuse",
            danger=True,
            unasked=True,
        )
    )
    if agreed:
        session.allow_file(error.path)
    return bool(agreed)


async def allow_scripts(screen: SessionWork[Any], error: ScriptsNotAllowed) -> bool:
    """Ask whether the workspace's scripts may run, or read secrets, until one of them changes."""
    from tui.screens.dialogs import ConfirmDialog

    session = screen.session
    reads = error.missing == "secrets"
    what = "read the secrets that this workspace links or stores" if reads else "run on this machine, as you"
    agreed = await screen.ask(
        ConfirmDialog(
            session,
            "May scripts read secrets?" if reads else "May scripts run?",
            f"{who(session)} has scripts that want to {what}.\n\nThey run in a process of their own, which is no "
            "sandbox: read the files below scripts/ first. Any change to them takes the permission back.",
            yes="Allow and send",
            no="Refuse",
            danger=True,
            unasked=True,
        )
    )
    if agreed:
        session.grant(error.missing)
    return bool(agreed)


async def log_in(screen: SessionWork[Any], error: LoginRequired) -> bool:
    """Log in again and try again; the vault's own dialogs ask for what a login needs."""
    from tui.screens.dialogs import ConfirmDialog

    session = screen.session
    agreed = await screen.ask(
        ConfirmDialog(session, "Log in again?", f'{error}\n\nCredential "{error.credential}"', yes="Log in")
    )
    if not agreed:
        return False
    await session.test_credential(error.credential)
    return True
