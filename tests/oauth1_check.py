"""The server's side of OAuth 1, written from RFC 5849 alone: what is signed, and whether a signature is right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.loopback import Received

FORM = "application/x-www-form-urlencoded"


def escaped(text: str) -> str:
    """Section 3.6."""
    return quote(text, safe="~")


def base_string(method: str, url: str, parameters: list[tuple[str, str]]) -> str:
    """Sections 3.4.1.1 to 3.4.1.3; `url` as the Host header and the request line make it."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    address = f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}"
    pairs = sorted((escaped(name), escaped(value)) for name, value in parameters)
    normalized = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join(escaped(part) for part in (method.upper(), address, normalized))


def parameters_of(received: Received) -> tuple[list[tuple[str, str]], str, str]:
    """Every parameter but the realm, where those of OAuth stood, and the realm. A repeated one is refused."""
    realm = ""
    places: dict[str, list[tuple[str, str]]] = {"header": []}
    scheme, _, rest = (received.header("Authorization") or "").partition(" ")
    if scheme == "OAuth":
        for name, value in re.findall(r'([^\s,=]+)="((?:\\.|[^"\\])*)"', rest):
            if name == "realm":
                realm = re.sub(r"\\(.)", r"\1", value)
            else:
                places["header"].append((unquote(name), unquote(value)))
    places["query"] = parse_qsl(urlsplit(received.target).query, keep_blank_values=True)
    form = (received.header("Content-Type") or "").startswith(FORM)
    places["body"] = parse_qsl(received.body.decode(), keep_blank_values=True) if form else []
    [where] = [place for place, pairs in places.items() if "oauth_signature" in dict(pairs)]
    found = [pair for pairs in places.values() for pair in pairs]
    own = [name for name, _ in found if name.startswith("oauth_")]
    assert len(own) == len(set(own)), own
    return found, where, realm


def is_signed(
    method: str,
    url: str,
    parameters: list[tuple[str, str]],
    *,
    consumer_secret: str = "",
    token_secret: str = "",
    public_key: rsa.RSAPublicKey | None = None,
) -> bool:
    given = dict(parameters)
    signature = given["oauth_signature"]
    key = f"{escaped(consumer_secret)}&{escaped(token_secret)}"
    kind, _, name = given["oauth_signature_method"].partition("-")
    if kind == "PLAINTEXT":
        return signature == key
    text = base_string(method, url, [pair for pair in parameters if pair[0] != "oauth_signature"]).encode()
    if kind == "HMAC":
        digest = hmac.new(key.encode(), text, getattr(hashlib, name.lower())).digest()
        return signature == base64.b64encode(digest).decode()
    assert public_key is not None
    try:
        public_key.verify(base64.b64decode(signature), text, padding.PKCS1v15(), getattr(hashes, name)())
    except InvalidSignature:
        return False
    return True
