"""`credential`: how this user logs in to vaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from cli.diagnostics import ExitCode
from cli.invocation import Invocation, pass_invocation
from cli.options import complete_credentials
from core.errors import StoreError
from core.secret import MASK, Secret

if TYPE_CHECKING:
    from core.session import Session
    from core.vault.config import AnyCredential
    from core.vault.contents import StoredCredential, UnreadableCredential

    Stored = StoredCredential | UnreadableCredential


@click.group("credential")
def credential_command() -> None:
    """How you log in to your vaults.

    Credentials are kept encrypted in your store, never in a workspace.
    """


@credential_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_invocation
def list_command(invocation: Invocation, as_json: bool) -> ExitCode:
    """List your credentials: name, provider, type."""

    async def show(session: Session) -> ExitCode:
        found = await _credentials(invocation, session)
        rows = [
            {"name": name, "provider": one.provider, "type": _type(one), "problem": _problem(one)}
            for name, one in found.items()
        ]
        if as_json:
            invocation.output.json(rows)
            return ExitCode.OK
        if not rows:
            invocation.diagnostics.note("there are no credentials; add one with: hushpost credential add NAME")
        width = max((len(name) for name in found), default=0)
        for one in rows:
            what = one["type"] or f"cannot be read: {one['problem']}"
            invocation.output.line(f"{one['name']:<{width}}  {one['provider']:<10}  {what}")
        return ExitCode.OK

    return invocation.run(show)


@credential_command.command("show")
@click.argument("name", shell_complete=complete_credentials)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@pass_invocation
def show_command(invocation: Invocation, name: str, as_json: bool) -> ExitCode:
    """Show a credential's fields; what is secret is masked."""

    async def show(session: Session) -> ExitCode:
        from core.vault.fields import form_fields, texts

        credential = await _credential(invocation, session, name)
        shown = {
            field: (MASK if value.reveal() else "") if isinstance(value, Secret) else value
            for field, value in texts(credential).items()
        }
        if as_json:
            invocation.output.json(
                {"name": name, "provider": credential.provider, "type": _tag(credential), "fields": shown}
            )
            return ExitCode.OK
        labels = {field.name: field.label for field in form_fields(type(credential))}
        rows = {"name": name, "provider": credential.provider, "type": f"{_tag(credential)} ({credential.label})"}
        for field, value in shown.items():
            rows[field] = f"{value}  ({labels[field]})" if value else ""
        width = max(len(key) for key in rows)
        for key, value in rows.items():
            invocation.output.line(f"{key:<{width}}  {value}".rstrip())
        return ExitCode.OK

    return invocation.run(show)


@credential_command.command("test")
@click.argument("name", shell_complete=complete_credentials)
@pass_invocation
def test_command(invocation: Invocation, name: str) -> ExitCode:
    """Log in with a credential and show as whom."""
    return _login(invocation, name)


@credential_command.command("login")
@click.argument("name", shell_complete=complete_credentials)
@pass_invocation
def login_command(invocation: Invocation, name: str) -> ExitCode:
    """Log in, with a browser or a code where the credential needs one.

    Logins are kept in memory only: this one ends with the command, what the provider's own tools keep stays.
    """
    return _login(invocation, name)


@credential_command.command("logout")
@click.argument("name", shell_complete=complete_credentials)
@pass_invocation
def logout_command(invocation: Invocation, name: str) -> ExitCode:
    """Forget a credential's login and the secrets fetched with it."""

    async def logout(session: Session) -> ExitCode:
        await _credential(invocation, session, name)
        session.logout(name)
        invocation.diagnostics.note(
            f'"{name}" is logged out; logins live in memory only, so another hushpost that runs keeps its own'
        )
        return ExitCode.OK

    return invocation.run(logout)


