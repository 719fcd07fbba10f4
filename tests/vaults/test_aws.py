"""AWS Secrets Manager's provider against moto behind a front that checks every signature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from core.errors import AccessDenied, LoginFailed, LoginRequired, SecretNotFound
from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, AwsAmbient, AwsFile, AwsLink, AwsLongLived, AwsSso, AwsTemporary
from core.vault.service import Vault
from tests.canary import files_below
from tests.vaults.aws_front import REGION, START_URL, AwsFront, _aws_server, aws
from tests.vaults.contract import (
    NAME,
    BytesContract,
    LoginBackend,
    LoginContract,
    ProviderContract,
    VersionContract,
    assert_tells,
    unique,
)

__all__ = ["_aws_server", "aws"]


class AwsBackend:
    renews = False

    def __init__(self, front: AwsFront) -> None:
        self.front = front
        key_id, secret = front.user()
        self.admin = boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=REGION).client(
            "secretsmanager", endpoint_url=front.url
        )
        self.versions: dict[str, list[str]] = {}
        self._credential = self.temporary()

    def temporary(self, *actions: str) -> AwsTemporary:
        key_id, secret, token = self.front.temporary(*actions)
        return AwsTemporary(
            access_key_id=key_id,
            secret_access_key=Secret(secret),
            session_token=Secret(token),
            region=REGION,
            endpoint=self.front.url,
        )

    def credential(self) -> AnyCredential:
        return self._credential

    def link(self, secret_id: str) -> AwsLink:
        return AwsLink(credential=NAME, secret_id=secret_id)

    def _put(self, name: str, **value: Any) -> AnyLink:
        if name in self.versions:
            answer = self.admin.put_secret_value(SecretId=name, **value)
        else:
            answer = self.admin.create_secret(Name=name, **value)
        self.versions.setdefault(name, []).append(answer["VersionId"])
        return self.link(name)

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        return self._put(name, SecretString=json.dumps(keys))

    def put_bytes(self, name: str, data: bytes) -> AnyLink:
        return self._put(name, SecretBinary=data)

    def missing(self) -> AnyLink:
        return self.link("nothing")

    def version(self, link: AnyLink, number: int) -> AnyLink:
        assert isinstance(link, AwsLink)
        known = self.versions[link.secret_id]
        version = known[number - 1] if number <= len(known) else "00000000-0000-0000-0000-000000000000"
        return msgspec.structs.replace(link, version_id=version)

    def refused(self) -> AnyCredential:
        return msgspec.structs.replace(self._credential, secret_access_key=Secret("this-key-is-wrong"))

    def powerless(self) -> AnyCredential:
        return self.temporary("sts:GetCallerIdentity")

    def end_login(self) -> None:
        self.front.end(self._credential.access_key_id)

    def at(self, address: str) -> AnyCredential:
        return msgspec.structs.replace(self._credential, endpoint=address)


@pytest.fixture
def cloud(aws: AwsFront) -> AwsBackend:
    return AwsBackend(aws)


class TestAws(ProviderContract, LoginContract, VersionContract, BytesContract):
    @pytest.fixture
    def backend(self, cloud: AwsBackend) -> LoginBackend:
        return cloud


@pytest.fixture
def vault() -> Any:
    vault = Vault()
    yield vault
    vault.close()


async def value(vault: Vault, credential: AnyCredential, link: AnyLink) -> str:
    return (await vault.get(NAME, credential, link, fresh=True)).secret.reveal()


async def test_plaintext_comes_exactly_as_stored(cloud: AwsBackend, vault: Vault) -> None:
    text = ' {"a": 1}  \n'
    link = cloud._put(unique("plain"), SecretString=text)
    assert await value(vault, cloud.credential(), link) == text


async def test_full_and_partial_arns_and_the_region_in_them(cloud: AwsBackend, vault: Vault) -> None:
    name = unique("arn")
    arn = cloud.admin.create_secret(Name=name, SecretString="by arn")["ARN"]
    elsewhere = msgspec.structs.replace(cloud.credential(), region="us-west-2")
    assert await value(vault, elsewhere, cloud.link(arn)) == "by arn"
    assert await value(vault, elsewhere, cloud.link(arn.rpartition("-")[0])) == "by arn"
    with pytest.raises(SecretNotFound, match="us-west-2"):
        await value(vault, elsewhere, cloud.link(name))


async def test_stages(cloud: AwsBackend, vault: Vault) -> None:
    name = unique("staged")
    cloud._put(name, SecretString="old")
    link = cloud._put(name, SecretString="new")
    assert await value(vault, cloud.credential(), msgspec.structs.replace(link, version_stage="AWSPREVIOUS")) == "old"
    got = await vault.get(NAME, cloud.credential(), link)
    assert got.info.stages == ("AWSCURRENT",)
    assert got.info.resolved_id.startswith("arn:aws:secretsmanager:")
    with pytest.raises(SecretNotFound, match='stage "NOPE"'):
        await value(vault, cloud.credential(), msgspec.structs.replace(link, version_stage="NOPE"))


async def test_a_secret_that_is_being_deleted_is_named_so(cloud: AwsBackend, vault: Vault) -> None:
    link = cloud._put(unique("deleted"), SecretString="x")
    cloud.admin.delete_secret(SecretId=link.secret_id)  # type: ignore[union-attr]
    with pytest.raises(SecretNotFound, match="scheduled for deletion") as caught:
        await value(vault, cloud.credential(), link)
    assert_tells(caught.value, of=cloud.credential())


async def test_a_role_is_assumed_for_one_secret(cloud: AwsBackend, vault: Vault) -> None:
    link = cloud._put(unique("role"), SecretString="through the role")
    weak = cloud.temporary("sts:AssumeRole")
    arn = cloud.front.identities[weak.access_key_id].arn
    role = cloud.front.role("reader", trusts=arn, external_id="tenant-7")
    with pytest.raises(AccessDenied, match="may not read"):
        await value(vault, weak, link)
    with pytest.raises(AccessDenied, match="may not assume") as caught:
        await value(vault, weak, msgspec.structs.replace(link, role_arn=role))
    assert_tells(caught.value, of=weak)
    through = msgspec.structs.replace(link, role_arn=role, external_id="tenant-7")
    assert await value(vault, weak, through) == "through the role"
    assert await value(vault, weak, through) == "through the role"
    assert cloud.front.asked.count("AssumeRole") == 2


class Code:
    """A person who types a code."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.asked: list[str] = []

    def ask_code(self, title: str, message: str) -> str:
        self.asked.append(message)
        return self.code

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Any:
        raise NotImplementedError

    def open_url(self, url: str, redirect_uri: str) -> Any:
        raise NotImplementedError


