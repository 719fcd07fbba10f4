"""`store`: the encrypted file of this user's credentials and secrets, and what opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from core.errors import StoreError

if TYPE_CHECKING:
    from core.secret import Secret
    from core.session import Session

FILE = click.Path(path_type=Path, dir_okay=False)
KINDS = {"passphrase": "passphrase", "key_file": "key file", "keyring": "keyring of this machine"}

_passphrase = click.option(
    "--passphrase",
    "source",
    metavar="[@FILE|-]",
    is_flag=False,
    flag_value="",
    help="A passphrase: asked for, or read from @FILE or - (stdin).",
)
_key_file = click.option("--key-file", metavar="FILE", type=FILE, help="A key file; made where there is none.")
_keyring = click.option("--keyring", is_flag=True, help="This machine's keyring.")


@click.group("store")
def store_command() -> None:
    """The encrypted store of your credentials and secrets.

    A slot is a way to open it: a passphrase, a key file, or this machine's keyring.
    """


@store_command.command("status")
@pass_invocation
def status_command(invocation: Invocation) -> ExitCode:
    """Say where the store is and what opens it; nothing is asked."""

    async def show(session: Session) -> ExitCode:
        for name, value in describe(session):
            invocation.output.line(f"{name:<11} {value}")
        return ExitCode.OK

    return invocation.run(show)


def describe(session: Session) -> list[tuple[str, str]]:
    """The store in rows, also for `doctor`."""
    store = session.store
    rows = [("store", str(store.path))]
    if not store.exists:
        return [*rows, ("opens with", "there is none yet: hushpost store init")]
    slots = store.slots()
    rows.append(("opens with", ", ".join(KINDS[slot.kind] for slot in slots)))
    unlock = session.surroundings.unlock
    unattended = [
        *(["HUSHPOST_PASSPHRASE"] if unlock.passphrase is not None else []),
        *([f"HUSHPOST_KEY_FILE ({unlock.key_file})"] if unlock.key_file is not None else []),
        *(["the keyring"] if any(slot.kind == "keyring" for slot in slots) else []),
    ]
    return [*rows, ("unattended", ", ".join(unattended) or "not set up")]


@store_command.command("init")
@_key_file
@_keyring
@_passphrase
@pass_invocation
def init_command(invocation: Invocation, key_file: Path | None, keyring: bool, source: str | None) -> ExitCode:
    """Make the store.

    It opens with a passphrase, or with a key file; the keyring comes beside one of them, since it can be lost. What is
    in the store cannot be had without one of them.
    """

    async def make(session: Session) -> ExitCode:
        if session.store.exists:
            raise StoreError(f'there is a store already: "{session.store.path}"', hint="see `hushpost store slot add`")
        passphrase = None
        if source is not None or key_file is None:
            passphrase = session.surroundings.unlock.passphrase if source is None else None
            passphrase = passphrase or _new_passphrase(invocation, source)
        await session.create_store(passphrase=passphrase, key_file=key_file, keyring=keyring)
        invocation.output.line(str(session.store.path))
        invocation.diagnostics.note("made the store; without what opens it nobody can recover what is in it")
        return ExitCode.OK

    return invocation.run(make)


@store_command.command("passphrase")
@_passphrase
@pass_invocation
def passphrase_command(invocation: Invocation, source: str | None) -> ExitCode:
    """Set or change the passphrase.

    The old one opens nothing any more.
    """

    async def change(session: Session) -> ExitCode:
        from cli.unlocking import unlock
        from core.threads import run_in_daemon_thread

        await unlock(invocation, session)
        passphrase = _new_passphrase(invocation, source)
        await run_in_daemon_thread(session.store.change_passphrase, passphrase)
        invocation.diagnostics.note("changed the passphrase")
        return ExitCode.OK

    return invocation.run(change)


@store_command.group("slot")
def slot_command() -> None:
    """The ways to open the store."""


@slot_command.command("list")
@pass_invocation
def slot_list_command(invocation: Invocation) -> ExitCode:
    """List them, by id."""

    async def show(session: Session) -> ExitCode:
        for slot in session.store.slots():
            invocation.output.line(f"{slot.id}  {KINDS[slot.kind]}")
        return ExitCode.OK

    return invocation.run(show)


@slot_command.command("add")
@_key_file
@_keyring
@_passphrase
@pass_invocation
def slot_add_command(invocation: Invocation, key_file: Path | None, keyring: bool, source: str | None) -> ExitCode:
    """Let one more thing open the store."""
    if (key_file is not None) + keyring + (source is not None) != 1:
        raise click.UsageError("say which one to add: --passphrase, --key-file FILE or --keyring")

    async def add(session: Session) -> ExitCode:
        from cli.unlocking import unlock
        from core.threads import run_in_daemon_thread

        await unlock(invocation, session)
        passphrase = _new_passphrase(invocation, source) if source is not None else None
        slot = await run_in_daemon_thread(
            lambda: session.store.add_slot(passphrase=passphrase, key_file=key_file, keyring=keyring)
        )
        invocation.output.line(f"{slot.id}  {KINDS[slot.kind]}")
        return ExitCode.OK

    return invocation.run(add)


@slot_command.command("remove")
@click.argument("slot_id", metavar="ID")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def slot_remove_command(invocation: Invocation, slot_id: str, yes: bool) -> ExitCode:
    """Take one way to open the store away; backups made before still open with it."""

    async def remove(session: Session) -> ExitCode:
        from cli.unlocking import unlock
        from core.threads import run_in_daemon_thread

        await unlock(invocation, session)
        kind = next((KINDS[slot.kind] for slot in session.store.slots() if slot.id == slot_id), "")
        if kind and not yes and not invocation.confirm(f'remove the slot "{slot_id}" ({kind})?'):
            invocation.diagnostics.note("nothing was removed")
            return ExitCode.FAILED
        await run_in_daemon_thread(session.store.remove_slot, slot_id)
        invocation.diagnostics.note(f'removed the slot "{slot_id}"')
        return ExitCode.OK

    return invocation.run(remove)


@store_command.command("backup")
@click.argument("file", type=FILE)
@pass_invocation
def backup_command(invocation: Invocation, file: Path) -> ExitCode:
    """Copy the store, encrypted as it is, into a new file."""

    async def backup(session: Session) -> ExitCode:
        from core.threads import run_in_daemon_thread

        await run_in_daemon_thread(session.store.backup, file)
        invocation.diagnostics.note(f'backed up to "{file}"; it opens with what opens the store today')
        return ExitCode.OK

    return invocation.run(backup)


@store_command.command("restore")
@click.argument("file", type=FILE)
@click.option("--key-file", metavar="FILE", type=FILE, help="Open the backup with this key file.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a store is replaced.")
@pass_invocation
def restore_command(invocation: Invocation, file: Path, key_file: Path | None, yes: bool) -> ExitCode:
    """Put a backup in the store's place.

    It has to open first; the store before is kept beside it.
    """

    async def restore(session: Session) -> ExitCode:
        from core.threads import run_in_daemon_thread

        if session.store.exists and not yes and not invocation.confirm("replace the store that is there?"):
            invocation.diagnostics.note("nothing was restored")
            return ExitCode.FAILED
        unlock = session.surroundings.unlock
        key = key_file or (unlock.key_file if unlock.passphrase is None else None)
        passphrase = None
        if key is None:
            passphrase = unlock.passphrase or invocation.ask_secret("passphrase of the backup")
        await run_in_daemon_thread(lambda: session.store.restore(file, passphrase=passphrase, key_file=key))
        invocation.diagnostics.note(f'restored the store from "{file}"')
        return ExitCode.OK

    return invocation.run(restore)


def _new_passphrase(invocation: Invocation, source: str | None) -> Secret:
    from cli.values import indirect

    if not source:
        return invocation.ask_secret("new passphrase", twice=True)
    passphrase = indirect(source, "--passphrase", invocation)
    if passphrase is None:
        raise click.UsageError(
            "a passphrase is not taken from the command line, where others can read it: use --passphrase alone to be"
            " asked, --passphrase @FILE, or --passphrase - (stdin)"
        )
    return passphrase
