"""One run of a script in processes of its own, from our side: what it is told, what it answers, and its end.

Whatever happens, cancelling included, none of its processes and none of its files are left when `run` returns.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from core.errors import HushpostError
from core.paths import bare_environment
from core.scripts.files import ScriptFiles
from core.structs import Struct

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from core.scripts.child import main; main(sys.argv[2:])"
)
GRACE_S = 10.0
"""For the overseer to end everything; it needs some milliseconds."""
CHUNK = 1 << 16
NO_RESULT = "it ended without a result"


class Limits(Struct, frozen=True):
    seconds: float = 10.0
    """Of its own; waiting for a secret does not count."""
    output: int = 256 * 1024
    """Bytes of stdout and stderr."""
    answer: int = 16 * 1024 * 1024
    """Bytes that it may hand back."""


class Edited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of the request that a script changed."""

    method: str | None = None
    url: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    body: str | msgspec.UnsetType | None = msgspec.UNSET
    as_json: bool = False


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a script hands back at its end, and before it, as questions."""

    ask: Literal["secret", "render"] | None = None
    about: str = ""
    failed: str | None = None
    """What it raised."""
    refused: bool = False
    """It raised what hushpost had answered."""
    checks: Annotated[tuple[tuple[str, bool, str], ...], msgspec.Meta(max_length=1000)] = ()
    variables: dict[str, tuple[str, bool]] = msgspec.field(default_factory=dict)
    request: Edited = Edited()


class _Report(msgspec.Struct, frozen=True):
    """The overseer's last word."""

    code: int | None = None
    crowd: bool = False
    left: int = 0


class Ended(msgspec.Struct):
    """What came of a script. Nothing of it is redacted yet."""

    said: Said = msgspec.field(default_factory=Said)
    output: str = ""
    failure: str = ""
    """Why it has no result; empty where it ended well."""
    left: int = 0
    """How many processes it left behind, which were ended."""
    refusal: HushpostError | None = None
    """What ended it, where that is what hushpost answered to a question."""


Answer = Callable[[str, str], Awaitable[str]]
"""Answers a question (what it asks, about what); a HushpostError is told to the script."""


