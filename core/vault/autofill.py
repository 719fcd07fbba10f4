"""What the AWS credentials file offers for a form, read without the SDK; nothing of the file is in an error."""

from __future__ import annotations

import configparser
from pathlib import Path

from core.errors import HushpostError
from core.secret import Secret

AWS_FILE = "~/.aws/credentials"
AWS_PROFILES = ("main", "default")
"""The first that the file has is taken."""
_KEYS = {
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "region": "region",
}
_SECRET = ("secret_access_key", "session_token")


def from_aws_file(file: str = AWS_FILE) -> tuple[str, dict[str, str | Secret]]:
    """The profile that was taken, and its values by the names of the fields they belong to."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(Path(file).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise HushpostError(
            f'"{file}" cannot be read: {error.strerror}', hint="make it with `aws configure`, or type the fields"
        ) from None
    except (configparser.Error, UnicodeDecodeError):
        # Their messages quote the line, which may be a key.
        raise HushpostError(f'"{file}" is not in the form that AWS writes', hint="type the fields") from None
    profile = next((name for name in AWS_PROFILES if parser.has_section(name)), None)
    if profile is None:
        raise HushpostError(f'"{file}" has neither a profile "main" nor a profile "default"', hint="type the fields")
    found: dict[str, str | Secret] = {}
    for field, key in _KEYS.items():
        value = parser.get(profile, key, fallback="").strip()
        if value:
            found[field] = Secret(value) if field in _SECRET else value
    return profile, found