def long_lived(cloud: AwsBackend, *actions: str, serial: str = "", mfa: str = "") -> AwsLongLived:
    key_id, secret = cloud.front.user("", *actions, mfa_serial=mfa, mfa_code="123456" if mfa else "")
    return AwsLongLived(
        access_key_id=key_id,
        secret_access_key=Secret(secret),
        region=REGION,
        mfa_serial=serial,
        endpoint=cloud.front.url,
    )


async def test_long_lived_keys_without_mfa_last_two_hours(cloud: AwsBackend, vault: Vault) -> None:
    link = cloud._put(unique("long"), SecretString="v")
    credential = long_lived(cloud)
    assert await value(vault, credential, link) == "v"
    state = vault.login_state(NAME)
    assert state.expires_at is not None
    left = state.expires_at - datetime.now(UTC)
    assert timedelta(minutes=118) < left <= timedelta(hours=2)


@pytest.mark.parametrize("serial", ["", "arn:aws:iam::123456789012:mfa/ada"])
async def test_an_mfa_device_is_found_or_given_and_its_code_is_asked_for(cloud: AwsBackend, serial: str) -> None:
    device = "arn:aws:iam::123456789012:mfa/ada"
    link = cloud._put(unique("mfa"), SecretString="v")
    person = Code("123456")
    vault = Vault(prompter=person)
    assert await value(vault, long_lived(cloud, serial=serial, mfa=device), link) == "v"
    assert len(person.asked) == 1
    assert device in person.asked[0]
    assert cloud.front.asked.count("ListMFADevices") == (0 if serial else 1)
    vault.close()


async def test_a_wrong_code_is_told(cloud: AwsBackend) -> None:
    vault = Vault(prompter=Code("000000"))
    credential = long_lived(cloud, mfa="arn:aws:iam::123456789012:mfa/ada")
    with pytest.raises(LoginFailed, match="code") as caught:
        await vault.test(NAME, credential)
    assert_tells(caught.value, of=credential)
    vault.close()


