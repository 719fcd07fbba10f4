"""A secret's place on the screen: dots, or its text until ten seconds are over."""

from __future__ import annotations

from datetime import datetime, timedelta

from textual.widgets import Static

from core.secret import MASK, Secret
from tui.foreign import foreign
from tui.widgets.countdown import Clock, Ticker, seconds_left, utc_now

REVEALED_S = 10


class SecretValue(Static):
    """The number of dots tells nothing. Nothing of a revealed text is kept after it."""

    DEFAULT_CSS = """
    SecretValue { width: 1fr; height: auto; }
    SecretValue.revealed { color: $text-warning; }
    """

    def __init__(self, ticker: Ticker, *, now: Clock = utc_now, id: str | None = None) -> None:
        super().__init__(MASK, id=id, markup=False)
        self._ticker = ticker
        self._now = now
        self._until: datetime | None = None

    @property
    def revealed(self) -> bool:
        return self._until is not None

    def reveal(self, secret: Secret) -> None:
        self._until = self._now() + timedelta(seconds=REVEALED_S)
        self.add_class("revealed")
        # Escapes of a hostile value must not reach the terminal; its lines may.
        self.update(foreign(secret.reveal(), lines=True))
        self._tell()
        self._ticker.watch(self)

    def hide(self) -> None:
        if self._until is not None:
            self._until = None
            self.remove_class("revealed")
            self.update(MASK)
            self._tell()

    def tick(self) -> bool:
        if self._until is not None and self._until <= self._now():
            self.hide()
        self._tell()
        return self.revealed

    def _tell(self) -> None:
        """Say below the dialog how long it is still shown."""
        box = next((one for one in self.ancestors if one.has_class("dialog")), None)
        if box is not None:
            left = (
                "" if self._until is None else f"shown for {seconds_left(self._until, self._now()) + 1} s, v hides it"
            )
            box.border_subtitle = left  # type: ignore[attr-defined]
