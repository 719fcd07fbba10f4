"""What stands in a workspace's files: requests, folders, environments, the workspace itself; frozen structs, no I/O.

Field names are the names in the files. Every text may hold templates (`{{name}}`) unless its docstring says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from core.vault.config import AnyLink

SCHEMA = 1
"""The file format this version reads and writes; a newer number in a file is refused."""

VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
CREDENTIAL_NAME = r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything that stands in a file: unknown keys are refused, defaults are not written."""


class Field(Model, frozen=True):
    """One row of headers, query or form fields; a row that is not enabled is kept and not sent."""

    name: str
    value: str = ""
    enabled: bool = True


class Part(Model, frozen=True):
    """One part of a multipart body: `value` or `file` (a path relative to the workspace), never both."""

    name: str
    value: str | None = None
    file: str | None = None
    filename: str | None = None
    content_type: str | None = None
    enabled: bool = True


class NoBody(Model, frozen=True, tag_field="type", tag="none"):
    pass


class PlainBody(Model, frozen=True):
    """A text and what it is said to be."""

    text: str = ""


class JsonBody(PlainBody, frozen=True, tag_field="type", tag="json"):
    content_type: str = "application/json"


class XmlBody(PlainBody, frozen=True, tag_field="type", tag="xml"):
    content_type: str = "application/xml"


class TextBody(PlainBody, frozen=True, tag_field="type", tag="text"):
    content_type: str = "text/plain; charset=utf-8"


class FormBody(Model, frozen=True, tag_field="type", tag="form"):
    """Sent as application/x-www-form-urlencoded."""

    fields: tuple[Field, ...] = ()


class MultipartBody(Model, frozen=True, tag_field="type", tag="multipart"):
    parts: tuple[Part, ...] = ()


class FileBody(Model, frozen=True, tag_field="type", tag="file"):
    """The bytes of a file (a path relative to the workspace), streamed."""

    path: str = ""
    content_type: str = "application/octet-stream"


class GraphqlBody(Model, frozen=True, tag_field="type", tag="graphql"):
    """Sent as JSON {"query", "variables"}; `variables` is the text of a JSON object, empty for none."""

    query: str = ""
    variables: str = ""


Body = NoBody | JsonBody | XmlBody | TextBody | FormBody | MultipartBody | FileBody | GraphqlBody


class InheritAuth(Model, frozen=True, tag_field="type", tag="inherit"):
    """The auth of the nearest folder above that has one, else none."""


class NoAuth(Model, frozen=True, tag_field="type", tag="none"):
    pass


class BasicAuth(Model, frozen=True, tag_field="type", tag="basic"):
    username: str = ""
    password: str = ""


class BearerAuth(Model, frozen=True, tag_field="type", tag="bearer"):
    token: str = ""
    prefix: str = "Bearer"


class ApiKeyAuth(Model, frozen=True, tag_field="type", tag="api_key", rename={"location": "in"}):
    name: str = ""
    value: str = ""
    location: Literal["header", "query"] = "header"


class DigestAuth(Model, frozen=True, tag_field="type", tag="digest"):
    username: str = ""
    password: str = ""


class OAuth2Auth(Model, frozen=True, tag_field="type", tag="oauth2"):
    grant: Literal["client_credentials", "authorization_code", "password", "device_code"] = "client_credentials"
    token_url: str = ""
    authorization_url: str = ""
    device_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    username: str = ""
    password: str = ""
    scope: str = ""
    audience: str = ""
    redirect_uri: str = "http://127.0.0.1/callback"
    """A loopback address without a port stands for any free port."""
    client_auth: Literal["basic", "body"] = "basic"


class AwsSigV4Auth(Model, frozen=True, tag_field="type", tag="aws_sigv4"):
    """Signed with the keys of an AWS credential (by name, bound like a link's), or with the keys given here."""

    service: str = ""
    region: str = ""
    credential: str | None = None
    access_key: str = ""
    secret_key: str = ""
    session_token: str = ""


class OAuth1Auth(Model, frozen=True, tag_field="type", tag="oauth1", rename={"location": "in"}):
    """Signed as RFC 5849 says, with the two secrets or with `private_key` (the text of a PEM file) for RSA."""

    consumer_key: str = ""
    consumer_secret: str = ""
    token: str = ""
    token_secret: str = ""
    signature_method: Literal[
        "HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"
    ] = "HMAC-SHA1"
    private_key: str = ""
    realm: str = ""
    callback: str = ""
    """With a request for temporary credentials; `verifier` with the one for a token."""
    verifier: str = ""
    body_hash: bool = False
    """Also sign the digest of a body that is no form (oauth_body_hash)."""
    location: Literal["header", "query", "body"] = "header"
    """Where the parameters go; in the body only beside a form's fields."""


class NtlmAuth(Model, frozen=True, tag_field="type", tag="ntlm"):
    r"""`username` may be DOMAIN\user or user@domain; without a `workstation` the server is told of none."""

    username: str = ""
    password: str = ""
    domain: str = ""
    workstation: str = ""


Auth = (
    InheritAuth
    | NoAuth
    | BasicAuth
    | BearerAuth
    | ApiKeyAuth
    | DigestAuth
    | OAuth1Auth
    | OAuth2Auth
    | NtlmAuth
    | AwsSigV4Auth
)


