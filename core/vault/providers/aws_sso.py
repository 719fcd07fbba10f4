"""IAM Identity Center: whether the cached login still holds, and a new one by device code that touches no file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from core.errors import LoginFailed, LoginRequired
from core.vault.config import AwsSso
from core.vault.provider import AuthPrompter
from core.vault.providers.aws_errors import code_of, translated

CLIENT = "hushpost"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "sso:account:access"
SLOWER_S = 5


@dataclass(frozen=True)
class SsoProfile:
    """What a profile of the AWS config file says of its Identity Center."""

    name: str
    start_url: str
    sso_region: str
    account_id: str
    role_name: str
    region: str
    """Where the profile's secrets are; empty when neither it nor the credential says."""

    @classmethod
    def read(cls, session: boto3.Session, credential: AwsSso) -> SsoProfile:
        config = session._session.full_config
        profile = config.get("profiles", {}).get(credential.profile, {})
        named = profile.get("sso_session")
        shared = config.get("sso_sessions", {}).get(named, {}) if named else {}
        said = {**profile, **shared}
        missing = [
            key for key in ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name") if not said.get(key)
        ]
        if missing:
            raise LoginFailed(
                f'the profile "{credential.profile}" is no SSO profile: it lacks {", ".join(missing)}',
                hint="set it up with: aws configure sso",
            )
        return cls(
            credential.profile,
            said["sso_start_url"],
            said["sso_region"],
            said["sso_account_id"],
            said["sso_role_name"],
            session.region_name or "",
        )


def token_is_live(session: boto3.Session) -> bool:
    """Whether botocore gets keys with the login that `aws sso login` cached; it renews the login where it may."""
    try:
        found = session.get_credentials()
        return found is not None and bool(found.get_frozen_credentials().access_key)
    except ClientError as error:
        if code_of(error) in ("UnauthorizedException", "InvalidRequestException"):
            return False
        raise
    except BotoCoreError as error:
        if code_of(error) in ("SSOTokenLoad", "TokenRetrieval", "UnauthorizedSSOToken", "SSO"):
            return False
        raise
    except (KeyError, ValueError):
        return False  # the cached login is no JSON, or has no valid date


def log_in(
    profile: SsoProfile,
    credential: AwsSso,
    prompter: AuthPrompter,
    *,
    config: Config,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[boto3.Session, datetime]:
    """Ask a person to approve a device code, and get keys for the profile's role; the AWS cache is left alone."""
    unsigned = config.merge(Config(signature_version=botocore.UNSIGNED))
    anonymous = boto3.Session(region_name=profile.sso_region)
    options: dict[str, Any] = {"config": unsigned, "endpoint_url": credential.endpoint or None}
    with translated("IAM Identity Center", credential.endpoint):
        oidc = anonymous.client("sso-oidc", **options)
        registered = oidc.register_client(clientName=CLIENT, clientType="public", scopes=[SCOPE])
        app = {"clientId": registered["clientId"], "clientSecret": registered["clientSecret"]}
        started = oidc.start_device_authorization(**app, startUrl=profile.start_url)
        token = _approved(oidc, app, started, profile, prompter, wait)
        portal = anonymous.client("sso", **options)
        try:
            keys = portal.get_role_credentials(
                accessToken=token, accountId=profile.account_id, roleName=profile.role_name
            )["roleCredentials"]
        except ClientError as error:
            if code_of(error) != "ForbiddenException":
                raise
            raise LoginFailed(
                f'the role "{profile.role_name}" of account {profile.account_id} is not assigned to you',
                hint="ask who operates IAM Identity Center for the assignment",
            ) from error
    session = boto3.Session(
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
        region_name=profile.region or None,
    )
    return session, datetime.fromtimestamp(keys["expiration"] / 1000, UTC)


def _approved(
    oidc: Any,
    app: dict[str, str],
    started: dict[str, Any],
    profile: SsoProfile,
    prompter: AuthPrompter,
    wait: Callable[[float], None],
) -> str:
    """Show the code and poll, no faster than asked for, until a person has approved it."""
    expires_at = datetime.now(UTC) + timedelta(seconds=started["expiresIn"])
    url = started.get("verificationUriComplete") or started["verificationUri"]
    interval = float(started.get("interval") or SLOWER_S)
    shown = prompter.show_device_code(url, started["userCode"], expires_at)
    try:
        while datetime.now(UTC) < expires_at:
            if shown.cancelled:
                raise LoginRequired(
                    "the login was cancelled", hint=f"log in again: aws sso login --profile {profile.name}"
                )
            try:
                return str(oidc.create_token(**app, grantType=GRANT, deviceCode=started["deviceCode"])["accessToken"])
            except ClientError as error:
                match code_of(error):
                    case "AuthorizationPendingException":
                        pass
                    case "SlowDownException":
                        interval += SLOWER_S
                    case "ExpiredTokenException":
                        break
                    case "AccessDeniedException":
                        raise LoginFailed("the login was declined in the browser", hint="log in again") from error
                    case _:
                        raise
            wait(min(interval, 0.2) if shown.cancelled else interval)
    finally:
        shown.dismiss()
    raise LoginRequired(
        "nobody approved the login in time", hint=f"log in again: aws sso login --profile {profile.name}"
    )