@credential_command.command("remove")
@click.argument("name", shell_complete=complete_credentials)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_invocation
def remove_command(invocation: Invocation, name: str, yes: bool) -> ExitCode:
    """Delete a credential from the store.

    Links that name it stay and become unresolved.
    """

    async def remove(session: Session) -> ExitCode:
        await _stored(invocation, session, name)
        if not yes and not invocation.confirm(f'delete the credential "{name}"?'):
            invocation.diagnostics.note("nothing was deleted")
            return ExitCode.FAILED
        await session.delete_credential(name)
        invocation.diagnostics.note(f'deleted the credential "{name}"')
        return ExitCode.OK

    return invocation.run(remove)


def _complete_providers(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from core.vault.config import PROVIDERS

    return [name for name in PROVIDERS if name.startswith(incomplete)]


def _complete_types(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    from core.vault.config import PROVIDERS
    from core.vault.fields import credential_types, type_tag

    given = ctx.params.get("provider")
    structs = [struct for name in PROVIDERS if given in (None, name) for struct in credential_types(name)]
    return [tag for tag in map(type_tag, structs) if tag.startswith(incomplete)]


def _field_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--field",
            "pairs",
            metavar="KEY=VALUE",
            multiple=True,
            help="A field; VALUE may be @FILE or - (stdin). A secret one is asked for, or read from @FILE or -.",
        ),
        click.option(
            "--type",
            "type_name",
            metavar="T",
            shell_complete=_complete_types,
            help="The credential type; `add` without it lists them.",
        ),
        click.option(
            "--provider",
            metavar="P",
            shell_complete=_complete_providers,
            help="hashicorp, aws, gcp, azure, hcp or memory.",
        ),
    ):
        command = option(command)
    return command


@credential_command.command("add")
@click.argument("name")
@_field_options
@pass_invocation
def add_command(
    invocation: Invocation, name: str, provider: str | None, type_name: str | None, pairs: tuple[str, ...]
) -> ExitCode:
    """Add a credential to the store.

    \b
    hushpost credential add vault-prod --provider hashicorp --type token \\
        --field server_address=https://vault.example.com:8200
    """
    if provider is None or type_name is None:
        _explain_types(invocation, provider)
        raise click.UsageError("--provider and --type say what kind of credential it is")

    async def add(session: Session) -> ExitCode:
        from cli.unlocking import unlock_or_make
        from core.vault.fields import build_credential, credential_type

        credential_type(provider, type_name)  # a wrong one is told before anything is asked
        await unlock_or_make(invocation, session)
        known = (await _credentials(invocation, session)).get(name)
        if known is not None and _problem(known) is None:
            raise StoreError(
                f'there is already a credential "{name}"', hint=f'change it with: hushpost credential edit "{name}"'
            )
        given = _given(invocation, provider, type_name, pairs, ask=True)
        await session.save_credential(name, build_credential(provider, type_name, given))
        invocation.diagnostics.note(f'saved "{name}"; log in with: hushpost credential test "{name}"')
        return ExitCode.OK

    return invocation.run(add)


@credential_command.command("edit")
@click.argument("name", shell_complete=complete_credentials)
@_field_options
@pass_invocation
def edit_command(
    invocation: Invocation, name: str, provider: str | None, type_name: str | None, pairs: tuple[str, ...]
) -> ExitCode:
    """Change fields of a credential.

    What is not named stays, KEY= empties a field. A secret one is named with `--field KEY` and then asked for, or
    read from @FILE or -.
    """

    async def edit(session: Session) -> ExitCode:
        from core.vault.fields import build_credential, texts

        old = await _credential(invocation, session, name)
        new_provider, new_type = provider or old.provider, type_name or _tag(old)
        kept = {} if (new_provider, new_type) != (old.provider, _tag(old)) else texts(old)
        given = _given(invocation, new_provider, new_type, pairs, ask=not kept)
        await session.save_credential(name, build_credential(new_provider, new_type, {**kept, **given}), previous=name)
        invocation.diagnostics.note(f'saved "{name}"')
        return ExitCode.OK

    return invocation.run(edit)