async def run(files: ScriptFiles, name: str, told: Mapping[str, Any], answer: Answer, limits: Limits) -> Ended:
    """Run one of the files. Raises HushpostError where no process can be started."""
    home = Path(tempfile.mkdtemp(prefix="hushpost-script-"))
    try:
        folder = home / "scripts"
        folder.mkdir()
        files.write(folder)
        run = _Run(answer, limits)
        return await run.through(home, {**told, "folder": str(folder), "path": str(folder / name)})
    except OSError as error:
        raise HushpostError(f"a script cannot be started: {(error.strerror or str(error)).lower()}") from error
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Run:
    def __init__(self, answer: Answer, limits: Limits) -> None:
        self._answer = answer
        self._limits = limits
        self._ended = Ended()
        self._refusal: HushpostError | None = None

    async def through(self, home: Path, told: Mapping[str, Any]) -> Ended:
        child_told, told_end = os.pipe()
        answers_end, child_answers = os.pipe()
        output_end, child_output = os.pipe()
        ours = [told_end, answers_end, output_end]
        theirs = [child_told, child_answers, child_output]
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _START),
                _search_path(),
                *map(str, theirs),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=theirs,
                env=bare_environment(home),
                cwd=home,
                start_new_session=True,
            )
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(theirs)
        output, listened = await _reader(output_end, CHUNK)
        answers, answered = await _reader(answers_end, self._limits.answer)
        talker = await _writer(told_end)
        listening = asyncio.ensure_future(self._listen(output, process))
        try:
            await self._talk(answers, talker, told, process)
        finally:
            await _uncancelled(self._end(process, listening))
            for transport in (listened, answered, talker):
                transport.close()
        return self._ended

    async def _talk(
        self,
        answers: asyncio.StreamReader,
        talker: asyncio.WriteTransport,
        told: Mapping[str, Any],
        process: asyncio.subprocess.Process,
    ) -> None:
        """Tell the script what it is about and answer its questions until it says how it ended, or has no time left."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.seconds) as limit:
                talker.write(json.dumps(told).encode() + b"\n")
                while (said := _read(await answers.readline())) is not None:
                    if said.ask is None:
                        self._ended.said = said
                        self._ended.failure = said.failed or ""
                        if said.refused:
                            self._ended.refusal = self._refusal
                        break
                    left = (limit.when() or 0.0) - loop.time()
                    limit.reschedule(None)
                    reply = await self._reply(said)
                    limit.reschedule(loop.time() + left)
                    talker.write(json.dumps(reply).encode() + b"\n")
                else:
                    self._fail(NO_RESULT)
                # The overseer has a look at how it ended, and at what it left.
                await process.wait()
        except TimeoutError:
            self._fail(f"it took longer than {self._limits.seconds:g} s")
        except (ValueError, RecursionError, msgspec.ValidationError):
            # Of a line beyond the limit, and of one that is not ours.
            self._fail(f"it handed back more than {self._limits.answer >> 20} MiB, or what cannot be read")

    async def _reply(self, said: Said) -> Mapping[str, str]:
        try:
            return {"text": await self._answer(said.ask or "", said.about)}
        except HushpostError as error:
            self._refusal = error
            return {"refused": f"{error}; {error.hint}" if error.hint else str(error)}

    async def _listen(self, output: asyncio.StreamReader, process: asyncio.subprocess.Process) -> None:
        kept = bytearray()
        while chunk := await output.read(CHUNK):
            kept += chunk
            if len(kept) > self._limits.output:
                self._fail(f"it wrote more than {self._limits.output >> 10} KiB")
                _let_go(process)
                break
        self._ended.output = bytes(kept[: self._limits.output]).decode("utf-8", "replace")

    async def _end(self, process: asyncio.subprocess.Process, listening: asyncio.Future[None]) -> None:
        """Let the overseer end what is left; it closes the output, and says how the script itself ended."""
        _let_go(process)
        report = _Report()
        try:
            async with asyncio.timeout(GRACE_S):
                await asyncio.shield(listening)
                if process.stdout is not None:
                    with suppress(ValueError):
                        report = msgspec.json.decode(await process.stdout.read(), type=_Report)
        except TimeoutError:
            self._fail("its processes could not be ended")
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            # A script that stopped its overseer is killed with it, and is gone once its output ends.
            await asyncio.wait({listening}, timeout=GRACE_S)
            listening.cancel()
        self._ended.left = report.left
        if report.crowd:
            self._fail("it started too many processes", instead=NO_RESULT)
        elif report.code is not None and report.code < 0:
            self._fail(f"signal {-report.code} ended it", instead=NO_RESULT)

    def _fail(self, why: str, *, instead: str = "") -> None:
        """The first failure counts, or the one that explains it."""
        if self._ended.failure in ("", instead):
            self._ended = Ended(failure=why, output=self._ended.output, left=self._ended.left)


def _read(line: bytes) -> Said | None:
    return msgspec.convert(json.loads(line), Said) if line else None


def _search_path() -> str:
    return json.dumps([str(Path(path).absolute()) for path in sys.path])


def _let_go(process: asyncio.subprocess.Process) -> None:
    """The overseer's sign that the script has to end."""
    if process.stdin is not None:
        process.stdin.close()


async def _reader(descriptor: int, limit: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit)
    pipe = os.fdopen(descriptor, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader, transport


async def _writer(descriptor: int) -> asyncio.WriteTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(descriptor, "wb", 0))
    return transport


async def _uncancelled(ending: Awaitable[None]) -> None:
    """Wait for it to the end, and only then pass on that we were told to stop."""
    task = asyncio.ensure_future(ending)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
