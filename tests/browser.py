"""A headless Chromium of this machine, driven over its debugging pipe, behind a proxy that counts who comes by."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FOUND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
PATIENCE_S = 30.0

_ON_3_AND_4 = (
    "import os, sys; reading, writing = map(int, sys.argv[1:3]); os.dup2(writing, 24); os.dup2(reading, 3);"
    "os.dup2(24, 4); os.close(24); os.execv(sys.argv[3], sys.argv[3:])"
)
_QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-domain-reliability",
    "--no-pings",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
)
_KEYS = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "Space": 32}


class _Counting(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Caller)
        self.asked: list[str] = []


class _Caller(socketserver.StreamRequestHandler):
    server: _Counting

    def handle(self) -> None:
        line = self.rfile.readline(4096).decode("latin-1").strip()
        self.server.asked.append(line)
        self.wfile.write(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Browser:
    """One page; use as a context manager, which ends it."""

    def __init__(self, profile: Path, *, home: Path) -> None:
        if FOUND is None:
            raise RuntimeError("there is no Chromium")
        self._proxy = _Counting()
        threading.Thread(target=self._proxy.serve_forever, args=(0.05,), daemon=True).start()
        theirs_in, self._in = os.pipe()
        self._out, theirs_out = os.pipe()
        command = [
            FOUND,
            *_QUIET,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--proxy-server=http://127.0.0.1:{self._proxy.server_address[1]}",
            "--proxy-bypass-list=<-loopback>",
            f"--user-data-dir={profile}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ON_3_AND_4, str(theirs_in), str(theirs_out), *command],
            pass_fds=[theirs_in, theirs_out],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.requests: list[str] = []
        """URLs that the page wanted, its own included; a policy may have refused them afterwards."""

    def __enter__(self) -> Self:
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable")
        self._proxy.asked.clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session = ""
        try:
            self._call("Browser.close")
            self._process.wait(10)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._proxy.shutdown()
        self._proxy.server_close()

    @property
    def asked(self) -> list[str]:
        """Request lines that reached the proxy, the only way out."""
        return self._proxy.asked

    def open(self, url: str) -> None:
        self.requests.clear()
        self.asked.clear()
        self._call("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired")

    def look(self, *, width: int, height: int, dark: bool = False) -> None:
        """The size of the window, and which colours its user likes."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", features=features)

    def value(self, expression: str) -> Any:
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        text = {"Enter": "\r", "Space": " "}.get(key)
        event = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        self._call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def png(self, *, whole: bool = False) -> bytes:
        return base64.b64decode(self._call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        number = self._number
        answer = self._read_until(lambda said: said.get("id") == number)
        assert "error" not in answer, answer
        return answer["result"]

    def _wait_for(self, event: str) -> None:
        self._read_until(lambda said: said.get("method") == event)

    def _read_until(self, wanted: Callable[[dict[str, Any]], bool]) -> Any:
        while True:
            while b"\0" not in self._buffer:
                if not select.select([self._out], [], [], PATIENCE_S)[0]:
                    raise TimeoutError("the browser says nothing")
                chunk = os.read(self._out, 1 << 20)
                if not chunk:
                    raise EOFError("the browser has ended")
                self._buffer += chunk
            line, _, self._buffer = self._buffer.partition(b"\0")
            said = json.loads(line)
            if said.get("method") == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            if wanted(said):
                return said