def _given(
    invocation: Invocation, provider: str, type_name: str, pairs: Sequence[str], *, ask: bool
) -> Mapping[str, str | Secret]:
    """The fields of a command line; with `ask`, needed ones that are missing are asked for where there is a person."""
    from cli.values import indirect
    from core.vault.fields import credential_type, form_fields

    rows = {row.name: row for row in form_fields(credential_type(provider, type_name))}
    given: dict[str, str | Secret] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if name not in rows:
            # Not quoted: a pair without = may be a pasted secret.
            raise click.UsageError(f"there is no such field; {provider} {type_name} has {', '.join(rows)}")
        row = rows[name]
        if not equals and not row.secret:
            raise click.UsageError(f'"{name}" wants a value: --field {name}=VALUE')
        if row.secret and not equals:
            given[name] = invocation.ask_secret(row.label)
            continue
        secret = indirect(value, name, invocation)
        if secret is not None:
            given[name] = secret if row.secret else secret.reveal()
        elif row.secret and value:
            raise click.UsageError(
                f'"{name}" is secret and is not taken from the command line, where others can read it:'
                f" use --field {name}=@FILE, --field {name}=- (stdin), or leave it out to be asked"
            )
        else:
            given[name] = value[1:] if value.startswith("@@") else value
    if ask and invocation.interactive:
        for name, row in rows.items():
            if row.required and name not in given:
                given[name] = invocation.ask_secret(row.label) if row.secret else invocation.ask_line(row.label)
    return given


def _explain_types(invocation: Invocation, provider: str | None) -> None:
    from core.vault.config import PROVIDERS
    from core.vault.fields import credential_types, form_fields, type_tag

    for known in PROVIDERS if provider not in PROVIDERS else (provider,):
        for struct in credential_types(known):
            fields = ", ".join(f"{row.name}{'*' if row.secret else ''}" for row in form_fields(struct))
            invocation.diagnostics.note(f"--provider {known} --type {type_tag(struct)}: {fields}")


def _login(invocation: Invocation, name: str) -> ExitCode:
    async def login(session: Session) -> ExitCode:
        await _credential(invocation, session, name)
        found = await session.test_credential(name)
        until = ""
        if found.expires_at is not None:
            minutes = max(int((found.expires_at - datetime.now(UTC)).total_seconds() // 60), 0)
            until = f", until {found.expires_at:%Y-%m-%d %H:%M} UTC ({minutes} min)"
        invocation.output.line(f"{session.redact(found.identity)}{until}")
        return ExitCode.OK

    return invocation.run(login)


async def _credentials(invocation: Invocation, session: Session) -> Mapping[str, Stored]:
    """By name; none where there is no store."""
    if not session.store.exists:
        return {}
    from cli.unlocking import unlock

    await unlock(invocation, session)
    return {stored.name: stored for stored in session.credentials()}


async def _stored(invocation: Invocation, session: Session, name: str) -> Stored:
    found = await _credentials(invocation, session)
    if name not in found:
        raise StoreError(
            f'there is no credential "{name}"',
            hint="run `hushpost credential list`" if found else "add it with `hushpost credential add`",
        )
    return found[name]


async def _credential(invocation: Invocation, session: Session, name: str) -> AnyCredential:
    stored = await _stored(invocation, session, name)
    if (problem := _problem(stored)) is not None:
        raise StoreError(
            f'the credential "{name}" cannot be read: {problem}', hint="add it again under this name, or remove it"
        )
    return cast("StoredCredential", stored).credential


def _problem(stored: Stored) -> str | None:
    """Why a record of the store cannot be used: it is of another version, or damaged."""
    return getattr(stored, "problem", None)


def _type(stored: Stored) -> str | None:
    credential = getattr(stored, "credential", None)
    return _tag(credential) if credential is not None else None


def _tag(credential: AnyCredential) -> str:
    return str(credential.__struct_config__.tag)