async def test_without_permission_to_look_for_mfa_denied_access_says_so(cloud: AwsBackend, vault: Vault) -> None:
    link = cloud._put(unique("nomfa"), SecretString="v")
    with pytest.raises(AccessDenied) as caught:
        await value(vault, long_lived(cloud, "sts:GetCallerIdentity"), link)
    assert "iam:ListMFADevices" in str(caught.value.hint)


def keys_file(path: Path, **sections: tuple[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
            for name, (key_id, secret) in sections.items()
        )
    )


async def test_a_section_of_a_file_at_a_path_and_at_the_default_one(
    cloud: AwsBackend, vault: Vault, home: Path, tmp_path: Path
) -> None:
    link = cloud._put(unique("file"), SecretString="v")
    keys_file(home / ".aws/credentials", default=cloud.front.user("ada"))
    keys_file(tmp_path / "own", team=cloud.front.user("bob"))
    default = AwsFile(region=REGION, endpoint=cloud.front.url)
    named = AwsFile(section="team", file_path=str(tmp_path / "own"), region=REGION, endpoint=cloud.front.url)
    assert await value(vault, default, link) == "v"
    assert vault.login_state(NAME).identity.endswith("user/ada")
    assert await value(vault, named, link) == "v"
    assert vault.login_state(NAME).identity.endswith("user/bob")
    missing = msgspec.structs.replace(named, section="nobody")
    with pytest.raises(LoginFailed, match='no profile "nobody"') as caught:
        await vault.test(NAME, missing)
    assert '"team"' in str(caught.value.hint)
    with pytest.raises(LoginFailed, match="no file"):
        await vault.test(NAME, msgspec.structs.replace(named, file_path=str(tmp_path / "none")))


async def test_without_the_file_cache_changed_keys_are_used_and_a_cached_value_is_not_served(
    cloud: AwsBackend, vault: Vault, home: Path
) -> None:
    link = cloud._put(unique("reread"), SecretString="v")
    keys_file(home / ".aws/credentials", default=cloud.front.user("before"))
    credential = AwsFile(region=REGION, cache_file=False, endpoint=cloud.front.url)
    for _ in range(2):
        await vault.get(NAME, credential, link)
    assert cloud.front.asked.count("GetSecretValue") == 1
    keys_file(home / ".aws/credentials", default=cloud.front.user("after"))
    await vault.get(NAME, credential, link)
    assert cloud.front.asked.count("GetSecretValue") == 2
    assert vault.login_state(NAME).identity.endswith("user/after")


async def test_with_the_file_cache_the_first_contents_serve_on(cloud: AwsBackend, vault: Vault, home: Path) -> None:
    link = cloud._put(unique("kept"), SecretString="v")
    keys_file(home / ".aws/credentials", default=cloud.front.user("before"))
    credential = AwsFile(region=REGION, endpoint=cloud.front.url)
    await vault.get(NAME, credential, link)
    keys_file(home / ".aws/credentials", default=("AKIANOBODY", "nothing"))
    await vault.get(NAME, credential, link, fresh=True)
    assert vault.login_state(NAME).identity.endswith("user/before")


async def test_the_ambient_chain(cloud: AwsBackend, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    link = cloud._put(unique("ambient"), SecretString="v")
    credential = AwsAmbient(region=REGION, endpoint=cloud.front.url)
    with pytest.raises(LoginFailed, match="no AWS keys") as caught:
        await vault.test(NAME, credential)
    assert_tells(caught.value, of=credential)
    key_id, secret = cloud.front.user()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    assert await value(vault, credential, link) == "v"


SESSION = "Ada's öffice session"
CONFIG = f"""\
[sso-session "{SESSION}"]
sso_start_url = {START_URL}
sso_region = {REGION}
sso_registration_scopes = sso:account:access

[profile "my team"]
sso_session = {SESSION}
sso_account_id = 123456789012
sso_role_name = Reader
region = {REGION}
"""


class Shown:
    def __init__(self, on_poll: Any = None) -> None:
        self.dismissed = False
        self.cancelled = False
        self.pasted = None
        self._on_poll = on_poll

    def dismiss(self) -> None:
        self.dismissed = True


class Browser(Code):
    """A person who does something with the code that is shown."""

    def __init__(self, do: Any) -> None:
        super().__init__("")
        self.do = do
        self.shown: list[tuple[str, str]] = []
        self.dialog = Shown()

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Any:
        assert expires_at > datetime.now(UTC)
        self.shown.append((url, code))
        self.do(self.dialog)
        return self.dialog


@pytest.fixture
def sso(cloud: AwsBackend, home: Path, monkeypatch: pytest.MonkeyPatch) -> AwsSso:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(CONFIG, "utf-8")
    cloud.front.sso_roles.add(("123456789012", "Reader"))
    # botocore's own SSO provider asks the portal of the region: it is told of the front as a person would tell it.
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.front.url)
    return AwsSso(profile="my team", endpoint=cloud.front.url)


