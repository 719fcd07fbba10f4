"""Credentials and variables from the environment, for headless runs: read once at start, then rid of what is secret.

The names after `HUSHPOST_` and `INSOMNIA_` come from the fields' `env` metadata; the rules of TYPE and AUTHMETHOD are
here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, MutableMapping

from core.errors import FieldError, VaultError
from core.secret import Secret
from core.structs import Struct
from core.vault.config import AnyCredential, Credential
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
    chosen = () if DEFAULT_TYPES.get(struct.provider) == struct.env_type else type_variables(struct)
    return (
        *chosen,
        *(names[row.name] for row in form_fields(struct) if row.required and row.name in names),
        *((" or ".join(alternatives),) if alternatives else ()),
    )


class VaultDefaults(Struct, frozen=True):
    """What the command lines of Vault and OpenBao read from the environment, for the agent credential."""

    address: str
    namespace: str
    ca_file: str


def giving(name: str) -> str:
    """How the value of a variable is given without a person; a shell takes no name with a dot or a dash."""
    return f"give it in the environment: {VARIABLE}{name}" if name.isidentifier() else f'pass it: -v "{name}=@FILE"'


def vault_defaults(environ: Mapping[str, str] | None = None) -> VaultDefaults:
    env = os.environ if environ is None else environ
    return VaultDefaults(
        address=env.get("VAULT_ADDR") or env.get("BAO_ADDR", ""),
        namespace=env.get("VAULT_NAMESPACE") or env.get("BAO_NAMESPACE", ""),
        ca_file=env.get("VAULT_CACERT") or env.get("BAO_CACERT", ""),
    )


def azure_authority(environ: Mapping[str, str] | None = None) -> str:
    """Where Azure's own tools log in by the environment, for the environment credential; empty is the public cloud."""
    env = os.environ if environ is None else environ
    return env.get("AZURE_AUTHORITY_HOST", "")


