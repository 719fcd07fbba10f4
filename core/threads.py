"""Blocking work in daemon threads of our own: quitting never waits for them, as it would for the default executor's."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run_in_daemon_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
    """Call `function` in a new daemon thread, which starts at once, and return the future of its result.

    Cancelling the future gives the caller up, not the thread: what it returns later is discarded.
    """
    context = contextvars.copy_context()
    future, work = awaited(lambda: context.run(function, *args, **kwargs))
    start_daemon_thread(work, name=getattr(function, "__name__", "work"))
    return future


def awaited(work: Callable[[], T]) -> tuple[asyncio.Future[T], Callable[[], None]]:
    """A future of the running loop, and what does the work in another thread and settles it with the outcome."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def done() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - it is handed to the waiter
            # A future refuses StopIteration: it would end the coroutine that awaits it.
            error = RuntimeError("a thread raised StopIteration") if isinstance(raised, StopIteration) else raised
        except BaseException as raised:  # noqa: BLE001
            error = RuntimeError(f"a thread raised {type(raised).__name__}")
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    return future, done


def start_daemon_thread(function: Callable[[], object], *, name: str) -> None:
    """Start `function` in a daemon thread that nobody waits for."""
    threading.Thread(target=function, name=f"hushpost-{name}", daemon=True).start()
