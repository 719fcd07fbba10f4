"""How each type of AWS credential becomes a boto3 session: keys, MFA, profiles, Identity Center, AWS's own chain."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from core.errors import LoginFailed
from core.vault.config import AnyCredential, AwsAmbient, AwsFile, AwsLongLived, AwsSso, AwsTemporary
from core.vault.provider import CONNECT_S, READ_S, AuthPrompter
from core.vault.providers import aws_sso
from core.vault.providers.aws_errors import code_of, translated

LOGIN_S = 7200
"""How long a login with long-lived keys lasts; GetSessionToken is asked for the same."""
CONFIG = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"mode": "standard", "total_max_attempts": 2})


@dataclass(frozen=True)
class LoggedIn:
    """A session and what is known of its login. `denied_hint` is added where access is denied later."""

    session: boto3.Session
    expires_at: datetime | None = None
    fingerprint: str = ""
    """Of the files it was made from, where they are read anew at every fetch."""
    denied_hint: str = ""


def log_in(credential: AnyCredential, prompter: AuthPrompter) -> LoggedIn:
    """A session for this credential; blocks, possibly until a person has answered."""
    match credential:
        case AwsTemporary():
            return LoggedIn(
                _session(
                    credential.access_key_id,
                    credential.secret_access_key.reveal(),
                    credential.session_token.reveal(),
                    credential.region,
                )
            )
        case AwsLongLived():
            return _long_lived(credential, prompter)
        case AwsFile():
            return _from_file(credential)
        case AwsSso():
            return _from_sso(credential, prompter)
        case AwsAmbient():
            return LoggedIn(boto3.Session(region_name=credential.region or None))
        case _:
            raise TypeError(f"{type(credential).__name__} is no credential of AWS")


def files_of(credential: AnyCredential) -> tuple[Path, ...]:
    """The files that a login is read from."""
    match credential:
        case AwsFile():
            return (credentials_file(credential.file_path),)
        case AwsSso():
            return (config_file(credential.config_path), credentials_file(credential.file_path))
        case _:
            return ()


def rereads(credential: AnyCredential) -> bool:
    return isinstance(credential, (AwsFile, AwsSso)) and not credential.cache_file


def fingerprint(credential: AnyCredential) -> str:
    """Of the files' contents as they are now; a file that is not there counts as empty."""
    digest = hashlib.sha256()
    for path in files_of(credential):
        try:
            digest.update(path.read_bytes())
        except OSError:
            digest.update(b"\0")
        digest.update(b"\1")
    return digest.hexdigest()


def credentials_file(given: str) -> Path:
    return Path(given or "~/.aws/credentials").expanduser()


def config_file(given: str) -> Path:
    return Path(given or "~/.aws/config").expanduser()


def client(session: boto3.Session, service: str, region: str, endpoint: str, **options: Any) -> Any:
    """A client of one service with our time limits; `endpoint` serves every service, as AWS_ENDPOINT_URL does."""
    return session.client(
        service,
        region_name=region or None,
        endpoint_url=endpoint or None,
        config=options.pop("config", CONFIG),
        **options,
    )


def _session(key_id: str, secret: str, token: str | None, region: str) -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, aws_session_token=token, region_name=region or None
    )


def _long_lived(credential: AwsLongLived, prompter: AuthPrompter) -> LoggedIn:
    session = _session(credential.access_key_id, credential.secret_access_key.reveal(), None, credential.region)
    ends = datetime.now(UTC) + timedelta(seconds=LOGIN_S)
    serial, hint = credential.mfa_serial, ""
    if not serial:
        serial, hint = _mfa_device(session, credential)
    if not serial:
        return LoggedIn(session, ends, denied_hint=hint)
    code = prompter.ask_code("MFA code", f"the code that {serial} shows now")
    with translated("sts", credential.endpoint):
        try:
            answer = client(session, "sts", credential.region, credential.endpoint).get_session_token(
                DurationSeconds=LOGIN_S, SerialNumber=serial, TokenCode=code.strip()
            )
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in ("AccessDenied", "ValidationError", "ParamValidationError"):
                raise LoginFailed(
                    f'the code for "{serial}" was refused', hint="wait for the next code, then log in again"
                ) from error
            raise
    keys = answer["Credentials"]
    made = _session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], credential.region)
    return LoggedIn(made, min(ends, keys["Expiration"]))


def _mfa_device(session: boto3.Session, credential: AwsLongLived) -> tuple[str, str]:
    """The user's first MFA device, or why there is none."""
    with translated("iam", credential.endpoint):
        try:
            devices = client(session, "iam", credential.region, credential.endpoint).list_mfa_devices()["MFADevices"]
        except ClientError as error:
            if code_of(error) in ("AccessDenied", "AccessDeniedException"):
                return "", ("if the account asks for MFA: set the credential's MFA serial, or allow iam:ListMFADevices")
            raise
    return (str(devices[0]["SerialNumber"]), "") if devices else ("", "")


def _profile_session(profile: str, region: str, paths: dict[str, Path]) -> boto3.Session:
    """A session of one profile in given files; botocore's parser, so names may hold spaces and any letter."""
    core = botocore.session.Session(profile=profile)
    for variable, path in paths.items():
        # Before boto3 wraps it: it reads the files when it is made.
        core.set_config_variable(variable, str(path))
    try:
        return boto3.Session(botocore_session=core, region_name=region or None)
    except ProfileNotFound as error:
        listed = ", ".join(f'"{name}"' for name in sorted(core.available_profiles)) or "none"
        where = " and ".join(f'"{path}"' for path in paths.values())
        raise LoginFailed(
            f'there is no profile "{profile}" in {where}', hint=f"the profiles there are: {listed}"
        ) from error


def _from_file(credential: AwsFile) -> LoggedIn:
    path = credentials_file(credential.file_path)
    if not path.is_file():
        raise LoginFailed(f'there is no file "{path}"', hint="correct the credential file path")
    seen = fingerprint(credential)
    session = _profile_session(credential.section, credential.region, {"credentials_file": path})
    found = session.get_credentials()
    if found is None:
        raise LoginFailed(
            f'the section "{credential.section}" of "{path}" has no keys',
            hint="it needs aws_access_key_id and aws_secret_access_key",
        )
    return LoggedIn(session, fingerprint=seen if not credential.cache_file else "")


def _from_sso(credential: AwsSso, prompter: AuthPrompter) -> LoggedIn:
    paths = {
        "config_file": config_file(credential.config_path),
        "credentials_file": credentials_file(credential.file_path),
    }
    seen = fingerprint(credential)
    session = _profile_session(credential.profile, credential.region, paths)
    profile = aws_sso.SsoProfile.read(session, credential)
    expires_at: datetime | None = None
    if not aws_sso.token_is_live(session):
        session, expires_at = aws_sso.log_in(profile, credential, prompter, config=CONFIG)
    return LoggedIn(session, expires_at, seen if not credential.cache_file else "")
