"""Patterns, JSONPaths and schemas of checks and captures, and why one cannot be used."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from jsonpath import JSONPath


class Unusable(Exception):
    """A check that cannot be made as it is written; str() says why, `brief` does without quoting anything."""

    def __init__(self, why: str, brief: str = "") -> None:
        super().__init__(why)
        self.brief = brief or why


def pattern(text: Any) -> re.Pattern[str]:
    try:
        return re.compile(str(text))
    except (re.error, RecursionError, OverflowError) as error:
        raise Unusable(f'"{text}" is no regular expression: {error}', "a regular expression in it is none") from None


@lru_cache(maxsize=256)
def compiled(path: str) -> JSONPath:
    import jsonpath

    try:
        return cast("JSONPath", jsonpath.JSONPathEnvironment().compile(path))
    except Exception as error:  # noqa: BLE001 - not only its own errors come out of it
        said = str(error).partition("\n")[0]
        raise Unusable(f'"{path}" is no JSONPath: {said}', "its path is no JSONPath") from None


def found_by(path: str, document: Any) -> list[Any]:
    """Every value at the path."""
    follow = compiled(path).findall
    try:
        return list(follow(document))
    except Exception as error:  # noqa: BLE001 - a path and a body of strangers, and whatever a library makes of both
        raise Unusable(f'"{path}" cannot be followed there: {str(error).partition(chr(10))[0]}') from None


def validator(schema: Any) -> Any:
    """Raises Unusable for a schema that is none."""
    import jsonschema
    import referencing

    schema = schema_of(schema)
    if not isinstance(schema, (dict, bool)):
        raise Unusable("the schema is no JSON object")
    try:
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        kind.check_schema(cast(Any, schema))
    except jsonschema.SchemaError as error_in_schema:
        raise Unusable(f"the schema is not valid: {error_in_schema.message}", "its schema is not valid") from None
    except RecursionError:
        raise Unusable("the schema is nested too deep") from None
    except Exception as error:  # noqa: BLE001 - a `$schema` that is no text
        raise Unusable(f"the schema is not valid: {error}", "its schema is not valid") from None
    # An empty registry: a reference to a schema elsewhere is an error, never a fetch.
    return kind(schema, registry=referencing.Registry())


def fault_by_schema(actual: Any, schema: Any) -> str | None:
    """What is wrong with a value, None when it is as the schema says."""
    import jsonschema
    import referencing

    found = validator(schema)
    try:
        error = jsonschema.exceptions.best_match(found.iter_errors(actual))
    except referencing.exceptions.Unresolvable as unresolvable:
        raise Unusable(f"the schema refers to {unresolvable.ref}, which is not in it") from None
    except RecursionError:
        raise Unusable("the schema or the body is nested too deep") from None
    except Exception as wrong:  # noqa: BLE001 - a pattern that is none, NaN as a multiple of something
        raise Unusable(f"the schema cannot be applied to what is there: {wrong}") from None
    return None if error is None else f"{error.json_path}: {error.message}"


def schema_of(written: Any) -> Any:
    try:
        return json.loads(written) if isinstance(written, str) else written
    except (ValueError, RecursionError):
        raise Unusable("the schema is no JSON") from None


def has_patterns(schema: Any) -> bool:
    """Whether a schema may search with regular expressions."""
    try:
        return '"pattern' in json.dumps(schema_of(schema), default=str)
    except Unusable:
        return False
