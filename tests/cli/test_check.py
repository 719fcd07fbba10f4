"""`hushpost check`: what would stop a request, what is odd, and no value of anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.canary import leaks
from tests.cli.harness import Hushpost, write
from tests.patience import wait_until
from tests.vaults.openbao import OpenBao

VALUE = "value-of-the-vault-secret"


def linked(mount: str, key: str = "key", path: str = "payments", rest: str = "") -> str:
    return (
        f'[variables.api_key]\n{rest}\n[variables.api_key.link]\nprovider = "hashicorp"\ncredential = "prod"\n'
        f'mount = "{mount}"\npath = "{path}"\nkey = "{key}"\n'
    )


@pytest.fixture
def mount(bao: OpenBao, hushpost: Hushpost) -> str:
    """A vault with one secret, whose credential is in the environment."""
    hushpost.environment |= {
        "HUSHPOST_HASHICORP_TYPE": "onPrem",
        "HUSHPOST_HASHICORP_AUTHMETHOD": "token",
        "HUSHPOST_HASHICORP_SERVERADDRESS": bao.address,
        "HUSHPOST_HASHICORP_ACCESS_TOKEN": bao.token(),
    }
    mount = bao.mount()
    bao.put(mount, "payments", {"key": VALUE, "short": "abc"})
    return mount


def good(workspace: Path, mount: str) -> None:
    write(
        workspace,
        {
            "environments/base.toml": '[variables]\nbase_url = "https://api.example.com"\n',
            "environments/live.toml": linked(mount, rest='allowed_hosts = ["api.example.com"]'),
            "requests/a.toml": 'url = "{{base_url}}/a"\n[auth]\ntype = "bearer"\ntoken = "{{api_key}}"\n',
        },
    )


def problems(found: Any) -> list[tuple[str, str, str, str]]:
    return [(one["severity"], one["kind"], one["file"], one["where"]) for one in found["problems"]]


def test_a_good_workspace_passes_even_strictly(hushpost: Hushpost, workspace: Path, mount: str) -> None:
    good(workspace, mount)
    ran = hushpost("check", "-e", "live", "--strict")
    assert ran.code == 0, ran.out
    assert f"OK       environments/live.toml: api_key  hashicorp prod {mount}/payments  version 1" in ran.out
    assert ran.out.splitlines()[-1] == "3 files, 1 request, 1 link: 0 errors, 0 findings"
    assert VALUE not in ran.out


def test_json_has_a_stable_shape(hushpost: Hushpost, workspace: Path, mount: str) -> None:
    good(workspace, mount)
    found = hushpost("check", "-e", "live", "--json").json
    assert found == {
        "workspace": "Payments",
        "environments": ["live"],
        "offline": False,
        "summary": {"files": 3, "requests": 1, "links": 1, "errors": 0, "findings": 0},
        "problems": [],
        "links": [
            {
                "file": "environments/live.toml",
                "variable": "api_key",
                "provider": "hashicorp",
                "credential": "prod",
                "secret": f"{mount}/payments",
                "status": "ok",
                "version": "1",
                "error": None,
            }
        ],
    }


def test_a_link_that_leads_nowhere_is_named_and_ends_with_3(hushpost: Hushpost, workspace: Path, mount: str) -> None:
    good(workspace, mount)
    write(workspace, {"environments/live.toml": linked(mount, path="gone")})
    ran = hushpost("check", "-e", "live")
    assert ran.code == 3
    assert "FAILED   environments/live.toml: api_key" in ran.out
    found = hushpost("check", "-e", "live", "--json").json
    assert found["links"][0]["status"] == "failed"
    assert found["links"][0]["error"]["kind"] == "secret-not-found"
    assert found["summary"]["errors"] == 1


def test_offline_asks_no_vault(hushpost: Hushpost, workspace: Path, mount: str) -> None:
    good(workspace, mount)
    hushpost.environment["HUSHPOST_HASHICORP_SERVERADDRESS"] = "http://127.0.0.1:9"
    ran = hushpost("check", "-e", "live", "--offline", "--json")
    assert ran.code == 0
    assert ran.json["links"][0]["status"] == "skipped"
    assert hushpost("check", "-e", "live").code == 3


def test_every_broken_file_is_named_and_the_rest_is_still_checked(
    hushpost: Hushpost, workspace: Path, mount: str
) -> None:
    good(workspace, mount)
    write(
        workspace,
        {
            "environments/odd.toml": "[variables\n",
            "requests/bad.toml": 'urll = "x"\n',
            "requests/sub/folder.toml": "order = 1\n",
            "requests/undefined.toml": 'url = "{{base_url}}/{{nobody}}"\n',
        },
    )
    ran = hushpost("check", "-e", "live", "--json")
    assert ran.code == 2
    assert problems(ran.json) == [
        ("error", "file-error", "environments/odd.toml", ""),
        ("error", "file-error", "requests/bad.toml", "urll"),
        ("error", "file-error", "requests/sub/folder.toml", "order"),
        ("error", "template-error", "requests/undefined.toml", "url"),
    ]
    assert ran.json["links"][0]["status"] == "ok"


def test_every_environment_is_checked_by_itself(hushpost: Hushpost, workspace: Path, mount: str) -> None:
    good(workspace, mount)
    write(workspace, {"environments/test.toml": '[variables]\nbase_url = "http://localhost"\n'})
    ran = hushpost("check", "--all-environments", "--json")
    assert ran.code == 2
    assert ran.json["environments"] == ["live", "test"]
    assert [(one["environment"], one["file"]) for one in ran.json["problems"]] == [("test", "requests/a.toml")]


def test_a_captured_name_is_no_undefined_one(hushpost: Hushpost, workspace: Path) -> None:
    write(
        workspace,
        {
            "requests/login.toml": 'url = "http://localhost"\n'
            'captures = [{ name = "session", from = "json", path = "$.token" }]\n',
            "requests/next.toml": 'url = "http://localhost/{{session}}"\n',
        },
    )
    assert hushpost("check").code == 0


def test_a_path_parameter_without_a_value_is_named_and_nothing_is_sent(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"requests/one.toml": 'url = "http://127.0.0.1:1/:id/%3Aword"\n'})
    checked = hushpost("check")
    assert checked.code == 2
    assert "requests/one.toml" in checked.out
    assert 'path parameter "id" has no value' in checked.out
    sent = hushpost("send", "one")
    assert sent.code == 2
    assert 'path parameter "id" has no value' in sent.stderr
    assert "%3Aid" in sent.stderr


def test_a_script_has_to_be_there_and_nothing_that_is_no_file_is_read(hushpost: Hushpost, workspace: Path) -> None:
    request = 'url = "http://localhost"\nscripts = { before_request = "sign.py" }\n'
    write(workspace, {"requests/a.toml": request, "scripts/other.py": "pass"})
    missing = hushpost("check")
    assert missing.code == 2
    assert 'the script "scripts/sign.py" is no script of this workspace' in missing.out
    assert 'there are "other.py"' in missing.out
    write(workspace, {"scripts/sign.py": "pass"})
    assert hushpost("check").code == 0
    os.mkfifo(workspace / "scripts" / "endless.py")
    ran = hushpost.process("check")
    assert ran.code == 2
    assert 'the script "scripts/endless.py" is no regular file' in ran.out


def test_a_folder_behind_a_link_is_told_once(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"requests/a.toml": 'url = "http://localhost"\n'})
    (workspace / "requests" / "loop").symlink_to(".")
    assert problems(hushpost("check", "--json").json) == [("error", "file-error", "requests/loop", "")]


def test_a_file_that_a_request_sends_has_to_be_there(hushpost: Hushpost, workspace: Path) -> None:
    write(workspace, {"requests/up.toml": 'url = "http://localhost"\n[body]\ntype = "file"\npath = "none.bin"\n'})
    ran = hushpost("check")
    assert ran.code == 2
    assert "none.bin" in ran.out


@pytest.mark.parametrize(
    ("files", "finding"),
    [
        (
            {"requests/a.toml": 'url = "http://localhost"\n[auth]\ntype = "bearer"\ntoken = "hunter2hunter2"\n'},
            ("plain-secret", "requests/a.toml", "auth.token"),
        ),
        (
            {"environments/base.toml": '[variables]\nold = "1"\n'},
            ("unused-variable", "environments/base.toml", "variables.old"),
        ),
        (
            {"environments/base.toml": linked("m"), "requests/a.toml": 'url = "http://localhost/{{api_key}}"\n'},
            ("unbound-name", "environments/base.toml", "variables.api_key"),
        ),
    ],
)
def test_findings_are_told_and_count_only_strictly(
    hushpost: Hushpost, workspace: Path, files: dict[str, str], finding: tuple[str, str, str]
) -> None:
    write(workspace, files)
    ran = hushpost("check", "--offline")
    assert ran.code == 0
    assert ran.out.startswith(f"finding    {finding[1]}: {finding[2]}: ")
    assert "hunter2" not in ran.out
    strict = hushpost("check", "--offline", "--strict", "--json")
    assert strict.code == 1
    assert problems(strict.json) == [("finding", *finding)]


def test_with_credentials_from_the_environment_a_link_should_say_its_hosts(
    hushpost: Hushpost, workspace: Path, mount: str
) -> None:
    good(workspace, mount)
    write(workspace, {"environments/live.toml": linked(mount, key="short")})
    ran = hushpost("check", "-e", "live", "--strict", "--json")
    assert ran.code == 1
    assert [one[1] for one in problems(ran.json)] == ["no-allowed-hosts", "short-secret"]


def test_a_secret_variable_without_a_value_ends_with_3(hushpost: Hushpost, workspace: Path, store: Path) -> None:
    write(
        workspace,
        {
            "environments/base.toml": "[variables.password]\nsecret = true\n",
            "requests/a.toml": 'url = "http://localhost/{{password}}"\n',
        },
    )
    ran = hushpost("check")
    assert ran.code == 3
    assert "environments/base.toml: variables.password: has no value on this machine" in ran.out
    assert "HUSHPOST_VAR_password" in ran.out
    assert hushpost("check", env={"HUSHPOST_VAR_password": "given"}).code == 0
    locked = hushpost("check", env={"HUSHPOST_KEY_FILE": ""})
    assert locked.code == 3
    assert "locked" in locked.out


def test_two_answers_to_one_question_are_refused(hushpost: Hushpost) -> None:
    assert hushpost("check", "-e", "live", "--all-environments").code == 2


def test_all_that_is_wrong_in_every_environment_is_named_and_no_value(
    hushpost: Hushpost, workspace: Path, bao: OpenBao, mount: str
) -> None:
    """Broken link, unbound name, expired login, plaintext that looks like a secret, unused variable: all at once."""
    expired = bao.token(ttl="1s")
    wait_until(lambda: not bao_knows(bao, expired))
    hushpost.environment |= {
        "HUSHPOST_CREDENTIAL_STALE_HASHICORP_TYPE": "onPrem",
        "HUSHPOST_CREDENTIAL_STALE_HASHICORP_AUTHMETHOD": "token",
        "HUSHPOST_CREDENTIAL_STALE_HASHICORP_SERVERADDRESS": bao.address,
        "HUSHPOST_CREDENTIAL_STALE_HASHICORP_ACCESS_TOKEN": expired,
    }
    plain = "sk_live_0123456789abcdefghij"
    stale = linked(mount).replace('"prod"', '"stale"')
    cloud = '[variables.api_key.link]\nprovider = "aws"\ncredential = "theirs"\nsecret_id = "payments"\n'
    write(
        workspace,
        {
            "environments/base.toml": f'[variables]\nforgotten = "1"\nhook = "{plain}"\n',
            "environments/good.toml": linked(mount, rest='allowed_hosts = ["localhost"]'),
            "environments/lost.toml": linked(mount, path="nowhere", rest='allowed_hosts = ["localhost"]'),
            "environments/unbound.toml": cloud,
            "environments/stale.toml": stale,
            "requests/a.toml": 'url = "http://localhost/{{api_key}}?{{hook}}"\n',
        },
    )
    ran = hushpost("check", "--all-environments", "--strict", "--json")
    assert ran.code == 3
    found = ran.json
    links = {one["file"]: (one["status"], one["error"] and one["error"]["kind"]) for one in found["links"]}
    assert links == {
        "environments/good.toml": ("ok", None),
        "environments/lost.toml": ("failed", "secret-not-found"),
        "environments/stale.toml": ("failed", links["environments/stale.toml"][1]),
        "environments/unbound.toml": ("failed", "not-bound"),
    }
    assert links["environments/stale.toml"][1] in ("login-required", "login-failed")
    assert {(one["kind"], one["where"]) for one in found["problems"]} >= {
        ("plain-secret", "variables.hook"),
        ("unused-variable", "variables.forgotten"),
    }
    for told in (ran, hushpost("check", "--all-environments")):
        secrets = {"value": VALUE, "plain": plain, "expired": expired, "token": bao.root_token}
        assert leaks(secrets, [("stdout", told.stdout), ("stderr", told.stderr.encode())]) == []
    text = hushpost("check", "--all-environments").out
    for words in ("nowhere", "hushpost bind theirs", "stale", "variables.hook", "variables.forgotten"):
        assert words in text, words


def bao_knows(bao: OpenBao, token: str) -> bool:
    answer = httpx.get(f"{bao.address}/v1/auth/token/lookup-self", headers={"X-Vault-Token": token}, trust_env=False)
    return answer.status_code == 200
