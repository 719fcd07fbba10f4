"""What this user set: settings.toml, every field typed and documented."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core.errors import FileError
from core.models import SCHEMA, Model
from core.paths import Paths
from core.toml import file as tomlfile

NO_PROXY = "none"
"""What the setting `proxy` says where the environment's is not to be used either."""

Minutes = Annotated[int, msgspec.Meta(ge=0, le=720)]


class Settings(Model, frozen=True):
    """The docstrings under the fields are the reference and the settings screen's help."""

    schema: int = SCHEMA
    theme: str = ""
    """Name of the colour theme; empty: the app's own, for many colours or few."""
    cache_minutes: Minutes = 30
    """How long a fetched secret is kept in memory; 0: not at all."""
    lock_after_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 60
    """Idle minutes until the credential store locks; 0: never."""
    clipboard: Literal["auto", "native", "osc52", "file"] = "auto"
    """How text is copied; auto: the machine's own tool, OSC 52 over SSH."""
    mouse: bool = True
    """Whether the app takes the mouse from the terminal."""
    animations: Literal["auto", "on", "off"] = "auto"
    """auto: off over SSH."""
    cell_display: bool = True
    """Write only the cells that changed; off: Textual's own display."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Action to key, instead of the default."""
    editor: str = ""
    """Command that edits a body; empty: VISUAL or EDITOR."""
    pager: str = ""
    """Command that shows a body; empty: PAGER."""
    proxy: str = ""
    """Proxy of requests that name none; empty: as http_proxy, https_proxy and no_proxy say; "none": no proxy."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 30.0
    """Seconds for a whole exchange where the request says nothing."""
    history: bool = True
    """Whether exchanges are kept at all."""
    history_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90
    """How long an exchange is kept."""
    history_megabytes: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 200
    """How much room history may take; the oldest go first."""


def load_settings(paths: Paths) -> Settings:
    """The settings of this user; the defaults where there is no file."""
    return tomlfile.load(paths.settings, Settings, missing=Settings())


def save_settings(paths: Paths, settings: Settings) -> None:
    try:
        paths.ensure()
    except OSError as error:
        raise FileError(f"cannot be created: {tomlfile.reason(error)}", path=paths.config) from error
    tomlfile.save(paths.settings, settings, mode=0o600)
