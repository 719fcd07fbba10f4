"""SigV4 auth, against a server that proves every signature."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core.consent.consent import Need
from core.errors import HostNotAllowed, NotBound, RequestError
from core.models import Auth, AwsSigV4Auth, Field, FormBody, NoBody, Request
from core.paths import Paths, Surroundings
from core.secret import Secret
from core.session import Session, open_session
from core.vault.config import AwsLongLived
from tests.vaults.aws_front import REGION, AwsFront, _aws_server, aws

__all__ = ["_aws_server", "aws"]

FORM = FormBody(fields=(Field("Action", "GetCallerIdentity"), Field("Version", "2011-06-15")))


@pytest.fixture
async def session(paths: Paths, tmp_path: Path) -> AsyncIterator[Session]:
    opened = open_session(Surroundings(paths), headless=False)
    opened.create_workspace(tmp_path / "ws", "Signed")
    yield opened
    await opened.close()


def request(aws: AwsFront, auth: Auth) -> Request:
    return Request(method="POST", url=f"{aws.url}/", auth=auth, body=FORM)


def keys(aws: AwsFront, **more: str) -> AwsSigV4Auth:
    key_id, secret = aws.user("ada")
    return AwsSigV4Auth(service="sts", region=REGION, access_key=key_id, secret_key=secret, **more)


async def test_given_keys_sign(session: Session, aws: AwsFront) -> None:
    exchange = await session.send(request(aws, keys(aws)))
    assert exchange.response.status == 200
    assert b"user/ada" in exchange.response.body.read()
    shown = dict(exchange.shown.headers)
    assert shown["Authorization"] == "AWS4-HMAC-SHA256 ••••••"


async def test_temporary_keys_sign_with_their_token(session: Session, aws: AwsFront) -> None:
    key_id, secret, token = aws.temporary()
    auth = AwsSigV4Auth(service="sts", region=REGION, access_key=key_id, secret_key=secret, session_token=token)
    exchange = await session.send(request(aws, auth))
    assert exchange.response.status == 200
    assert token not in str(exchange.shown)


async def test_a_wrong_secret_key_is_refused_by_the_server(session: Session, aws: AwsFront) -> None:
    auth = msgspec.structs.replace(keys(aws), secret_key="wrong")
    assert (await session.send(request(aws, auth))).response.status == 403


async def test_a_query_and_odd_characters_are_signed_as_sent(session: Session, aws: AwsFront) -> None:
    auth = keys(aws)
    odd = Request(
        method="GET", url=f"{aws.url}/a b/é?x=1 2&y=%2F", query=(Field("z", "ü+/="),), auth=auth, body=NoBody()
    )
    # There is no such action: what counts is that the signature was right.
    answer = (await session.send(odd)).response.body.read()
    assert b"<Error>" in answer
    assert b"SignatureDoesNotMatch" not in answer


async def test_a_bound_credential_signs_once_its_host_is_approved(session: Session, aws: AwsFront) -> None:
    key_id, secret = aws.user("bob")
    await session.create_store(passphrase=Secret("a long passphrase"))
    credential = AwsLongLived(access_key_id=key_id, secret_access_key=Secret(secret), region=REGION, endpoint=aws.url)
    await session.save_credential("mine", credential)
    signed = request(aws, AwsSigV4Auth(service="sts", region=REGION, credential="team aws"))

    with pytest.raises(HostNotAllowed) as refused:
        await session.send(signed)
    session.consent.approve([Need("team aws", what) for what in refused.value.missing])
    with pytest.raises(NotBound):
        await session.send(signed)
    session.consent.bind("team aws", "mine")
    with pytest.raises(HostNotAllowed):
        await session.send(signed)  # another credential under the name: approved anew
    session.consent.approve([Need("team aws", what) for what in refused.value.missing])
    exchange = await session.send(signed)
    assert exchange.response.status == 200
    assert b"user/bob" in exchange.response.body.read()


async def test_what_is_missing_is_named(session: Session, aws: AwsFront) -> None:
    with pytest.raises(RequestError, match="names no service"):
        await session.send(request(aws, AwsSigV4Auth()))
    with pytest.raises(RequestError, match="needs a credential"):
        await session.send(request(aws, AwsSigV4Auth(service="sts")))
