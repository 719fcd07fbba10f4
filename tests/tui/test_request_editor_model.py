"""All that a request's file may hold can be seen and edited, and looking at it changes nothing."""

from __future__ import annotations

import pytest

from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    Body,
    Capture,
    Check,
    ClientCertificate,
    Field,
    FileBody,
    FormBody,
    GraphqlBody,
    JsonBody,
    MultipartBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Options,
    Part,
    Request,
    Scripts,
    TextBody,
    Variable,
    XmlBody,
)
from core.workspace.workspace import Workspace
from tests.tui.conftest import Running, type_text, until
from tests.tui.test_requests import opened
from tui.widgets.table_lines import TableLines

EVERYTHING = Request(
    name="All",
    description="of it",
    method="PURGE",
    url="{{base_url}}/:id",
    headers=(Field("X", "1"), Field("Y", "2", enabled=False)),
    query=(Field("a", "b"),),
    path_params={"id": "1", "unused": "2"},
    auth=OAuth2Auth(grant="device_code", username="bob", redirect_uri="http://127.0.0.1:1/x"),
    variables={"v": "1", "w": Variable(value="2", description="d", enabled=False), "s": Variable(secret=True)},
    options=Options(
        timeout=1.5,
        ca_file="ca.pem",
        client_certificate=ClientCertificate("c.pem", "k.pem", "{{p}}"),
        proxy="",
        http2=True,
        retry_unsafe=True,
        history=False,
    ),
    captures=(Capture("c", "cookie", "sid", secret=True),),
    checks=(Check("json", "schema", "$", {"type": "object"}), Check("body", "exists", "", False)),
    scripts=Scripts("a.py", "b.py"),
)
BODIES: tuple[Body, ...] = (
    JsonBody("{}", "application/x+json"),
    XmlBody("<a/>", "text/xml"),
    TextBody("a\r\nb", "text/csv"),
    FormBody((Field("a", "b"), Field("c", "d", enabled=False))),
    MultipartBody(
        (
            Part("a", value="@b"),
            Part("f", file="f.bin", filename="g.bin", content_type="image/png"),
            Part("t", value="x", filename="x.txt", enabled=False),
            Part("e"),
        )
    ),
    FileBody("f.bin", "image/png"),
    GraphqlBody("{ a }", '{"b": 1}'),
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
async def test_looking_at_every_tab_changes_nothing(running: Running, workspace: Workspace, body: Body) -> None:
    from msgspec.structs import replace

    request = replace(EVERYTHING, body=body)
    workspace.save_request("health", request)
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        read: set[str] = {"schema", "method", "url"}
        for tab, _ in screen.editor.TABS:
            screen.editor.show_tab(tab)
            await until(pilot, lambda at=tab: at not in screen.editor._stale)  # type: ignore[misc]
            read |= screen.editor._read(tab, screen.editor._tabs[tab]).keys()
        screen.finish()
        assert screen.request == request
        assert not screen.edited
        assert read == set(Request.__struct_fields__)


async def test_the_fields_follow_the_grant(running: Running, workspace: Workspace) -> None:
    workspace.save_request("health", Request(auth=OAuth2Auth()))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.editor.show_tab("auth")
        await until(pilot, lambda: screen.query("#auth-rows"))
        table = screen.query_one("#auth-rows")
        table.query_one(TableLines).focus()
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await type_text(pilot, "device")
        await pilot.press("enter")
        await until(pilot, lambda: screen.request and screen.request.auth == OAuth2Auth(grant="device_code"))
        keys = [row.key for row in table.rows]  # type: ignore[attr-defined]
        assert "device_url" in keys
        assert "authorization_url" not in keys
        # A field that has come can be filled in at once.
        await pilot.press(*["down"] * keys.index("device_url"), "enter")
        await type_text(pilot, "https://x.example")
        await pilot.press("enter")
        wanted = OAuth2Auth(grant="device_code", device_url="https://x.example")
        await until(pilot, lambda: screen.request and screen.request.auth == wanted)


async def test_a_part_gets_its_file_name_and_type(running: Running, workspace: Workspace) -> None:
    workspace.save_request("health", Request(body=MultipartBody((Part("f", file="a.bin"),))))
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.editor.show_tab("body")
        await until(pilot, lambda: screen.query("#body TableLines"))
        screen.query_one("#body TableLines").focus()
        await pilot.pause()
        await pilot.press("right", "right", "enter")
        await type_text(pilot, "image/png")
        await pilot.press("enter")
        await type_text(pilot, "b.png")
        await pilot.press("enter")
        part = Part("f", file="a.bin", filename="b.png", content_type="image/png")
        await until(pilot, lambda: screen.request and screen.request.body == MultipartBody((part,)))


@pytest.mark.parametrize(
    "auth",
    [
        ApiKeyAuth("k", "v", "query"),
        AwsSigV4Auth("s3", "eu", "team", "a", "b", "c"),
        NtlmAuth("u", "p", "d", "w"),
        OAuth1Auth("k", "c", "t", "s", "RSA-SHA256", "-----BEGIN\nkey\n-----END\n", body_hash=True, location="query"),
    ],
)
async def test_other_auths_are_shown_as_they_are(running: Running, workspace: Workspace, auth: object) -> None:
    workspace.save_request("health", Request(auth=auth))  # type: ignore[arg-type]
    async with running(workspace) as pilot:
        screen = await opened(pilot, "health")
        screen.editor.show_tab("auth")
        await pilot.pause()
        screen.finish()
        assert not screen.edited
