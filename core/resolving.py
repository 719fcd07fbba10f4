"""Gets the values of a scope's hidden names, from the store or a vault, all at once; a failure names its variable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from core.consent.consent import Consent, Granted
from core.environment import Entry, Scope
from core.errors import HushpostError, SecretNotFound, StoreError, StoreLocked, VaultError
from core.models import Variable
from core.redactor import Redactor
from core.secret import Secret
from core.stored_values import StoredValues
from core.structs import Struct
from core.vault.config import AnyLink
from core.vault.environ import giving
from core.vault.service import Got, Vault


class Resolved(Struct, frozen=True):
    values: Mapping[str, Secret]
    consented: frozenset[str]
    """Names whose credential came from the environment, and the consent with it."""


class Resolver:
    """For one workspace as it is open now. Every value it gets is known to the redactor before anyone else has it."""

    def __init__(self, values: StoredValues, consent: Consent, vault: Vault, redactor: Redactor) -> None:
        self._values = values
        self._consent = consent
        self._vault = vault
        self._redactor = redactor

    async def resolve(self, scope: Scope, names: Iterable[str], *, request: str = "", fresh: bool = False) -> Resolved:
        """The values of these names. When all have been tried, one error says what failed: of the first that did, in
        their order, or StoreLocked alone, because what else is amiss is told once the store is open."""
        entries = [entry for name in names if (entry := scope.entry(name)) is not None]
        results = await asyncio.gather(
            *(self._value(entry, request=request, fresh=fresh) for entry in entries), return_exceptions=True
        )
        values: dict[str, Secret] = {}
        consented: set[str] = set()
        failures: list[HushpostError] = []
        for entry, result in zip(entries, results, strict=True):
            if isinstance(result, HushpostError):
                failures.append(result)
                continue
            if isinstance(result, BaseException):
                raise result
            values[entry.name], from_environment = result
            if from_environment:
                consented.add(entry.name)
        if failures:
            raise _together(failures)
        return Resolved(values, frozenset(consented))

    async def linked(self, name: str, variable: Variable, *, request: str = "", fresh: bool = False) -> Got:
        """The secret behind a linked variable. Raises VaultError and its kin with the variable's name, StoreLocked."""
        return await self._fetch(name, variable, self._granted(name, variable), request=request, fresh=fresh)

    def _granted(self, name: str, variable: Variable) -> Granted:
        try:
            return self._consent.credential_for(_link(name, variable))
        except VaultError as error:
            raise error.for_variable(name) from error

    async def _fetch(self, name: str, variable: Variable, granted: Granted, *, request: str, fresh: bool) -> Got:
        try:
            got = await self._vault.get(
                granted.name,
                granted.credential,
                _link(name, variable),
                minutes=variable.cache_minutes,
                fresh=fresh,
                variable=name,
                request=request,
            )
        except VaultError as error:
            if granted.from_environment and "hushpost credential" in (error.hint or ""):
                error = error.for_variable(name)
                error.hint = "its credential is from the environment: correct it there"
            raise error
        self._redactor.add(name, got.secret)
        return got

    async def _value(self, entry: Entry, *, request: str, fresh: bool) -> tuple[Secret, bool]:
        if entry.variable.link is None:
            return self._stored(entry), False
        granted = self._granted(entry.name, entry.variable)
        got = await self._fetch(entry.name, entry.variable, granted, request=request, fresh=fresh)
        if not got.secret.reveal():
            label = _link(entry.name, entry.variable).label
            error = SecretNotFound(f'secret "{label}" is empty', hint="give it a value in the vault, or link another")
            raise error.for_variable(entry.name)
        return got.secret, granted.from_environment

    def _stored(self, entry: Entry) -> Secret:
        value = self._values.get(entry.source.holder, entry.name)
        if value is None:
            raise StoreError(
                f'secret variable "{entry.name}" of {entry.source} has no value on this machine',
                hint=f"set its value in the app, or {giving(entry.name)}",
            )
        self._redactor.add(entry.name, value)
        return value


def _together(failures: Sequence[HushpostError]) -> HushpostError:
    locked = next((error for error in failures if isinstance(error, StoreLocked)), None)
    if locked is not None or len(failures) == 1:
        return locked or failures[0]
    return failures[0].along_with(failures[1:])


def _link(name: str, variable: Variable) -> AnyLink:
    if variable.link is None:
        raise HushpostError(f'variable "{name}" is linked to no vault', hint=f'link "{name}" to a secret')
    return variable.link
