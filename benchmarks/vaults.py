"""What a vault costs: each provider's import, login, first and second fetch, and the memory they take.

    .venv/bin/python benchmarks/vaults.py [--runs 9] [--only hashicorp,aws]

Prints Markdown, median [least-most]. Every run is a fresh process, once with nothing else in it and once beside the app
with all it imports at its start. The servers run in this process (OpenBao as its own), all on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

VALUE = "what-the-benchmark-expects"
CHILD = Path(__file__).resolve().with_name("vault_child.py")
APP = ("cli.main", "cli.commands.workspace", "core.session", "tui.app", "tui.screens.requests")
"""What a started app has imported."""


@dataclass(frozen=True)
class Case:
    """What a child needs: nothing of the server but its address, in the credential or in the environment."""

    credential: Mapping[str, object]
    link: Mapping[str, object]
    environment: Mapping[str, str]


# The servers


@contextmanager
def hashicorp() -> Iterator[Case]:
    from core.vault.config import HashicorpLink
    from tests.vaults.openbao import running

    with running() as bao:
        mount = bao.mount(2)
        bao.put(mount, "some", {"password": VALUE})
        credential = bao.approle_credential([bao.policy({f"{mount}/*": ["read"]})])
        yield case(credential, HashicorpLink(credential="bench", mount=mount, path="some", kv_version=2))


@contextmanager
def aws() -> Iterator[Case]:
    import boto3
    from werkzeug.serving import make_server

    from core.secret import Secret
    from core.vault.config import AwsLink, AwsTemporary
    from tests.vaults.aws_front import REGION, AwsFront, _Application, _Quiet

    front = AwsFront()
    server = make_server("127.0.0.1", 0, _Application(front), threaded=True, request_handler=_Quiet)
    front.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key_id, secret = front.user()
    admin = boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=REGION)
    admin.client("secretsmanager", endpoint_url=front.url).create_secret(Name="some", SecretString=VALUE)
    key_id, secret, token = front.temporary()
    credential = AwsTemporary(
        access_key_id=key_id,
        secret_access_key=Secret(secret),
        session_token=Secret(token),
        region=REGION,
        endpoint=front.url,
    )
    yield case(credential, AwsLink(credential="bench", secret_id="some"))
    server.shutdown()


@contextmanager
def gcp() -> Iterator[Case]:
    from core.secret import Secret
    from core.vault.config import GcpLink, GcpServiceAccount
    from tests.vaults.gcp_fake import GcpFake, Server

    fake = GcpFake()
    server = Server(fake)
    fake.port = server.server_address[1]
    fake.url = f"http://127.0.0.1:{fake.port}"
    with served(server):
        fake.put("some", VALUE.encode())
        key = Secret(json.dumps(fake.add_account("viewer", "accessor")))
        yield case(GcpServiceAccount(key_json=key, endpoint=fake.url), GcpLink(credential="bench", secret="some"))
        fake.over.set()


@contextmanager
def azure() -> Iterator[Case]:
    import trustme

    from core.secret import Secret
    from core.vault.config import AzureLink, AzureServicePrincipal
    from tests.vaults.azure_fake import RESOURCES, AzureFake, _Server
    from tests.vaults.fakenet import fakenet

    names = [*RESOURCES, *(f"*.{resource}" for resource in RESOURCES.values())]
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        server = _Server(context)
        with served(server), fakenet(ca_file, dict.fromkeys(names, server.server_address[1])) as net:
            fake = server.fake = AzureFake(net)
            fake.put("some", VALUE)
            app = fake.app(secret="the-client-secret-of-the-app")
            credential = AzureServicePrincipal(
                tenant_id=fake.tenant, client_id=app.client_id, client_secret=Secret(app.secret)
            )
            link = AzureLink(credential="bench", secret_identifier=f"https://{fake.host}/secrets/some")
            yield case(credential, link, net.env)


@contextmanager
def hcp() -> Iterator[Case]:
    from core.secret import Secret
    from core.vault.config import HcpClient, HcpLink
    from tests.vaults.hcp_stub import APP, ORGANIZATION, PROJECT, standing_in

    with standing_in() as stub:
        stub.put("some", VALUE)
        identifier, secret = stub.add_client()
        link = HcpLink(credential="bench", organization_id=ORGANIZATION, project_id=PROJECT, app=APP, secret="some")
        yield case(HcpClient(client_id=identifier, client_secret=Secret(secret), endpoint=stub.url), link)


PROVIDERS = {"hashicorp": hashicorp, "aws": aws, "gcp": gcp, "azure": azure, "hcp": hcp}


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def case(credential: object, link: object, environment: Mapping[str, str] = {}) -> Case:
    import msgspec

    revealed = msgspec.to_builtins(credential, enc_hook=lambda secret: secret.reveal())
    return Case(revealed, msgspec.to_builtins(link), environment)


# The runs


def run(provider: str, case: Case, beside: Sequence[str], home: Path) -> dict[str, float]:
    """Nothing of this machine's environment reaches the child: REQUESTS_CA_BUNDLE and its like would change it."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    task = {"provider": provider, "beside": beside, "credential": case.credential, "link": case.link, "value": VALUE}
    done = subprocess.run(
        [sys.executable, str(CHILD)],
        input=json.dumps(task),
        env={**environment, **case.environment},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{provider} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def spread(runs: Sequence[Mapping[str, float]], name: str) -> str:
    values = [run[name] for run in runs]
    digits = 0 if min(values) >= 10 else 1
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f}-{max(values):.{digits}f}]"


def table(results: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    yield "| | import ms | connect ms | first fetch ms | second ms | import adds MiB | in all | process MiB | threads |"
    yield "|---|---|---|---|---|---|---|---|---|"
    columns = ("import", "connect", "first", "second", "sdk", "added", "all")
    for provider, runs in results.items():
        cells = " | ".join(spread(runs, column) for column in columns)
        yield f"| {provider} | {cells} | {statistics.median(run['threads'] for run in runs):.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", default=",".join(PROVIDERS))
    options = parser.parse_args()
    nothing = Case({}, {}, {})
    setups: dict[str, Sequence[str]] = {"nothing": (), "the app": APP}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases = {name: stack.enter_context(PROVIDERS[name]()) for name in options.only.split(",")}
        results: dict[str, dict[str, list[dict[str, float]]]] = {
            setup: {name: [] for name in cases} for setup in setups
        }
        apps: list[dict[str, float]] = []
        load = os.getloadavg()[0]
        for counted in range(options.runs + 1):
            alone = run("", nothing, APP, home)
            # The first round warms the page cache and the byte code, and does not count.
            apps += [alone] if counted else []
            for setup, beside in setups.items():
                for name, one in cases.items():
                    measured = run(name, one, beside, home)
                    results[setup][name] += [measured] if counted else []
        print(f"{options.runs} runs; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.\n")
        print(f"Python alone {spread(apps, 'python')} MiB, with the app's imports {spread(apps, 'app')} MiB.")
        for setup, providers in results.items():
            print(f"\nBeside {setup}:\n\n" + "\n".join(table(providers)))


if __name__ == "__main__":
    main()
