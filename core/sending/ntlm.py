"""NTLM, which logs in a connection and not a request: what goes back and forth before an answer comes.

    a connection is kept ──► the request as it is ──► its answer │ 401, the log-in has ended
                                                                 ▼
    none is kept ──────────► message 1, without the body ──► 401 with a challenge
                                                                 ▼  on the same connection
                             its answer ◄── the request with message 3 and the body

The connection is that of one log-in to one origin: nothing else ever goes over it.
"""

from __future__ import annotations

import binascii
import hmac
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from msgspec.structs import replace
from spnego.channel_bindings import GssChannelBindings

from core.errors import RequestError
from core.exchange import Headers, Progress
from core.models import NtlmAuth
from core.sending import leg as legs
from core.sending.connecting import KeptConnection, Watch
from core.sending.leg import Answer, Keep, Leg

_SCHEMES = ("NTLM", "Negotiate")
"""In the order of choice. Within Negotiate the messages stand as they are, which its servers take for NTLM."""
_OF_BODY = frozenset({"content-length", "transfer-encoding"})
_WORKSTATION, _FLAGS = 44, 60
_UNICODE, _VERSION = 0x1, 0x02000000
"""Places and flags of an AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3)."""


def exchange(
    connection: KeptConnection,
    leg: Leg,
    login: NtlmAuth,
    watch: Watch,
    keep: Keep,
    tell: Callable[[Progress], None],
) -> Answer:
    """As `core.sending.leg.exchange`, over a connection that is logged in where the server asks for it."""
    if not login.username:
        raise RequestError("NTLM auth has no user name", kind="request", hint="set its username")
    if leg.url.startswith("http:") and (leg.route.proxy or "").startswith("http"):
        raise RequestError(
            "NTLM does not go through a proxy with plain http: others could use the connection that it logs in",
            kind="proxy",
            hint='use https, or set options.proxy = ""',
        )

    def send(one: Leg) -> Answer:
        connection.still_open()
        return legs.exchange(connection, one, watch, keep, tell)

    whole = replace(leg, headers=tuple(pair for pair in leg.headers if pair[0].lower() != "authorization"))
    scheme = _SCHEMES[0]
    if connection.still_open():
        answer = send(whole)
        offered = _offered(answer)
        if offered is None:
            return answer
        answer.body.close()
        scheme = offered
    while True:
        talk = _Talk(login, urlsplit(leg.url).hostname or "")
        answer = send(_bare(_with(whole, scheme, talk.first)))
        if answer.status != 401:
            if whole.content:
                # The body was held back.
                answer.body.close()
                answer = send(whole)
            return replace(answer, note=answer.note or "the server asked for no NTLM log-in")
        challenge = _challenge(answer, scheme)
        offered = _offered(answer)
        if challenge is None and offered is not None and offered != scheme and scheme == _SCHEMES[0]:
            answer.body.close()
            scheme = offered
            continue
        break
    if challenge is None:
        return answer if offered else replace(answer, note=answer.note or "the server offers no NTLM log-in")
    answer.body.close()
    used, certificate = watch.connection, watch.certificate
    last = _with(whole, scheme, talk.last(challenge, certificate))
    if not connection.still_open():
        raise _broken()
    answer = send(last)
    if watch.connection is not used:
        answer.body.close()
        raise _broken()
    if answer.status == 401:
        connection.close()
    return answer


class _Talk:
    """The messages of one log-in."""

    def __init__(self, login: NtlmAuth, host: str) -> None:
        user = login.username
        if login.domain and "\\" not in user:
            user = f"{login.domain}\\{user}"
        self._workstation = login.workstation
        # In Python alone, so that nothing of the system is asked for a log-in of its own.
        self._context = spnego.client(
            spnego.Password(user, login.password),
            hostname=host,
            service="HTTP",
            protocol="ntlm",
            options=spnego.NegotiateOptions.use_ntlm,
        )
        self.first = self._context.step() or b""

    def last(self, challenge: bytes, certificate: bytes | None) -> bytes:
        try:
            message = self._context.step(challenge, channel_bindings=_bindings(certificate)) or b""
            return self._named(bytearray(message), challenge)
        except Exception:  # noqa: BLE001 - whatever a library makes of what a server sends
            raise RequestError("what the server sent for the NTLM log-in cannot be read", kind="protocol") from None

    def _named(self, message: bytearray, challenge: bytes) -> bytes:
        """With the workstation that the user names in place of this machine's name, which is nobody's business."""
        size, _, start = struct.unpack_from("<HHI", message, _WORKSTATION)
        message[start : start + size] = bytes(size)
        flags = struct.unpack_from("<I", message, _FLAGS)[0]
        name = self._workstation.encode("utf-16-le" if flags & _UNICODE else "ascii")
        struct.pack_into("<HHI", message, _WORKSTATION, len(name), len(name), len(message))
        message += name
        check = slice(72, 88) if flags & _VERSION else slice(64, 80)
        if any(message[check]):
            message[check] = bytes(16)
            message[check] = hmac.digest(self._context.session_key, self.first + challenge + message, "md5")
        return bytes(message)


def _bindings(certificate: bytes | None) -> GssChannelBindings | None:
    """What binds the log-in to the TLS connection, so that nobody in between can pass it on (RFC 5929)."""
    if certificate is None:
        return None
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    digest = hashes.Hash(hashes.SHA256() if algorithm.name in ("md5", "sha1") else algorithm)
    digest.update(certificate)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


def _with(leg: Leg, scheme: str, message: bytes) -> Leg:
    return replace(leg, headers=(*leg.headers, ("Authorization", f"{scheme} {b64encode(message).decode()}")))


def _bare(leg: Leg) -> Leg:
    if not leg.content:
        return leg
    headers: Headers = tuple(pair for pair in leg.headers if pair[0].lower() not in _OF_BODY)
    return replace(leg, headers=(*headers, ("Content-Length", "0")), content=None)


def _offers(answer: Answer) -> list[tuple[str, str]]:
    """Scheme and message of every header that asks for a log-in."""
    if answer.status != 401:
        return []
    texts = (value for name, value in answer.headers if name.lower() == "www-authenticate")
    parts = (part.strip().partition(" ") for text in texts for part in text.split(","))
    return [(scheme, message.strip()) for scheme, _, message in parts]


def _offered(answer: Answer) -> str | None:
    found = {scheme.lower() for scheme, _ in _offers(answer)}
    return next((scheme for scheme in _SCHEMES if scheme.lower() in found), None)


def _challenge(answer: Answer, scheme: str) -> bytes | None:
    for found, message in _offers(answer):
        if found.lower() == scheme.lower() and message:
            try:
                return b64decode(message, validate=True)
            except binascii.Error:
                return b""
    return None


def _broken() -> RequestError:
    return RequestError(
        "the server closed the connection in the middle of the NTLM log-in",
        kind="protocol",
        hint="NTLM needs one connection from end to end; see whether something on the way does not keep it",
    )
