"""Builds a request: templates rendered, everything checked that can be checked before a byte leaves.

Real and shown form are built side by side from the same pieces, so the shown one holds no hidden value, however short
it is and whatever it was encoded to.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from core.checks.examine import describe
from core.environment import ResolvedScope
from core.errors import RequestError
from core.exchange import Destination, Expectation, Prepared, SecretUse, Shown, StepAuth
from core.models import (
    ApiKeyAuth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    DigestAuth,
    InheritAuth,
    NoAuth,
    NoBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Request,
)
from core.secret import MASK
from core.sending import bodies, headers, routes, urls
from core.sending.headers import Line
from core.structs import Struct
from core.template import Rendered

ACCEPT_ENCODING = "gzip, deflate"
SIGV4 = "aws_sigv4"
"""What a request signed by a named credential calls that use, which no variable stands for."""

_AUTHORIZATION = Rendered("Authorization")
_DEFAULTS = (headers.plain("Accept", "*/*"), headers.plain("Accept-Encoding", ACCEPT_ENCODING))

_Rows = list[tuple[Rendered, Rendered]]


class Defaults(Struct, frozen=True):
    """What a request that says nothing gets."""

    timeout: float = 30.0
    proxy: str | None = None
    """Of the settings; empty: none; None: what `proxies` says."""
    proxies: Mapping[str, str] = msgspec.field(default_factory=dict)
    """http_proxy, https_proxy, all_proxy and no_proxy as the process was started with."""
    user_agent: str = "hushpost"


DEFAULTS = Defaults()


def prepare(
    request: Request,
    scope: ResolvedScope,
    *,
    files: Callable[[str], Path],
    reference: str = "",
    defaults: Defaults = DEFAULTS,
) -> Prepared:
    """The request as it goes out. `request` has what its folders give it; `files` finds a file that it names."""
    return _Builder(request, scope, files, reference, defaults).prepared()


def preview(request: Request, scope: ResolvedScope, *, defaults: Defaults = DEFAULTS) -> Shown:
    """What `prepare` would show, for a scope with placeholders: nothing is checked, no file is read."""
    return _Builder(request, scope, None, "", defaults).shown()


def texts(request: Request, reference: str = "") -> Iterator[tuple[str, str]]:
    """Every text that sending the request renders, with its place: what `Scope.needed` is asked for."""
    prefix = f"{reference}: " if reference else ""
    for where, text in _texts(request):
        if "{{" in text:
            yield f"{prefix}{where}", text


def _texts(request: Request) -> Iterator[tuple[str, str]]:
    yield "url", request.url
    for name, value in request.path_params.items():
        if name in urls.parameters_in(request.url):
            yield f'path parameter "{name}"', value
    for what, fields in (("header", request.headers), ("query", request.query)):
        for row in fields:
            if row.enabled:
                yield what, row.name
                yield f'{what} "{row.name}"', row.value
    yield from _strings("auth", request.auth)
    yield from _strings("body", request.body)
    options = request.options
    yield "options.ca_file", options.ca_file or ""
    yield "options.proxy", options.proxy or ""
    if options.client_certificate is not None:
        yield from _strings("options.client_certificate", options.client_certificate)
    for check in request.checks:
        yield f"check of {check.subject}", check.path
        if isinstance(check.value, str):
            yield f"check of {check.subject}", check.value


def _strings(where: str, struct: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """The texts of a struct and of the enabled rows in it."""
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, str):
            yield f"{where}.{name}", value
        elif isinstance(value, tuple):
            for row in value:
                if row.enabled:
                    yield from _strings(f'{where} "{row.name}"', row)


class _Builder:
    def __init__(
        self,
        request: Request,
        scope: ResolvedScope,
        files: Callable[[str], Path] | None,
        reference: str,
        defaults: Defaults,
    ) -> None:
        self._request = request
        self._scope = scope
        self._files = files
        self._reference = reference
        self._defaults = defaults

    def prepared(self) -> Prepared:
        files = self._files
        if files is None:
            raise TypeError("a request is prepared with its files")
        request = self._request
        urls.require_values(request.url, request.path_params)
        rows, query, step, auth_names = self._auth()
        address = urls.examine(self._url(query))
        if address.user is not None and isinstance(request.auth, (InheritAuth, NoAuth)):
            user, password = map(Rendered, address.user)
            rows.append(Line("Authorization", _basic(user, password).reveal(), ("Authorization", f"Basic {MASK}")))
        proxy_for = partial(routes.direct_or_by, self._defaults.proxy, self._defaults.proxies)
        route, terms, elsewhere = routes.build(request.options, self._render, files, proxy_for(address.origin))
        body, lines = self._message(rows, address.origin.netloc)
        held: dict[str, frozenset[str]] = {"url": address.names, "body": body.names, "auth": auth_names}
        for line in (line for line in lines if line.names):
            held[f"header:{line.key}"] = held.get(f"header:{line.key}", frozenset()) | line.names
        if isinstance(step, OAuth2Auth):
            elsewhere += _token_servers(step, auth_names)
        expectations = tuple(self._expectations())
        used = frozenset[str]().union(
            *held.values(),
            *(destination.names for destination in elsewhere),
            *(self._scope.render(text, where=where).secrets for where, text in self._beside()),
        )
        uses = {name: self._use(name) for name in sorted(used)}
        if isinstance(step, AwsSigV4Auth) and step.credential:
            uses[SIGV4] = SecretUse(SIGV4, step.credential)
            held["auth"] |= {SIGV4}
        return Prepared(
            reference=self._reference,
            request=request,
            method=request.method.upper(),
            url=address.url,
            headers=tuple((line.name, line.value) for line in lines),
            content=body.content,
            shown=Shown(address.shown, tuple(line.shown for line in lines), body.shown),
            uses=uses,
            route=route,
            timeout=request.options.timeout or self._defaults.timeout,
            auth=step,
            held={place: names for place, names in held.items() if names},
            elsewhere=elsewhere,
            terms=terms,
            expectations=expectations,
            log_in=frozenset(line.key for line in rows),
            proxy_for=proxy_for if request.options.proxy is None else None,
        )

    def shown(self) -> Shown:
        rows, query, _, _ = self._auth()
        url = self._url(query)
        try:
            address = urls.examine(url)
            shown, host = address.shown, address.origin.netloc
        except RequestError:
            shown = url.shown
            host = urls.shown_origin(shown).rpartition("//")[2]
        body, lines = self._message(rows, host)
        return Shown(shown, tuple(line.shown for line in lines), body.shown)

    def _render(self, text: str, where: str) -> Rendered:
        return self._scope.render(text, where=where)

    def _url(self, query: _Rows) -> Rendered:
        request = self._request
        rows = [*bodies.rows(request.query, self._render, "query"), *query]
        return urls.compose(request.url, request.path_params, rows, self._render)

    def _beside(self) -> Iterator[tuple[str, str]]:
        """Texts whose secrets are used on this machine alone."""
        certificate = self._request.options.client_certificate
        if certificate is not None and certificate.password:
            yield "options.client_certificate", certificate.password

    def _use(self, name: str) -> SecretUse:
        value = self._scope.values[name]
        return SecretUse(name, value.credential, value.allowed_hosts, value.refetch_on_401, value.consented)

    # Auth

    def _auth(self) -> tuple[list[Line], _Rows, StepAuth | None, frozenset[str]]:
        """What auth adds to the headers and to the query, what is left for a step while sending, and its secrets."""
        auth = self._request.auth
        match auth:
            case InheritAuth() | NoAuth():
                return [], [], None, frozenset()
            case BasicAuth():
                user, password = self._render(auth.username, "auth"), self._render(auth.password, "auth")
                if ":" in user.reveal():
                    raise RequestError("the user name of Basic auth holds a colon", kind="request")
                return [headers.rendered(_AUTHORIZATION, _basic(user, password))], [], None, frozenset()
            case BearerAuth():
                prefix, token = self._render(auth.prefix, "auth"), self._render(auth.token, "auth")
                value = Rendered.join(" ", (prefix, token)) if prefix else token
                return [headers.rendered(_AUTHORIZATION, value)], [], None, frozenset()
            case ApiKeyAuth():
                name, value = self._render(auth.name, "auth"), self._render(auth.value, "auth")
                if auth.location == "header":
                    return [headers.rendered(name, value)], [], None, frozenset()
                return [], [(name, value)], None, frozenset()
            case DigestAuth() | OAuth1Auth() | OAuth2Auth() | NtlmAuth() | AwsSigV4Auth():
                names: frozenset[str] = frozenset()
                real: dict[str, str] = {}
                for where, text in _strings("auth", auth):
                    rendered = self._render(text, where)
                    names |= rendered.secrets
                    real[where.partition(".")[2]] = rendered.reveal()
                return [], [], msgspec.structs.replace(auth, **real), names

    # Headers and body

    def _message(self, auth: list[Line], host: str) -> tuple[bodies.Built, list[Line]]:
        """The body, and all headers in the order in which they are sent."""
        request = self._request
        given = list(headers.written(request.headers, self._render))
        own = {line.key: line for line in given}
        content_type = Rendered()
        if "content-type" in own:
            row = next(row for row in request.headers if row.enabled and row.name.lower() == "content-type")
            content_type = self._render(row.value, 'header "Content-Type"')
        body = bodies.build(request.body, self._render, self._files, content_type)
        chunked = own.get("transfer-encoding")
        if chunked is not None and chunked.value.lower() != "chunked":
            raise RequestError("only chunked can be asked for as transfer-encoding", kind="request")
        length: int | None = bodies.size_of(body.content)
        says_length = length or not isinstance(request.body, NoBody) or request.method in ("POST", "PUT", "PATCH")
        unread = self._files is None and body.content is None and not isinstance(request.body, NoBody)
        if chunked is not None or not says_length or unread:
            length = None
        defaults = (headers.plain("Host", host), headers.plain("User-Agent", self._defaults.user_agent), *_DEFAULTS)
        kind = body.content_type or content_type
        lines = headers.assemble(given, auth, defaults, kind, length, hide_length=bool(body.names))
        if self._files is not None:
            headers.check(lines, lambda name: self._scope.values[name].rendered.reveal())
        return body, lines

    # Checks

    def _expectations(self) -> Iterator[Expectation]:
        for check in self._request.checks:
            if "{{" not in check.path and not (isinstance(check.value, str) and "{{" in check.value):
                yield Expectation(describe(check), check)
                continue
            where = f"check of {check.subject}"
            path = self._render(check.path, where)
            value: Any = check.value
            shown = value
            if isinstance(value, str):
                rendered = self._render(value, where)
                value, shown = rendered.reveal(), rendered.shown
            real = msgspec.structs.replace(check, path=path.reveal(), value=value)
            yield Expectation(describe(check, path.shown, shown), real)


def _basic(user: Rendered, password: Rendered) -> Rendered:
    pair = Rendered.join(":", (user, password))
    # Shown as what was encoded: base64 of the parts around a hidden one would tell of it.
    return "Basic " + pair.whole(
        lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(), f"base64({pair.shown})"
    )


def _token_servers(auth: OAuth2Auth, names: frozenset[str]) -> tuple[Destination, ...]:
    addresses = dict.fromkeys(url for url in (auth.token_url, auth.device_url, auth.authorization_url) if url)
    return tuple(Destination("token", url, names) for url in addresses)
