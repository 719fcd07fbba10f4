"""The HTML report: what it shows of each request and what it leaves out; and that a real browser takes it as meant."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.output import Output
from cli.reports import make
from core.exchange import Exchange, ReceivedBody, Response, Result, RunFinished, RunStarted, Shown
from core.redactor import Redactor
from core.reports.html import WITH_SIDES
from core.reports.row import Tally, row
from core.reports.sides import LARGEST_BODY, sides
from core.secret import Secret
from tests.browser import FOUND, Browser
from tests.canary import leaks
from tests.cli.harness import Hushpost, write
from tests.cli.reported import NASTY, STARTED, exchange, report
from tests.loopback import Loopback

needs_browser = pytest.mark.skipif(FOUND is None, reason="no Chromium is installed")
SECRET = "s3cr3t-<&>-\U0001f511"


def answer(body: bytes, *headers: tuple[str, str]) -> Exchange:
    response = Response(200, "OK", "HTTP/1.1", headers, ReceivedBody.of(body))
    return replace(exchange(), response=response)


def shown(one: Exchange) -> str:
    redactor = Redactor()
    redactor.add("token", Secret(SECRET))
    found = sides(one, redactor)
    return f"{found.request}\n{found.response}\n{found.note}"


JSON = ("Content-Type", "application/json")


def test_both_sides_are_masked_and_json_is_laid_out() -> None:
    one = answer(f'{{"id":7,"echo":"{SECRET}"}}'.encode(), JSON, ("X-Echo", SECRET))
    one = replace(one, shown=Shown(f"https://x/{SECRET}", (("X-Key", "{{token}}"),), f"body {SECRET}"))
    text = shown(one)
    assert leaks({"token": SECRET}, [("sides", text.encode())]) == []
    assert "X-Key: {{token}}" in text
    assert '\n  "id": 7,\n  "echo": "••••••"\n' in text


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"access_token": "abc-unknown", "n": 1}', (JSON,)),
        (b'{"user": {"clientSecret": "abc-unknown"}}', (JSON,)),
        (b'{"password": 55512345}', (JSON,)),
        (b"{}", (JSON, ("Set-Cookie", "sid=abc-unknown; Path=/"))),
        (b"{}", (JSON, ("X-Auth-Token", "abc-unknown"))),
        (b"see glpat-0123456789abcdefghij-abc", (("Content-Type", "text/plain"),)),
    ],
)
def test_what_looks_like_a_secret_is_left_out_of_a_page_that_is_passed_on(
    body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    text = shown(answer(body, *headers))
    assert not re.search("abc-unknown|55512345|glpat", text)
    assert "••••••" in text


def test_a_long_body_is_cut_and_a_secret_at_the_cut_is_not() -> None:
    body = b"x" * (LARGEST_BODY - 8) + SECRET.encode() + b"y" * 50_000
    text = shown(answer(body, ("Content-Type", "text/plain")))
    assert "the first 16 KiB of" in text
    assert len(text) < LARGEST_BODY + 1000
    assert "s3cr" not in text


def test_bytes_that_are_no_text_are_described() -> None:
    text = shown(answer(b"\x89PNG\r\n\x1a\n" + bytes(500), ("Content-Type", "image/png")))
    assert "508 bytes)" in text


def test_only_so_many_exchanges_are_kept_in_one_page() -> None:
    stream = io.BytesIO()
    reporter = make("html", Output(stream))
    reporter.start(RunStarted("w", "e", STARTED, 1))
    tally = Tally()
    for number in range(WITH_SIDES["passed"] + 5):
        tally.count("passed")
        one = Result(f"r{number}", 1, "passed", "GET", "https://x", exchange(body=b"[1]"))
        reporter.add(row(one, str, redactor=Redactor()))
    reporter.finish(RunFinished(1.0), tally)
    text = stream.getvalue().decode()
    assert text.count('<details class="row passed">') == WITH_SIDES["passed"] + 5
    assert text.count("<h2>Response</h2>") == WITH_SIDES["passed"]


def test_every_request_is_there_with_its_reasons() -> None:
    text = report("html")
    assert text.count('<details class="row ') == 5
    assert text.count(" open><summary>") == 3
    assert "status equals 201" in text
    assert "secrets used: api_key, b_key" in text
    assert "1 of 5 requests passed" in text


# In a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    started = Browser(folder / "profile", home=folder)
    try:
        started.__enter__()
    except (OSError, EOFError) as error:
        started.close()
        pytest.skip(f"Chromium does not start here: {error}")
    yield started
    started.close()


@pytest.fixture
def page(hushpost: Hushpost, workspace: Path, server: Loopback) -> Path:
    """The report of a real run with one of each outcome, and a secret in all of it."""
    server.routes["/pixel"] = lambda handler, _: handler.answer(
        200,
        f'<img src="{server.url}/loaded"><script>document.title = "owned"</script>{SECRET}'.encode(),
        (("Content-Type", "text/html"),),
    )
    capture = 'captures = [{ name = "id", from = "json", path = "$.id" }]\n'
    files = {
        "1 fine": f'url = "{server.url}/echo?t={{{{token}}}}"\n',
        "2 <img src=x onerror=alert(1)> ": f'url = "{server.url}/pixel"\n',
        "3 login": f'url = "{server.url}/status/500"\n{capture}',
        "4 needs login": f'url = "{server.url}/echo?{{{{id}}}}"\n',
        "5 gone": 'url = "http://127.0.0.1:9/"\n',
    }
    write(workspace, {f"requests/{name.strip()}.toml": text for name, text in files.items()})
    ran = hushpost("run", "--reporter", "html=report.html", "-v", "token=-", stdin=SECRET.encode())
    assert ran.code == 4, ran.stderr
    return workspace / "report.html"


VISIBLE = "[...document.querySelectorAll('.row')].filter(row => row.checkVisibility()).map(row => row.className)"
FOCUS = "document.activeElement.id || document.activeElement.textContent.slice(0, 20)"


@needs_browser
def test_a_browser_shows_the_run_and_asks_nobody_for_anything(
    browser: Browser, page: Path, server: Loopback, hushpost: Hushpost
) -> None:
    assert leaks({"token": SECRET}, [("page", page.read_bytes())]) == []
    before = len(server.requests)
    browser.look(width=1200, height=900)
    browser.open(page.as_uri())
    assert browser.value("document.title") == "Payments: 5 requests: 2 passed, 1 failed, 1 error, 1 skipped"
    labels = "[...document.querySelectorAll('.filter label')].map(label => label.textContent)"
    assert browser.value(labels) == ["5 all", "2 passed", "1 failed", "1 error", "1 skipped"]
    assert browser.value(VISIBLE) == ["row passed", "row passed", "row failed", "row skipped", "row error"]
    bars = "[...document.querySelectorAll('.share rect')].map(bar => bar.getBoundingClientRect().width)"
    widths = browser.value(bars)
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert browser.value("getComputedStyle(document.querySelector('.failed .outcome')).fontWeight") == "650"
    assert browser.value("document.images.length + document.scripts.length") == 0
    browser.look(width=400, height=800, dark=True)
    assert [url for url in browser.requests if not url.startswith("data:")] == [page.as_uri()]
    # Even where somebody had managed to put something into it.
    image = (
        f"new Promise(done => {{ const i = new Image(); i.onerror = () => done('refused'); i.src = '{server.url}/i' }})"
    )
    assert browser.value(image) == "refused"
    assert browser.value(f"fetch('{server.url}/f').then(() => 'came', () => 'refused')") == "refused"
    # A browser has errands of its own, so only what the page could have asked for counts.
    assert [line for line in browser.asked if server.url in line] == []
    assert len(server.requests) == before


@needs_browser
def test_what_a_page_does_load_is_noticed(browser: Browser, tmp_path: Path, server: Loopback) -> None:
    """The test above can fail."""
    loading = tmp_path / "loading.html"
    loading.write_text(f'<img src="{server.url}/image">')
    browser.open(loading.as_uri())
    assert any("/image" in line for line in browser.asked)
    assert f"{server.url}/image" in browser.requests


@needs_browser
def test_the_keyboard_filters_and_opens(browser: Browser, page: Path) -> None:
    browser.look(width=1200, height=900)
    browser.open(page.as_uri())
    browser.press("Tab")
    assert browser.value(FOCUS) == "all"
    for shown, kind in ((2, "passed"), (1, "failed"), (1, "error"), (1, "skipped")):
        browser.press("ArrowRight")
        assert browser.value(FOCUS) == kind
        assert browser.value(VISIBLE) == [f"row {kind}"] * shown
    for _ in range(4):
        browser.press("ArrowLeft")
    assert browser.value("getComputedStyle(document.querySelector('[for=all]')).outlineStyle") == "solid"
    browser.press("Tab")
    assert browser.value("document.activeElement.tagName") == "SUMMARY"
    assert browser.value("document.querySelector('.row').open") is False
    browser.press("Enter")
    assert browser.value("document.querySelector('.row').open") is True
    browser.press("Tab")
    assert browser.value("document.activeElement.tagName") == "PRE", "long sides are scrolled by keyboard"


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 1200])
def test_it_is_readable_narrow_and_wide_light_and_dark(
    browser: Browser, page: Path, tmp_path: Path, dark: bool, width: int
) -> None:
    browser.look(width=width, height=800, dark=dark)
    browser.open(page.as_uri())
    assert browser.value("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    assert browser.png().startswith(b"\x89PNG")
    for selector in (".name", ".failed .outcome", ".skipped .outcome", ".facts", ".error .why", ".size"):
        assert browser.value(CONTRAST % selector) >= 4.5, selector


CONTRAST = """(() => {
  const light = text => {
    const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let element = document.querySelector('%s');
  const ink = light(getComputedStyle(element).color);
  while (/, 0\\)$|transparent/.test(getComputedStyle(element).backgroundColor)) element = element.parentElement;
  const paper = light(getComputedStyle(element).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
})()"""


@needs_browser
def test_hostile_texts_stay_texts(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "nasty.html"
    path.write_text(report("html", f"{NASTY}</pre></details><script>document.title='owned'</script>"), "utf-8")
    browser.open(path.as_uri())
    assert browser.value("document.title").startswith("Payments <API>: 5 requests")
    assert browser.value("document.scripts.length") == 0
    assert browser.value("document.querySelectorAll('main > .row').length") == 5