def cache_token(home: Path, token: str, *, ends: datetime, text: str | None = None) -> None:
    folder = home / ".aws/sso/cache"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha1(SESSION.encode()).hexdigest()
    body = {"accessToken": token, "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "startUrl": START_URL}
    (folder / f"{name}.json").write_text(json.dumps(body) if text is None else text)


@pytest.fixture
def sso_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """botocore fixes the cache's folder when it is imported."""
    import botocore.tokens
    import botocore.utils

    folder = home / ".aws/sso/cache"
    monkeypatch.setattr(botocore.utils.JSONFileCache, "CACHE_DIR", str(folder))
    monkeypatch.setattr(botocore.tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(folder))
    return folder


async def test_a_cached_sso_login_serves_also_with_blanks_and_letters_in_its_name(
    cloud: AwsBackend, vault: Vault, sso: AwsSso, sso_cache: Path, home: Path
) -> None:
    link = cloud._put(unique("sso"), SecretString="v")
    cache_token(home, cloud.front.sso_token(), ends=datetime.now(UTC) + timedelta(hours=1))
    assert await value(vault, sso, link) == "v"
    assert "AWSReservedSSO_Reader" in vault.login_state(NAME).identity


@pytest.mark.parametrize("text", [None, "{broken", "{}"])
async def test_an_ended_or_broken_sso_login_is_made_anew_by_device_code_and_touches_no_file(
    cloud: AwsBackend, sso: AwsSso, sso_cache: Path, home: Path, text: str | None
) -> None:
    link = cloud._put(unique("device"), SecretString="v")
    cache_token(home, "gone", ends=datetime.now(UTC) - timedelta(hours=1), text=text)
    before = dict(files_below(home))

    def approve(dialog: Shown) -> None:
        cloud.front.device_codes.update(dict.fromkeys(cloud.front.device_codes, "approved"))

    person = Browser(approve)
    vault = Vault(prompter=person)
    assert await value(vault, sso, link) == "v"
    [(url, code)] = person.shown
    assert url.startswith(START_URL)
    assert code == "ABCD-EFGH"
    assert person.dialog.dismissed
    assert vault.login_state(NAME).expires_at is not None
    assert dict(files_below(home)) == before
    vault.close()


async def test_a_declined_and_a_cancelled_sso_login(cloud: AwsBackend, sso: AwsSso, sso_cache: Path) -> None:
    def decline(dialog: Shown) -> None:
        cloud.front.device_codes.update(dict.fromkeys(cloud.front.device_codes, "denied"))

    def cancel(dialog: Shown) -> None:
        dialog.cancelled = True

    for do, error in ((decline, LoginFailed), (cancel, LoginRequired)):
        vault = Vault(prompter=Browser(do))
        with pytest.raises(error) as caught:
            await vault.test(NAME, sso)
        assert_tells(caught.value, of=sso)
        vault.close()


async def test_nobody_to_approve_is_told_with_the_command(sso: AwsSso, sso_cache: Path, vault: Vault) -> None:
    with pytest.raises(LoginRequired) as caught:
        await vault.test(NAME, sso)
    assert_tells(caught.value, of=sso)


async def test_a_role_that_is_not_assigned(cloud: AwsBackend, sso: AwsSso, sso_cache: Path) -> None:
    cloud.front.sso_roles.clear()

    def approve(dialog: Shown) -> None:
        cloud.front.device_codes.update(dict.fromkeys(cloud.front.device_codes, "approved"))

    vault = Vault(prompter=Browser(approve))
    with pytest.raises(LoginFailed, match="not assigned"):
        await vault.test(NAME, sso)
    vault.close()
