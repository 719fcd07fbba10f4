"""Requests for tests: built from variables as a workspace would, and sent by a real Sender."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.environment import Scope
from core.exchange import Exchange, Prepared, SecretUse
from core.models import Request, Variable
from core.redactor import Redactor
from core.secret import Secret
from core.sending.prepare import Defaults, prepare, texts
from core.sending.sender import Sender


@dataclass
class Desk:
    """Where a test's requests are prepared and sent; every need is approved unless it is in `refused`."""

    sender: Sender
    redactor: Redactor
    folder: Path
    variables: dict[str, str | Variable] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(variable, need) of every approval that was asked for."""
    refused: Callable[[str], bool] = lambda need: False
    defaults: Defaults = Defaults()  # noqa: RUF009  # frozen

    def plain(self, **values: str) -> None:
        self.variables.update(values)

    def secret(self, name: str, value: str, **rules: Any) -> None:
        """A secret variable with its value, known to the redactor as a session would make it."""
        self.variables[name] = Variable(secret=True, **rules)
        self.secrets[name] = Secret(value)
        self.redactor.add(name, Secret(value))

    def prepared(self, request: Request, overrides: Mapping[str, str | Secret] | None = None) -> Prepared:
        scope = Scope.of(overrides=overrides, request=self.variables)
        names = scope.needed(texts(request))
        values = scope.resolve({name: self.secrets[name] for name in names})
        return prepare(request, values, files=self.folder.joinpath, defaults=self.defaults)

    def approve(self, use: SecretUse, need: str) -> bool:
        self.asked.append((use.name, need))
        return not self.refused(need)

    async def send(self, request: Request, **options: Any) -> Exchange:
        return await self.sender.send(self.prepared(request), approve=self.approve, **options)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    redactor = Redactor()
    desk = Desk(Sender(redactor), redactor, tmp_path)
    yield desk
    desk.sender.close()
