"""The module of each provider, imported on first use and in the caller's thread: an SDK takes up to 0.2 s to import."""

from __future__ import annotations

import importlib
import logging
from typing import Protocol, cast

from core.errors import VaultError
from core.vault.config import PROVIDERS, AnyCredential
from core.vault.provider import AuthPrompter, Provider

SDK_LOGGERS = (
    "httpx",
    "httpcore",
    "boto3",
    "botocore",
    "azure",
    "msal",
    "hvac",
    "google",
    "grpc",
    "urllib3",
    "requests",
)


class ProviderModule(Protocol):
    def connect(self, credential: AnyCredential, prompter: AuthPrompter) -> Provider: ...


def load(provider: str) -> ProviderModule:
    """The provider's module; importing it imports its SDK."""
    if provider not in PROVIDERS:
        raise VaultError(
            f'there is no vault provider "{provider}"', provider=provider, hint=f"use one of {', '.join(PROVIDERS)}"
        )
    silence_sdk_loggers()
    try:
        return cast(ProviderModule, importlib.import_module(f"core.vault.providers.{provider}"))
    except ImportError as error:
        raise VaultError(
            f'the provider "{provider}" cannot be loaded: {error.name or "a module"} is missing',
            provider=provider,
            hint="install hushpost again with all its dependencies",
        ) from error


def connect(credential: AnyCredential, prompter: AuthPrompter) -> Provider:
    """Log in with this credential; blocks, possibly until a person has answered."""
    return load(credential.provider).connect(credential, prompter)


def silence_sdk_loggers() -> None:
    """Keep what the SDKs log away from our log and from the terminal: at debug level botocore logs secret values."""
    for name in SDK_LOGGERS:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
