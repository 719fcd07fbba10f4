"""How each type of Azure credential logs in, and what then gives tokens to the clients of vaults."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError
from azure.identity import (
    AzureCliCredential,
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    InteractiveBrowserCredential,
    ManagedIdentityCredential,
)

from core.errors import AccessDenied, LoginFailed, LoginRequired, VaultError
from core.vault.config import (
    AnyCredential,
    AzureBrowser,
    AzureCli,
    AzureDeviceCode,
    AzureEnvironment,
    AzureManagedIdentity,
    AzureServicePrincipal,
)
from core.vault.environ import azure_authority
from core.vault.provider import CONNECT_S, READ_S, AuthPrompter
from core.vault.providers.azure_address import Authority, Cloud
from core.vault.providers.azure_errors import ENDED, causes_of, login_failure, signing_in
from core.vault.providers.azure_person import PATIENCE_S, Person

LOGIN_S = 86_400
"""A person's login ends after a day, however often its tokens could still be renewed."""
METADATA_S = 2.0
"""Azure's metadata address answers at once or is not there."""
OPTIONS: Mapping[str, Any] = {
    "connection_timeout": CONNECT_S,
    "read_timeout": READ_S,
    "retry_total": 1,
    "retry_status": 0,
    "retry_backoff_factor": 0.2,
}
"""For every client of the SDK. A bad status is not tried again: the SDK would sleep as long as `Retry-After` says."""


class _Claims(msgspec.Struct):
    """What an access token says of whom it was issued to; it came over TLS from Entra ID and is not ours to verify."""

    tid: str = ""
    appid: str = ""
    upn: str = ""
    unique_name: str = ""
    preferred_username: str = ""

    @property
    def who(self) -> str:
        return self.upn or self.preferred_username or self.unique_name or self.appid


