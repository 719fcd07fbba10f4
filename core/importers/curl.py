"""Reads a pasted curl command as a request that sends the same.

Shell variables in it become templates, and braces that would be one here stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from msgspec.structs import replace

from core.errors import FormatError
from core.importers import commandline
from core.importers import curl_texts as texts
from core.importers.commandline import OPEN
from core.importers.curl_options import WITHOUT_EFFECT, Option, options
from core.models import (
    Auth,
    AwsSigV4Auth,
    BasicAuth,
    BearerAuth,
    Body,
    ClientCertificate,
    DigestAuth,
    Field,
    FileBody,
    FormBody,
    JsonBody,
    MultipartBody,
    NoAuth,
    NoBody,
    NtlmAuth,
    Options,
    Part,
    Request,
    TextBody,
    XmlBody,
)

FORM = "application/x-www-form-urlencoded"
_COMMAND = re.compile(r"(?:.*[/\\])?curl(?:\.exe)?", re.IGNORECASE)
_SETTING = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_USER_IN_URL = re.compile(r"(?<=://)([^/?#@]*)@")
_SCHEME = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://|[{OPEN}]")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


@dataclass(frozen=True)
class Imported:
    """The request, and a sentence for everything of the command that is not in it."""

    request: Request
    notices: tuple[str, ...] = ()


def read(text: str) -> Imported:
    """Raises FormatError for what is no curl command, or cannot be sent from here."""
    command = commandline.split(text)
    words = list(command.words)
    while words and _SETTING.fullmatch(words[0]):
        words.pop(0)
    if not words or not _COMMAND.fullmatch(words[0]):
        raise FormatError("is no curl command", source="curl", hint='paste a command that begins with "curl"')
    reading = _Reading()
    for option in options(words[1:]):
        if not reading.take(option):
            break
    if command.left_out:
        reading.notices.append("what follows the first command was left out")
    return Imported(reading.request(), tuple(dict.fromkeys(reading.notices)))


class _Reading:
    """What was read so far, each text as it stands in the command."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self._urls: list[str] = []
        self._method = ""
        self._headers: list[tuple[str, str]] = []
        self._data: list[tuple[str, str]] = []
        self._parts: list[Part] = []
        self._upload: str | None = None
        self._flags: set[str] = set()
        self._user: str | None = None
        self._bearer: str | None = None
        self._sigv4: str | None = None
        self._cert, self._key, self._pass = "", "", ""
        self._options = Options(follow_redirects=False)
        self._takes: dict[str, Callable[[str], None]] = {
            "": self._urls.append,
            "url": self._urls.append,
            "header": self._header,
            "user-agent": lambda value: self._headers.append(("User-Agent", value)),
            "referer": lambda value: self._headers.append(("Referer", value.partition(";auto")[0])),
            "cookie": self._cookie,
            "range": lambda value: self._headers.append(("Range", f"bytes={value}")),
            "form": self._form,
            "form-string": lambda value: self._parts.append(Part(*texts.named(value, "--form-string"))),
        }

    def take(self, option: Option) -> bool:
        """False where the next one belongs to another request."""
        name, value = option.name, option.value
        if name in self._takes:
            self._takes[name](value)
        elif name.startswith("data") or name in ("json", "url-query"):
            self._data.append((name, value))
        elif name in ("get", "head", "digest", "ntlm", "insecure", "location"):
            self._flags.add(name)
        elif name == "next":
            self.notices.append('what follows "--next" was left out')
            return False
        else:
            self._setting(option)
        return True

    def _setting(self, option: Option) -> None:
        name, value = option.name, option.value
        match name:
            case "request":
                self._method = value
            case "user":
                self._user = value
            case "oauth2-bearer":
                self._bearer = value
            case "aws-sigv4":
                self._sigv4 = value
            case "upload-file":
                self._upload = value
            case "location-trusted":
                self._flags.add("location")
                self.notices.append("credentials do not follow a redirect to another host")
            case "max-time":
                self._options = replace(self._options, timeout=texts.number(value, option.written) or None)
            case "max-redirs":
                most = int(texts.number(value, option.written)) if value != "-1" else 100
                self._options = replace(self._options, max_redirects=min(most, 100))
            case "proxy":
                proxy = value if "://" in value or not value else f"http://{value}"
                self._options = replace(self._options, proxy=texts.written(proxy))
            case "noproxy" if value.strip() == "*":
                self._options = replace(self._options, proxy="")
            case "cacert":
                self._options = replace(self._options, ca_file=texts.written(value))
            case "cert":
                self._cert, _, password = value.partition(":")
                self._pass = self._pass or password
            case "key":
                self._key = value
            case "pass":
                self._pass = value
            case "http2" | "http2-prior-knowledge":
                self._options = replace(self._options, http2=True)
            case _ if name not in WITHOUT_EFFECT:
                self.notices.append(f'"{option.written}" has no counterpart here and was left out')

    def _header(self, text: str) -> None:
        if text.startswith("@"):
            self.notices.append("the headers of a file were left out")
            return
        name, colon, value = text.partition(":")
        if not colon and text.endswith(";"):
            self._headers.append((text[:-1].strip(), ""))
        elif colon and (value.strip() or name.lower() == "content-type"):
            self._headers.append((name.strip(), value.strip()))
        elif not colon:
            self.notices.append("a header without a colon was left out")

    def _cookie(self, text: str) -> None:
        if "=" in text:
            self._headers.append(("Cookie", text))
        else:
            self.notices.append("the cookies of a file were left out")

    def _form(self, text: str) -> None:
        name, value = texts.named(text, "--form")
        content, rest = texts.form_value(value)
        known = texts.form_options(rest)
        if {"encoder", "headers"} & set(known):
            self.notices.append(f'the encoding or headers of the part "{texts.shown(name)}" were left out')
        kind, filename = known.get("type"), known.get("filename")
        if content.startswith("<") and not value.startswith('"'):
            raise FormatError(
                f'the part "{texts.shown(name)}" is the text of a file, which a part cannot be here',
                source="curl",
                hint="write @ for <, or put the text into the command",
            )
        if content.startswith("@") and not value.startswith('"'):
            path = texts.unquoted(content[1:])
            if path == "-":
                raise texts.from_input()
            self._parts.append(Part(name, file=path, filename=filename, content_type=kind))
        else:
            self._parts.append(Part(name, content, filename=filename, content_type=kind))

    # The request

    def request(self) -> Request:
        if not self._urls:
            raise FormatError("names no address", source="curl", hint="copy the whole command")
        if len(self._urls) > 1:
            self.notices.append(f"the command has {len(self._urls)} addresses, only the first was taken")
        url = self._urls[0].strip()
        if not _SCHEME.match(url):
            url = f"http://{url}"
        url, auth = self._auth(url)
        body = self._body()
        url = texts.with_query(url, [one for one in self._data if "get" in self._flags or one[0] == "url-query"])
        method = self._method or self._implied(body)
        if not _METHOD.fullmatch(method):
            raise FormatError("its method is none that HTTP knows", source="curl", hint="check what follows -X")
        certificate = None
        if self._cert:
            names = (texts.written(text) or None for text in (self._key, self._pass))
            certificate = ClientCertificate(texts.written(self._cert), *names)
        return Request(
            method=method,
            url=texts.written(url),
            headers=tuple(Field(texts.written(name), texts.written(value)) for name, value in self._headers),
            auth=auth,
            body=texts.templated(body),
            options=replace(
                self._options,
                follow_redirects="location" in self._flags,
                verify_tls="insecure" not in self._flags,
                client_certificate=certificate,
            ),
        )

    def _implied(self, body: Body) -> str:
        if "head" in self._flags:
            return "HEAD"
        if self._upload is not None:
            return "PUT"
        return "GET" if isinstance(body, NoBody) and not self._posts else "POST"

    @property
    def _posts(self) -> list[tuple[str, str]]:
        """The data that is a body."""
        return [] if "get" in self._flags else [(name, text) for name, text in self._data if name != "url-query"]

    def _auth(self, url: str) -> tuple[str, Auth]:
        inside = _USER_IN_URL.search(url)
        if inside is not None:
            url = url[: inside.start()] + url[inside.end() :]
            if self._user is None:
                self._user = unquote(inside[1])
        user, colon, password = (self._user or "").partition(":")
        if self._user and not colon:
            self.notices.append("the command names no password, curl would ask for it")
        user, password = texts.written(user), texts.written(password)
        if self._sigv4 is not None:
            _, _, region, service = (*self._sigv4.split(":"), "", "", "", "")[:4]
            service, region = texts.written(service), texts.written(region)
            return url, AwsSigV4Auth(service, region, access_key=user, secret_key=password)
        if self._bearer is not None:
            return url, BearerAuth(texts.written(self._bearer))
        if self._user is not None and "ntlm" in self._flags:
            # curl takes either sign for the one behind a domain.
            return url, NtlmAuth(user if "\\" in user else user.replace("/", "\\", 1), password)
        if self._user is not None:
            return url, DigestAuth(user, password) if "digest" in self._flags else BasicAuth(user, password)
        return url, self._auth_of_headers()

    def _auth_of_headers(self) -> Auth:
        """What an `Authorization` header says, where a form for it says the same."""
        found = [header for header in self._headers if header[0].lower() == "authorization"]
        if len(found) != 1:
            return NoAuth()
        scheme, _, value = found[0][1].partition(" ")
        auth: Auth | None = None
        if scheme.lower() == "bearer" and value.strip():
            auth = BearerAuth(texts.written(value), prefix=scheme)
        elif scheme == "Basic" and (pair := texts.decoded(value)) is not None:
            auth = BasicAuth(*map(texts.written, pair))
        if auth is None:
            return NoAuth()
        self._headers.remove(found[0])
        return auth

    def _body(self) -> Body:
        self._headers = [header for header in self._headers if header[0].lower() != "content-length"]
        if self._upload is not None:
            if self._upload in ("-", "."):
                raise texts.from_input()
            return FileBody(self._upload, self._content_type("", keep=False))
        if self._parts:
            if self._data:
                raise FormatError("has data and a form", source="curl", hint="take either --data or --form out")
            if self._content_type("", keep=True).lower() == "multipart/form-data":
                self._content_type("", keep=False)
            return MultipartBody(tuple(self._parts))
        data = self._posts
        if not data:
            return NoBody()
        if any(name == "json" for name, _ in data):
            self._default_header("Content-Type", "application/json")
            self._default_header("Accept", "application/json")
        if texts.names_a_file(*data[0]) and len(data) == 1:
            return self._file(*data[0])
        if any(texts.names_a_file(*one) for one in data):
            raise FormatError(
                "the body is made of a file and of something else",
                source="curl",
                hint="put all of it into one file and write --data-binary @FILE",
            )
        joined = "".join(text for _, text in data) if data[0][0] == "json" else "&".join(texts.data_texts(data))
        return self._text(joined)

    def _file(self, name: str, text: str) -> Body:
        path = text.partition("@")[2]
        if path == "-":
            raise texts.from_input()
        if name == "data-urlencode":
            raise FormatError("--data-urlencode of a file is not done here", source="curl", hint="encode it beforehand")
        if name in ("data", "data-ascii"):
            self.notices.append("curl takes the line breaks out of the file, here it is sent as it is")
        return FileBody(path, self._content_type(FORM, keep=False))

    def _text(self, text: str) -> Body:
        content_type = self._content_type(FORM, keep=False)
        media = content_type.partition(";")[0].strip().lower()
        if media.endswith(("/json", "+json")):
            return JsonBody(text, content_type)
        if media.endswith(("/xml", "+xml")):
            return XmlBody(text, content_type)
        if media == FORM and (rows := texts.rows(text)) is not None:
            if content_type.lower() != FORM:
                self._headers.append(("Content-Type", content_type))
            return FormBody(rows)
        return TextBody(text, content_type)

    def _content_type(self, otherwise: str, *, keep: bool) -> str:
        """As a header says, which the body then stands for unless `keep`."""
        found = next((header for header in self._headers if header[0].lower() == "content-type"), None)
        if found is None:
            return otherwise
        if not keep:
            self._headers.remove(found)
        return found[1]

    def _default_header(self, name: str, value: str) -> None:
        if not any(header[0].lower() == name.lower() for header in self._headers):
            self._headers.append((name, value))
