"""The main job, headless: requests whose secrets come from a real vault, and nothing of them in what comes out."""

from __future__ import annotations

import base64
import json
import shlex
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cli.reports import NAMES
from tests.canary import files_below, leaks
from tests.cli.harness import Hushpost, Ran, write
from tests.loopback import Loopback
from tests.patience import PATIENCE_S
from tests.vaults.openbao import OpenBao

SECRETS = {
    "header_key": 'sk_live_Zx9/+=&?%é"quoted"',
    "query_key": "q-Ünïcode & spaces+plus",
    "basic_password": "pa:ss'w<o>rd&%",
    "body_value": 'line one\nline two \\ "end"',
}
HEADER = SECRETS["header_key"].replace("é", "e")
SECRETS["header_key"] = HEADER


def link(mount: str, name: str, extra: str = "") -> str:
    return f"""
[variables.{name}]
{extra}
[variables.{name}.link]
provider = "hashicorp"
credential = "vault-prod"
mount = "{mount}"
path = "payments"
key = "{name}"
"""


@pytest.fixture
def mount(bao: OpenBao) -> str:
    mount = bao.mount()
    bao.put(mount, "payments", {**SECRETS, "pin": "123", "other": "another-key-of-the-same-secret"})
    return mount


@pytest.fixture
def api(workspace: Path, server: Loopback, mount: str) -> Loopback:
    links = "".join(link(mount, name) for name in SECRETS)
    write(
        workspace,
        {
            "environments/base.toml": f'[variables]\nbase_url = "{server.url}"\n',
            "environments/production.toml": links,
            "requests/all.toml": """
method = "POST"
url = "{{base_url}}/echo"
headers = [{ name = "X-Key", value = "{{header_key}}" }]
query = [{ name = "key", value = "{{query_key}}" }]
[auth]
type = "basic"
username = "bob"
password = "{{basic_password}}"
[body]
type = "json"
text = '{"value": "{{body_value}}"}'
""",
            "requests/plain.toml": 'url = "{{base_url}}/status/200"\n',
        },
    )
    return server


@pytest.fixture
def headless(hushpost: Hushpost, bao: OpenBao) -> Hushpost:
    """Credentials from the environment, as in CI."""
    hushpost.environment |= {
        "HUSHPOST_HASHICORP_TYPE": "onPrem",
        "HUSHPOST_HASHICORP_AUTHMETHOD": "token",
        "HUSHPOST_HASHICORP_SERVERADDRESS": bao.address,
        "HUSHPOST_HASHICORP_ACCESS_TOKEN": bao.token(),
    }
    return hushpost


def assert_received(api: Loopback) -> None:
    received = api.last
    assert received.header("X-Key") == SECRETS["header_key"]
    assert received.query["key"] == SECRETS["query_key"]
    basic = base64.b64encode(f"bob:{SECRETS['basic_password']}".encode()).decode()
    assert received.header("Authorization") == f"Basic {basic}"
    assert json.loads(received.body) == {"value": SECRETS["body_value"]}


def assert_silent(hushpost: Hushpost, ran: Ran, *folders: Path) -> None:
    known = {**SECRETS, "token": hushpost.environment.get("HUSHPOST_HASHICORP_ACCESS_TOKEN", "")}
    known = {name: value for name, value in known.items() if value}
    sinks = [("stdout", ran.stdout), ("stderr", ran.stderr.encode()), *files_below(hushpost.home, *folders)]
    assert leaks(known, sinks) == []


@pytest.mark.parametrize("reporter", NAMES)
def test_a_run_puts_secrets_on_the_wire_and_nowhere_else(
    headless: Hushpost, api: Loopback, workspace: Path, reporter: str
) -> None:
    ran = headless("run", "-e", "production", "all", "--reporter", reporter)
    assert ran.code == 0, ran.stderr
    assert_received(api)
    assert_silent(headless, ran, workspace)