class Tokens:
    """A credential of azure-identity as the clients of vaults see it.

    It gives tokens for the vaults of its cloud only, of the login's own tenant if that was chosen, and raises our
    errors.
    """

    def __init__(self, credential: Any, kind: AnyCredential, authority: Authority) -> None:
        self._credential = credential
        self._kind = kind
        self._authority = authority
        by_person = isinstance(kind, (AzureBrowser, AzureDeviceCode))
        self._scope = f"{authority.cloud.resource}/{'user_impersonation' if by_person else '.default'}"
        self._tenant = ""

    def ask(self, person: Person) -> str:
        """Let the person log in; the account's user name."""
        with signing_in(self._authority.host):
            record = person.log_in(
                # With enable_cae: tokens without are in another cache, and the first fetch would find none.
                lambda: self._credential.authenticate(scopes=[self._scope], enable_cae=True)
            )
        self._tenant = str(record.tenant_id)
        return str(record.username)

    def prove(self) -> str:
        """Get a first token; to whom it was issued, empty if it does not say."""
        token = self._token({"enable_cae": True})
        claims = _claims(str(token.token))
        self._tenant = claims.tid
        return claims.who

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Any:
        """Called by the clients of vaults, with what the vault's challenge named."""
        resource = self._authority.cloud.resource
        if any(scope.rpartition("/")[0] != resource for scope in scopes):
            raise AccessDenied(
                "the vault asks for a token that is not for Key Vault", hint="check the secret identifier of the link"
            )
        wanted = dict(options or {})
        tenant = str(wanted.get("tenant_id") or "")
        if tenant.lower() == self._tenant.lower():
            wanted.pop("tenant_id", None)
        try:
            return self._token(wanted)
        except (LoginRequired, LoginFailed) as error:
            # The SDK refuses other tenants than a chosen one, Entra ID those that do not know the account; neither ends
            # the login.
            if "tenant_id" in wanted and self._tenant and error.message != ENDED:
                raise self._of_another_tenant(tenant) from error
            raise

    def close(self) -> None:
        self._credential.close()

    def _token(self, options: dict[str, Any]) -> Any:
        try:
            return self._credential.get_token_info(self._scope, options=options)
        except (ClientAuthenticationError, ValueError, OSError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> VaultError:
        """Not chained: what `az` printed, or a token that could not be read, stands in some of these errors."""
        match self._kind:
            case AzureCli():
                return _cli_failure(error, self._authority.cloud)
            case AzureManagedIdentity():
                return _managed_failure(error)
            case AzureEnvironment() if "not fully configured" in str(error):
                return LoginFailed(
                    "the environment has no Azure login",
                    hint="set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or "
                    "AZURE_CLIENT_CERTIFICATE_PATH",
                )
            case _:
                return login_failure(error, self._authority.host)

    def _of_another_tenant(self, tenant: str) -> AccessDenied:
        return AccessDenied(
            f'the vault is of tenant "{tenant}", and the login of tenant "{self._tenant}"',
            hint=f"use a credential with the tenant ID {tenant}",
        )


@dataclass(frozen=True)
class LoggedIn:
    tokens: Tokens
    cloud: Cloud
    identity: str
    expires_at: datetime | None
    """None for what renews itself."""


def log_in(credential: AnyCredential, prompter: AuthPrompter) -> LoggedIn:
    """Log in and get a first token; blocks, possibly until a person has answered."""
    said = azure_authority() if isinstance(credential, AzureEnvironment) else getattr(credential, "authority", "")
    authority = Authority.of(said)
    person = Person(prompter)
    tokens = Tokens(_made(credential, authority, person), credential, authority)
    try:
        if isinstance(credential, (AzureBrowser, AzureDeviceCode)):
            identity = tokens.ask(person)
            return LoggedIn(tokens, authority.cloud, identity, datetime.now(UTC) + timedelta(seconds=LOGIN_S))
        who = tokens.prove()
    except BaseException:
        tokens.close()
        raise
    match credential:
        case AzureServicePrincipal():
            who = credential.client_id
        case AzureManagedIdentity():
            who = who or credential.client_id or "managed identity"
        case AzureCli():
            who = who or "az login"
        case _:
            who = who or "AZURE_CLIENT_ID"
    return LoggedIn(tokens, authority.cloud, who, None)


def _made(credential: AnyCredential, authority: Authority, person: Person) -> Any:
    """The SDK's credential; nothing is sent yet."""
    options: dict[str, Any] = {**OPTIONS, "authority": f"https://{authority.host}"}
    match credential:
        case AzureBrowser() | AzureDeviceCode():
            options |= {
                name: getattr(credential, name) for name in ("tenant_id", "client_id") if getattr(credential, name)
            }
            options["disable_automatic_authentication"] = True
    try:
        match credential:
            case AzureBrowser():
                return InteractiveBrowserCredential(timeout=PATIENCE_S, **options)
            case AzureDeviceCode():
                return DeviceCodeCredential(prompt_callback=person.show_code, **options)
            case AzureServicePrincipal(client_secret=secret) if secret is not None:
                return ClientSecretCredential(credential.tenant_id, credential.client_id, secret.reveal(), **options)
            case AzureServicePrincipal():
                return _by_certificate(credential, options)
            case AzureCli():
                return AzureCliCredential(tenant_id=credential.tenant_id, process_timeout=int(READ_S))
            case AzureManagedIdentity():
                return ManagedIdentityCredential(
                    client_id=credential.client_id or None, **{**OPTIONS, "connection_timeout": METADATA_S}
                )
            case AzureEnvironment():
                return _from_environment()
            case _:
                raise TypeError(f"{type(credential).__name__} is no credential of Azure")
    except ValueError:
        raise LoginFailed(
            "a field of the credential has characters that Azure does not know",
            hint="check the tenant ID and the client ID",
        ) from None


def _by_certificate(credential: AzureServicePrincipal, options: Mapping[str, Any]) -> Any:
    path = Path(credential.certificate_path).expanduser()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LoginFailed(
            f'the certificate "{path}" cannot be read: {(error.strerror or "no reason given").lower()}',
            hint="correct the credential's certificate",
        ) from error
    try:
        return CertificateCredential(credential.tenant_id, credential.client_id, certificate_data=data, **options)
    except (ValueError, TypeError):
        raise LoginFailed(
            f'"{path}" is no certificate with its RSA key, or has a password',
            hint="give it as PEM or PKCS #12 with the private key and without a password",
        ) from None


def _from_environment() -> Any:
    try:
        return EnvironmentCredential(**OPTIONS)
    except (ValueError, TypeError, OSError):
        raise LoginFailed(
            "the certificate or the tenant of the AZURE_* variables cannot be used",
            hint="check AZURE_CLIENT_CERTIFICATE_PATH, AZURE_CLIENT_CERTIFICATE_PASSWORD and AZURE_TENANT_ID",
        ) from None


def _cli_failure(error: Exception, cloud: Cloud) -> VaultError:
    text = str(error)
    again = f"run: az login --scope {cloud.resource}/.default"
    if "not found on path" in text:
        return LoginFailed(
            'the Azure CLI "az" is not installed, or not on the PATH',
            hint="install it, or use another type of credential",
        )
    if "AADSTS" not in text and "az login" in text:
        return LoginRequired("the Azure CLI has no login that serves", hint=again)
    if "AADSTS" not in text:
        return LoginFailed(
            'the Azure CLI "az" gives no token',
            hint=f"see what it says to: az account get-access-token --resource {cloud.resource}",
        )
    failure = login_failure(error, "az")
    if isinstance(failure, LoginRequired):
        failure.hint = again
    return failure


def _managed_failure(error: Exception) -> VaultError:
    if any(isinstance(cause, ServiceResponseError) for cause in causes_of(error)):
        return login_failure(error, "Azure's metadata address")
    return LoginFailed(
        "Azure gives this machine no managed identity",
        hint="run it on a machine in Azure that has one, check its client ID, or use another type of credential",
    )


def _claims(token: str) -> _Claims:
    parts = token.split(".")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)), type=_Claims)
    except (ValueError, IndexError):
        return _Claims()
