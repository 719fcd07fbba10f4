"""What this user allowed the open workspace, as one list, and taking any of it back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.consent.registry import LOCAL

if TYPE_CHECKING:
    from core.session import Session


@dataclass(frozen=True)
class Allowed:
    """One consent. `name` is the workspace's name of a credential, empty for the values of the local store."""

    kind: Literal["credential", "receiver", "scripts", "secrets", "file"]
    name: str = ""
    what: str = ""
    """The local credential, the need of `core.hosts`, or the file."""

    @property
    def sentence(self) -> str:
        whose = f'secrets of "{self.name}"' if self.name != LOCAL else "values of your store"
        match self.kind:
            case "credential":
                return f'use your credential "{self.what}", which it calls "{self.name}"'
            case "receiver":
                return f"send {whose} to {self.what}"
            case "scripts":
                return "run the scripts in it, as they are now"
            case "secrets":
                return "let its scripts read secrets"
            case "file":
                return f"use the file {self.what}"


def allowed(session: Session) -> list[Allowed]:
    registry, key = session.registry, session.key
    approvals = registry.approvals(key)
    found: list[Allowed] = []
    bindings = registry.bindings(key)
    for name, credential in sorted(bindings.items()):
        found.append(Allowed("credential", name, credential))
        found += [Allowed("receiver", name, what) for what in approvals.get(name, ())]
    for name, needs in sorted(approvals.items()):
        found += [Allowed("receiver", name, what) for what in needs if name not in bindings]
    grants = session.script_grants() if session.workspace is not None else ()
    found += [Allowed(grant) for grant in ("scripts", "secrets") if grant in grants]
    found += [Allowed("file", what=str(path)) for path in sorted(registry.allowed_files(key))]
    return found


def revoke(session: Session, one: Allowed) -> None:
    """Take it back; a name that is unbound may send its secrets nowhere either, and no script that cannot run reads."""
    registry, key = session.registry, session.key
    match one.kind:
        case "credential":
            session.consent.unbind(one.name)
        case "receiver":
            registry.revoke(key, one.name, [one.what])
        case "scripts":
            registry.withdraw(key, "scripts")
            registry.withdraw(key, "secrets")
        case "secrets":
            registry.withdraw(key, "secrets")
        case "file":
            registry.disallow_file(key, Path(one.what))
