"""The line of tabs at widths from roomy to narrow."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from tui.widgets.request_editor import RequestEditor
from tui.widgets.tab_line import TabLine

COUNTS = {"params": "12", "headers": "3", "auth": "oauth2", "body": "json", "vars": "2", "checks": "4", "options": "•"}


class Host(App[None]):
    def __init__(self, chosen: str) -> None:
        super().__init__()
        self.line = TabLine(RequestEditor.TABS)
        self.line.show(chosen, COUNTS)

    def compose(self) -> ComposeResult:
        yield self.line


async def text_at(width: int, chosen: str) -> str:
    host = Host(chosen)
    async with host.run_test(size=(width, 3)) as pilot:
        await pilot.pause()
        return host.line.render_line(0).text.rstrip()


async def test_marks_go_before_labels_do() -> None:
    labels = [label for _, label in RequestEditor.TABS]
    assert "oauth2" in await text_at(100, "auth")
    # The editor beside the tree of a terminal of 80 columns.
    narrow = await text_at(58, "auth")
    assert all(label in narrow for label in labels)
    assert "•" in narrow


@pytest.mark.parametrize("width", [58, 38, 30, 20, 12])
@pytest.mark.parametrize("chosen", [key for key, _ in RequestEditor.TABS])
async def test_the_chosen_tab_is_whole_and_nothing_is_cut_unmarked(width: int, chosen: str) -> None:
    text = await text_at(width, chosen)
    assert len(text) <= width
    label = dict(RequestEditor.TABS)[chosen]
    assert f"[{label}" in text
    assert ("Params" in text) != text.startswith("\u2039")
    assert ("Info" in text) != text.endswith("\u203a")
