"""What a request has from the folders above it: headers, auth, scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from core.models import Auth, Field, Folder, InheritAuth, NoAuth, Request, Scripts
from core.structs import Struct


def inherit(request: Request, folders: Sequence[Folder]) -> Request:
    """The request with what its folders, inside out, give it: headers it neither names nor switches off, auth,
    scripts."""
    headers: tuple[Field, ...] = ()
    for fields in (*(folder.headers for folder in reversed(folders)), request.headers):
        named = _named(fields).keys() if headers else ()
        headers = (*(field for field in headers if field.name.casefold() not in named), *fields)
    auths: list[Auth] = [request.auth, *(folder.auth for folder in folders)]
    scripts = [request.scripts, *(folder.scripts for folder in folders)]
    return msgspec.structs.replace(
        request,
        headers=headers,
        auth=next((auth for auth in auths if not isinstance(auth, InheritAuth)), NoAuth()),
        scripts=Scripts(
            before_request=next((s.before_request for s in scripts if s.before_request), None),
            after_response=next((s.after_response for s in scripts if s.after_response), None),
        ),
    )


class FolderHeader(Struct, frozen=True):
    """A header that a folder gives to what is below it."""

    field: Field
    folder: str
    """The folder's reference; empty for `requests/` itself."""


def folder_headers(folders: Sequence[tuple[str, Folder]]) -> tuple[FolderHeader, ...]:
    """The headers that what is below these folders, inside out, is given, unless it replaces them or switches them
    off."""
    given: list[FolderHeader] = []
    for reference, folder in reversed(folders):
        named = _named(folder.headers).keys()
        given = [one for one in given if one.field.name.casefold() not in named]
        given += [FolderHeader(field, reference) for field in folder.headers if field.enabled]
    return tuple(given)


def standing(name: str, own: Iterable[Field]) -> Literal["sent", "replaced", "off"]:
    """What rows of its own make of a header that a request or folder is given."""
    return _named(own).get(name.casefold(), "sent")


def switches_off(field: Field) -> bool:
    """A row that is off and has no value is there to take away the header of that name; one with a value only waits."""
    return not field.enabled and not field.value and bool(field.name)


def _named(fields: Iterable[Field]) -> dict[str, Literal["replaced", "off"]]:
    """The names, case folded, of the headers from above that do not come past these rows."""
    named: dict[str, Literal["replaced", "off"]] = {}
    for field in fields:
        if field.enabled:
            named[field.name.casefold()] = "replaced"
        elif switches_off(field):
            named.setdefault(field.name.casefold(), "off")
    return named
