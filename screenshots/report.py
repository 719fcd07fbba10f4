"""Draws the HTML report of a run of the demo, with some requests that do not pass, in a Chromium of this machine."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cli.diagnostics import Diagnostics  # noqa: E402
from cli.invocation import Invocation  # noqa: E402
from cli.output import Output  # noqa: E402
from cli.reporting import Target, report_run  # noqa: E402
from core.demo.demo import ENVIRONMENTS, Demo  # noqa: E402
from core.paths import read_surroundings  # noqa: E402
from core.run.steps import RunOptions  # noqa: E402
from core.session import open_session  # noqa: E402
from tests.browser import FOUND, Browser  # noqa: E402

OUT = Path(__file__).resolve().parent
SHOTS = {"report": (1200, 860, False), "report-dark": (1200, 860, True), "report-narrow": (400, 860, False)}
KEPT = ("report",)
"""The one in the documentation; the others are for looking at."""

EXTRA = {
    "environments/local.toml": """
[variables.old_key.link]
provider = "hashicorp"
credential = "vault-payments"
mount = "secret"
path = "payments/local"
key = "last_years_key"
""",
    "requests/refunds/1 open.toml": """\
schema = 1
method = "POST"
url = "{{base_url}}/refunds"
captures = [{ name = "refund_id", from = "json", path = "$.id" }]
checks = [
    { subject = "status", op = "equals", value = 201 },
    { subject = "json", path = "$.state", op = "equals", value = "open" },
    { subject = "elapsed_ms", op = "less", value = 2000 },
]
[auth]
type = "bearer"
token = "{{api_key}}"
[body]
type = "json"
text = '{"payment": "pay_1001", "secret": "{{webhook_secret}}"}'
""",
    "requests/refunds/2 show.toml": 'schema = 1\nurl = "{{base_url}}/refunds/{{refund_id}}"\n',
    "requests/refunds/3 archive.toml": 'schema = 1\nurl = "{{base_url}}/archive"\n[auth]\ntype = "bearer"\n'
    'token = "{{old_key}}"\n',
}


async def write_report(demo: Demo, path: Path) -> None:
    for name, text in EXTRA.items():
        file = demo.workspace / name
        file.parent.mkdir(exist_ok=True)
        file.write_text((file.read_text("utf-8") if file.exists() else "") + text, "utf-8")
    session = open_session(demo.surroundings, headless=True)
    workspace = session.open_workspace(demo.workspace)
    session.set_environment(next(iter(ENVIRONMENTS)))
    invocation = Invocation(Output(io.BytesIO()), Diagnostics(None), None)
    order = workspace.requests(["health", "payments", "refunds", "reports"])
    await report_run(invocation, session, order, RunOptions(), [Target("html", path)])
    await session.close()


def main(only: list[str]) -> None:
    if FOUND is None:
        print("there is no Chromium here: the report was not drawn")
        return
    with tempfile.TemporaryDirectory() as folder, Demo(read_surroundings()) as demo:
        page = Path(folder) / "report.html"
        asyncio.run(write_report(demo, page))
        with Browser(Path(folder) / "profile", home=Path(folder)) as browser:
            for name in only or KEPT:
                width, height, dark = SHOTS[name]
                browser.look(width=width, height=height, dark=dark)
                browser.open(page.as_uri())
                target = OUT / f"{name}.png"
                target.write_bytes(browser.png())
                print(target.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
