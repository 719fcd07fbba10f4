"""The Azure clouds there are, and what an authority or a secret identifier names in one of them.

A token goes to hosts of these clouds only: the addresses that the SDK is given are put together here from parts that
were checked, never passed on as they were written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from core.errors import LoginFailed, SecretNotFound

SHAPE = "https://VAULT.vault.azure.net/secrets/NAME"
_VAULT = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
_VERSION = re.compile(r"[0-9a-fA-F]{32}")


@dataclass(frozen=True)
class Cloud:
    name: str
    authorities: tuple[str, ...]
    """Hosts of its Entra ID, the usual one first."""
    vaults: str
    """What the hosts of its vaults end in."""

    @property
    def resource(self) -> str:
        """What tokens for its vaults are issued for."""
        return f"https://{self.vaults}"


CLOUDS = (
    Cloud(
        "the public cloud",
        ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net"),
        "vault.azure.net",
    ),
    Cloud("Azure Government", ("login.microsoftonline.us",), "vault.usgovcloudapi.net"),
    Cloud("Azure China", ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"), "vault.azure.cn"),
)


@dataclass(frozen=True)
class Authority:
    """Where a credential logs in."""

    host: str
    cloud: Cloud

    @classmethod
    def of(cls, text: str) -> Authority:
        """As an address or a bare host; blank is the public cloud."""
        text = text.strip().rstrip("/")
        if not text:
            return cls(CLOUDS[0].authorities[0], CLOUDS[0])
        host = text.lower().removeprefix("https://").removesuffix(":443")
        for cloud in CLOUDS:
            if host in cloud.authorities:
                return cls(host, cloud)
        raise LoginFailed(
            f'the authority "{text}" is of no known Azure cloud',
            hint=f"leave it blank, or use one of {', '.join(f'https://{cloud.authorities[0]}' for cloud in CLOUDS)}",
        )


@dataclass(frozen=True)
class SecretAddress:
    """One secret of one vault; `version` is empty for the newest."""

    host: str
    name: str
    version: str = ""

    @classmethod
    def of(cls, identifier: str, cloud: Cloud) -> SecretAddress:
        """What a link's identifier names; SecretNotFound if that is no secret of a vault in this cloud."""
        parts = _split(identifier)
        host = _vault_host(parts, cloud)
        path = parts.path.removesuffix("/").split("/")
        if parts.query or parts.fragment or len(path) not in (3, 4) or path[1] != "secrets":
            raise SecretNotFound(
                f'"{identifier}" names no secret', hint=f"write the identifier like {SHAPE} or {SHAPE}/VERSION"
            )
        if not _NAME.fullmatch(path[2]):
            raise SecretNotFound(
                f'"{path[2]}" is no name of a secret', hint="names have letters, digits and hyphens: correct the link"
            )
        version = path[3] if len(path) == 4 else ""
        if version and not _VERSION.fullmatch(version):
            raise SecretNotFound(
                f'"{version}" is no version of a secret',
                hint="versions have 32 hexadecimal digits: correct the link, or leave the version out for the newest",
            )
        return cls(host, path[2], version)


def listing(prefix: str, cloud: Cloud) -> tuple[str, str | None]:
    """The vault's host in a picker's prefix, and the beginning of a secret's name, None above `/secrets/`.

    The host is empty while the prefix names no whole vault.
    """
    parts = _split(prefix)
    whole = parts.path or any(parts.netloc.lower().endswith(f".{known.vaults}") for known in CLOUDS)
    if parts.scheme != "https" or not parts.netloc or not whole:
        return "", None
    host = _vault_host(parts, cloud)
    _, slash, start = parts.path.partition("/secrets/")
    return host, start if slash else None


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text.strip())
    except ValueError:
        return SplitResult("", "", "", "", "")


def _vault_host(parts: SplitResult, cloud: Cloud) -> str:
    """The host, if it is a vault's in this cloud; user information or another port make it none."""
    if parts.scheme != "https":
        raise SecretNotFound("the secret identifier is not https", hint=f"write it like {SHAPE}")
    host = parts.netloc.lower().removesuffix(":443")
    for known in CLOUDS:
        name = host.removesuffix(f".{known.vaults}")
        if name == host or not _VAULT.fullmatch(name):
            continue
        if known is cloud:
            return host
        raise SecretNotFound(
            f'"{host}" is a vault of {known.name}, and the credential logs in to {cloud.name}',
            hint=f"bind a credential whose authority is https://{known.authorities[0]}",
        )
    raise SecretNotFound(
        f'"{parts.netloc}" is no host of a vault in a known Azure cloud', hint=f"write the identifier like {SHAPE}"
    )
