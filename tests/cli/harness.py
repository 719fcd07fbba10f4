"""The command line under test: in this process with captured streams, or as a process of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]


@dataclass(frozen=True)
class Ran:
    """What a command line came to."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def out(self) -> str:
        return self.stdout.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Hushpost:
    """Runs `hushpost ARGUMENTS` for one user, whose home is this test's."""

    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[bytes]
    home: Path
    folder: Path
    """The current folder of every command."""
    environment: dict[str, str] = field(default_factory=dict)
    """What every command finds in its environment beside the usual."""

    def __call__(self, *arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
        self.capture.readouterr()
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in {**self.environment, **(env or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            code = main([str(argument) for argument in arguments])
        out, err = self.capture.readouterr()
        return Ran(code, out, err.decode())

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        program: Sequence[str] = (),
        **options: Any,
    ) -> subprocess.Popen[bytes]:
        """The same as a process of its own, not waited for."""
        import os

        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **(env or {})}
        streams: dict[str, Any] = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        command = [*(program or PROGRAM), *map(str, arguments)]
        return subprocess.Popen(command, cwd=self.folder, env=environment, **streams)

    def process(self, *arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
        process = self.start(*arguments, env=env, **options)
        out, err = process.communicate(timeout=PATIENCE_S)
        return Ran(process.returncode, out or b"", (err or b"").decode())


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A workspace of these files, by path; `workspace.toml` and TOML files' schema are added. Returns the folder."""
    whole = {"workspace.toml": 'name = "Payments"\nid = "0123456789abcdef"\n', **files}
    for name, text in whole.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"schema = 1\n{text}" if path.suffix == ".toml" else text)
    return folder
