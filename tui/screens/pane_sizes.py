"""How wide the tree is and how editor and response share their room, in steps from what the terminal's size gives."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 6
"""Steps to either side."""
_TREE_STEP = 4
_TREE_LEAST = 12
_WORK_LEAST = 36
"""Columns that are left to the request whatever the tree has."""
_SHARE_STEP = 1.3


@dataclass(frozen=True)
class PaneSizes:
    tree: int = 0
    split: int = 0
    """Above zero the editor has more of the room, below it the response."""

    @classmethod
    def of(cls, steps: tuple[int, ...]) -> PaneSizes:
        """What was kept, whoever wrote it."""
        tree, split = (*steps, 0, 0)[:2]
        return cls(_limited(tree), _limited(split))

    @property
    def steps(self) -> tuple[int, ...]:
        return (self.tree, self.split) if (self.tree, self.split) != (0, 0) else ()

    def stepped(self, *, tree: int = 0, split: int = 0) -> PaneSizes:
        return PaneSizes(_limited(self.tree + tree), _limited(self.split + split))

    def tree_width(self, usual: int, room: int) -> int:
        return max(_TREE_LEAST, min(usual + self.tree * _TREE_STEP, room - _WORK_LEAST))

    def editor_share(self, usual: float) -> str:
        """As a style has it; `usual` is the share where nothing was changed."""
        return f"{usual * _SHARE_STEP**self.split:.3f}fr"


def _limited(steps: int) -> int:
    return max(-MOST, min(steps, MOST))
