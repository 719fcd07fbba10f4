"""Daemon threads of our own that set a future."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from core.threads import run_in_daemon_thread, start_daemon_thread
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


async def test_a_result_comes_back_from_another_thread() -> None:
    ident, daemon, name = await run_in_daemon_thread(
        lambda: (threading.get_ident(), threading.current_thread().daemon, threading.current_thread().name)
    )
    assert ident != threading.get_ident()
    assert daemon
    assert name.startswith("hushpost-")


async def test_arguments_and_context_go_along() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")
    variable.set("here")

    def function(a: int, *, b: int) -> tuple[int, int, str]:
        return a, b, variable.get()

    assert await run_in_daemon_thread(function, 1, b=2) == (1, 2, "here")


async def test_an_error_comes_back() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_in_daemon_thread(fail)


@pytest.mark.parametrize("error", [StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
async def test_what_would_upset_the_loop_becomes_a_runtime_error(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(RuntimeError, match=error.__name__):
        await run_in_daemon_thread(fail)


async def test_it_starts_without_being_awaited_and_the_loop_goes_on() -> None:
    gate = threading.Event()
    future = run_in_daemon_thread(gate.wait, PATIENCE_S)
    ticks = 0
    while ticks < 10:
        await asyncio.sleep(0)
        ticks += 1
    assert not future.done()
    gate.set()
    assert await future is True


async def test_a_cancelled_future_discards_what_comes_late() -> None:
    gate, done = threading.Event(), threading.Event()

    def function() -> str:
        gate.wait(PATIENCE_S)
        done.set()
        return "late"

    future = run_in_daemon_thread(function)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    gate.set()
    assert done.wait(PATIENCE_S)
    await asyncio.sleep(0)
    assert future.cancelled()


def test_a_loop_that_has_closed_is_no_error() -> None:
    gate, done = threading.Event(), threading.Event()

    def function() -> None:
        gate.wait(PATIENCE_S)

    async def main() -> None:
        run_in_daemon_thread(function).cancel()

    asyncio.run(main())
    gate.set()
    start_daemon_thread(done.set, name="after")
    assert done.wait(PATIENCE_S)


def test_a_process_ends_while_a_thread_hangs() -> None:
    program = """
        import asyncio, threading
        from core.threads import run_in_daemon_thread

        async def main():
            future = run_in_daemon_thread(threading.Event().wait)
            await asyncio.sleep(0)
            future.cancel()

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
