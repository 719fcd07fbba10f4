"""Draws the screenshots from the real app on the demo's workspace and vault: SVG, and PNG from it.

.venv/bin/python screenshots/make.py
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import resvg_py
from msgspec.structs import replace
from textual.pilot import Pilot

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.demo.demo import FIRST_REQUEST, Demo  # noqa: E402
from core.paths import read_surroundings  # noqa: E402
from core.session import open_session  # noqa: E402
from tui.app import HushpostApp  # noqa: E402

OUT = Path(__file__).resolve().parent
SIZES = ((80, 24), (140, 40))
FONTS = ("DejaVu Sans Mono", "Liberation Mono", "Menlo", "Consolas")

Steps = Callable[[Pilot[Any]], Awaitable[None]]


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        await pilot.pause(0.01)
    raise SystemExit("the app did not come to show what the screenshot is of")


def text(pilot: Pilot[Any]) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def workspaces(pilot: Pilot[Any]) -> None:
    await pilot.press("f2")
    await until(pilot, lambda: "Payments demo" in text(pilot))


async def requests(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: "pay_1001" in text(pilot))


async def environments(pilot: Pilot[Any]) -> None:
    await pilot.press("f4")
    await until(pilot, lambda: "api_key" in text(pilot))


async def details(pilot: Pilot[Any]) -> None:
    await environments(pilot)
    await pilot.press("i")
    await until(pilot, lambda: "resolved" in text(pilot).lower() and "connected" in text(pilot).lower())


async def credentials(pilot: Pilot[Any]) -> None:
    await pilot.press("f5")
    await until(pilot, lambda: "vault-payments" in text(pilot) and "cached" in text(pilot).lower())


async def runner(pilot: Pilot[Any]) -> None:
    await pilot.press("f7", "ctrl+r")
    await until(pilot, lambda: "5 passed" in text(pilot))
    await pilot.press("end", "enter")
    await until(pilot, lambda: "Checks" in text(pilot) and '"date"' in text(pilot))


async def folder(pilot: Pilot[Any]) -> None:
    await pilot.press("up", "e")
    await until(pilot, lambda: "inherit" in text(pilot))
    await pilot.press("alt+right")
    await until(pilot, lambda: "[Auth" in text(pilot))


async def checks(pilot: Pilot[Any]) -> None:
    await requests(pilot)
    await pilot.press("ctrl+g", "c")
    await until(pilot, lambda: "[Checks" in text(pilot))


SHOTS: dict[str, Steps] = {
    "requests": requests,
    "checks": checks,
    "folder": folder,
    "runner": runner,
    "workspaces": workspaces,
    "environments": environments,
    "linked-secret": details,
    "credentials": credentials,
}


def png(svg: str) -> bytes:
    """Drawn with a font of this machine: the one that the SVG names comes from the web."""
    families = ", ".join(f"'{font}'" for font in FONTS)
    local = re.sub(r"font-family:\s*[^;]*;", f"font-family: {families}, monospace;", svg)
    local = re.sub(r"@font-face\s*{[^}]*}", "", local)
    return bytes(resvg_py.svg_to_bytes(svg_string=local, font_family=FONTS[0], monospace_family=FONTS[0]))


async def shoot(demo: Demo, name: str, steps: Steps, size: tuple[int, int]) -> None:
    session = open_session(demo.surroundings, headless=False)
    app = HushpostApp(session, start=demo.workspace, send=FIRST_REQUEST)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "200" in text(pilot))
        await steps(pilot)
        await pilot.pause()
        svg = app.export_screenshot(title="hushpost")
    await session.close()
    target = OUT / f"{name}-{size[0]}x{size[1]}"
    target.with_suffix(".svg").write_text(svg, "utf-8")
    target.with_suffix(".png").write_bytes(png(svg))
    print(target.with_suffix(".png").relative_to(ROOT))


async def main(only: list[str]) -> None:
    # The theme follows the colours that the terminal has.
    os.environ["COLORTERM"] = "truecolor"
    surroundings = replace(read_surroundings(), over_ssh=False, no_color=False)
    with tempfile.TemporaryDirectory(), Demo(surroundings) as demo:
        for name, steps in SHOTS.items():
            for size in SIZES:
                if not only or name in only:
                    await shoot(demo, name, steps, size)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
