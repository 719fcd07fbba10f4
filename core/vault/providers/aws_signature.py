"""Signs a request of the user's own with AWS Signature Version 4, by botocore's signer."""

from __future__ import annotations

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from core.exchange import Headers, Prepared, digest
from core.secret import Secret

ADDED = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


def signed(
    prepared: Prepared, *, service: str, region: str, key_id: str, secret_key: Secret, session_token: Secret | None
) -> Headers:
    """The headers that the signature adds. A body that stands in files is read once to be hashed; blocks."""
    keys = Credentials(key_id, secret_key.reveal(), session_token.reveal() if session_token is not None else None)
    given = {name: value for name, value in prepared.headers if name.lower() not in ADDED}
    given["X-Amz-Content-SHA256"] = digest(prepared.content, "sha256").hex()
    request = AWSRequest(method=prepared.method, url=prepared.url, headers=given)
    # S3 signs a path as it is sent; every other service signs it encoded once more.
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, region).add_auth(request)
    return tuple((name, value) for name, value in request.headers.items() if name.lower() in ADDED)
