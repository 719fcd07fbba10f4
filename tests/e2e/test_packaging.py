"""The wheel, installed alone into a clean environment, runs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ORIGINAL_ENVIRONMENT

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """With the environment that pip needs here (index, proxy), and a home of its own."""
    environment = {**ORIGINAL_ENVIRONMENT, "HOME": str(home), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        environment.pop(name, None)
    done = subprocess.run(
        [str(part) for part in command], cwd=home, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.packaging
@pytest.mark.timeout(900)
def test_the_wheel_installs_into_a_clean_environment_and_runs_the_demo(tmp_path: Path, home: Path) -> None:
    wheels = tmp_path / "wheels"
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        # pip keeps the wheel in its cache where the checkout's own name looks like a version.
        "--no-cache-dir",
        ROOT,
        "-w",
        wheels,
    ]
    run(*build, home=home)
    [wheel] = wheels.glob("hushpost-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"core/demo/workspace/workspace.toml", "tui/app.tcss", "cli/main.py"} <= set(names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"core", "cli", "tui"}

    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, home=home)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", venv / "bin/python"]
    install = [*pip, "install", "--quiet", "--no-compile"]
    run(*install, "--require-hashes", "-r", ROOT / "requirements/app.lock", home=home)
    run(*install, "--no-deps", wheel, home=home)
    run(*pip, "check", home=home)
    hushpost = venv / "bin/hushpost"
    assert run(hushpost, "--version", home=home).stdout.startswith("hushpost ")
    report = run(hushpost, "demo", "--headless", home=home).stdout
    assert "5 passed, 0 failed, 0 errors" in report
    # It leaves nothing behind and touches nothing of the user's.
    assert [path for path in home.rglob("*") if "hushpost" in path.name] == []
