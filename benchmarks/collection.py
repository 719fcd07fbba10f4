"""One made-up collection, the same for every runner, in its own format; every request is checked for status 200."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PER_FOLDER = 20
QUERY = "page=1&limit=50"


@dataclass(frozen=True)
class One:
    number: int
    method: str
    url: str
    headers: dict[str, str]
    body: str | None

    @property
    def folder(self) -> str:
        return f"{self.number // PER_FOLDER:03}-orders"

    @property
    def name(self) -> str:
        return f"r{self.number:05}"


def requests(count: int, base: str) -> Iterator[One]:
    """One in five is a POST with some lines of JSON."""
    for number in range(count):
        headers = {"Accept": "application/json", "X-Request-Id": f"req-{number}"}
        if number % 5 == 3:
            body = {
                "id": number,
                "name": f"order {number}",
                "tags": ["alpha", "beta"],
                "address": {"city": "Springfield"},
            }
            headers["Content-Type"] = "application/json"
            yield One(number, "POST", f"{base}/orders/{number}", headers, json.dumps(body, indent=2))
        else:
            yield One(number, "GET", f"{base}/orders/{number}", headers, None)


def write_all(folder: Path, count: int, base: str) -> None:
    """Below the folder: `hushpost`, `hushpost-slow` (on the slow API), `postman.json`, `bruno`, `collection.http`."""
    all_requests = list(requests(count, base))
    hushpost(all_requests, folder / "hushpost")
    hushpost(list(requests(count, f"{base}/slow")), folder / "hushpost-slow")
    postman(all_requests, folder / "postman.json")
    bruno(all_requests, folder / "bruno")
    http(all_requests, folder / "collection.http")


def hushpost(all_requests: list[One], folder: Path) -> None:
    put(folder / "workspace.toml", 'schema = 1\nname = "bench"\nid = "0123456789abcdef"\n')
    for one in all_requests:
        headers = "".join(f'    {{ name = "{name}", value = "{value}" }},\n' for name, value in one.headers.items())
        text = (
            f'schema = 1\nname = "{one.name}"\nmethod = "{one.method}"\nurl = "{one.url}"\nheaders = [\n{headers}]\n'
            'query = [\n    { name = "page", value = "1" },\n    { name = "limit", value = "50" },\n]\n'
            'checks = [\n    { subject = "status", op = "equals", value = 200 },\n]\n'
        )
        if one.body:
            text += f"[body]\ntype = \"json\"\ntext = '''\n{one.body}'''\n"
        put(folder / "requests" / one.folder / f"{one.name}.toml", text)


def postman(all_requests: list[One], path: Path) -> None:
    folders: dict[str, list[object]] = {}
    check = "pm.test('200', () => pm.response.to.have.status(200));"
    for one in all_requests:
        request: dict[str, object] = {
            "method": one.method,
            "header": [{"key": name, "value": value} for name, value in one.headers.items()],
            "url": f"{one.url}?{QUERY}",
        }
        if one.body:
            request["body"] = {"mode": "raw", "raw": one.body, "options": {"raw": {"language": "json"}}}
        event = [{"listen": "test", "script": {"type": "text/javascript", "exec": [check]}}]
        folders.setdefault(one.folder, []).append({"name": one.name, "request": request, "event": event})
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    items = [{"name": name, "item": item} for name, item in folders.items()]
    put(path, json.dumps({"info": {"name": "bench", "schema": schema}, "item": items}))


def bruno(all_requests: list[One], folder: Path) -> None:
    put(folder / "bruno.json", json.dumps({"version": "1", "name": "bench", "type": "collection", "ignore": []}))
    for one in all_requests:
        headers = "".join(f"  {name}: {value}\n" for name, value in one.headers.items())
        text = (
            f"meta {{\n  name: {one.name}\n  type: http\n  seq: {one.number % PER_FOLDER + 1}\n}}\n\n"
            f"{one.method.lower()} {{\n  url: {one.url}?{QUERY}\n"
            f"  body: {'json' if one.body else 'none'}\n  auth: none\n}}\n\n"
            f"params:query {{\n  page: 1\n  limit: 50\n}}\n\nheaders {{\n{headers}}}\n\n"
        )
        if one.body:
            indented = "\n".join(f"  {line}" for line in one.body.splitlines())
            text += f"body:json {{\n{indented}\n}}\n\n"
        put(folder / one.folder / f"{one.name}.bru", text + "assert {\n  res.status: eq 200\n}\n")


def http(all_requests: list[One], path: Path) -> None:
    parts = []
    for one in all_requests:
        headers = "".join(f"{name}: {value}\n" for name, value in one.headers.items())
        body = f"\n{one.body}\n" if one.body else ""
        parts.append(f"### {one.name}\n{one.method} {one.url}?{QUERY}\n{headers}{body}\n?? status == 200\n\n")
    put(path, "".join(parts))


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