class ClientCertificate(Model, frozen=True):
    """PEM files, relative to the workspace; `password` opens the key."""

    cert: str
    key: str | None = None
    password: str | None = None


class Options(Model, frozen=True):
    """How one request is sent. None means: as the settings say."""

    timeout: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    """Seconds for the whole exchange."""
    follow_redirects: bool = True
    max_redirects: Annotated[int, msgspec.Meta(ge=0, le=100)] = 10
    verify_tls: bool = True
    ca_file: str | None = None
    """PEM file with the authorities to trust instead of the system's, relative to the workspace."""
    client_certificate: ClientCertificate | None = None
    proxy: str | None = None
    """Proxy URL, http, https or socks5; an empty text means no proxy whatever the environment says."""
    http2: bool = False
    send_cookies: bool = True
    store_cookies: bool = True
    retry_unsafe: bool = False
    """Also repeat POST and PATCH where a variable has refetch_on_401."""
    history: bool = True


class Capture(Model, frozen=True, rename={"source": "from"}):
    """Sets variable `name` for the requests that follow; `path` is a JSONPath, a header or cookie name, or a regex."""

    name: Annotated[str, msgspec.Meta(pattern=f"^{VARIABLE_NAME}$")]
    source: Literal["json", "header", "cookie", "status", "body"]
    path: str = ""
    secret: bool = False


class Check(Model, frozen=True):
    """One assertion on the response; `path` narrows the subject (JSONPath, header name)."""

    subject: Literal["status", "header", "json", "body", "elapsed_ms", "size"]
    op: Literal["equals", "not_equals", "contains", "matches", "exists", "less", "greater", "schema"]
    path: str = ""
    value: Any = None


class Scripts(Model, frozen=True):
    """Python files below the workspace's `scripts/` folder; no templates."""

    before_request: str | None = None
    after_response: str | None = None


class Variable(Model, frozen=True):
    """A name's value: exactly one of `value` (plain), `secret` (in the credential store) and `link` (in a vault).

    `cache_minutes` 0 means: fetched anew each time; None means: the user's setting.
    """

    value: str | None = None
    secret: bool = False
    link: AnyLink | None = None
    description: str = ""
    enabled: bool = True
    allowed_hosts: tuple[str, ...] | None = None
    """Hosts that may receive the value (see `core.hosts`); None: any that this user approves."""
    cache_minutes: Annotated[int, msgspec.Meta(ge=0, le=720)] | None = None
    refetch_on_401: bool = False

    def __post_init__(self) -> None:
        if (self.value is not None) + self.secret + (self.link is not None) != 1:
            raise ValueError("a variable has exactly one of value, secret = true and link")

    @property
    def kind(self) -> Literal["plain", "secret", "linked"]:
        return "linked" if self.link is not None else "secret" if self.secret else "plain"

    @property
    def hidden(self) -> bool:
        """The value must not be seen: it lives in the store or in a vault."""
        return self.kind != "plain"


Variables = dict[Annotated[str, msgspec.Meta(pattern=f"^{VARIABLE_NAME}$")], str | Variable]
"""As in the file, where NAME = "text" is the short form of a plain variable."""


def variable(entry: str | Variable) -> Variable:
    """The long form of a variables entry."""
    return Variable(value=entry) if isinstance(entry, str) else entry


class Request(Model, frozen=True):
    """One request, as in `requests/**/NAME.toml`."""

    schema: int = SCHEMA
    name: str = ""
    """A label; an unnamed request is called by its file's stem."""
    description: str = ""
    method: Annotated[str, msgspec.Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$")] = "GET"
    url: str = ""
    headers: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    path_params: dict[str, str] = msgspec.field(default_factory=dict)
    auth: Auth = InheritAuth()
    body: Body = NoBody()
    variables: Variables = msgspec.field(default_factory=dict)
    options: Options = Options()
    captures: tuple[Capture, ...] = ()
    checks: tuple[Check, ...] = ()
    scripts: Scripts = Scripts()


class Folder(Model, frozen=True):
    """`requests/**/folder.toml`: what the requests below a folder inherit, and their order."""

    schema: int = SCHEMA
    name: str = ""
    order: tuple[str, ...] = ()
    """Stems of requests and names of folders; what is not listed follows by name."""
    variables: Variables = msgspec.field(default_factory=dict)
    headers: tuple[Field, ...] = ()
    auth: Auth = InheritAuth()
    scripts: Scripts = Scripts()


class Environment(Model, frozen=True):
    """`environments/NAME.toml`; the file's stem is its name everywhere, `name` a label."""

    schema: int = SCHEMA
    name: str = ""
    color: str | None = None
    """One of red, yellow, green, cyan, blue, magenta, or #rrggbb."""
    variables: Variables = msgspec.field(default_factory=dict)


class WorkspaceFile(Model, frozen=True):
    """`workspace.toml`."""

    id: Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    """Random, made at creation; with the folder's real path it keys what this user allowed here."""
    schema: int = SCHEMA
    name: str = ""
    history: bool = True
    """False: no exchange of this workspace is kept."""
