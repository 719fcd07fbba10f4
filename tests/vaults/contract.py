"""What every provider must do. A provider's test module subclasses what applies to it and gives a `backend` fixture."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec
import pytest

from core.errors import (
    AccessDenied,
    LoginFailed,
    LoginRequired,
    ProviderUnavailable,
    SecretNotFound,
    VaultError,
)
from core.secret import Secret
from core.vault.cache import SecretCache
from core.vault.config import AnyCredential, AnyLink
from core.vault.service import Got, Vault

NAME = "the-credential"


class Backend(Protocol):
    """A server (or what stands for one) that a test can put secrets into."""

    def credential(self) -> AnyCredential:
        """One that may read and list everything; the same at each call."""
        ...

    def put(self, name: str, keys: Mapping[str, object]) -> AnyLink:
        """Store a JSON object; the link is to the whole of it."""
        ...

    def missing(self) -> AnyLink: ...


class LoginBackend(Backend, Protocol):
    """A server that one logs in to."""

    def refused(self) -> AnyCredential:
        """One that the server refuses to log in."""
        ...

    def powerless(self) -> AnyCredential:
        """One that logs in and may read nothing."""
        ...

    def end_login(self) -> None:
        """End the logins of `credential()` on the server's side."""
        ...

    renews: bool
    """Whether `credential()` logs in again by itself after that."""

    def at(self, address: str) -> AnyCredential:
        """`credential()`, but for a server at this address (`http://127.0.0.1:PORT`)."""
        ...


class VersionBackend(Backend, Protocol):
    def version(self, link: AnyLink, number: int) -> AnyLink:
        """The link to this version, counted from 1 in the order of `put`."""
        ...


class BytesBackend(Backend, Protocol):
    def put_bytes(self, name: str, data: bytes) -> AnyLink: ...


def unique(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(6)}"


def keyed(link: AnyLink, key: str, **more: Any) -> AnyLink:
    return msgspec.structs.replace(link, key=key, **more)


def assert_tells(error: VaultError, *, of: AnyCredential, values: tuple[str, ...] = ()) -> None:
    """An error is a sentence with a cure, and shows neither a value nor a secret field of the credential."""
    assert error.hint, error
    assert error.credential == NAME
    assert error.provider == of.provider
    assert not error.message.endswith(".")
    shown: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        shown += [str(seen), repr(seen), repr(seen.args)]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    shown += [error.message, str(error.hint), repr(vars(error))]
    fields = [getattr(of, name) for name in of.__struct_fields__]
    hidden = [*values, *(field.reveal() for field in fields if isinstance(field, Secret))]
    for value in hidden:
        assert all(value not in text for text in shown), f"an error shows {value!r}"


