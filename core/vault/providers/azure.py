"""Azure Key Vault through its SDK: secrets by their identifier, in the vaults of one cloud."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.keyvault.secrets import SecretClient

from core.errors import AccessDenied, LoginRequired, SecretNotFound, VaultError
from core.vault.config import AnyCredential, AnyLink, AzureLink
from core.vault.provider import AuthPrompter, FetchedSecret, Provider, SecretSummary
from core.vault.providers import azure_login
from core.vault.providers.azure_address import SecretAddress, listing
from core.vault.providers.azure_errors import AGAIN, inner_code, network_failure, no_answer, status_of, unusable

ROLE = 'ask for the role "Key Vault Secrets User" on the vault'
PAGE = 25
"""The most that Key Vault lists at once."""
ENDING_SOON = timedelta(days=14)


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Log in; vaults are reached when a link names one."""
    return AzureVaults(azure_login.log_in(credential, prompter))


class AzureVaults:
    """One login; a client for each vault, which serve several threads."""

    def __init__(self, login: azure_login.LoggedIn) -> None:
        self._login = login
        self._making = threading.Lock()
        self._clients: dict[str, Any] = {}

    @property
    def identity(self) -> str:
        return self._login.identity

    @property
    def expires_at(self) -> datetime | None:
        return self._login.expires_at

    def fetch(self, link: AnyLink) -> FetchedSecret:
        if not isinstance(link, AzureLink):
            raise TypeError(f"{type(link).__name__} is no link to Azure")
        address = SecretAddress.of(link.secret_identifier, self._login.cloud)
        client = self._client(address.host)
        with translated(address.host):
            try:
                secret = client.get_secret(address.name, address.version or None)
            except HttpResponseError as error:
                failure = self._refusal(error, address)
                if failure is None:
                    raise
                raise failure from error
            notes = _judged(secret.properties, address)
            if secret.value is None:
                raise SecretNotFound(f'secret "{address.name}" has no value', hint="give it one, or link another")
            return FetchedSecret(
                secret.value.encode("utf-8", "surrogatepass"),
                version=str(secret.properties.version or ""),
                created=secret.properties.created_on,
                resolved_id=str(secret.id or ""),
                notes=notes,
            )

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        """The secrets of the vault that the prefix names; above that, the vaults that this login has read from."""
        host, start = listing(prefix, self._login.cloud)
        if start is None:
            hosts = [host] if host else sorted(self._clients)
            folders = [f"https://{one}/secrets/" for one in hosts]
            if not host:
                folders = [one for one in folders if one.startswith(prefix.strip())]
            if not folders:
                raise AccessDenied(
                    "Azure lists the secrets of one vault: begin with https://VAULT.vault.azure.net/secrets/",
                    hint="type the address of the vault, or the whole secret identifier",
                )
            return [SecretSummary(one, {"secret_identifier": one}, is_folder=True) for one in folders[:limit]]
        names: list[str] = []
        with translated(host):
            try:
                for properties in self._client(host).list_properties_of_secrets(max_page_size=PAGE):
                    if str(properties.name).startswith(start):
                        names.append(str(properties.name))
                    if len(names) >= limit:
                        break
            except HttpResponseError as error:
                if status_of(error) != 403:
                    raise
                raise AccessDenied(
                    f'"{self.identity}" may not list the secrets of "{host}"',
                    hint=f"{_hint(error)}, or type the secret identifier",
                ) from error
        identifiers = (f"https://{host}/secrets/{name}" for name in sorted(names))
        return [SecretSummary(one, {"secret_identifier": one}) for one in identifiers]

    def close(self) -> None:
        with self._making:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()
        self._login.tokens.close()

    def _client(self, host: str) -> Any:
        with self._making:
            if host not in self._clients:
                self._clients[host] = SecretClient(
                    f"https://{host}", self._login.tokens, permit_redirects=False, **azure_login.OPTIONS
                )
            return self._clients[host]

    def _refusal(self, error: HttpResponseError, address: SecretAddress) -> VaultError | None:
        """What is wrong with the secret or the permission; None for any other failure."""
        where = f'secret "{address.name}" in "{address.host}"'
        version = f', or it has no version "{address.version}"' if address.version else ""
        match status_of(error):
            case 404:
                return SecretNotFound(
                    f"there is no {where}{version}",
                    hint="correct the link; a deleted secret can be recovered in Key Vault for some time",
                )
            case 403 if inner_code(error) == "SecretDisabled":
                which = f'version "{address.version}" of ' if address.version else ""
                return SecretNotFound(
                    f"{which}{where} is disabled", hint="enable it in Key Vault, or link another version"
                )
            case 403:
                return AccessDenied(f'"{self.identity}" may not read {where}', hint=_hint(error))
            case _:
                return None


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turn what no caller has handled inside the block into errors of ours."""
    try:
        yield
    except DecodeError:
        # Not chained: the decoder's error holds what it read.
        raise no_answer(host) from None
    except HttpResponseError as error:
        if status_of(error) != 401:
            raise unusable(error, host) from error
        if "AKV10032" in str(error):
            raise AccessDenied(
                f'the login is of another tenant than "{host}"', hint="set the credential's tenant ID to the vault's"
            ) from error
        raise LoginRequired(f'"{host}" does not accept the login any more', hint=AGAIN) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise network_failure(error, host) from error
    except (AzureError, ValueError, AttributeError, TypeError, KeyError):
        # The SDK's ways to say that a challenge is none, or for another resource, or a body of another shape.
        raise no_answer(host) from None


def _judged(properties: Any, address: SecretAddress) -> tuple[str, ...]:
    """Key Vault returns what is not valid yet or any more; it leaves the judgement to who reads. Notes for a person."""
    where = f'secret "{address.name}" in "{address.host}"'
    now = datetime.now(UTC)
    starts, ends = properties.not_before, properties.expires_on
    if properties.enabled is False:
        raise SecretNotFound(f"{where} is disabled", hint="enable it in Key Vault, or link another version")
    if starts is not None and now < starts:
        raise SecretNotFound(
            f"{where} is not valid before {starts:%Y-%m-%d %H:%M} UTC",
            hint="wait until then, or change its activation date in Key Vault",
        )
    if ends is None:
        return ()
    if now >= ends:
        raise SecretNotFound(
            f"{where} has been expired since {ends:%Y-%m-%d %H:%M} UTC",
            hint="make a new version in Key Vault, or change the expiration date of this one",
        )
    return (f"expires on {ends:%Y-%m-%d %H:%M} UTC",) if ends - now < ENDING_SOON else ()


def _hint(error: HttpResponseError) -> str:
    match inner_code(error):
        case "ForbiddenByPolicy":
            return "ask for the secret permissions Get and List in the vault's access policies"
        case "ForbiddenByFirewall" | "ForbiddenByConnection":
            return "ask for this machine's network to be let through the firewall of the vault"
        case _:
            return ROLE
