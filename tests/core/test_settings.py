"""Settings: defaults without a file, what the file says, and a file that only this user can read."""

from __future__ import annotations

import stat

import pytest

from core.errors import FileError
from core.paths import Paths
from core.settings import Settings, load_settings, save_settings


def test_without_a_file_the_defaults_hold(paths: Paths) -> None:
    settings = load_settings(paths)
    assert settings == Settings()
    assert settings.cache_minutes == 30
    assert settings.timeout == 30.0
    assert not paths.config.exists()


def test_settings_are_kept_with_the_users_comments(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.settings.write_text("# mine\ncache_minutes = 5  # short\n[keys]\nsend = 'ctrl+x'\n")
    settings = load_settings(paths)
    assert (settings.cache_minutes, settings.keys) == (5, {"send": "ctrl+x"})
    save_settings(paths, Settings(cache_minutes=0, keys={"send": "ctrl+x", "help": "f12"}, theme="night"))
    assert paths.settings.read_text() == (
        '# mine\ncache_minutes = 0  # short\ntheme = "night"\n[keys]\nsend = \'ctrl+x\'\nhelp = "f12"\n'
    )


def test_only_this_user_can_read_them(paths: Paths) -> None:
    save_settings(paths, Settings(mouse=False))
    assert stat.S_IMODE(paths.settings.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.config.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["cache_minutes = 721", "cache_minutes = -1", "clipboard = 'x'", "cache = 1"])
def test_a_wrong_setting_is_named(paths: Paths, text: str) -> None:
    paths.config.mkdir(parents=True)
    paths.settings.write_text(text)
    with pytest.raises(FileError) as caught:
        load_settings(paths)
    assert caught.value.key == text.split()[0]
    with pytest.raises(FileError):
        save_settings(paths, Settings())
    assert paths.settings.read_text() == text


def test_a_home_that_cannot_be_written_is_an_error_by_name(paths: Paths) -> None:
    paths.config.parent.mkdir(parents=True, exist_ok=True)
    paths.config.write_text("a file stands here")
    with pytest.raises(FileError, match="cannot be created: file exists"):
        save_settings(paths, Settings(mouse=False))
