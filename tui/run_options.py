"""The options of a run as a person types them, and what is wrong with them in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.run.steps import RunOptions

MOST_AT_A_TIME = 256
MOST_RETRIES = 100
MOST_ITERATIONS = 1_000_000
LONGEST_DELAY_MS = 3_600_000


@dataclass(frozen=True)
class OptionTexts:
    data: str = ""
    """Path of a file of rows, relative to the workspace."""
    iterations: str = ""
    """Empty: once for each row."""
    parallel: str = "1"
    delay: str = "0"
    """Milliseconds."""
    retries: str = "0"
    bail: bool = False

    def problems(self) -> Mapping[str, str]:
        """By field; whether the file can be read is known when the run begins."""
        found = {
            "iterations": _whole(self.iterations or "1", 1, MOST_ITERATIONS),
            "parallel": _whole(self.parallel, 1, MOST_AT_A_TIME),
            "delay": _whole(self.delay, 0, LONGEST_DELAY_MS),
            "retries": _whole(self.retries, 0, MOST_RETRIES),
        }
        return {name: problem for name, problem in found.items() if problem}

    def options(self, rows: Sequence[Mapping[str, str]], prompts: Mapping[str, str]) -> RunOptions:
        """Only of texts without problems."""
        return RunOptions(
            rows=rows,
            iterations=int(self.iterations) if self.iterations.strip() else None,
            parallel=int(self.parallel),
            bail=self.bail,
            delay=int(self.delay) / 1000,
            retries=int(self.retries),
            prompts=prompts,
        )


def _whole(text: str, least: int, most: int) -> str:
    wanted = f"wants a whole number from {least:,} to {most:,}"
    text = text.strip()
    if not text:
        return f"{wanted}, and is empty"
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or not least <= int(text) <= most:
        return f'{wanted}, not "{text}"'
    return ""