class ProviderContract:
    """For every provider."""

    @pytest.fixture
    def backend(self) -> Backend:
        raise NotImplementedError

    @pytest.fixture
    def vault(self) -> Iterator[Vault]:
        vault = Vault(SecretCache())
        yield vault
        vault.close()

    async def test_a_present_secret_is_read_whole(self, backend: Backend, vault: Vault) -> None:
        link = backend.put(unique("whole"), {"user": "ada", "n": 7})
        got = await vault.get(NAME, backend.credential(), link)
        assert json.loads(got.secret.reveal()) == {"user": "ada", "n": 7}
        assert got.info.resolved_id
        assert got.info.identity
        assert got.info.credential == NAME

    async def test_a_json_key_is_read_alone(self, backend: Backend, vault: Vault) -> None:
        value = unique("value")
        link = backend.put(unique("keyed"), {"api_key": value, "other": "x"})
        got = await vault.get(NAME, backend.credential(), keyed(link, "api_key"))
        assert got.secret.reveal() == value

    async def test_numbers_and_objects_behind_a_key_become_compact_json(self, backend: Backend, vault: Vault) -> None:
        link = backend.put(unique("json"), {"n": 12, "yes": True, "o": {"a": [1, "<é>"]}})
        found = {
            key: (await vault.get(NAME, backend.credential(), keyed(link, key))).secret.reveal()
            for key in ("n", "yes", "o")
        }
        assert found == {"n": "12", "yes": "true", "o": '{"a":[1,"<é>"]}'}

    async def test_unicode_survives(self, backend: Backend, vault: Vault) -> None:
        value = "grüße ☃ \U0001d518 \u202e \x1b[31m \"'\\ \t\n<&>"
        link = backend.put(unique("unicode"), {"ключ": value})
        got = await vault.get(NAME, backend.credential(), keyed(link, "ключ"))
        assert got.secret.reveal() == value

    async def test_one_trailing_newline_goes_if_asked(self, backend: Backend, vault: Vault) -> None:
        link = keyed(backend.put(unique("trim"), {"k": "two\n\n"}), "k")
        credential = backend.credential()
        assert (await vault.get(NAME, credential, link)).secret.reveal() == "two\n\n"
        trimmed = msgspec.structs.replace(link, trim=True)
        assert (await vault.get(NAME, credential, trimmed)).secret.reveal() == "two\n"

    async def test_base64_if_asked(self, backend: Backend, vault: Vault) -> None:
        link = keyed(backend.put(unique("base64"), {"k": "ab"}), "k", encoding="base64")
        assert (await vault.get(NAME, backend.credential(), link)).secret.reveal() == "YWI="

    async def test_a_missing_secret_is_named(self, backend: Backend, vault: Vault) -> None:
        link = backend.missing()
        with pytest.raises(SecretNotFound) as caught:
            await vault.get(NAME, backend.credential(), link, variable="token")
        assert caught.value.variable == "token"
        assert_tells(caught.value, of=backend.credential())

    async def test_a_missing_key_is_named_and_its_neighbours_are_not_shown(
        self, backend: Backend, vault: Vault
    ) -> None:
        value = unique("neighbour")
        link = backend.put(unique("nokey"), {"one": value, "two": 2})
        with pytest.raises(SecretNotFound, match='no key "three"') as caught:
            await vault.get(NAME, backend.credential(), keyed(link, "three"))
        assert_tells(caught.value, of=backend.credential(), values=(value,))

    async def test_a_key_of_null_is_an_error(self, backend: Backend, vault: Vault) -> None:
        link = backend.put(unique("null"), {"k": None, "l": "x"})
        with pytest.raises(SecretNotFound, match="null"):
            await vault.get(NAME, backend.credential(), keyed(link, "k"))

    async def test_the_list_has_what_was_put(self, backend: Backend, vault: Vault) -> None:
        name = unique("listed")
        link = backend.put(name, {"k": "v"})
        credential = backend.credential()
        rows = await self._find(vault, credential, name)
        [row] = [row for row in rows if row.name.endswith(name)]
        assert not row.is_folder
        # What the picker fills in is a link to that secret.
        chosen = msgspec.convert({"provider": link.provider, "credential": "", **row.link_fields}, type(link))
        got = await vault.get(NAME, credential, keyed(chosen, "k"))
        assert got.secret.reveal() == "v"

    async def _find(self, vault: Vault, credential: AnyCredential, name: str) -> list[Any]:
        """Go down the folders as the picker does."""
        found: list[Any] = []
        todo = [""]
        while todo:
            for row in await vault.list_secrets(NAME, credential, todo.pop(), 500):
                if row.is_folder:
                    todo.append(row.name)
                else:
                    found.append(row)
        return found

    async def test_the_list_is_cut(self, backend: Backend, vault: Vault) -> None:
        prefix = unique("many")
        links = [backend.put(f"{prefix}-{number}", {"k": "v"}) for number in range(4)]
        assert len(links) == 4
        rows = await self._find(vault, backend.credential(), prefix)
        start = next(row.name for row in rows if prefix in row.name).rpartition("-")[0]
        assert len(await vault.list_secrets(NAME, backend.credential(), start, 3)) == 3
        assert len(await vault.list_secrets(NAME, backend.credential(), start, 50)) == 4

    async def test_many_fetches_at_once(self, backend: Backend, vault: Vault) -> None:
        """Several threads use one provider."""
        links = [keyed(backend.put(unique("many"), {"k": f"v{number}"}), "k") for number in range(12)]
        credential = backend.credential()
        got = await asyncio.gather(*(vault.get(NAME, credential, link) for link in links))
        assert [one.secret.reveal() for one in got] == [f"v{number}" for number in range(12)]

    async def test_a_test_shows_the_identity(self, backend: Backend, vault: Vault) -> None:
        info = await vault.test(NAME, backend.credential())
        assert info.identity
        state = vault.login_state(NAME)
        assert (state.state, state.identity, state.expires_at) == ("connected", info.identity, info.expires_at)


