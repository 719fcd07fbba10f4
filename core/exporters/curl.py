"""Writes a request as a curl command for a POSIX shell that sends the same, with names in place of secrets."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

from core.environment import ResolvedScope
from core.errors import FileError, FormatError
from core.exchange import Headers, Shown
from core.models import (
    AwsSigV4Auth,
    BasicAuth,
    DigestAuth,
    FileBody,
    MultipartBody,
    NoBody,
    NtlmAuth,
    OAuth1Auth,
    OAuth2Auth,
    Part,
    Request,
)
from core.sending.bodies import BOUNDARY, CHARSET
from core.sending.prepare import preview
from core.sending.urls import shown_origin

if TYPE_CHECKING:
    from core.outgoing import Given
    from core.session import Session

ACCESS_TOKEN = "{{access_token}}"  # noqa: S105  # the place of a token, none itself
_OURS = frozenset({("accept", "*/*"), ("accept-encoding", "gzip, deflate"), ("user-agent", "hushpost")})
"""What hushpost says of itself where a request says nothing: curl says its own."""


@dataclass(frozen=True)
class Exported:
    """`text` ends without a line break; `notices` say what of the request curl does otherwise."""

    text: str
    notices: tuple[str, ...] = ()


def command(session: Session, request: Request, reference: str = "", *, overrides: Given | None = None) -> Exported:
    """The request as it would go out in the active environment; no vault is asked, and no file read.

    Raises FormatError for what no command line can hold.
    """
    whole, scope = (
        session.effective(request, reference),
        session.scope(request, reference, overrides=overrides).preview(),
    )
    return _Command(whole, scope, preview(whole, scope, defaults=session.defaults), session.file).exported()


class _Command:
    def __init__(self, request: Request, scope: ResolvedScope, shown: Shown, files: Callable[[str], Path]) -> None:
        self._request = request
        self._scope = scope
        self._shown = shown
        self._files = files
        self._notices: list[str] = []

    def exported(self) -> Exported:
        body = list(self._body())
        url = self._shown.url
        # What begins with a - would be an option of curl's: -K reads a file, -o writes one.
        address = ("--url", url) if url.startswith("-") else (url,)
        arguments: list[tuple[str, ...]] = [*self._method(bool(body)), address]
        if any(sign in url for sign in "[]{}"):
            arguments.append(("--globoff",))
        if "/." in url.partition("?")[0]:
            arguments.append(("--path-as-is",))
        arguments += [*self._headers(bool(body)), *self._auth(), *body, *self._options()]
        lines = []
        for argument in arguments:
            if any("\0" in word for word in argument):
                raise FormatError("holds a NUL, which no command line can", source="curl", hint="use a file body")
            lines.append(" ".join(map(shlex.quote, argument)))
        return Exported(" \\\n  ".join((f"curl {lines[0]}", *lines[1:])), tuple(self._notices))

    def _text(self, text: str | None) -> str:
        return self._scope.render(text or "", where="curl").shown

    def _method(self, has_body: bool) -> Iterator[tuple[str, ...]]:
        method = self._request.method.upper()
        if method == "HEAD" and not has_body:
            yield ("--head",)
        elif method != ("POST" if has_body else "GET"):
            yield ("--request", method)

    # Headers and auth

    def _headers(self, has_body: bool) -> Iterator[tuple[str, ...]]:
        host = shown_origin(self._shown.url).rpartition("//")[2].rpartition("@")[2]
        typed = False
        for name, value in self._kept(self._shown.headers):
            key = name.lower()
            typed = typed or key == "content-type"
            if (key, value) in _OURS or (key, value) == ("host", host):
                continue
            if key == "content-length" and (has_body or value != "0"):
                continue
            yield ("--header", f"{name}: {value}" if value else f"{name};")
        if has_body and not typed and not isinstance(self._request.body, MultipartBody):
            yield ("--header", "Content-Type:")

    def _kept(self, headers: Headers) -> Iterator[tuple[str, str]]:
        """Without what curl makes of its own options."""
        for name, value in headers:
            key = name.lower()
            if key == "authorization" and isinstance(self._request.auth, BasicAuth | NtlmAuth):
                continue
            if key == "content-type" and isinstance(self._request.body, MultipartBody):
                # The boundary is curl's own.
                value = BOUNDARY.sub("", value).rstrip("; ")
                if value.lower() == "multipart/form-data":
                    continue
            yield name, value

    def _auth(self) -> Iterator[tuple[str, ...]]:
        match self._request.auth:
            case BasicAuth(username=user, password=password):
                yield ("--user", f"{self._text(user)}:{self._text(password)}")
            case DigestAuth(username=user, password=password):
                yield ("--digest",)
                yield ("--user", f"{self._text(user)}:{self._text(password)}")
            case NtlmAuth() as auth:
                user = auth.username if "\\" in auth.username or not auth.domain else f"{auth.domain}\\{auth.username}"
                yield ("--ntlm",)
                yield ("--user", f"{self._text(user)}:{self._text(auth.password)}")
                if auth.workstation:
                    self._notices.append("curl cannot be told to name a workstation")
            case OAuth1Auth():
                self._notices.append("curl makes no OAuth 1 signature: the command has none")
            case OAuth2Auth():
                self._notices.append(f"curl gets no OAuth 2 token: put one in place of {ACCESS_TOKEN}")
                yield ("--header", f"Authorization: Bearer {ACCESS_TOKEN}")
            case AwsSigV4Auth() as auth:
                key, secret = self._text(auth.access_key), self._text(auth.secret_key)
                if auth.credential:
                    self._notices.append(f'put the keys of "{auth.credential}" in place of the names after --user')
                    key, secret = "{{access_key}}", "{{secret_key}}"
                yield ("--aws-sigv4", f"aws:amz:{self._text(auth.region)}:{self._text(auth.service)}")
                yield ("--user", f"{key}:{secret}")
                if auth.session_token:
                    yield ("--header", f"X-Amz-Security-Token: {self._text(auth.session_token)}")

    # Body

    def _body(self) -> Iterator[tuple[str, ...]]:
        body = self._request.body
        match body:
            case NoBody():
                return
            case FileBody():
                yield ("--data-binary", f"@{self._path(body.path)}")
            case MultipartBody():
                for part in body.parts:
                    if part.enabled:
                        yield self._part(part)
            case _:
                kind = next((value for name, value in self._shown.headers if name.lower() == "content-type"), "")
                charset = CHARSET.search(kind)
                if (
                    charset is not None
                    and charset[1].lower() not in ("utf-8", "utf8")
                    and not self._shown.body.isascii()
                ):
                    raise FormatError(
                        f"a body in {charset[1]} cannot be written into a command line", source="curl", hint="use utf-8"
                    )
                yield ("--data-raw", self._shown.body)

    def _part(self, part: Part) -> tuple[str, ...]:
        name, kind = self._text(part.name), self._text(part.content_type)
        filename = self._text(part.filename) if part.filename is not None else None
        if "=" in name:
            raise FormatError('the name of a part holds "="', source="curl", hint="curl takes it for the name's end")
        if part.file is None and not kind and filename is None:
            return ("--form-string", f"{name}={self._text(part.value)}")
        if part.file is not None:
            path = self._path(part.file)
            filename = Path(path).name if filename is None else filename
            value = f"@{_quoted(path)}"
            kind = kind or guess_type(filename)[0] or "application/octet-stream"
        else:
            value = _quoted(self._text(part.value))
            if not kind:
                self._notices.append(f'curl names a type for the part "{name}", after its file name')
        value += f";type={kind}" if kind else ""
        value += f";filename={_quoted(filename)}" if filename is not None else ""
        return ("--form", f"{name}={value}")

    def _path(self, written: str) -> str:
        """Absolute where the file can be found, as the command may be run anywhere."""
        text = self._text(written)
        try:
            return str(self._files(text))
        except FileError:
            self._notices.append(f'the file "{text}" is named as the request names it')
            return text

    # Options

    def _options(self) -> Iterator[tuple[str, ...]]:
        options = self._request.options
        if options.follow_redirects:
            yield ("--location",)
            if options.max_redirects != 50:  # curl's own
                yield ("--max-redirs", str(options.max_redirects))
        if not options.verify_tls:
            yield ("--insecure",)
        if options.http2:
            yield ("--http2",)
        if options.timeout is not None:
            yield ("--max-time", f"{options.timeout:g}")
        if options.ca_file:
            yield ("--cacert", self._path(options.ca_file))
        if options.client_certificate is not None:
            certificate = options.client_certificate
            yield ("--cert", self._path(certificate.cert))
            if certificate.key:
                yield ("--key", self._path(certificate.key))
            if certificate.password:
                yield ("--pass", self._text(certificate.password))
        if options.proxy:
            yield ("--proxy", self._text(options.proxy))
        elif options.proxy is not None:
            yield ("--noproxy", "*")


def _quoted(text: str) -> str:
    """As curl reads a text inside a form's value."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
