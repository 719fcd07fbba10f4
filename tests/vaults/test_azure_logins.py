"""How each type of Azure credential logs in, and how each login ends."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import stat
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import Certificate, CertificateBuilder, Name, NameAttribute, NameOID, random_serial_number

from core.errors import AccessDenied, LoginFailed, LoginRequired, ProviderUnavailable, SecretNotFound, VaultError
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import (
    AnyCredential,
    AzureBrowser,
    AzureCli,
    AzureDeviceCode,
    AzureEnvironment,
    AzureLink,
    AzureManagedIdentity,
    AzureServicePrincipal,
)
from core.vault.provider import Dismiss
from core.vault.providers.azure_person import _Opener
from core.vault.service import Vault
from tests.canary import files_below
from tests.patience import PATIENCE_S, until
from tests.vaults.azure_fake import DEVELOPER_APP, DEVICE_GRANT, DEVICE_URL, Answer, AzureFake, _azure_server, azure
from tests.vaults.contract import NAME, assert_tells
from tests.vaults.stranger import stranger

__all__ = ["_azure_server", "azure"]

CLIENT_SECRET = "the-client-secret-of-the-app"


@dataclass
class Someone:
    """An AuthPrompter whose person does what `act` says with an address or a code."""

    act: Callable[[Someone, str], None]
    shown: list[str] = field(default_factory=list)
    expiry: datetime | None = None
    cancelled: bool = False
    pasted: str | None = None
    dismissed: int = 0

    def ask_code(self, title: str, message: str) -> str:
        raise AssertionError

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Dismiss:
        assert url == DEVICE_URL
        self.expiry = expires_at
        return self._show(code)

    def open_url(self, url: str, redirect_uri: str) -> Dismiss:
        assert parse_qs(urlsplit(url).query)["redirect_uri"] == [redirect_uri]
        return self._show(url)

    def _show(self, text: str) -> Dismiss:
        self.shown.append(text)
        self.act(self, text)
        return self

    def dismiss(self) -> None:
        self.dismissed += 1


def in_browser(fake: AzureFake, user: str = "ada@example.com", *, decline: bool = False) -> Someone:
    """Someone who logs in in the browser, beside the login that waits."""

    def act(someone: Someone, url: str) -> None:
        threading.Thread(target=fake.browse, args=(url, user), kwargs={"decline": decline}, daemon=True).start()

    return Someone(act)


def gives_up() -> Someone:
    def act(someone: Someone, text: str) -> None:
        someone.cancelled = True

    return Someone(act)


@pytest.fixture
def vault() -> Iterator[Vault]:
    vault = Vault()
    yield vault
    vault.close()


def link_to(fake: AzureFake, value: str = "the value", *, host: str = "") -> AzureLink:
    fake.put("a", value, host=host)
    return AzureLink(credential=NAME, secret_identifier=f"https://{host or fake.host}/secrets/a")


async def value(vault: Vault, credential: AnyCredential, link: AzureLink) -> str:
    return (await vault.get(NAME, credential, link, fresh=True)).secret.reveal()


async def failed(vault: Vault, credential: AnyCredential, kind: type[VaultError], match: str) -> VaultError:
    with pytest.raises(kind, match=match) as caught:
        await vault.test(NAME, credential)
    assert_tells(caught.value, of=credential)
    return caught.value


class TestBrowser:
    async def test_a_login_by_code_and_pkce_serves_all_fetches(
        self, azure: AzureFake, vault: Vault, home: Path
    ) -> None:
        someone = in_browser(azure)
        vault.prompter = someone
        link = link_to(azure)
        assert await value(vault, AzureBrowser(), link) == "the value"
        assert await value(vault, AzureBrowser(), link) == "the value"
        [url] = someone.shown
        parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
        assert parts.hostname == "login.microsoftonline.com"
        assert query["client_id"] == [DEVELOPER_APP]
        assert query["response_mode"] == ["form_post"]
        assert query["code_challenge_method"] == ["S256"]
        assert set(query["scope"][0].split()) == {
            "https://vault.azure.net/user_impersonation",
            "openid",
            "profile",
            "offline_access",
        }
        assert "CP1" in query["claims"][0]
        assert azure.count("/organizations/oauth2/v2.0/authorize") == 1
        assert [one.form["grant_type"] for one in azure.asked if "grant_type" in one.form] == ["authorization_code"]
        assert someone.dismissed == 1
        assert azure.denials == []
        state = vault.login_state(NAME)
        assert (state.state, state.identity) == ("connected", "ada@example.com")
        assert state.expires_at is not None
        assert timedelta(hours=23, minutes=59) < state.expires_at - datetime.now(UTC) <= timedelta(hours=24)
        # Neither a token nor anything else is left on disk.
        assert list(files_below(home)) == []

    async def test_own_application_and_tenant(self, azure: AzureFake, vault: Vault) -> None:
        someone = in_browser(azure)
        vault.prompter = someone
        app = azure.app()
        # By its name: the vault's challenge has the tenant's ID.
        credential = AzureBrowser(tenant_id="example.com", client_id=app.client_id)
        assert await value(vault, credential, link_to(azure)) == "the value"
        assert urlsplit(someone.shown[0]).path.startswith(f"/{azure.tenant}/")

    async def test_an_application_without_our_redirect_address_is_seen_in_the_browser(
        self, azure: AzureFake, vault: Vault
    ) -> None:
        """Entra ID shows the reason there and sends no answer, so the person cancels."""
        app = azure.app(redirect_uris=("https://elsewhere.example.com",))
        pages: list[str] = []

        def act(someone: Someone, url: str) -> None:
            pages.append(azure.browse(url).text)
            someone.cancelled = True

        vault.prompter = Someone(act)
        await failed(vault, AzureBrowser(client_id=app.client_id), LoginRequired, "cancelled")
        assert "AADSTS50011" in pages[0]

    async def test_cancelling_ends_it_at_once_and_frees_the_port(self, azure: AzureFake, vault: Vault) -> None:
        someone = gives_up()
        vault.prompter = someone
        error = await failed(vault, AzureBrowser(), LoginRequired, "the login was cancelled")
        assert "hushpost credential login" in str(error.hint)
        assert someone.dismissed == 1
        assert vault.login_state(NAME).state == "needs login"
        port = urlsplit(parse_qs(urlsplit(someone.shown[0]).query)["redirect_uri"][0]).port
        assert port is not None
        await nobody_listens(port)
        vault.prompter = in_browser(azure)
        assert (await vault.test(NAME, AzureBrowser())).identity == "ada@example.com"

    async def test_a_cancelled_fetch_of_one_waiter_leaves_the_login_to_the_others(
        self, azure: AzureFake, vault: Vault
    ) -> None:
        urls: list[str] = []
        asked = threading.Event()

        def act(someone: Someone, url: str) -> None:
            urls.append(url)
            asked.set()

        vault.prompter = Someone(act)
        link = link_to(azure)
        waiters = [asyncio.ensure_future(vault.get(NAME, AzureBrowser(), link)) for _ in range(2)]
        await until(asked.is_set)
        waiters[0].cancel()
        await asyncio.to_thread(azure.browse, urls[0])
        assert (await waiters[1]).secret.reveal() == "the value"
        assert len(urls) == 1

    async def test_a_guest_of_the_vaults_tenant_reads_there(self, azure: AzureFake, vault: Vault) -> None:
        azure.guests.add("ada@example.com")
        someone = in_browser(azure)
        vault.prompter = someone
        for host in (f"other-{azure.host}", azure.host):
            assert await value(vault, AzureBrowser(), link_to(azure, host=host)) == "the value"
        [elsewhere] = azure.logins("refresh_token")
        assert elsewhere.path.startswith(f"/{azure.other_tenant}/")
        assert len(someone.shown) == 1
        # A tenant that was chosen is the only one.
        with pytest.raises(AccessDenied, match=azure.other_tenant):
            await value(vault, AzureBrowser(tenant_id=azure.tenant), link_to(azure, host=f"other-{azure.host}"))

    async def test_declining_in_the_browser_is_a_refusal(self, azure: AzureFake, vault: Vault) -> None:
        vault.prompter = in_browser(azure, decline=True)
        await failed(vault, AzureBrowser(), LoginFailed, "declined in the browser")

    async def test_nobody_can_be_asked(self, azure: AzureFake, vault: Vault) -> None:
        error = await failed(vault, AzureBrowser(), LoginRequired, "nobody can be asked here")
        assert "logs in by itself" in str(error.hint)
        await failed(vault, AzureDeviceCode(), LoginRequired, "nobody can be asked here")

    async def test_a_pasted_answer_is_told_of_the_device_code(self, azure: AzureFake, vault: Vault) -> None:
        def act(someone: Someone, url: str) -> None:
            someone.pasted = "http://localhost:8400/?code=x"

        vault.prompter = Someone(act)
        error = await failed(vault, AzureBrowser(), LoginRequired, "cannot be pasted")
        assert "Device code" in str(error.hint)

    async def test_an_answer_to_another_login_is_refused(self, azure: AzureFake, vault: Vault) -> None:
        def act(someone: Someone, url: str) -> None:
            query = dict(parse_qs(urlsplit(url).query))
            other = url.replace(query["state"][0], "x" * len(query["state"][0]))
            threading.Thread(target=azure.browse, args=(other,), daemon=True).start()

        vault.prompter = Someone(act)
        await failed(vault, AzureBrowser(), LoginFailed, "does not belong to this login")
        assert azure.logins("authorization_code") == []

    async def test_two_logins_at_once_do_not_mix(self, azure: AzureFake, vault: Vault) -> None:
        azure.readers.add("bob@example.com")
        both = threading.Barrier(2, timeout=PATIENCE_S)
        names = iter(["ada@example.com", "bob@example.com"])

        def act(someone: Someone, url: str) -> None:
            user = next(names)

            def later() -> None:
                both.wait()
                azure.browse(url, user)

            threading.Thread(target=later, daemon=True).start()

        vault.prompter = Someone(act)
        app = azure.app()
        found = await asyncio.gather(
            vault.test("one", AzureBrowser()), vault.test("two", AzureBrowser(client_id=app.client_id))
        )
        assert {one.identity for one in found} == {"ada@example.com", "bob@example.com"}
        assert azure.denials == []

    async def test_tokens_about_to_end_are_renewed_without_the_person(self, azure: AzureFake, vault: Vault) -> None:
        azure.token_life_s = 200  # the SDK renews what lives less than 300 s
        someone = in_browser(azure)
        vault.prompter = someone
        link = link_to(azure)
        for _ in range(2):
            assert await value(vault, AzureBrowser(), link) == "the value"
        assert len(azure.logins("refresh_token")) >= 1
        assert len(someone.shown) == 1

    async def test_revoked_tokens_are_replaced_without_the_person(self, azure: AzureFake, vault: Vault) -> None:
        someone = in_browser(azure)
        vault.prompter = someone
        link = link_to(azure)
        assert await value(vault, AzureBrowser(), link) == "the value"
        azure.revoke()
        assert await value(vault, AzureBrowser(), link) == "the value"
        [renewed] = azure.logins("refresh_token")
        assert "nbf" in renewed.form["claims"]
        assert len(someone.shown) == 1

    async def test_a_dead_refresh_token_asks_the_person_again(self, azure: AzureFake, vault: Vault) -> None:
        vault.prompter = in_browser(azure)
        link = link_to(azure)
        assert await value(vault, AzureBrowser(), link) == "the value"
        azure.revoke()
        azure.refuse_refresh = 700082
        vault.prompter = gives_up()
        with pytest.raises(LoginRequired) as caught:
            await value(vault, AzureBrowser(), link)
        assert_tells(caught.value, of=AzureBrowser())
        assert vault.login_state(NAME).state == "expired"
        assert "the Azure login has ended" in vault.login_state(NAME).message
        azure.refuse_refresh = 0
        vault.prompter = in_browser(azure)
        assert await value(vault, AzureBrowser(), link) == "the value"

    async def test_the_login_ends_after_a_day(self, azure: AzureFake) -> None:
        later = [0.0]
        vault = Vault(SecretCache(wall=lambda: time.time() + later[0]))
        vault.prompter = in_browser(azure)
        link = link_to(azure)
        assert await value(vault, AzureBrowser(), link) == "the value"
        later[0] = 23.9 * 3600
        assert vault.login_state(NAME).state == "connected"
        later[0] = 24 * 3600 + 1
        assert vault.login_state(NAME).state == "expired"
        vault.prompter = gives_up()
        with pytest.raises(LoginRequired):
            await value(vault, AzureBrowser(), link)
        vault.close()

    async def test_the_network_failing_meanwhile_is_no_refusal(self, azure: AzureFake, vault: Vault) -> None:
        def act(someone: Someone, url: str) -> None:
            def later() -> None:
                answer = f"/{urlsplit(url).path.split('/')[1]}/oauth2/v2.0/token"
                azure.answers[answer] = lambda: Answer(503, {"error": "temporarily_unavailable"})
                azure.browse(url)

            threading.Thread(target=later, daemon=True).start()

        vault.prompter = Someone(act)
        await failed(vault, AzureBrowser(), ProviderUnavailable, "status 503")


class Recorder(webbrowser.BaseBrowser):
    def __init__(self) -> None:
        super().__init__("recorder")
        self.opened: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.opened.append(url)
        return True


def test_the_usual_browser_stays_what_it_was_outside_of_a_login() -> None:
    usual, handed = Recorder(), []
    opener = _Opener(usual)

    def show(url: str) -> None:
        handed.append(url)
        opener.open(f"{url} by the prompter")

    opener.open("before")
    with opener.handing_to(show):
        assert opener.open("login")
        elsewhere = threading.Thread(target=opener.open, args=("another thread",))
        elsewhere.start()
        elsewhere.join()
    opener.open("after")
    assert handed == ["login"]
    assert usual.opened == ["before", "login by the prompter", "another thread", "after"]
    assert opener.basename == "recorder"
    assert not _Opener(None).open("no browser at all")


class TestDeviceCode:
    async def test_a_code_is_shown_and_approved_elsewhere(
        self, azure: AzureFake, vault: Vault, capfd: pytest.CaptureFixture[str]
    ) -> None:
        someone = Someone(lambda someone, code: azure.approve(code))
        vault.prompter = someone
        assert await value(vault, AzureDeviceCode(), link_to(azure)) == "the value"
        assert vault.login_state(NAME).identity == "ada@example.com"
        assert someone.dismissed == 1
        assert someone.expiry is not None
        assert timedelta(minutes=14) < someone.expiry - datetime.now(UTC) <= timedelta(minutes=15)
        assert azure.denials == []
        assert capfd.readouterr() == ("", "")

    async def test_cancelling_ends_it_at_once_and_stops_the_polling(self, azure: AzureFake, vault: Vault) -> None:
        someone = Someone(lambda someone, code: None)
        vault.prompter = someone
        login = asyncio.ensure_future(vault.test(NAME, AzureDeviceCode()))
        await until(azure.polled.is_set)
        someone.cancelled = True
        with pytest.raises(LoginRequired, match="the login was cancelled"):
            await login
        assert someone.dismissed == 1
        await until(lambda: not [one for one in threading.enumerate() if one.name == "hushpost-azure-login"])
        assert len(azure.logins(DEVICE_GRANT)) <= 2

    @pytest.mark.parametrize(
        ("outcome", "kind", "says"),
        [
            ("authorization_declined", LoginFailed, "declined in the browser"),
            ("expired_token", LoginRequired, "nobody logged in before the code ended"),
        ],
    )
    async def test_what_the_person_did_instead(
        self, azure: AzureFake, vault: Vault, outcome: str, kind: type[VaultError], says: str
    ) -> None:
        someone = Someone(lambda someone, code: azure.approve(code, outcome=outcome))
        vault.prompter = someone
        await failed(vault, AzureDeviceCode(), kind, says)
        assert someone.dismissed == 1

    async def test_a_code_that_nobody_types_ends(self, azure: AzureFake, vault: Vault) -> None:
        azure.device_life_s = 0
        vault.prompter = Someone(lambda someone, code: None)
        await failed(vault, AzureDeviceCode(), LoginRequired, "nobody logged in in time")


def pem(certificate: Certificate, key: Any, password: bytes | None = None) -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return bytes(private + certificate.public_bytes(serialization.Encoding.PEM))


def self_signed(key: Any) -> Certificate:
    from cryptography.hazmat.primitives import hashes

    name = Name([NameAttribute(NameOID.COMMON_NAME, "an app")])
    now = datetime.now(UTC)
    return (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def pair() -> tuple[Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return self_signed(key), key


class TestServicePrincipal:
    def principal(self, azure: AzureFake, **more: Any) -> AzureServicePrincipal:
        app = azure.app(secret=CLIENT_SECRET)
        fields: dict[str, Any] = {
            "tenant_id": azure.tenant,
            "client_id": app.client_id,
            "client_secret": Secret(CLIENT_SECRET),
        }
        return AzureServicePrincipal(**fields | more)

    async def test_a_secret_logs_in_and_renews_itself(self, azure: AzureFake, vault: Vault) -> None:
        credential = self.principal(azure)
        link = link_to(azure)
        assert await value(vault, credential, link) == "the value"
        assert await value(vault, credential, link) == "the value"
        assert len(azure.logins("client_credentials")) == 1
        assert azure.denials == []
        state = vault.login_state(NAME)
        assert (state.identity, state.expires_at) == (credential.client_id, None)

    @pytest.mark.parametrize("form", ["pem", "p12"])
    async def test_a_certificate_logs_in(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, pair: tuple[Certificate, Any], form: str
    ) -> None:
        certificate, key = pair
        file = tmp_path / f"app.{form}"
        file.write_bytes(
            pem(certificate, key)
            if form == "pem"
            else pkcs12.serialize_key_and_certificates(None, key, certificate, None, serialization.NoEncryption())
        )
        app = azure.app(certificate=certificate)
        credential = AzureServicePrincipal(tenant_id=azure.tenant, client_id=app.client_id, certificate_path=str(file))
        assert await value(vault, credential, link_to(azure)) == "the value"
        assert azure.denials == []

    async def test_a_certificate_that_entra_id_does_not_know(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, pair: tuple[Certificate, Any]
    ) -> None:
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        app = azure.app(certificate=pair[0])
        file = tmp_path / "other.pem"
        file.write_bytes(pem(self_signed(other), other))
        credential = AzureServicePrincipal(tenant_id=azure.tenant, client_id=app.client_id, certificate_path=str(file))
        await failed(vault, credential, LoginFailed, "does not know the certificate")

    async def test_files_that_are_no_certificate_with_its_key(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, pair: tuple[Certificate, Any]
    ) -> None:
        certificate, key = pair
        curve = ec.generate_private_key(ec.SECP256R1())
        contents = {
            "garbage": b"\x00\x01garbage",
            "no key": certificate.public_bytes(serialization.Encoding.PEM),
            "locked": pem(certificate, key, b"a password"),
            "no RSA": pem(self_signed(curve), curve),
        }
        for name, content in contents.items():
            file = tmp_path / name
            file.write_bytes(content)
            credential = AzureServicePrincipal(tenant_id=azure.tenant, client_id="c", certificate_path=str(file))
            await failed(vault, credential, LoginFailed, "is no certificate with its RSA key")
        credential = AzureServicePrincipal(
            tenant_id=azure.tenant, client_id="c", certificate_path=str(tmp_path / "none")
        )
        await failed(vault, credential, LoginFailed, "cannot be read: no such file")
        assert azure.asked == []

    @pytest.mark.parametrize(
        ("code", "kind", "says"),
        [
            (7000215, LoginFailed, "refuses the client secret"),
            (7000222, LoginFailed, "the client secret has ended"),
            (700016, LoginFailed, "no application with this client ID"),
            (53003, LoginFailed, "a policy of the tenant forbids"),
            (65001, LoginFailed, "no consent"),
            (90033, ProviderUnavailable, "passing failure"),
            (999999, LoginFailed, "AADSTS999999"),
        ],
    )
    async def test_codes_of_entra_id_are_translated(
        self, azure: AzureFake, vault: Vault, code: int, kind: type[VaultError], says: str
    ) -> None:
        said = f"AADSTS{code}: English text. Trace ID: 5a5a-trace Correlation ID: 6b6b Timestamp: 2026-01-01 00:00:00Z"
        azure.answers[f"/{azure.tenant}/oauth2/v2.0/token"] = lambda: Answer(
            401, {"error": "invalid_client", "error_description": said}
        )
        error = await failed(vault, self.principal(azure), kind, says)
        assert "Trace" not in f"{error.message} {error.hint}"
        assert "5a5a" not in f"{error.message} {error.hint}"

    async def test_a_tenant_that_is_none(self, azure: AzureFake, vault: Vault) -> None:
        await failed(vault, self.principal(azure, tenant_id="nowhere.example.com"), LoginFailed, "no such tenant")
        before = len(azure.asked)
        await failed(vault, self.principal(azure, tenant_id="a/../b?c"), LoginFailed, "characters")
        assert len(azure.asked) == before

    @pytest.mark.parametrize(("status", "says"), [(429, "too many requests"), (500, "status 500"), (503, "status 503")])
    async def test_entra_id_that_cannot_answer_is_no_refusal(
        self, azure: AzureFake, vault: Vault, status: int, says: str
    ) -> None:
        azure.answers[f"/{azure.tenant}/oauth2"] = lambda: Answer(
            status, {"error": "temporarily_unavailable"}, {"Retry-After": "60"}
        )
        await failed(vault, self.principal(azure), ProviderUnavailable, says)
        assert vault.login_state(NAME).state == "not checked"

    async def test_entra_id_out_of_reach_is_no_refusal(self, azure: AzureFake, vault: Vault) -> None:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            azure.net.routes = dict.fromkeys(azure.net.routes, bound.getsockname()[1])
            await failed(vault, self.principal(azure), ProviderUnavailable, '"login.microsoftonline.com" cannot be')

    async def test_a_renewal_out_of_reach_is_no_refusal(self, azure: AzureFake, vault: Vault) -> None:
        azure.token_life_s = 200
        credential = self.principal(azure)
        link = link_to(azure)
        assert await value(vault, credential, link) == "the value"
        azure.revoke()
        azure.net.routes["login.microsoftonline.com"] = 9
        azure.net.cut()
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            await value(vault, credential, link)
        assert vault.login_state(NAME).state == "connected"

    async def test_a_certificate_of_a_stranger_is_not_secure(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ca_file = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(ca_file))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
        error = await failed(vault, self.principal(azure), ProviderUnavailable, "is not secure")
        assert "REQUESTS_CA_BUNDLE" in str(error.hint)

    async def test_a_failed_login_prints_nothing(
        self, azure: AzureFake, vault: Vault, capfd: pytest.CaptureFixture[str]
    ) -> None:
        await failed(vault, self.principal(azure, client_secret=Secret("wrong-secret")), LoginFailed, "client secret")
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize(
        "authority",
        ["http://login.microsoftonline.com", "https://login.example.com", "https://login.microsoftonline.com:444"],
    )
    async def test_an_authority_of_no_known_cloud_gets_nothing(
        self, azure: AzureFake, vault: Vault, authority: str
    ) -> None:
        error = await failed(vault, self.principal(azure, authority=authority), LoginFailed, "no known Azure cloud")
        assert "https://login.microsoftonline.us" in str(error.hint)
        assert azure.asked == []

    @pytest.mark.parametrize("authority", ["https://login.microsoftonline.us", "login.microsoftonline.us/"])
    async def test_a_sovereign_cloud(self, azure: AzureFake, vault: Vault, authority: str) -> None:
        host = azure.host.replace("vault.azure.net", "vault.usgovcloudapi.net")
        credential = self.principal(azure, authority=authority)
        link = link_to(azure, host=host)
        assert await value(vault, credential, link) == "the value"
        assert {one.host for one in azure.asked} == {"login.microsoftonline.us", host}
        with pytest.raises(SecretNotFound, match="is a vault of Azure Government") as caught:
            await value(vault, self.principal(azure), link)
        assert "https://login.microsoftonline.us" in str(caught.value.hint)

    async def test_a_vault_of_another_tenant_is_named_and_the_login_stays(self, azure: AzureFake, vault: Vault) -> None:
        credential = self.principal(azure)
        link = link_to(azure, host=f"other-{azure.host}")
        with pytest.raises(AccessDenied, match=azure.other_tenant) as caught:
            await value(vault, credential, link)
        assert_tells(caught.value, of=credential)
        assert vault.login_state(NAME).state == "connected"
        # The same where the tenant was not chosen and the account is not known there.
        vault.prompter = in_browser(azure)
        with pytest.raises(AccessDenied, match=azure.other_tenant):
            await value(vault, AzureBrowser(), link)
        assert vault.login_state(NAME).state == "connected"


def az(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """An `az` that does what the script says; where it writes its arguments."""
    program, told = folder / "az", folder / "told"
    program.write_text(f'#!/bin/sh\necho "$@" >> {told}\n{script}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return told


class TestCli:
    async def test_the_session_of_az_serves(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = azure.token_for("ada@example.com")
        answer = json.dumps({"accessToken": token, "expires_on": int(time.time()) + 3600, "tenant": azure.tenant})
        told = az(tmp_path, monkeypatch, f"cat <<'END'\n{answer}\nEND")
        assert await value(vault, AzureCli(), link_to(azure)) == "the value"
        assert vault.login_state(NAME).identity == "ada@example.com"
        assert vault.login_state(NAME).expires_at is None
        assert all("--resource https://vault.azure.net" in line for line in told.read_text().splitlines())
        assert azure.count("/organizations") == 0

    async def test_no_az(self, azure: AzureFake, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert shutil.which("az") is None
        await failed(vault, AzureCli(), LoginFailed, '"az" is not installed')

    @pytest.mark.parametrize(
        ("script", "kind", "says"),
        [
            (
                "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
                LoginRequired,
                "no login that serves",
            ),
            ('echo "ERROR: AADSTS700082: ended. Trace ID: x" >&2; exit 1', LoginRequired, "has ended"),
            ('echo "ERROR: AADSTS50076: MFA. Run: az login" >&2; exit 1', LoginRequired, "second factor"),
            ("echo 'Traceback' >&2; exit 2", LoginFailed, "gives no token"),
            ('echo \'{"accessToken":"the-token-of-az"}\'', LoginFailed, "gives no token"),
        ],
    )
    async def test_an_az_that_gives_no_token(
        self,
        azure: AzureFake,
        vault: Vault,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        script: str,
        kind: type[VaultError],
        says: str,
    ) -> None:
        az(tmp_path, monkeypatch, script)
        with pytest.raises(kind, match=says) as caught:
            await vault.test(NAME, AzureCli())
        assert_tells(caught.value, of=AzureCli(), values=("the-token-of-az",))
        assert "az " in str(caught.value.hint)

    async def test_a_token_that_the_vault_wants_newer_is_told(
        self, azure: AzureFake, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = json.dumps({"accessToken": azure.token_for("ada@example.com"), "expires_on": int(time.time()) + 3600})
        az(tmp_path, monkeypatch, f"cat <<'END'\n{answer}\nEND")
        azure.revoke()
        with pytest.raises(LoginRequired, match="no login that serves") as caught:
            await value(vault, AzureCli(), link_to(azure))
        assert "az login --scope https://vault.azure.net/.default" in str(caught.value.hint)


class TestManagedIdentity:
    async def test_the_identity_of_an_app_service(
        self, azure: AzureFake, vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = azure.token_for("the-app-id-of-the-machine", by_person=False)
        body = {
            "access_token": token,
            "expires_on": str(int(time.time()) + 3600),
            "resource": "https://vault.azure.net",
        }
        with stranger(200, {"Content-Type": "application/json"}, json.dumps(body).encode()) as endpoint:
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{endpoint.address}/msi/token")
            monkeypatch.setenv("IDENTITY_HEADER", "the-header-of-the-service")
            credential = AzureManagedIdentity(client_id="user-assigned")
            assert await value(vault, credential, link_to(azure)) == "the value"
        path, headers = endpoint.seen[0]
        query = parse_qs(urlsplit(path).query)
        assert (query["resource"], query["client_id"]) == (["https://vault.azure.net"], ["user-assigned"])
        assert headers["x-identity-header"] == "the-header-of-the-service"
        assert vault.login_state(NAME).identity == "the-app-id-of-the-machine"

    async def test_a_machine_without_one(self, azure: AzureFake, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
        await failed(vault, AzureManagedIdentity(), LoginFailed, "gives this machine no managed identity")
        with stranger(400, {}, b'{"error":"invalid_request","error_description":"Identity not found"}') as metadata:
            monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.address)
            await failed(vault, AzureManagedIdentity(), LoginFailed, "gives this machine no managed identity")
        assert metadata.seen


class TestEnvironment:
    async def test_the_plain_variables(self, azure: AzureFake, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        app = azure.app(secret=CLIENT_SECRET)
        monkeypatch.setenv("AZURE_TENANT_ID", azure.tenant)
        monkeypatch.setenv("AZURE_CLIENT_ID", app.client_id)
        await failed(vault, AzureEnvironment(), LoginFailed, "the environment has no Azure login")
        monkeypatch.setenv("AZURE_CLIENT_SECRET", CLIENT_SECRET)
        assert await value(vault, AzureEnvironment(), link_to(azure)) == "the value"
        assert vault.login_state(NAME).identity == app.client_id

    async def test_the_authority_host(self, azure: AzureFake, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        app = azure.app(secret=CLIENT_SECRET)
        monkeypatch.setenv("AZURE_TENANT_ID", azure.tenant)
        monkeypatch.setenv("AZURE_CLIENT_ID", app.client_id)
        monkeypatch.setenv("AZURE_CLIENT_SECRET", CLIENT_SECRET)
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")
        await vault.test(NAME, AzureEnvironment())
        assert {one.host for one in azure.asked} == {"login.microsoftonline.us"}
        # It counts for this type only.
        await vault.test("other", TestServicePrincipal().principal(azure))
        assert azure.asked[-1].host == "login.microsoftonline.com"

    async def test_a_certificate_that_cannot_be_read(
        self, azure: AzureFake, vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("AZURE_TENANT_ID", azure.tenant)
        monkeypatch.setenv("AZURE_CLIENT_ID", "c")
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(tmp_path / "none.pem"))
        error = await failed(vault, AzureEnvironment(), LoginFailed, "cannot be used")
        assert "AZURE_CLIENT_CERTIFICATE_PATH" in str(error.hint)


async def nobody_listens(port: int) -> None:
    def closed() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return False
        return True

    await until(closed)
