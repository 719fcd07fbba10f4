"""A route of the loopback server that wants NTLM: pyspnego's accepting side, one log-in for each connection."""

from __future__ import annotations

import base64
import hashlib
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from tests.loopback import Received

WORKSTATION, FLAGS = 44, 60
"""Where an AUTHENTICATE_MESSAGE says where its workstation stands, and in which encoding."""


@dataclass
class NtlmServer:
    """Answers with the user's name as JSON; `steps` has what each request was, with its connection."""

    scheme: str = "NTLM"
    offers: tuple[str, ...] = ("NTLM",)
    lasting: bool = True
    """A connection stays logged in; else each request logs in."""
    closing: bool = False
    """Each challenge ends its connection."""
    silently_closing: bool = False
    """Each answer to somebody ends its connection, and does not say so."""
    certificate: bytes | None = None
    """The one that a log-in has to be bound to."""
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    """(what it was, connection, size of the body)"""
    workstations: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._talks: dict[int, Any] = {}
        self._users: dict[int, str] = {}

    def __call__(self, handler: Any, received: Received) -> None:
        connection = received.connection
        given, _, text = (received.header("Authorization") or "").partition(" ")
        message = base64.b64decode(text) if given == self.scheme else b""
        kind = message[8] if message[:8] == b"NTLMSSP\0" else 0
        user = self._users.get(connection)
        self.steps.append(({0: "plain", 1: "negotiate", 3: "authenticate"}[kind], connection, len(received.body)))
        self.messages.append(message)
        if kind == 1:
            talk = self._talks[connection] = spnego.server(
                protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm, channel_bindings=self._bindings()
            )
            challenge = base64.b64encode(talk.step(message) or b"").decode()
            self._refuse(handler, (f"{self.scheme} {challenge}",))
            return
        if kind == 3:
            user = self._user(self._talks.pop(connection, None), message)
            if user is not None and self.lasting:
                self._users[connection] = user
        if user is None:
            self._refuse(handler, self.offers)
        else:
            handler.answer_json({"user": user, "size": len(received.body)})
            handler.close_connection = self.silently_closing

    def _user(self, talk: Any, message: bytes) -> str | None:
        """None where the log-in is wrong, or was begun on another connection."""
        if talk is None:
            return None
        try:
            talk.step(message)
        except SpnegoError:
            return None
        size, _, start = struct.unpack_from("<HHI", message, WORKSTATION)
        unicode = message[FLAGS] & 1
        self.workstations.append(message[start : start + size].decode("utf-16-le" if unicode else "ascii"))
        return str(talk.client_principal)

    def _refuse(self, handler: Any, offers: tuple[str, ...]) -> None:
        headers = tuple(("WWW-Authenticate", offer) for offer in offers)
        closing = (("Connection", "close"),) if self.closing else ()
        handler.answer(401, b"who are you?" * 10_000, headers + closing, "text/plain")
        handler.close_connection = self.closing

    def _bindings(self) -> GssChannelBindings | None:
        if self.certificate is None:
            return None
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.decode())).digest()
        return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
