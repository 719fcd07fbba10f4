"""Signatures for requests of the user's own: OAuth 1, and SigV4 by a credential of the workspace or by given keys."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from core.consent.consent import Consent
from core.errors import RequestError
from core.exchange import Headers, Prepared, Signature
from core.models import AwsSigV4Auth, OAuth1Auth
from core.secret import Secret
from core.threads import run_in_daemon_thread
from core.vault.service import Vault


class Signer:
    """For one request; the libraries are imported in a thread when the first signature is made."""

    def __init__(self, consent: Consent, vault: Vault) -> None:
        self._consent = consent
        self._vault = vault

    async def sign(self, prepared: Prepared) -> Signature:
        """What signs this hop. Raises NotBound, StoreLocked, VaultError and its kin, RequestError."""
        match prepared.auth:
            case OAuth1Auth() as auth:
                return await run_in_daemon_thread(_by_oauth1, prepared, auth)
            case AwsSigV4Auth() as aws:
                return Signature(await self._by_sigv4(prepared, aws))
            case _:
                raise TypeError("the request is signed by nobody")

    async def _by_sigv4(self, prepared: Prepared, auth: AwsSigV4Auth) -> Headers:
        if not auth.service:
            raise RequestError(
                "SigV4 auth names no service", kind="request", hint="set its service, such as execute-api"
            )
        if auth.credential:
            granted = self._consent.credential_named(auth.credential, "aws")
            return await self._vault.call(
                granted.name,
                granted.credential,
                lambda aws: cast(Headers, cast(Any, aws).sign(prepared, service=auth.service, region=auth.region)),
            )
        if not (auth.access_key and auth.secret_key and auth.region):
            raise RequestError(
                "SigV4 auth needs a credential, or an access key, a secret key and a region", kind="request"
            )
        return await run_in_daemon_thread(_with_keys, prepared, auth)


def _by_oauth1(prepared: Prepared, auth: OAuth1Auth) -> Signature:
    from core.auth import oauth1

    try:
        return oauth1.signature(prepared, auth)
    except OSError as error:
        raise RequestError(
            f"the file of the body cannot be read: {(error.strerror or 'it failed').lower()}", kind="disk"
        ) from error


def _with_keys(prepared: Prepared, auth: AwsSigV4Auth) -> Headers:
    signature = import_module("core.vault.providers.aws_signature")
    return cast(
        Headers,
        signature.signed(
            prepared,
            service=auth.service,
            region=auth.region,
            key_id=auth.access_key,
            secret_key=Secret(auth.secret_key),
            session_token=Secret(auth.session_token) if auth.session_token else None,
        ),
    )
