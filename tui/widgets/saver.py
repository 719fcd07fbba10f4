"""Asking below a document where a body goes, and writing it there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.errors import HushpostError
from core.exchange import ReceivedBody
from core.reading.rows import Document
from core.reading.saving import Exists, save_body
from core.threads import run_in_daemon_thread
from tui.messages import Notice
from tui.widgets.document_pane import DocumentPane
from tui.widgets.response_pages import amount


class Saver:
    """An answer that another one replaced before the question was answered is not saved."""

    def __init__(self, pane: DocumentPane, current: Callable[[], object]) -> None:
        """`current` gives the answer that is shown."""
        self._pane = pane
        self._current = current

    def ask(self, question: str, name: str, body: ReceivedBody | Document, again: str = "") -> None:
        """Ask, with `name` to begin with; `again` is the path of a file that may be overwritten."""
        answer = self._current()

        def save_to(path: str | None) -> None:
            if path and path.strip() and self._current() is not answer:
                self._tell("nothing was saved: there is another answer now", warning=True)
            elif path and path.strip():
                overwrite = path.strip() == again
                self._pane.run_worker(self._saved(answer, body, path.strip(), overwrite=overwrite), group="save")

        self._pane.ask(question, name, save_to, whole=not again)

    async def _saved(self, answer: object, body: ReceivedBody | Document, path: str, *, overwrite: bool) -> None:
        try:
            saved = await run_in_daemon_thread(save_body, body, Path(path), overwrite=overwrite)
        except Exists as error:
            if self._current() is answer:
                self.ask("there already, enter overwrites it", path, body, again=path)
            self._tell(str(error), warning=True)
        except HushpostError as error:
            self._tell(str(error), warning=True)
        else:
            how = " as received" if isinstance(body, ReceivedBody) else ""
            self._tell(f'{amount(body.size)}{how} saved to "{saved}"')

    def _tell(self, text: str, *, warning: bool = False) -> None:
        self._pane.post_message(Notice(text, warning=warning))
