"""curl beside hushpost: a session on a folder with files, curl run in it, and what reached a server of either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.paths import read_surroundings
from core.session import Session, open_session
from tests.loopback import Received


@pytest.fixture
async def session(home: Path, tmp_path: Path) -> AsyncIterator[Session]:
    """On a workspace that is the folder in which curl runs."""
    opened = open_session(
        read_surroundings({"HUSHPOST_CONFIG_DIR": str(home), "HUSHPOST_DATA_DIR": str(home)}), headless=True
    )
    opened.create_workspace(tmp_path, "Tests")
    (tmp_path / "in.json").write_text('{"from": "a file"}')
    (tmp_path / "pic.png").write_bytes(bytes(range(256)))
    yield opened
    await opened.close()


def said(received: Received) -> dict[str, Any]:
    """What reached the server, without what each client says of itself and makes up."""
    own = ("user-agent", "accept-encoding", "connection", "content-length", "expect")
    headers = {name.lower(): value for name, value in received.headers if name.lower() not in own}
    body = received.body
    boundary = headers.get("content-type", "").partition("boundary=")[2]
    if boundary:
        headers["content-type"] = headers["content-type"].replace(boundary, "B")
        body = body.replace(boundary.encode(), b"B")
    return {"method": received.method, "target": received.target, "headers": headers, "body": body}


async def run(command: str, folder: Path) -> None:
    process = await asyncio.create_subprocess_exec("bash", "-c", command, cwd=folder)
    assert await process.wait() == 0
