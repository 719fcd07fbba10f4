"""What a link's secret, version and project fields name: `projects/P[/locations/L]/secrets/S/versions/V`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import SecretNotFound
from core.vault.config import GcpLink

# A location becomes part of a host name, and every part one segment of a path: nothing else may be in them.
_PROJECT = r"(?=[^/]*[A-Za-z0-9])[A-Za-z0-9.:_-]+"
_LOCATION = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_SECRET = r"[A-Za-z0-9_-]{1,255}"  # noqa: S105 - a pattern
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,63}")
_ABOVE = rf"projects/(?P<project>{_PROJECT})(?:/locations/(?P<location>{_LOCATION}))?/secrets/"
_NAME = re.compile(rf"(?:{_ABOVE})?(?P<secret>{_SECRET})(?:/versions/(?P<version>[^/]+))?")
_PREFIX = re.compile(rf"(?P<above>{_ABOVE})?(?P<start>[A-Za-z0-9_-]*)")
LATEST = "latest"


@dataclass(frozen=True)
class SecretName:
    project: str
    location: str
    """Empty for a global secret; a regional one is kept, and asked for, in its location alone."""
    secret: str
    version: str = LATEST

    @property
    def above(self) -> str:
        return f"projects/{self.project}" + (f"/locations/{self.location}" if self.location else "")

    @property
    def full(self) -> str:
        return f"{self.above}/secrets/{self.secret}"

    @property
    def full_version(self) -> str:
        return f"{self.full}/versions/{self.version}"

    def __str__(self) -> str:
        where = f' in "{self.location}"' if self.location else ""
        return f'secret "{self.secret}" of project "{self.project}"{where}'


def of_link(link: GcpLink, project: str) -> SecretName:
    """Whole names win over `project`, which is the credential's; fields that contradict each other are refused."""
    match = _NAME.fullmatch(link.secret.strip())
    if match is None or (match["version"] and not match["project"]):
        raise SecretNotFound(
            f'"{link.secret}" is no name of a secret',
            hint="write its bare name, or projects/PROJECT[/locations/LOCATION]/secrets/NAME[/versions/VERSION]",
        )
    return SecretName(
        _one("project", match["project"], link.project.strip()) or _known(project),
        match["location"] or "",
        match["secret"],
        _version(_one("version", match["version"], link.version.strip())),
    )


def of_prefix(prefix: str, project: str) -> tuple[SecretName, str] | None:
    """Where to list (its `secret` is how the names have to start), and what stands before each name in the answer.

    None: no secret can have such a name.
    """
    match = _PREFIX.fullmatch(prefix.strip())
    if match is None:
        return None
    name = SecretName(match["project"] or _known(project), match["location"] or "", match["start"])
    return name, match["above"] or ""


def _one(what: str, named: str | None, field: str) -> str:
    if named and field and named != field:
        raise SecretNotFound(
            f'the link names {what} "{named}" in its secret and "{field}" in its {what}',
            hint=f"leave the {what} of the link blank, or make both the same",
        )
    return named or field


def _known(project: str) -> str:
    if not project:
        raise SecretNotFound("no project is known to look in", hint="set the project of the link, or of the credential")
    return project


def _version(text: str) -> str:
    if text and not _VERSION.fullmatch(text):
        raise SecretNotFound(
            f'"{text}" is no version of a secret', hint="write its number, an alias, or leave it blank for the latest"
        )
    return text or LATEST
