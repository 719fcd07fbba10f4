"""Work on a whole body in a process of its own: it holds no lock of ours, its memory goes with it, and it can be ended.

The child is given masked text by file descriptor, never a secret.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import IO, cast

from core.paths import child_environment
from core.reading.spool import PrivateFile

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from core.reading.worker import main; main(sys.argv[2:])"
)


class Failed(Exception):
    """The child could not be started, or ended without doing its work; `kind` is what it said."""

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(message or kind)
        self.kind = kind


class Child:
    """One task of `core.reading.worker` and what it says; `kill` ends it from any thread."""

    def __init__(self, task: str, source: PrivateFile, *arguments: str, out: PrivateFile | None = None) -> None:
        """The task reads `source`; where it writes text of any size, it writes it to `out`."""
        files = [source] if out is None else [source, out]
        numbers = [str(file.fileno()) for file in files]
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - our own code
                [
                    sys.executable,
                    "-I",
                    "-c",
                    _START,
                    json.dumps(sys.path),
                    task,
                    *numbers[:1],
                    *arguments,
                    *numbers[1:],
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=[file.fileno() for file in files],
                env=child_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise Failed("start", (error.strerror or "no process can be started").lower()) from error
        self.out = cast("IO[bytes]", self._process.stdout)

    def message(self) -> dict[str, int]:
        """What it says when it is done; raises Failed where it is not."""
        line = self.out.readline()
        if not line:
            raise Failed("ended", "the helper process ended early")
        said = json.loads(line)
        if "failed" in said:
            raise Failed(said["failed"], said.get("message", ""))
        return dict(said)

    def kill(self) -> None:
        """End it, and the programs it started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it if it still runs."""
        self.kill()
        self.out.close()
        self._process.wait()
