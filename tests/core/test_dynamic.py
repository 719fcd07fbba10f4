from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from core.dynamic import DYNAMIC, generate

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", DYNAMIC)
def test_each_name_makes_text_on_one_line_that_can_stand_in_json(name: str) -> None:
    for _ in range(20):
        value = generate(name, NOW)
        assert value
        assert value.isprintable()
        assert not set('"\\') & set(value)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("$timestamp", r"1709208000"),
        ("$isoTimestamp", r"2024-02-29T12:00:00\.000Z"),
        ("$randomBoolean", r"true|false"),
        ("$randomHexadecimal", r"[0-9a-f]{8}"),
        ("$randomEmail", r"[\w.-]+@example\.(com|net|org)"),
        ("$randomUrl", r"https://example\.(com|net|org)/\S+"),
        ("$randomPrice", r"\d{1,4}\.\d\d"),
        ("$randomCurrencyCode", r"[A-Z]{3}"),
        ("$randomHexColor", r"#[0-9a-f]{6}"),
        ("$randomLatitude", r"-?\d{1,2}\.\d+"),
    ],
)
def test_what_it_looks_like(name: str, pattern: str) -> None:
    for _ in range(20):
        assert re.fullmatch(pattern, generate(name, NOW))


def test_addresses() -> None:
    IPv4Address(generate("$randomIP", NOW))
    IPv6Address(generate("$randomIPV6", NOW))


def test_times_lie_within_a_year() -> None:
    for _ in range(20):
        past = datetime.fromisoformat(generate("$randomDatePast", NOW))
        future = datetime.fromisoformat(generate("$randomDateFuture", NOW))
        assert NOW - timedelta(days=366) <= past <= NOW <= future <= NOW + timedelta(days=366)


def test_values_differ() -> None:
    assert len({generate("$randomFullName", NOW) for _ in range(20)}) > 10


def test_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        generate("$randomNothing", NOW)


def test_the_documentation_lists_them() -> None:
    text = (Path(__file__).parents[2] / "docs" / "variables.md").read_text()
    assert re.findall(r"\| `{{(\$\w+)}}` \| (.*) \|", text) == list(DYNAMIC.items())