@pytest.mark.parametrize("options", [[], ["--json"], ["--include"]])
def test_a_sent_request_echoes_no_secret(headless: Hushpost, api: Loopback, options: list[str]) -> None:
    ran = headless("send", "-e", "production", "all", *options)
    assert ran.code == 0, ran.stderr
    assert_received(api)
    assert_silent(headless, ran)
    assert "••••••" in ran.out


def test_a_run_as_a_process_leaks_nothing_either(headless: Hushpost, api: Loopback, workspace: Path) -> None:
    ran = headless.process("run", "-e", "production", "--reporter", "console", "--reporter", "html=report.html")
    assert ran.code == 0, ran.stderr
    assert_silent(headless, ran, workspace)


def test_json_names_the_secrets_that_were_used(headless: Hushpost, api: Loopback) -> None:
    found = headless("run", "-e", "production", "--reporter", "json").json
    assert [result["secrets_used"] for result in found["results"]] == [sorted(SECRETS), []]
    assert "{{query_key}}" in found["results"][0]["url"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": "nowhere"}, ["nowhere"]),
        ({"key": "nokey"}, ["nokey"]),
        ({"mount": "nomount"}, ["nomount"]),
        ({"version": 9}, ["9"]),
    ],
)
def test_what_cannot_be_had_stops_its_request_by_name_and_only_that(
    headless: Hushpost, api: Loopback, workspace: Path, mount: str, change: dict[str, object], words: list[str]
) -> None:
    fields = {"provider": "hashicorp", "credential": "vault-prod", "mount": mount, "path": "payments", "key": "pin"}
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in {**fields, **change}.items())
    write(
        workspace,
        {
            "environments/broken.toml": f"[variables.wanted.link]\n{lines}\n",
            "requests/all.toml": 'url = "{{base_url}}/echo?k={{wanted}}"\n',
        },
    )
    ran = headless("run", "-e", "broken", "--reporter", "json", "--reporter", "junit=run.xml")
    assert ran.code == 3
    assert [request.path for request in api.requests] == ["/status/200"]
    first, second = ran.json["results"]
    assert (first["outcome"], second["outcome"]) == ("error", "passed")
    assert first["error"]["kind"] == "secret-not-found"
    assert '"wanted"' in first["error"]["message"]
    for word in words:
        assert word in first["error"]["message"]
    case = ElementTree.parse(workspace / "run.xml").getroot()[0].find("testcase/error")
    assert case is not None
    assert case.get("type") == "secret-not-found"
    assert_silent(headless, ran, workspace)
    assert "another-key-of-the-same-secret" not in ran.out + ran.stderr


def test_a_wrong_token_ends_with_3_and_sends_nothing(headless: Hushpost, api: Loopback) -> None:
    headless.environment["HUSHPOST_HASHICORP_ACCESS_TOKEN"] = "hvs.wrong-token-of-nobody"
    ran = headless("send", "-e", "production", "all")
    assert (ran.code, ran.stdout) == (3, b"")
    assert api.requests == []
    assert "hvs.wrong" not in ran.stderr


def test_an_unreachable_vault_ends_with_3(headless: Hushpost, api: Loopback) -> None:
    headless.environment["HUSHPOST_HASHICORP_SERVERADDRESS"] = "http://127.0.0.1:9"
    ran = headless("send", "-e", "production", "all")
    assert ran.code == 3
    assert "127.0.0.1:9" in ran.stderr


