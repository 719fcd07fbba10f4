"""What went wrong on the wire, in the user's words; a library's own text is never quoted, for it may quote a header."""

from __future__ import annotations

import socket
import ssl

from core.errors import RequestError, RequestErrorKind
from core.sending.socks import SocksRefused
from core.sending.transport import httpcore

_HOST_MISMATCH = 62
_ADDRESS_MISMATCH = 64

_BREACHES = {
    "Receive buffer too long": "it sent more than 100 kB of headers",
    "illegal header line": "it sent a line among the headers that is no header",
    "bad Content-Length": "it sent a Content-Length that is no length",
    "conflicting Content-Length": "it sent two lengths in Content-Length",
    "Only Transfer-Encoding": "it sent a Transfer-Encoding other than chunked",
    "multiple Transfer-Encoding": "it sent a Transfer-Encoding other than chunked",
}
"""How the library begins to say what is wrong with an answer, and what that is to the user."""


def translated(error: Exception, label: str, limit_s: float, *, proxied: bool) -> RequestError:
    """`label` is the origin as messages may name it, `limit_s` the time limit as the user set it."""
    where = f'"{label}"'
    # Once something is connected, nothing tells the two apart.
    either = f"{where}, or the proxy to it," if proxied else where
    cause = next((item for item in error.args if isinstance(item, Exception)), None)
    if isinstance(error, httpcore.TimeoutException):
        what = "could not be reached" if isinstance(error, httpcore.ConnectTimeout) else "did not finish its answer"
        if isinstance(error, httpcore.WriteTimeout):
            what = "did not take the whole request"
        return RequestError(
            f"{either} {what} within {limit_s:g} s",
            kind="timeout",
            hint="raise options.timeout, or see what is slow",
        )
    if isinstance(error, SocksRefused):
        return RequestError(
            f"the proxy did not make the tunnel to {where}: {error}",
            kind="proxy",
            hint="check the proxy's user name and password" if error.login else "check options.proxy",
        )
    if isinstance(error, httpcore.ProxyError):
        status = str(error)[:3]
        return RequestError(
            f"the proxy refused the tunnel to {where} with {status}"
            if status.isdigit()
            else f"the proxy did not make the tunnel to {where}",
            kind="proxy",
            hint="check the proxy's user name and password" if status == "407" else "check options.proxy",
        )
    if isinstance(cause, ssl.SSLError):
        return _tls_error(cause, f"the proxy for {where}" if proxied and label.startswith("http:") else where)
    if isinstance(error, httpcore.ConnectError):
        kind: RequestErrorKind = "proxy" if proxied else "connect"
        if proxied:
            where = f"the proxy for {where}"
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return RequestError(f"the name of {where} was not found", kind=kind, hint="check the host, and the network")
        if isinstance(cause, ConnectionRefusedError):
            return RequestError(
                f"{where} refused the connection", kind=kind, hint="check that a server runs there, and on that port"
            )
        said = (getattr(cause, "strerror", None) or "it did not connect").lower()
        return RequestError(f"{where} could not be reached: {said}", kind=kind, hint="check the host, and the network")
    # What a server does to the state of HTTP/2, httpcore puts down to us.
    in_http2 = type(cause).__module__.startswith("h2.")
    if isinstance(error, httpcore.LocalProtocolError) and not in_http2:
        return RequestError("the request cannot be written as HTTP", kind="protocol", hint="check method and headers")
    if isinstance(error, httpcore.ProtocolError):
        if str(error).startswith("Server disconnected"):
            return RequestError(f"{either} closed the connection without an answer", kind="protocol")
        for beginning, breach in _BREACHES.items():
            if str(error).startswith(beginning):
                return RequestError(f"{either} did not answer in HTTP: {breach}", kind="protocol")
        return RequestError(
            f"{either} did not answer in HTTP{'/2' if in_http2 else ''}",
            kind="protocol",
            hint="set options.http2 = false to go without it" if in_http2 else "check the port, and http or https",
        )
    return RequestError(f"{either} broke the connection off", kind="connect")


def _tls_error(cause: ssl.SSLError, where: str) -> RequestError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        # OpenSSL's words for a mismatch quote the host, which may hold a secret.
        mismatch = cause.verify_code in (_HOST_MISMATCH, _ADDRESS_MISMATCH)
        said = "it is for another host" if mismatch else cause.verify_message.lower().rstrip(".")
        return RequestError(
            f"the certificate of {where} is not trusted: {said}",
            kind="tls",
            hint="name the authority's PEM file in options.ca_file, or set options.verify_tls = false to go without",
        )
    if cause.reason == "WRONG_VERSION_NUMBER":
        return RequestError(f"{where} does not speak TLS on that port", kind="tls", hint="try http:// instead")
    reason = (cause.reason or "the handshake failed").lower().replace("_", " ")
    return RequestError(f"the TLS connection to {where} failed: {reason}", kind="tls")