class EnvironmentCredentials:
    """What `HUSHPOST_*` and `INSOMNIA_*` said at start. Errors come when a credential is asked for, not before."""

    def __init__(self, texts: Mapping[str, str | Secret]) -> None:
        self._texts = dict(texts)
        self._asked: dict[str, set[str]] = {}

    @classmethod
    def read(cls, environ: MutableMapping[str, str] | None = None) -> EnvironmentCredentials:
        """Read the environment and take out of it what is secret, so that no child process inherits it."""
        env = os.environ if environ is None else environ
        names = [name for name in env if name.startswith(PREFIXES)]
        secret = _secret_names() if names else ()  # a start without any need not look at the fields
        texts: dict[str, str | Secret] = {}
        for name in names:
            if name.startswith(VARIABLE):
                texts[name] = Secret(env.pop(name))
            elif _is_secret(name, secret):
                texts[name] = Secret(_unquoted(env.pop(name)))
            elif name.startswith(NAMED) or name.split("_")[1] in {*GROUPS.values(), "HCP"}:
                texts[name] = _unquoted(env[name])
        return cls(texts)

    def variables(self) -> Mapping[str, Secret]:
        """The values of `HUSHPOST_VAR_<NAME>`, by NAME as written; an empty one is an error of what uses it."""
        found: dict[str, Secret] = {}
        for name, value in self._texts.items():
            if name.startswith(VARIABLE) and isinstance(value, Secret):
                found[name.removeprefix(VARIABLE)] = value
        found.pop("", None)
        return found

    def credential_for(self, name: str, provider: str) -> AnyCredential | None:
        """The credential that the environment has for a link: of this name, else of the provider."""
        return self.named(name, provider) or self.shared(provider)

    def named(self, name: str, provider: str) -> AnyCredential | None:
        """From `HUSHPOST_CREDENTIAL_<NAME>_…`; it goes before a binding."""
        prefix = f"{NAMED}{_upper(name)}_"
        if not self._has(prefix, provider):
            return None
        self.check_names({name, *self._asked.get(prefix, ())})
        self._asked.setdefault(prefix, set()).add(name)
        return self._credential(prefix, provider, name)

    def shared(self, provider: str) -> AnyCredential | None:
        """From `HUSHPOST_…`, else from `INSOMNIA_…`, never from both; a binding goes before it."""
        for prefix in PREFIXES:
            if self._has(prefix, provider):
                return self._credential(prefix, provider)
        return None

    def check_names(self, names: Iterable[str]) -> None:
        """Refuse credential names that the environment gives and cannot tell apart."""
        met: dict[str, str] = {}
        for name in sorted(set(names)):
            prefix = f"{NAMED}{_upper(name)}_"
            other = met.setdefault(prefix, name)
            if other != name and any(self._has(prefix, provider) for provider in GROUPS):
                raise VaultError(
                    f'the credentials "{other}" and "{name}" have the same variables, {prefix}…',
                    credential=name,
                    hint="rename one of them in the links",
                )

    def _has(self, prefix: str, provider: str) -> bool:
        if provider not in GROUPS:
            return False
        if prefix.startswith(NAMED):
            # By whole names: "x" must not take HUSHPOST_CREDENTIAL_X_AWS_AWS_TYPE of "x-aws" for its own.
            return any(self._given(prefix, end) for end in _ends(provider))
        start = f"{prefix}{GROUPS[provider]}_"
        return any(name.startswith(start) and self._given(name, "") for name in self._texts)

    def _credential(self, prefix: str, provider: str, name: str = "") -> AnyCredential:
        struct = self._type(prefix, provider, name)
        names = variable_names(struct)
        values = {field: self._texts[prefix + end] for field, end in names.items() if prefix + end in self._texts}
        try:
            return build_credential(provider, type_tag(struct), values)
        except FieldError as error:
            missing = [end for end in needed_variables(struct) if not self._given(prefix, end)]
            if missing:
                raise _missing(prefix, missing, struct, name) from None
            told = [
                f"{prefix}{names[field]} {'' if problem.startswith('is ') else 'is not as it should be: '}{problem}"
                for field, problem in error.fields.items()
                if field in names
            ]
            raise VaultError(
                "; ".join(told) or f"{prefix}{GROUPS[provider]}_…: {error.message}",
                provider=provider,
                credential=name,
                hint="correct the variable",
            ) from None

    def _type(self, prefix: str, provider: str, name: str) -> type[Credential]:
        """The credential type that TYPE, and for Vault AUTHMETHOD, choose."""
        structs = [struct for struct in credential_types(provider) if struct.env_type is not None]
        end = f"{GROUPS[provider]}_TYPE"
        said = self._said(prefix, end)
        if GROUPS[provider] == "HASHICORP":
            offered = {text.casefold(): owner for text, owner in HASHICORP_TYPES.items()}
            if not said:
                raise _unset(prefix + end, HASHICORP_TYPES, provider, name)
            owner = offered.get(said.casefold())
            if owner is None:
                raise _unknown(prefix + end, HASHICORP_TYPES, provider, name)
            if owner != provider:
                wanted = next(text for text, owner in HASHICORP_TYPES.items() if owner == provider)
                raise VaultError(
                    f'{prefix}{end} is "{said}", and the link needs "{wanted}"',
                    provider=provider,
                    credential=name,
                    hint=f"give the second credential in {NAMED}<NAME>_{end} and so on",
                )
            if provider == "hcp":
                return structs[0]
            end = f"{GROUPS[provider]}_AUTHMETHOD"
            said = self._said(prefix, end)
        said = said or DEFAULT_TYPES.get(provider, "")
        types = [str(struct.env_type) for struct in structs]
        if not said:
            raise _unset(prefix + end, types, provider, name)
        for struct in structs:
            if str(struct.env_type).casefold() == said.casefold():
                return struct
        raise _unknown(prefix + end, types, provider, name)

    def _said(self, prefix: str, end: str) -> str:
        text = self._texts.get(prefix + end, "")
        return text if isinstance(text, str) else ""

    def _given(self, prefix: str, alternatives: str) -> bool:
        found = [self._texts.get(prefix + end, "") for end in alternatives.split(" or ")]
        return any(text.reveal() if isinstance(text, Secret) else text for text in found)


def _missing(prefix: str, missing: Iterable[str], struct: type[Credential], name: str) -> VaultError:
    def full(ends: Iterable[str]) -> str:
        return ", ".join(" or ".join(prefix + end for end in either.split(" or ")) for either in ends)

    return VaultError(
        f"the environment lacks {full(missing)}",
        provider=struct.provider,
        credential=name,
        hint=f'"{struct.label}" needs {full(needed_variables(struct))}',
    )


def _unset(variable: str, types: Iterable[str], provider: str, name: str) -> VaultError:
    return VaultError(
        f"the environment lacks {variable}",
        provider=provider,
        credential=name,
        hint=f"set it to one of {', '.join(types)}",
    )


def _unknown(variable: str, types: Iterable[str], provider: str, name: str) -> VaultError:
    return VaultError(
        f"{variable} names no type of credential",
        provider=provider,
        credential=name,
        hint=f"set it to one of {', '.join(types)}",
    )


def _upper(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _ends(provider: str) -> set[str]:
    """The ends of all variables of a provider, whatever the type."""
    structs = [struct for struct in credential_types(provider) if struct.env_type is not None]
    return {end for struct in structs for end in (*type_variables(struct), *variable_names(struct).values())}


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