def test_without_any_credential_the_line_to_run_is_told(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("send", "-e", "production", "all")
    assert ran.code == 3
    assert "hushpost bind vault-prod" in ran.stderr
    assert api.requests == []


class Bound:
    """A user with a store, a credential, and a workspace that is not bound yet."""

    def __init__(self, hushpost: Hushpost, bao: OpenBao) -> None:
        self.hushpost = hushpost
        fields = ["--field", f"server_address={bao.address}", "--field", "token=-"]
        token = bao.token().encode()
        added = hushpost(
            "credential", "add", "mine", "--provider", "hashicorp", "--type", "token", *fields, stdin=token
        )
        assert added.code == 0, added.stderr


@pytest.fixture
def user(hushpost: Hushpost, store: Path, bao: OpenBao) -> Hushpost:
    return Bound(hushpost, bao).hushpost


def test_a_workspace_is_bound_and_approved_before_it_gets_a_secret(user: Hushpost, api: Loopback) -> None:
    listed = user("bind", "-e", "production")
    assert listed.code == 3
    assert '"vault-prod" is not bound: hushpost bind vault-prod YOUR_CREDENTIAL' in listed.out
    assert user("send", "-e", "production", "all").code == 3
    assert user("bind", "vault-prod", "mine").code == 0
    refused = user("send", "-e", "production", "all")
    assert refused.code == 3
    assert "hushpost bind" in refused.stderr
    assert api.requests == []
    listed = user("bind", "-e", "production")
    assert listed.code == 3
    assert f"{api.url}: to approve" in listed.out
    assert user("bind", "-e", "production", "--yes").code == 0
    assert user("send", "-e", "production", "all").code == 0
    assert_received(api)
    assert f"{api.url}: approved" in user("bind", "-e", "production").out


def test_the_list_covers_every_environment_unless_one_is_named(user: Hushpost, api: Loopback, mount: str) -> None:
    write(
        user.folder,
        {"environments/other.toml": 'variables.base_url = "https://other.example"\n' + link(mount, "header_key")},
    )
    write(user.folder, {"requests/all.toml": 'url = "{{base_url}}/{{header_key}}"\n'})
    assert user("bind", "vault-prod", "mine").code == 0
    every = user("bind").out
    assert f"{api.url}: to approve" in every
    assert "https://other.example: to approve" in every
    assert "other.example" not in user("bind", "-e", "production").out


def test_what_is_wrong_with_a_credential_of_the_environment_is_corrected_there(
    headless: Hushpost, api: Loopback
) -> None:
    refused = headless("send", "-e", "production", "all", env={"HUSHPOST_HASHICORP_ACCESS_TOKEN": "not-this-one"})
    assert refused.code == 3
    assert "hint: its credential is from the environment: correct it there\n" in refused.stderr
    assert "hushpost credential" not in refused.stderr


def test_without_any_credential_both_ways_to_give_one_are_named(hushpost: Hushpost, api: Loopback) -> None:
    ran = hushpost("exec", "-e", "production", "--", "true")
    assert ran.code == 3
    assert "hushpost bind vault-prod YOUR_CREDENTIAL, or give one in the environment: HUSHPOST_HASHICORP" in ran.stderr


def test_a_passphrase_of_the_environment_that_opens_nothing_is_corrected_there(hushpost: Hushpost) -> None:
    assert hushpost("store", "init", env={"HUSHPOST_PASSPHRASE": "correct horse"}).code == 0
    wrong = hushpost("credential", "list", env={"HUSHPOST_PASSPHRASE": "battery"})
    assert (wrong.code, "hint: correct HUSHPOST_PASSPHRASE\n" in wrong.stderr) == (3, True)


def test_what_a_ci_system_leaves_empty_stops_only_what_needs_it(headless: Hushpost, api: Loopback) -> None:
    # As for a pull request from a fork, which gets no secrets.
    env = {"HUSHPOST_VAR_header_key": ""}
    assert headless("check", "--all-environments", "--offline", env=env).code == 0
    ran = headless("run", "-e", "production", "--reporter", "json", env=env)
    assert ran.code == 3
    assert [(row["request"], row["outcome"]) for row in ran.json["results"]] == [("all", "error"), ("plain", "passed")]
    assert ran.json["results"][0]["error"]["message"] == 'the secret value of "header_key" is empty'
    assert "HUSHPOST_VAR_header_key" in ran.json["results"][0]["error"]["hint"]


def test_an_empty_secret_is_none(headless: Hushpost, api: Loopback, bao: OpenBao, workspace: Path) -> None:
    mount = bao.mount()
    bao.put(mount, "payments", {"nothing": ""})
    write(
        workspace,
        {
            "environments/empty.toml": link(mount, "nothing"),
            "requests/empty.toml": 'url = "{{base_url}}/echo"\nheaders = [{ name = "X", value = "{{nothing}}" }]\n',
        },
    )
    ran = headless("send", "-e", "empty", "empty")
    assert (ran.code, api.requests) == (3, [])
    assert f'variable "nothing": secret "{mount}/payments" is empty' in ran.stderr


def test_a_locked_store_stops_only_what_needs_it(user: Hushpost, api: Loopback) -> None:
    assert user("bind", "vault-prod", "mine", "--allow-host", api.url).code == 0
    opened = user("run", "-e", "production", "--reporter", "json")
    assert [result["outcome"] for result in opened.json["results"]] == ["passed", "passed"]
    del user.environment["HUSHPOST_KEY_FILE"]
    locked = user("run", "-e", "production", "--reporter", "json")
    assert locked.code == 3
    first, second = locked.json["results"]
    assert (first["outcome"], second["outcome"]) == ("error", "passed")
    assert first["error"]["kind"] == "store-locked"
    assert "HUSHPOST_KEY_FILE" in first["error"]["hint"]


def test_a_binding_is_taken_back_with_its_hosts(user: Hushpost, api: Loopback) -> None:
    assert user("bind", "vault-prod", "mine", "--allow-host", api.url).code == 0
    assert user("bind", "--remove", "vault-prod").code == 0
    listed = user("bind").out
    assert '"vault-prod" is not bound' in listed
    assert "approved" not in listed
    assert user("bind", "--remove", "vault-prod").code == 3
    assert user("bind", "vault-prod", "mine", "--remove", "vault-prod").code == 2


def test_a_host_can_be_approved_with_the_binding(user: Hushpost, api: Loopback) -> None:
    assert user("bind", "vault-prod", "mine", "--allow-host", api.url).code == 0
    assert user("send", "-e", "production", "all").code == 0


def test_the_line_that_an_error_gives_approves_the_host(user: Hushpost, api: Loopback) -> None:
    assert user("bind", "vault-prod", "mine").code == 0
    refused = user("send", "-e", "production", "all")
    assert (refused.code, api.requests) == (3, [])
    line = refused.stderr.rpartition("or run: hushpost ")[2].strip()
    assert user(*shlex.split(line)).code == 0
    assert user("send", "-e", "production", "all").code == 0


def test_a_host_with_its_terms_or_for_the_store_can_be_approved_alone(user: Hushpost) -> None:
    need = "insecure proxy http://p:8080 https://api.example.com"
    assert user("bind", "--allow-host", need, "--allow-host", "Other.example.").code == 0
    assert user("bind", "vault-prod", "--allow-host", need).code == 3
    listed = user("bind").out
    assert f"values of your store may go to {need}: approved" in listed
    assert "values of your store may go to other.example: approved" in listed


def test_a_copy_elsewhere_starts_unbound(user: Hushpost, api: Loopback, workspace: Path, tmp_path: Path) -> None:
    import shutil

    assert user("bind", "vault-prod", "mine", "--allow-host", api.url).code == 0
    shutil.copytree(workspace, tmp_path / "copy")
    ran = user("send", "-w", tmp_path / "copy", "-e", "production", "all")
    assert ran.code == 3
    assert api.requests == []


@pytest.mark.parametrize(
    "arguments", [["one"], ["a", "b", "--allow-host", "http://"], ["--allow-host", "x y/z"], ["a", "b", "c"]]
)
def test_a_wrong_binding_is_refused(user: Hushpost, arguments: list[str]) -> None:
    assert user("bind", *arguments).code == 2


def test_a_name_cannot_be_bound_to_what_is_not_there(user: Hushpost) -> None:
    ran = user("bind", "vault-prod", "nobody")
    assert ran.code == 3
    assert '"nobody"' in ran.stderr


def test_exec_gives_a_command_the_values_and_its_exit_code(headless: Hushpost, api: Loopback) -> None:
    ran = headless.process(
        "exec", "-e", "production", "--only", "query_key", "--", "sh", "-c", 'printf %s "$query_key"; exit 7'
    )
    assert (ran.code, ran.out) == (7, SECRETS["query_key"])


def test_exec_gives_nothing_that_was_not_named(headless: Hushpost, api: Loopback) -> None:
    ran = headless.process("exec", "-e", "production", "--only", "base_url", "--", "env")
    assert f"base_url={api.url}" in ran.out
    assert "header_key" not in ran.out
    assert "ACCESS_TOKEN" not in ran.out
    everything = headless.process("exec", "-e", "production", "--", "env", "-0").out
    for name, value in SECRETS.items():
        assert f"{name}={value}\0" in everything


def test_exec_puts_no_value_on_a_command_line(headless: Hushpost, api: Loopback, workspace: Path) -> None:
    """Others on the machine read command lines, of the command and of hushpost itself."""
    ran = headless.process("exec", "-e", "production", "--", "sh", "-c", "cat /proc/$$/cmdline /proc/$PPID/cmdline")
    assert "cat /proc" in ran.out
    assert_silent(headless, ran, workspace)


def test_exec_passes_signals_on(headless: Hushpost, api: Loopback) -> None:
    script = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.01; done'
    process = headless.start("exec", "-e", "production", "--only", "base_url", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 9


def test_a_workspace_cannot_steer_a_command_by_its_variables(
    headless: Hushpost, api: Loopback, workspace: Path
) -> None:
    write(workspace, {"environments/evil.toml": '[variables]\nLD_PRELOAD = "./evil.so"\nPATH = "."\n'})
    ran = headless("exec", "-e", "evil", "--", "true")
    assert ran.code == 2
    assert "LD_PRELOAD" in ran.stderr
    assert "--only" in ran.stderr


@pytest.mark.parametrize(
    "name", ["DOTNET_STARTUP_HOOKS", "ZDOTDIR", "VAULT_ADDR", "PIP_EXTRA_INDEX_URL", "TF_CLI_ARGS"]
)
def test_what_runs_code_or_redirects_a_tool_has_to_be_named(headless: Hushpost, workspace: Path, name: str) -> None:
    write(workspace, {"environments/evil.toml": f'[variables]\n{name} = "x"\nTF_VAR_fine = "y"\n'})
    assert headless("exec", "-e", "evil", "--", "true").code == 2
    assert headless.process("exec", "-e", "evil", "--only", name, "--only", "TF_VAR_fine", "--", "true").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--only", "nobody", "--", "true"], 2),
        (["--only", "base_url", "--", "no-such-command"], 127),
        (["--only", "base_url", "--", "/"], 126),
        (["--only", "base_url"], 2),
    ],
)
def test_exec_that_cannot_start(headless: Hushpost, api: Loopback, arguments: list[str], code: int) -> None:
    ran = headless.process("exec", "-e", "production", *arguments)
    assert ran.code == code
    assert ran.stderr.startswith("error: ")


@pytest.fixture
def many(workspace: Path, api: Loopback) -> Loopback:
    """More requests, so that several fetch one secret at once."""
    for number in range(8):
        write(workspace, {f"requests/many/{number}.toml": 'url = "{{base_url}}/echo?k={{query_key}}"\n'})
    return api


def test_a_parallel_run_masks_them_all(headless: Hushpost, many: Loopback, workspace: Path) -> None:
    ran = headless("run", "many", "-e", "production", "--parallel", "4", "--reporter", "json")
    assert ran.code == 0, ran.stderr
    assert len(many.requests) == 8
    assert_silent(headless, ran, workspace)
