"""Where this user's files are and how the store opens unattended: the only reader of HOME, XDG and our own places."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

import msgspec
import platformdirs

from core.secret import Secret
from core.structs import Struct

APP = "hushpost"


class Paths(Struct, frozen=True):
    """The three folders of this user, created 0700 on first write."""

    config: Path
    data: Path
    state: Path

    @property
    def settings(self) -> Path:
        return self.config / "settings.toml"

    @property
    def workspaces(self) -> Path:
        return self.config / "workspaces.toml"

    @property
    def store(self) -> Path:
        return self.data / "credentials.hush"

    @property
    def history(self) -> Path:
        return self.state / "history"

    @property
    def log(self) -> Path:
        return self.state / "hushpost.log"

    def ensure(self) -> None:
        """Create the folders, readable by this user only."""
        for folder in (self.config, self.data, self.state):
            make_private(folder)

    def unwritable(self) -> Sequence[Path]:
        """Our folders that nothing can be kept in, for a warning at start."""
        found = []
        for folder in (self.config, self.data, self.state):
            there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
            if not os.access(there, os.W_OK | os.X_OK):
                found.append(folder)
        return found

    def exposed(self) -> Sequence[Path]:
        """Our folders and files that others on this machine may read, for a warning at start."""
        candidates = [self.config, self.data, self.state, self.settings, self.workspaces, self.store, self.log]
        found = []
        for path in candidates:
            try:
                mode = path.stat().st_mode
            except OSError:
                continue
            if stat.S_IMODE(mode) & 0o077:
                found.append(path)
        return found


class Unlock(Struct, frozen=True):
    """How the store is opened without a person: from HUSHPOST_PASSPHRASE or HUSHPOST_KEY_FILE."""

    passphrase: Secret | None = None
    key_file: Path | None = None


class Surroundings(Struct, frozen=True):
    """What the process was started with, read once: later reads of the environment would see nothing secret."""

    paths: Paths
    unlock: Unlock = Unlock()
    over_ssh: bool = False
    """SSH_CONNECTION is set: no animations, clipboard by OSC 52, no browser."""
    has_display: bool = False
    no_color: bool = False
    editor: str | None = None
    pager: str | None = None
    proxies: Mapping[str, str] = msgspec.field(default_factory=dict)
    """http_proxy, https_proxy, all_proxy and no_proxy in lower case, as far as set."""
    multiplexer: str = ""
    """`tmux` or `screen`, where one stands between the app and the terminal."""
    term: str = ""


def read_surroundings(environ: MutableMapping[str, str] | None = None) -> Surroundings:
    """Read places and unlocking from the environment, and remove what is secret, so that no child inherits it."""
    env = os.environ if environ is None else environ

    def folder(variable: str, default: Path) -> Path:
        value = env.get(variable)
        return Path(value).expanduser() if value else default

    dirs = platformdirs.PlatformDirs(APP, appauthor=False)
    passphrase = env.pop("HUSHPOST_PASSPHRASE", None)
    key_file = env.get("HUSHPOST_KEY_FILE")
    proxies = {}
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        # Upper-case HTTP_PROXY can be set by a request header under CGI (httpoxy); this is no CGI program.
        value = env.get(name) or env.get(name.upper())
        if value:
            proxies[name] = value
    return Surroundings(
        paths=Paths(
            config=folder("HUSHPOST_CONFIG_DIR", dirs.user_config_path),
            data=folder("HUSHPOST_DATA_DIR", dirs.user_data_path),
            state=folder("HUSHPOST_STATE_DIR", dirs.user_state_path),
        ),
        unlock=Unlock(
            passphrase=Secret(passphrase) if passphrase else None,
            key_file=Path(key_file).expanduser() if key_file else None,
        ),
        over_ssh=bool(env.get("SSH_CONNECTION")),
        has_display=bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")),
        no_color=bool(env.get("NO_COLOR")),
        editor=env.get("VISUAL") or env.get("EDITOR"),
        pager=env.get("PAGER"),
        proxies=proxies,
        multiplexer="tmux" if env.get("TMUX") else "screen" if env.get("STY") else "",
        term=env.get("TERM", ""),
    )


def child_environment() -> dict[str, str]:
    """What a program that we start inherits: the environment, from which all that is secret was taken at start."""
    return dict(os.environ)


def bare_environment(home: Path) -> dict[str, str]:
    """What a script of a workspace inherits: where programs are, the language, and a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ") if name in os.environ}
    return kept | {"HOME": str(home), "TMPDIR": str(home)}


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    # Says what is in the way where it is no folder.
    folder.mkdir(mode=0o700, exist_ok=True)
