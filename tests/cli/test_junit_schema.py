"""JUnit reports are what the published schemas of their readers say, whatever stands in a name or an answer."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from core.exchange import ErrorInfo, Result
from tests.canary import leaks
from tests.cli.harness import Hushpost, write
from tests.cli.reported import report
from tests.loopback import Loopback

SCHEMAS = Path(__file__).parents[1] / "golden" / "junit"
EVERY_CONTROL = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF]))
HOSTILE = {
    "controls": EVERY_CONTROL,
    "end of CDATA": "]]> <![CDATA[ ]]]]>",
    "emoji": "\U0001f511 zero\u200djoiner \U0001f468\u200d\U0001f469\u200d\U0001f467 \u202eright to left",
    "half of a pair": "\ud83d and \udc00",
    "markup": "</failure></testcase><!-- & &amp; &#0; &lt; %entity; <?pi?> \"'",
    "huge": "0123456789abcdef" * 30_000,
    "nothing": "",
    "lines": "a\r\nb\rc\n\n\t d\u2028e\x85f",
}


@pytest.fixture(scope="module", params=["junit-10.xsd", "ant-junit.xsd"])
def schema(request: pytest.FixtureRequest) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMAS / request.param)


def test_the_schemas_find_faults(schema: xmlschema.XMLSchema) -> None:
    assert schema.is_valid(report("junit"))
    assert not schema.is_valid(report("junit").replace("<testcase name=", "<testcase nam="))
    assert not schema.is_valid(report("junit").replace("<failure ", "<fault ").replace("</failure>", "</fault>"))


@pytest.mark.parametrize("interrupted", [False, True])
def test_an_ordinary_an_empty_and_an_interrupted_run(schema: xmlschema.XMLSchema, interrupted: bool) -> None:
    schema.validate(report("junit", interrupted=interrupted))
    schema.validate(report("junit", interrupted=interrupted, some=[]))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts(schema: xmlschema.XMLSchema, name: str) -> None:
    text = report("junit", HOSTILE[name])
    schema.validate(text)
    suite = ElementTree.fromstring(text)[0]
    assert [child.tag for case in suite.findall("testcase") for child in case] == [
        "failure",
        "failure",
        "error",
        "skipped",
    ]


def test_a_text_is_read_back_as_it_was(schema: xmlschema.XMLSchema) -> None:
    said = "]]> <b>&amp;\U0001f511</b> \"'"
    one = Result("a", 1, "error", "GET", "http://x", error=ErrorInfo("connect", said))
    [case] = ElementTree.fromstring(report("junit", some=[one]))[0].findall("testcase")
    assert case[0].get("message") == said
    assert (case[0].text or "").startswith(said)


def test_a_real_run_with_secrets_in_everything(
    schema: xmlschema.XMLSchema, hushpost: Hushpost, workspace: Path, server: Loopback
) -> None:
    token = "]]>&<a<b>&\"'\U0001f511-secret"
    answer = f"{EVERY_CONTROL[0x80:0x90]}]]> {token} ".encode("utf-8", "replace") * 2000
    server.routes["/nasty"] = lambda handler, _: handler.answer(500, answer, (("Content-Type", "text/plain"),))
    checks = 'checks = [{ subject = "body", op = "equals", value = "{{token}}x" }]\n'
    basic = '[auth]\ntype = "basic"\nusername = "u"\npassword = "{{token}}"\n'
    write(
        workspace,
        {
            "requests/one/echo ]]> & é.toml": f'url = "{server.url}/nasty?t={{{{token}}}}"\n{checks}',
            "requests/two.toml": 'url = "http://127.0.0.1:9/{{token}}"\n',
            "requests/three.toml": f'url = "{server.url}/nasty"\n',
            "requests/four.toml": f'url = "{server.url}/echo"\n{basic}',
        },
    )
    ran = hushpost("run", "--reporter", "junit", "-v", "token=-", stdin=token.encode())
    assert ran.code == 4
    schema.validate(ran.out)
    assert leaks({"token": token}, [("junit", ran.stdout), ("stderr", ran.stderr.encode())]) == []
    suite = ElementTree.fromstring(ran.stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    assert json.dumps([case.get("name") for case in suite.findall("testcase")], ensure_ascii=False).count(
        "echo ]]> & é"
    )
