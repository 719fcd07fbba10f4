"""Writes the tables of fields and headless variables into docs/vaults/*.md from the metadata of the credential structs.

.venv/bin/python docs/generate.py           write
.venv/bin/python docs/generate.py --check   exit 1 when a page is not as it would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core.vault.config import Credential, Link  # noqa: E402
from core.vault.environ import needed_variables, type_variables, variable_names  # noqa: E402
from core.vault.fields import FormField, credential_types, form_fields, link_type, type_tag  # noqa: E402

PAGES = ROOT / "docs" / "vaults"
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


def page(provider: str) -> str:
    path = PAGES / f"{provider}.md"
    text = path.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest:
        raise SystemExit(f"{path.relative_to(ROOT)} lacks the line {BEGIN}")
    return f"{before}{BEGIN}\n\n{reference(provider)}\n{END}{after}"


def main() -> int:
    stale = []
    for provider in PROVIDERS:
        path = PAGES / f"{provider}.md"
        written = page(provider)
        if written != path.read_text("utf-8"):
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(written, "utf-8")
    if stale:
        print(f"{'stale' if '--check' in sys.argv else 'written'}: {', '.join(stale)}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
