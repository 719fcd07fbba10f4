"""Writes the tables of docs/: the fields of vaults and their headless variables, the settings, and the names of keys.

.venv/bin/python docs/generate.py           write
.venv/bin/python docs/generate.py --check   exit 1 when a page is not as it would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.settings import Settings  # noqa: E402
from core.vault.config import Credential, Link  # noqa: E402
from core.vault.environ import needed_variables, type_variables, variable_names  # noqa: E402
from core.vault.fields import FormField, credential_types, form_fields, link_type, type_tag  # noqa: E402
from tui import keys  # noqa: E402
from tui.screens.settings import choices, documented  # noqa: E402

DOCS = ROOT / "docs"
BEGIN = "<!-- made by docs/generate.py: begin -->"
END = "<!-- made by docs/generate.py: end -->"
PROVIDERS = ("hashicorp", "aws", "gcp", "azure", "hcp")


def reference(provider: str) -> str:
    parts = ["## Fields of the credential types", ""]
    for struct in credential_types(provider):
        parts += [f"### {struct.label} (`{type_tag(struct)}`)", ""]
        if struct.help:
            parts += [f"{struct.help[0].upper()}{struct.help[1:]}.", ""]
        parts += [*table(struct), ""]
        parts += [*variables(struct), ""]
    parts += ["## Fields of a link", "", *table(link_type(provider)), ""]
    return "\n".join(parts)


def table(struct: type[Credential] | type[Link]) -> list[str]:
    rows = [describe(row) for row in form_fields(struct)]
    return ["| field | in the form | what it is |", "|---|---|---|", *rows] if rows else ["No fields."]


def describe(row: FormField) -> str:
    notes = [row.help] if row.help else []
    if row.required:
        notes.insert(0, "needed")
    if row.secret:
        notes.append("secret: asked for without echo, encrypted at rest")
    if row.default and row.kind != "boolean":
        notes.append(f"default `{row.default}`")
    if row.kind == "boolean":
        notes.append(f"default {'on' if row.default == 'true' else 'off'}")
    return f"| `{row.name}` | {row.label} | {'; '.join(notes).replace('|', '&#124;')} |"


def variables(struct: type[Credential]) -> list[str]:
    if struct.env_type is None:
        return ["Not from the environment: this login needs a person."]
    chosen = " ".join(f"`HUSHPOST_{name}={value}`" for name, value in type_variables(struct).items())
    needed = {end for ends in needed_variables(struct) for end in ends.split(" or ")}
    names = variable_names(struct).values()
    listed = ", ".join(f"`HUSHPOST_{name}`" + ("" if name in needed else "?") for name in names)
    return [f"Headless: {chosen}" + (f", with {listed}" if listed else "") + ". (`?` = optional)"]


def settings() -> str:
    rows = ["| setting | default | |", "|---|---|---|"]
    for name, help in documented(Settings).items():
        default = getattr(Settings(), name)
        offered = ", ".join(f"`{choice}`" for choice in choices(name))
        text = f"{help} One of {offered}." if offered else help
        rows.append(f"| `{name}` | {'' if default in ('', {}) else f'`{str(default).lower()}`'} | {text} |")
    return "\n".join([*rows, ""])


def key_table() -> str:
    rows = ["| name | keys | what it does |", "|---|---|---|"]
    for key in keys.table():
        named = ", ".join(f"`{one}`" for one in keys.key_names(key.keys)).replace("|", "&#124;")
        rows.append(f"| `{key.name}` | {named} | {keys.PLACES[key.place]}: {key.sentence} |")
    return "\n".join(["## Names of keys", "", *rows, ""])


def page(path: Path, tables: str) -> str:
    """The page with these tables between its marks."""
    text = path.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"{path.relative_to(ROOT)} lacks the line {BEGIN}")
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def main() -> int:
    pages = {DOCS / "vaults" / f"{provider}.md": reference(provider) for provider in PROVIDERS}
    pages[DOCS / "settings.md"] = f"{settings()}\n{key_table()}"
    stale = []
    for path, tables in pages.items():
        written = page(path, tables)
        if written != path.read_text("utf-8"):
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(written, "utf-8")
    if stale:
        print(f"{'stale' if '--check' in sys.argv else 'written'}: {', '.join(stale)}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
