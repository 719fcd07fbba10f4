"""SigV4 signatures for requests of the user's own: with an AWS credential of the workspace, or with given keys."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from core.consent.consent import Consent
from core.errors import RequestError
from core.exchange import Headers, Prepared
from core.models import AwsSigV4Auth
from core.secret import Secret
from core.threads import run_in_daemon_thread
from core.vault.service import Vault


class Signer:
    """For one request; botocore is imported in a thread when the first signature is made."""

    def __init__(self, consent: Consent, vault: Vault) -> None:
        self._consent = consent
        self._vault = vault

    async def sign(self, prepared: Prepared) -> Headers:
        """The headers that sign this hop. Raises NotBound, StoreLocked, VaultError and its kin, RequestError."""
        auth = prepared.auth
        if not isinstance(auth, AwsSigV4Auth):
            raise TypeError("the request is signed by nobody")
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