class LoginContract:
    """For providers that one logs in to over the network."""

    async def test_a_refused_login_is_a_failed_one(self, backend: LoginBackend, vault: Vault) -> None:
        link = backend.put(unique("refused"), {"k": "v"})
        credential = backend.refused()
        with pytest.raises(LoginFailed, match=f'"{NAME}"') as caught:
            await vault.get(NAME, credential, link)
        assert_tells(caught.value, of=credential)
        assert vault.login_state(NAME).state == "needs login"
        with pytest.raises(LoginFailed):
            await vault.test(NAME, credential)

    async def test_a_login_without_permission_is_denied(self, backend: LoginBackend, vault: Vault) -> None:
        value = unique("denied")
        link = backend.put(unique("denied"), {"k": value})
        credential = backend.powerless()
        with pytest.raises(AccessDenied) as caught:
            await vault.get(NAME, credential, keyed(link, "k"))
        assert_tells(caught.value, of=credential, values=(value,))
        assert vault.login_state(NAME).state == "connected"

    async def test_listing_without_permission_is_denied_or_empty(self, backend: LoginBackend, vault: Vault) -> None:
        name = unique("unlisted")
        backend.put(name, {"k": "v"})
        try:
            rows = await vault.list_secrets(NAME, backend.powerless(), "", 50)
        except AccessDenied as error:
            assert_tells(error, of=backend.powerless())
        else:
            assert all(name not in row.name for row in rows)

    async def test_an_ended_login_is_renewed_or_named(self, backend: LoginBackend, vault: Vault) -> None:
        link = keyed(backend.put(unique("ended"), {"k": "v"}), "k")
        credential = backend.credential()
        await vault.get(NAME, credential, link)
        backend.end_login()
        if backend.renews:
            got = await vault.get(NAME, credential, link, fresh=True)
            assert got.secret.reveal() == "v"
            assert vault.login_state(NAME).state == "connected"
            return
        for _ in range(2):
            with pytest.raises(LoginRequired) as caught:
                await vault.get(NAME, credential, link, fresh=True)
            assert_tells(caught.value, of=credential)
            assert vault.login_state(NAME).state == "expired"

    async def test_a_server_that_never_answers_is_given_up(self, backend: LoginBackend) -> None:
        with silent_server() as address:
            vault = Vault(SecretCache(), total_s=0.3)
            credential = backend.at(address)
            link = backend.missing()
            with pytest.raises(ProviderUnavailable, match=r"within 0\.3 seconds") as caught:
                await vault.get(NAME, credential, link)
            assert_tells(caught.value, of=credential)
            vault.close()

    async def test_nobody_listens(self, backend: LoginBackend, vault: Vault) -> None:
        with socket.socket() as bound:  # bound and not listening: connections are refused
            bound.bind(("127.0.0.1", 0))
            credential = backend.at(f"http://127.0.0.1:{bound.getsockname()[1]}")
            with pytest.raises(ProviderUnavailable, match="cannot be reached") as caught:
                await vault.get(NAME, credential, backend.missing())
        assert_tells(caught.value, of=credential)

    async def test_ten_askers_of_one_secret_get_one_value(self, backend: LoginBackend, vault: Vault) -> None:
        link = keyed(backend.put(unique("ten"), {"k": "v"}), "k")
        credential = backend.credential()
        got: list[Got] = await asyncio.gather(*(vault.get(NAME, credential, link) for _ in range(10)))
        assert {one.secret.reveal() for one in got} == {"v"}
        assert len({one.info.fetched_at for one in got}) == 1


class VersionContract:
    """For providers that keep versions."""

    async def test_the_newest_version_is_read_and_told(self, backend: VersionBackend, vault: Vault) -> None:
        name = unique("versions")
        backend.put(name, {"k": "first"})
        link = keyed(backend.put(name, {"k": "second"}), "k")
        got = await vault.get(NAME, backend.credential(), link)
        assert got.secret.reveal() == "second"
        assert got.info.version
        assert got.info.created is not None
        assert got.info.created.tzinfo is not None

    async def test_a_version_is_read_by_its_name(self, backend: VersionBackend, vault: Vault) -> None:
        name = unique("versions")
        backend.put(name, {"k": "first"})
        link = keyed(backend.put(name, {"k": "second"}), "k")
        credential = backend.credential()
        first = await vault.get(NAME, credential, backend.version(link, 1))
        second = await vault.get(NAME, credential, backend.version(link, 2))
        assert (first.secret.reveal(), second.secret.reveal()) == ("first", "second")
        assert first.info.version != second.info.version

    async def test_a_missing_version_is_named(self, backend: VersionBackend, vault: Vault) -> None:
        value = unique("only")
        link = backend.put(unique("versions"), {"k": value})
        with pytest.raises(SecretNotFound, match="version") as caught:
            await vault.get(NAME, backend.credential(), backend.version(link, 9))
        assert_tells(caught.value, of=backend.credential(), values=(value,))


class BytesContract:
    """For providers whose secrets may be bytes."""

    async def test_bytes_are_refused_and_base64_is_offered(self, backend: BytesBackend, vault: Vault) -> None:
        link = backend.put_bytes(unique("bytes"), b"\xff\xfe\x00secret")
        with pytest.raises(VaultError, match="no UTF-8") as caught:
            await vault.get(NAME, backend.credential(), link)
        assert "base64" in str(caught.value.hint)
        assert_tells(caught.value, of=backend.credential(), values=("secret\\",))
        encoded = msgspec.structs.replace(link, encoding="base64")
        got = await vault.get(NAME, backend.credential(), encoded)
        assert got.secret.reveal() == "//4Ac2VjcmV0"


class silent_server:
    """A loopback port that accepts connections and never answers."""

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _accept(self) -> None:
        try:
            while True:
                self._open.append(self._socket.accept()[0])
        except OSError:
            return

    def __exit__(self, *details: object) -> None:
        # Closing alone leaves a thread in accept(), and with it the port open for an SDK's second try.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            connection.close()
