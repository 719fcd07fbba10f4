"""A stylesheet that parses each source once: Textual's own parses all of them five times before the first screen."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class OnceParsed(Stylesheet):
    """What was parsed stays good until the variables, which a theme gives, are others."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
