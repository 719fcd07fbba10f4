"""The fields of credentials and links as rows for forms, the command line, headless variables and the docs, and the way
back: texts to a checked struct, with errors that name the field by its label."""

from __future__ import annotations

import types
from collections.abc import Hashable, Iterable, Mapping
from functools import cache
from typing import Any, Literal, cast, get_args

import msgspec
import msgspec.inspect as inspect

from core.errors import FieldError
from core.secret import Secret
from core.structs import Struct
from core.vault.config import PROVIDERS, AnyCredential, AnyLink, Credential, Link

Kind = Literal["text", "boolean", "number", "choice"]

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


class FormField(Struct, frozen=True):
    """One field as a person fills it in; `default` and `choices` are texts as typed."""

    name: str
    label: str
    help: str = ""
    kind: Kind = "text"
    secret: bool = False
    """Masked in forms, asked for without echo."""
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    path: bool = False
    """A file of this machine."""
    multiline: bool = False
    env: str | None = None
    """The end of the headless variable, after `HUSHPOST_PROVIDER_`; None: not from the environment."""


def credential_types(provider: str) -> tuple[type[Credential], ...]:
    """The credential types of a provider, in the order a person is offered them."""
    union = PROVIDERS[_known(provider)][1]
    return get_args(union) if isinstance(union, types.UnionType) else (union,)


def credential_type(provider: str, type_name: str) -> type[Credential]:
    """The type with this tag (`approle`)."""
    offered = {type_tag(struct): struct for struct in credential_types(provider)}
    if type_name not in offered:
        raise FieldError(
            f'{PROVIDERS[provider][0]} has no credential type "{type_name}"',
            fields={"type": "unknown"},
            hint=f"use one of {', '.join(offered)}",
        )
    return offered[type_name]


def link_type(provider: str) -> type[Link]:
    return cast(type[Link], PROVIDERS[_known(provider)][2])


def type_tag(struct: type[Credential] | type[Link]) -> str:
    return str(struct.__struct_config__.tag)


def form_fields(struct: type[Credential] | type[Link]) -> tuple[FormField, ...]:
    """The rows of a form, in the struct's order; a link's `credential` is chosen elsewhere and has none."""
    return _form_fields(struct)


def build_credential(provider: str, type_name: str, values: Mapping[str, str | Secret]) -> AnyCredential:
    """The credential that these texts describe; blank texts count as not given. FieldError names all bad fields."""
    return cast(AnyCredential, _build(credential_type(provider, type_name), values))


def build_link(provider: str, credential: str, values: Mapping[str, str | Secret]) -> AnyLink:
    """The link that these texts describe, to a secret of the credential with this name."""
    return cast(AnyLink, _build(link_type(provider), values, credential=credential))


def texts(struct: Credential | Link) -> dict[str, str | Secret]:
    """The values of an existing struct, as a form shows them for editing; secrets stay secrets."""
    shown: dict[str, str | Secret] = {}
    for field in form_fields(type(struct)):
        value = getattr(struct, field.name)
        shown[field.name] = value if isinstance(value, Secret) else _text(value)
    return shown


def _known(provider: str) -> str:
    if provider not in PROVIDERS:
        raise FieldError(
            f'there is no vault provider "{provider}"',
            fields={"provider": "unknown"},
            hint=f"use one of {', '.join(PROVIDERS)}",
        )
    return provider


def _fields(struct: type[Any]) -> tuple[inspect.Field, ...]:
    return cast(inspect.StructType, inspect.type_info(struct)).fields


@cache
def _form_fields(struct: Hashable) -> tuple[FormField, ...]:
    fields = _fields(cast(type[Any], struct))
    return tuple(_form_field(field) for field in fields if field.name != "credential")


def _form_field(field: inspect.Field) -> FormField:
    described = field.type
    schema: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if isinstance(described, inspect.Metadata):
        schema, extra, described = described.extra_json_schema or {}, described.extra or {}, described.type
    options = described.types if isinstance(described, inspect.UnionType) else (described,)
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    secret = False
    for option in options:
        if isinstance(option, inspect.BoolType):
            kind = "boolean"
        elif isinstance(option, inspect.IntType):
            kind = "number"
        elif isinstance(option, inspect.LiteralType):
            kind, choices = "choice", tuple(str(value) for value in option.values)
        elif isinstance(option, inspect.CustomType):
            secret = option.cls is Secret
    return FormField(
        name=field.name,
        label=str(schema.get("title", field.name)),
        help=str(schema.get("description", "")),
        kind=kind,
        secret=secret,
        required=field.required,
        default="" if field.required else _text(field.default),
        choices=choices,
        path=bool(extra.get("path")),
        multiline=bool(extra.get("multiline")),
        env=extra.get("env"),
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _build(struct: type[Any], values: Mapping[str, str | Secret], **given: object) -> object:
    rows = {field.name: field for field in form_fields(struct)}
    problems: dict[str, str] = {}
    unknown = [name for name in values if name not in rows]
    if unknown:
        raise FieldError(
            f"there is no field {_quoted(unknown)}",
            fields=dict.fromkeys(unknown, "unknown"),
            hint=f"use {', '.join(rows)}",
        )
    arguments: dict[str, object] = dict(given)
    for name, row in rows.items():
        value = values.get(name)
        if value is None or (not value.reveal() if isinstance(value, Secret) else not value.strip()):
            if row.required:
                problems[name] = "is needed"
            continue
        try:
            arguments[name] = _value(row, value)
        except ValueError as error:
            problems[name] = str(error)
    one_of: tuple[str, ...] = getattr(struct, "one_of", ())
    if one_of and sum(name in arguments for name in one_of) != 1:
        labels = " and ".join(f'"{rows[name].label}"' for name in one_of)
        raise FieldError(f"exactly one of {labels} is needed", fields=dict.fromkeys(one_of, "is needed, or the other"))
    if not problems:
        try:
            return msgspec.convert(arguments, struct)
        except msgspec.ValidationError as error:
            raise _translated(error, rows) from None
    message = "; ".join(f'"{rows[name].label}" {problem}' for name, problem in problems.items())
    raise FieldError(message, fields=problems)


def _value(row: FormField, value: str | Secret) -> object:
    """The typed value of a text. ValueError's text follows the label and does not quote the value."""
    if row.secret:
        return value if isinstance(value, Secret) else Secret(value)
    text = (value.reveal() if isinstance(value, Secret) else value).strip()
    if row.kind == "boolean":
        if text.lower() not in TRUE + FALSE:
            raise ValueError("is neither true nor false")
        return text.lower() in TRUE
    if row.kind == "number" or (row.choices and all(choice.isdigit() for choice in row.choices)):
        if not text.isdecimal():
            raise ValueError("is no whole number")
        if row.choices and text not in row.choices:
            raise ValueError(f"is none of {', '.join(row.choices)}")
        return int(text)
    if row.choices and text not in row.choices:
        raise ValueError(f"is none of {', '.join(choice or 'blank' for choice in row.choices)}")
    return text


def _translated(error: msgspec.ValidationError, rows: Mapping[str, FormField]) -> FieldError:
    message, _, path = str(error).partition(" - at `$.")
    name = path.rstrip("`")
    if name in rows:
        # msgspec's own words quote patterns and types, which say nothing to a person.
        shape = rows[name].help or "is not as it should be"
        return FieldError(f'"{rows[name].label}" is not as it should be: {rows[name].help}', fields={name: shape})
    return FieldError(message, fields={})


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
