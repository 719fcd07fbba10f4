"""Credentials and variables from the environment, for headless runs: read once at start, what is secret removed from it.

The names after `HUSHPOST_` and `INSOMNIA_` come from the fields' `env` metadata; the rules of TYPE and AUTHMETHOD are
here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass

from core.errors import FieldError, HushpostError, VaultError
from core.secret import Secret
from core.vault.config import PROVIDERS, AnyCredential, Credential
from core.vault.fields import build_credential, credential_types, form_fields, type_tag

PREFIXES = ("HUSHPOST_", "INSOMNIA_")
NAMED = "HUSHPOST_CREDENTIAL_"
VARIABLE = "HUSHPOST_VAR_"
GROUPS = {"aws": "AWS", "gcp": "GCP", "hashicorp": "HASHICORP", "hcp": "HASHICORP", "azure": "AZURE"}
"""Which variables belong to a provider; `memory` has none."""
DEFAULT_TYPES = {"gcp": "serviceAccount", "azure": "servicePrincipal"}
HASHICORP_TYPES = {"onPrem": "hashicorp", "cloud": "hcp"}


def variable_names(struct: type[Credential]) -> dict[str, str]:
    """Field name to the end of its variable (`HASHICORP_SERVERADDRESS`), for a type that the environment can give."""
    if struct.env_type is None:
        return {}
    group = GROUPS[struct.provider]
    names = {row.name: f"{group}_{row.env}" for row in form_fields(struct) if row.env}
    if struct.provider == "hcp" and "endpoint" in names:
        names["endpoint"] = "HCP_ENDPOINT"  # HASHICORP_ENDPOINT would look like the address of a Vault server
    return names


def type_variables(struct: type[Credential]) -> dict[str, str]:
    """The variables that choose this type, and what they say: for Vault TYPE and AUTHMETHOD, else TYPE."""
    group, env_type = GROUPS[struct.provider], str(struct.env_type)
    if struct.provider == "hashicorp":
        return {f"{group}_TYPE": "onPrem", f"{group}_AUTHMETHOD": env_type}
    return {f"{group}_TYPE": env_type}


def needed_variables(struct: type[Credential]) -> tuple[str, ...]:
    """The ends of all variables that this type cannot do without; alternatives are joined by ` or `."""
    names = variable_names(struct)
    alternatives = [names[name] for name in struct.one_of if name in names]
    return (
        *type_variables(struct),
        *(names[row.name] for row in form_fields(struct) if row.required and row.name in names),
        *((" or ".join(alternatives),) if alternatives else ()),
    )


@dataclass(frozen=True)
class VaultDefaults:
    """What the command lines of Vault and OpenBao read from the environment, for the agent credential."""

    address: str
    namespace: str
    ca_file: str


def vault_defaults(environ: Mapping[str, str] | None = None) -> VaultDefaults:
    env = os.environ if environ is None else environ
    return VaultDefaults(
        address=env.get("VAULT_ADDR") or env.get("BAO_ADDR", ""),
        namespace=env.get("VAULT_NAMESPACE") or env.get("BAO_NAMESPACE", ""),
        ca_file=env.get("VAULT_CACERT") or env.get("BAO_CACERT", ""),
    )


class EnvironmentCredentials:
    """What `HUSHPOST_*` and `INSOMNIA_*` said at start. Errors come when a credential is asked for, not before."""

    def __init__(self, texts: Mapping[str, str | Secret]) -> None:
        self._texts = dict(texts)
        self._asked: dict[str, str] = {}

    @classmethod
    def read(cls, environ: MutableMapping[str, str] | None = None) -> EnvironmentCredentials:
        """Read the environment and take out of it what is secret, so that no child process inherits it."""
        env = os.environ if environ is None else environ
        secret = _secret_names()
        texts: dict[str, str | Secret] = {}
        for name in [name for name in env if name.startswith(PREFIXES)]:
            if name.startswith(VARIABLE) or _is_secret(name, secret):
                texts[name] = Secret(_unquoted(env.pop(name)) if not name.startswith(VARIABLE) else env.pop(name))
            elif name.startswith(NAMED) or name.split("_")[1] in {*GROUPS.values(), "HCP"}:
                texts[name] = _unquoted(env[name])
        return cls(texts)

    def variables(self) -> Mapping[str, Secret]:
        """The values of `HUSHPOST_VAR_<NAME>`, by NAME as written."""
        found: dict[str, Secret] = {}
        for name, value in self._texts.items():
            if name.startswith(VARIABLE) and isinstance(value, Secret):
                if not value.reveal():
                    raise HushpostError(f"{name} is empty", hint="unset it or give it a value")
                found[name.removeprefix(VARIABLE)] = value
        return found

    def credential_for(self, name: str, provider: str) -> AnyCredential | None:
        """The credential that the environment has for a link: of this name, else of the provider."""
        return self.named(name, provider) or self.shared(provider)

    def named(self, name: str, provider: str) -> AnyCredential | None:
        """From `HUSHPOST_CREDENTIAL_<NAME>_…`; it goes before a binding."""
        raise NotImplementedError

    def shared(self, provider: str) -> AnyCredential | None:
        """From `HUSHPOST_…`, else from `INSOMNIA_…`, never from both; a binding goes before it."""
        raise NotImplementedError

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse two credential names that the environment cannot tell apart."""
        raise NotImplementedError


def _secret_names() -> tuple[str, ...]:
    """The ends of all variables that hold a secret, whatever the type."""
    found: set[str] = set()
    for provider in GROUPS:
        for struct in credential_types(provider):
            names = variable_names(struct)
            found.update(names[row.name] for row in form_fields(struct) if row.secret and row.name in names)
    return tuple(sorted(found))


def _is_secret(name: str, secret: tuple[str, ...]) -> bool:
    if name.startswith(NAMED):
        return name.endswith(tuple(f"_{end}" for end in secret))
    return any(name == prefix + end for prefix in PREFIXES for end in secret)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text
