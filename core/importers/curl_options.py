"""The options of curl's command line: which take a value, and which change nothing that is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import FormatError

SHORT = {
    "0": "http1.0", "1": "tlsv1", "2": "sslv2", "3": "sslv3", "4": "ipv4", "6": "ipv6", "#": "progress-bar",
    ":": "next", "a": "append", "A": "user-agent", "b": "cookie", "B": "use-ascii", "c": "cookie-jar",
    "C": "continue-at", "d": "data", "D": "dump-header", "e": "referer", "E": "cert", "f": "fail", "F": "form",
    "g": "globoff", "G": "get", "h": "help", "H": "header", "i": "include", "I": "head",
    "j": "junk-session-cookies", "J": "remote-header-name", "k": "insecure", "K": "config", "l": "list-only",
    "L": "location", "m": "max-time", "M": "manual", "n": "netrc", "N": "no-buffer", "o": "output",
    "O": "remote-name", "p": "proxytunnel", "P": "ftp-port", "q": "disable", "Q": "quote", "r": "range",
    "R": "remote-time", "s": "silent", "S": "show-error", "t": "telnet-option", "T": "upload-file", "u": "user",
    "U": "proxy-user", "v": "verbose", "V": "version", "w": "write-out", "x": "proxy", "X": "request",
    "y": "speed-time", "Y": "speed-limit", "z": "time-cond", "Z": "parallel",
}  # fmt: skip


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


WITH_VALUE = _names(
    """
    abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout
    connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary
    data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header
    ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account
    ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip
    header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key
    key-type krb libcurl limit-rate local-port login-options mail-auth mail-from mail-rcpt max-filesize
    max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey
    preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type
    proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey
    proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0
    pubkey quote random-file range rate referer request request-target resolve retry retry-delay retry-max-time
    sasl-authzid service-name sigalgs socks4 socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit
    speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser
    trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent variable vlan-priority
    write-out
    """
)

WITHOUT_EFFECT = _names(
    """
    compressed cookie-jar disable dump-header fail fail-with-body globoff http1.1 include keepalive no-alpn
    no-buffer no-keepalive no-progress-meter output output-dir progress-bar remote-header-name remote-name
    remote-name-all remote-time show-error show-headers silent stderr styled-output no-styled-output tcp-nodelay
    trace trace-ascii trace-ids trace-time verbose write-out create-dirs basic no-clobber
    """
)
"""On what curl prints and keeps, or what is so here anyway."""

_WITHOUT_VALUE = _names(
    """
    anyauth append ca-native cert-status compressed-ssh crlf digest disable-eprt disable-epsv
    disallow-username-in-url doh-cert-status doh-insecure false-start form-escape ftp-create-dirs get
    haproxy-protocol head help http0.9 http1.0 http2 http2-prior-knowledge http3 http3-only
    ignore-content-length insecure ipv4 ipv6 junk-session-cookies list-only location location-trusted manual
    metalink negotiate netrc netrc-optional next ntlm ntlm-wb parallel parallel-immediate path-as-is post301
    post302 post303 proxy-anyauth proxy-basic proxy-digest proxy-insecure proxy-negotiate proxy-ntlm proxytunnel
    raw retry-all-errors retry-connrefused sasl-ir skip-existing ssl ssl-allow-beast ssl-no-revoke ssl-reqd
    ssl-revoke-best-effort sslv2 sslv3 suppress-connect-headers tcp-fastopen tftp-no-options tlsv1 tlsv1.0
    tlsv1.1 tlsv1.2 tlsv1.3 tr-encoding use-ascii version xattr
    """
)
_KNOWN = WITH_VALUE | WITHOUT_EFFECT | _WITHOUT_VALUE


@dataclass(frozen=True)
class Option:
    """`name` is the long one without dashes, empty for an address; `written` is what stood there, for messages."""

    name: str
    value: str
    written: str


def options(words: Sequence[str]) -> Iterator[Option]:
    """Everything behind the word `curl`, in order."""
    rest = list(words)[::-1]

    def value(written: str) -> str:
        if not rest:
            raise FormatError(f'"{written}" has no value', source="curl", hint="copy the whole command")
        return rest.pop()

    while rest:
        word = rest.pop()
        if word == "--":
            yield from (Option("", address, address) for address in reversed(rest))
            return
        if word.startswith("--"):
            typed, equals, given = word[2:].partition("=")
            name = _full(typed)
            written = f"--{typed}"
            if name in WITH_VALUE:
                yield Option(name, given if equals else value(written), written)
            else:
                yield Option(name, "", written)
        elif word.startswith("-") and word != "-":
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                name, written = SHORT.get(letter, f"-{letter}"), f"-{letter}"
                if name in WITH_VALUE:
                    yield Option(name, letters or value(written), written)
                    break
                yield Option(name, "", written)
        else:
            yield Option("", word, word)


def _full(typed: str) -> str:
    """curl takes the beginning of a long name where only one begins so."""
    if typed in _KNOWN:
        return typed
    meant = [name for name in _KNOWN if name.startswith(typed)]
    return meant[0] if len(meant) == 1 else typed
