"""AWS Secrets Manager through boto3: names, ARNs, versions and stages, also through a role assumed for one secret."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError, ParamValidationError

from core.errors import AccessDenied, LoginRequired, SecretNotFound, VaultError
from core.exchange import Headers, Prepared
from core.secret import Secret
from core.vault.config import AnyCredential, AnyLink, AwsLink
from core.vault.endpoint import endpoint
from core.vault.provider import AuthPrompter, FetchedSecret, Provider, SecretSummary
from core.vault.providers import aws_login
from core.vault.providers.aws_errors import DENIED, code_of, translated
from core.vault.providers.aws_signature import signed

ROLE_SESSION = "hushpost"
ROLE_S = 900
"""The least that AssumeRole gives; the credentials are kept as long."""
SERVICE = "Secrets Manager"


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Log in, and prove it by asking AWS who we are."""
    address = endpoint(getattr(credential, "endpoint", ""))
    return AwsVault(credential, aws_login.log_in(credential, prompter), address)


@dataclass(frozen=True)
class _Role:
    session: boto3.Session
    ends: datetime


class AwsVault:
    """One identity's connection. Clients serve several threads; making one does not, so that is under a lock."""

    def __init__(self, credential: AnyCredential, logged_in: aws_login.LoggedIn, endpoint: str) -> None:
        self._credential = credential
        self._login = logged_in
        self._endpoint = endpoint
        self._making = threading.RLock()
        self._clients: dict[tuple[int, str, str], Any] = {}
        self._roles: dict[tuple[str, str], _Role] = {}
        self.identity = self._who()

    @property
    def expires_at(self) -> datetime | None:
        return self._login.expires_at

    def fingerprint(self) -> str:
        """Of the login's files; empty where they are kept in memory."""
        return aws_login.fingerprint(self._credential) if aws_login.rereads(self._credential) else ""

    def fetch(self, link: AnyLink) -> FetchedSecret:
        if not isinstance(link, AwsLink):
            raise TypeError(f"{type(link).__name__} is no link to AWS")
        wanted = {"SecretId": link.secret_id}
        if link.version_id:
            wanted["VersionId"] = link.version_id
        if link.version_stage or not link.version_id:
            wanted["VersionStage"] = link.version_stage or "AWSCURRENT"
        with translated(SERVICE, self._endpoint):
            seen = self._reread()
            session = self._session_for(link)
            try:
                answer = self._client(session, "secretsmanager", _region(link.secret_id)).get_secret_value(**wanted)
            except (ClientError, ParamValidationError) as error:
                failure = self._absent(error, link)
                if failure is None:
                    raise
                raise failure from error
        text = answer.get("SecretString")
        return FetchedSecret(
            text.encode("utf-8", "surrogatepass") if text is not None else bytes(answer.get("SecretBinary", b"")),
            version=str(answer.get("VersionId", "")),
            stages=tuple(answer.get("VersionStages", ())),
            created=answer.get("CreatedDate"),
            resolved_id=str(answer.get("ARN", link.secret_id)),
            fingerprint=seen,
        )

    def list_secrets(self, prefix: str, limit: int) -> Sequence[SecretSummary]:
        names: list[str] = []
        with translated(SERVICE, self._endpoint):
            self._reread()
            client = self._client(self._login.session, "secretsmanager", "")
            filters = [{"Key": "name", "Values": [prefix]}] if prefix else []
            try:
                for page in client.get_paginator("list_secrets").paginate(Filters=filters):
                    names += [row["Name"] for row in page["SecretList"] if row["Name"].startswith(prefix)]
                    if len(names) >= limit:
                        break
            except ClientError as error:
                if code_of(error) not in DENIED:
                    raise
                raise AccessDenied(
                    f'"{self.identity}" may not list secrets',
                    hint="ask for secretsmanager:ListSecrets, or type the name of the secret",
                ) from error
        return [SecretSummary(name, {"secret_id": name}) for name in sorted(names)[:limit]]

    def sign(self, prepared: Prepared, *, service: str, region: str) -> Headers:
        """The headers that sign a request of the user's own as this identity."""
        with translated("the AWS keys"):
            self._reread()
            session = self._login.session
            keys = session.get_credentials().get_frozen_credentials()
            return signed(
                prepared,
                service=service,
                region=region or session.region_name or "us-east-1",
                key_id=keys.access_key,
                secret_key=Secret(keys.secret_key),
                session_token=Secret(keys.token) if keys.token else None,
            )

    def close(self) -> None:
        with self._making:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _who(self) -> str:
        with translated("STS", self._endpoint):
            return str(self._client(self._login.session, "sts", "").get_caller_identity()["Arn"])

    def _reread(self) -> str:
        """With the file cache off: log in anew when the files changed. The fingerprint of what is now in use."""
        if not aws_login.rereads(self._credential):
            return ""
        with self._making:
            now = self.fingerprint()
            if now != self._login.fingerprint:
                self._login = aws_login.log_in(self._credential, _NobodyToAsk())
                self.identity = self._who()
            return self._login.fingerprint

    def _session_for(self, link: AwsLink) -> boto3.Session:
        if not link.role_arn:
            return self._login.session
        wanted = (link.role_arn, link.external_id)
        with self._making:
            role = self._roles.get(wanted)
            if role is None or role.ends <= datetime.now(UTC):
                role = self._roles[wanted] = self._assume(link)
            return role.session

    def _assume(self, link: AwsLink) -> _Role:
        options = {"ExternalId": link.external_id} if link.external_id else {}
        try:
            answer = self._client(self._login.session, "sts", "").assume_role(
                RoleArn=link.role_arn, RoleSessionName=ROLE_SESSION, DurationSeconds=ROLE_S, **options
            )
        except (ClientError, ParamValidationError) as error:
            if code_of(error) not in {*DENIED, "ParamValidation", "ValidationError"}:
                raise
            raise AccessDenied(
                f'"{self.identity}" may not assume the role "{link.role_arn}"',
                hint="allow sts:AssumeRole on the role, and let the role trust this identity (with the external ID)",
            ) from error
        keys = answer["Credentials"]
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=self._login.session.region_name,
        )
        return _Role(session, keys["Expiration"] - timedelta(seconds=60))

    def _client(self, session: boto3.Session, service: str, region: str) -> Any:
        key = (id(session), service, region)
        with self._making:
            if key not in self._clients:
                fallback = region or session.region_name or ("us-east-1" if service in ("sts", "iam") else "")
                self._clients[key] = aws_login.client(session, service, fallback, self._endpoint)
            return self._clients[key]

    def _absent(self, error: Exception, link: AwsLink) -> VaultError | None:
        """What is wrong with the link or the permission; None for any other failure."""
        code = code_of(error)
        message = str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""
        where = f'secret "{link.secret_id}"'
        if code == "ParamValidation":
            return SecretNotFound("the link names no secret", hint="set its secret name or ARN")
        if code == "ResourceNotFoundException":
            if link.version_id or link.version_stage:
                which = " and ".join(
                    f'{what} "{value}"'
                    for what, value in (("version", link.version_id), ("stage", link.version_stage))
                    if value
                )
                return SecretNotFound(
                    f"there is no {where}, or it has no {which}",
                    hint="correct the name, region and version of the link",
                )
            region = _region(link.secret_id) or self._login.session.region_name
            return SecretNotFound(
                f'there is no {where} in region "{region}", or it has no value',
                hint="correct the name in the link, or the region of the credential",
            )
        if code == "InvalidRequestException" and "delet" in message.lower():
            return SecretNotFound(f"{where} is scheduled for deletion", hint="restore it in AWS, or link another")
        if code in ("InvalidRequestException", "InvalidParameterException", "ValidationException"):
            return SecretNotFound(
                f"AWS cannot read {where} as the link says",
                hint="check that version and stage of the link belong together",
            )
        if code in ("DecryptionFailure", "DecryptionFailureException"):
            return AccessDenied(
                f'"{self.identity}" may not decrypt {where}', hint="ask for kms:Decrypt on the key of the secret"
            )
        if code in DENIED:
            hint = f"ask for secretsmanager:GetSecretValue on {link.secret_id}"
            if self._login.denied_hint:
                hint += f"; {self._login.denied_hint}"
            return AccessDenied(f'"{self.identity}" may not read {where}', hint=hint)
        return None


class _NobodyToAsk:
    """A fetch is no time for questions: a login that needs a person is named instead."""

    def ask_code(self, title: str, message: str) -> str:
        raise self._refusal()

    def show_device_code(self, url: str, code: str, expires_at: datetime) -> Any:
        raise self._refusal()

    def open_url(self, url: str, redirect_uri: str) -> Any:
        raise self._refusal()

    def _refusal(self) -> LoginRequired:
        return LoginRequired("the AWS login has ended", hint="log in again: hushpost credential login {credential}")


def _region(secret_id: str) -> str:
    """The region of an ARN; empty for a name."""
    parts = secret_id.split(":")
    return parts[3] if len(parts) >= 6 and parts[0] == "arn" else ""
