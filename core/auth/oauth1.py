"""OAuth 1 signatures (RFC 5849) for requests, made by oauthlib, which is imported with this module."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

from oauthlib.common import Request as Signed
from oauthlib.oauth1 import Client

from core.errors import RequestError
from core.exchange import Content, FileContent, Prepared, Signature, digest
from core.models import OAuth1Auth

FORM = "application/x-www-form-urlencoded"

# At debug level it logs what it signs, and signatures.
logging.getLogger("oauthlib").setLevel(logging.CRITICAL + 1)


def signature(prepared: Prepared, auth: OAuth1Auth) -> Signature:
    """A form that stands in a file is read; blocks. Raises RequestError."""
    _require(auth)
    headers = {name.lower(): value for name, value in prepared.headers}
    form = _form(prepared.content, headers)
    if auth.location == "body" and form is None:
        raise RequestError(
            "OAuth 1 parameters can stand only in the body of a form",
            kind="request",
            hint="choose a form as body, or send them in the header or the query",
        )
    client = Client(
        auth.consumer_key,
        client_secret=auth.consumer_secret,
        resource_owner_key=auth.token,
        resource_owner_secret=auth.token_secret,
        callback_uri=auth.callback,
        verifier=auth.verifier,
        signature_method=auth.signature_method,
        rsa_key=auth.private_key,
    )
    method = prepared.method
    address, _, query = prepared.url.partition("?")
    given: list[tuple[str, str]] = client.get_oauth_params(Signed(address, method))
    if auth.body_hash and form is None:
        # SHA-1 where the signature has none of its own, as the draft says that named it.
        algorithm = auth.signature_method.partition("-")[2].lower() or "sha1"
        given.append(("oauth_body_hash", b64encode(digest(prepared.content, algorithm)).decode()))
    own = {name for name, _ in given} | {"oauth_signature"}
    if auth.location == "query":
        query = _without(query, own)
    elif auth.location == "body":
        form = _without(form or "", own)
    # Decoded and encoded anew, as oauthlib takes no text with a character that could have been encoded and was not.
    host = {"Host": headers["host"]} if "host" in headers else {}
    signed = Signed(f"{address}?{_encoded(query)}", method, _encoded(form or ""), host)
    signed.oauth_params = given
    given.append(("oauth_signature", _signed(client, signed)))
    if auth.location == "header":
        return Signature(headers=(("Authorization", _header(given, auth.realm)),))
    added = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in given)
    names = tuple(name for name, _ in given)
    if auth.location == "query":
        return Signature(url=f"{address}?{_joined(query, added)}", parameters=names)
    content = _joined(form or "", added).encode("utf-8", "surrogateescape")
    # A body in chunks says no length.
    length = (("Content-Length", str(len(content))),) if "content-length" in headers else ()
    return Signature(headers=length, content=content, parameters=names)


def _require(auth: OAuth1Auth) -> None:
    if not auth.consumer_key:
        raise RequestError("OAuth 1 auth has no consumer key", kind="request", hint="set its consumer_key")
    if auth.signature_method.startswith("RSA") and not auth.private_key:
        raise RequestError(
            f"OAuth 1 auth with {auth.signature_method} has no private key",
            kind="request",
            hint="put the text of its PEM file into a secret variable, and name that in private_key",
        )


def _signed(client: Client, request: Signed) -> str:
    if not client.signature_method.startswith("RSA"):
        return str(client.get_oauth_signature(request))
    try:
        return str(client.get_oauth_signature(request))
    except Exception:  # noqa: BLE001 - of three libraries; what they say may quote the key
        raise RequestError(
            "the private key of the OAuth 1 auth cannot be used",
            kind="request",
            hint="give the text of a PEM file with an RSA key that has no password",
        ) from None


def _form(content: Content, headers: Mapping[str, str]) -> str | None:
    """The body where it is a form, whose fields are signed too."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return None
    if isinstance(content, FileContent):
        content = Path(content.path).read_bytes()
    return content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else None


def _encoded(form: str) -> str:
    return urlencode(parse_qsl(form, keep_blank_values=True))


def _without(form: str, names: Collection[str]) -> str:
    """Where a redirect repeats the parameters, those of before would make two of each."""
    return "&".join(pair for pair in form.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in names)


def _joined(before: str, added: str) -> str:
    return f"{before}&{added}" if before else added


def _header(parameters: Collection[tuple[str, str]], realm: str) -> str:
    parts = [f'{quote(name, safe="~")}="{quote(value, safe="~")}"' for name, value in parameters]
    if realm:
        if not realm.isprintable():
            raise RequestError("the realm of the OAuth 1 auth holds a control character", kind="request")
        escaped = realm.replace("\\", "\\\\").replace('"', '\\"')
        parts.insert(0, f'realm="{escaped}"')
    return f"OAuth {', '.join(parts)}"
