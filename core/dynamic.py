"""The values that `{{$name}}` makes anew for each request: identifiers, the time, and made-up data.

The names are Postman's where it has one for the same thing. Made-up addresses lead nowhere: mail and hosts are below
the domains that RFC 2606 keeps for examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker

DYNAMIC: Mapping[str, str] = {
    "$uuid": "a random UUID, the same in the whole request",
    "$timestamp": "the time of sending in seconds since 1970",
    "$isoTimestamp": "the time of sending as 2026-01-31T12:00:00Z",
    "$randomInt": "a random number from 0 to 1000",
    "$randomBoolean": "true or false",
    "$randomAlphaNumeric": "a random letter or digit",
    "$randomHexadecimal": "eight random hexadecimal digits",
    "$randomFirstName": "a made-up first name",
    "$randomLastName": "a made-up last name",
    "$randomFullName": "a made-up name of a person",
    "$randomUserName": "a made-up user name",
    "$randomEmail": "a made-up mail address below example.com, .net or .org",
    "$randomPassword": "a made-up password of 15 characters",
    "$randomPhoneNumber": "a made-up telephone number",
    "$randomStreetAddress": "a made-up street with a number",
    "$randomCity": "a made-up city",
    "$randomCountry": "the name of a country",
    "$randomCountryCode": "the two letters of a country",
    "$randomLatitude": "a latitude in degrees",
    "$randomLongitude": "a longitude in degrees",
    "$randomCompanyName": "a made-up company",
    "$randomJobTitle": "an occupation",
    "$randomPrice": "an amount from 0.00 to 1000.00",
    "$randomCurrencyCode": "the three letters of a currency",
    "$randomDatePast": "a time of the last year, as 2026-01-31T12:00:00Z",
    "$randomDateFuture": "a time of the next year, as 2026-01-31T12:00:00Z",
    "$randomUrl": "a made-up address of a page below example.com, .net or .org",
    "$randomDomainName": "example.com, example.net or example.org",
    "$randomIP": "an IPv4 address",
    "$randomIPV6": "an IPv6 address",
    "$randomMACAddress": "a MAC address",
    "$randomUserAgent": "what a browser calls itself",
    "$randomFileName": "a made-up file name",
    "$randomHexColor": "a colour as #1a2b3c",
    "$randomWord": "a made-up word",
    "$randomWords": "some made-up words",
    "$randomLoremSentence": "a made-up sentence",
    "$randomLoremParagraph": "a made-up paragraph",
}
"""Each name with what it makes."""
_YEAR = timedelta(days=365)


def generate(name: str, now: datetime) -> str:
    """A value for one of `DYNAMIC`; KeyError for another name."""
    match name:
        case "$uuid":
            import uuid

            return str(uuid.uuid4())
        case "$timestamp":
            return str(int(now.timestamp()))
        case "$isoTimestamp":
            return _iso(now)
        case "$randomInt":
            import random

            return str(random.randint(0, 1000))  # noqa: S311  # a filler for test data, no secret
        case _ if name in DYNAMIC:
            return _made_up(name, _faker(), now)
        case _:
            raise KeyError(name)


def _made_up(name: str, fake: Faker, now: datetime) -> str:
    match name:
        case "$randomBoolean":
            return "true" if fake.boolean() else "false"
        case "$randomAlphaNumeric":
            return fake.random_element("abcdefghijklmnopqrstuvwxyz0123456789")
        case "$randomHexadecimal":
            return fake.hexify("^^^^^^^^")
        case "$randomUserName":
            return fake.user_name()
        case "$randomEmail":
            return fake.safe_email()
        case "$randomPassword":
            return fake.password(15, special_chars=False)
        case "$randomPrice":
            return f"{fake.pyfloat(min_value=0, max_value=1000, right_digits=2):.2f}"
        case "$randomDatePast":
            return _iso(fake.date_time_between(now - _YEAR, now, UTC))
        case "$randomDateFuture":
            return _iso(fake.date_time_between(now, now + _YEAR, UTC))
        case "$randomUrl":
            return f"https://{fake.safe_domain_name()}/{fake.uri_path()}"
        case "$randomWords":
            return " ".join(fake.words(3))
        case _:
            return str(getattr(fake, _AS_FAKER_HAS_IT[name])())


_AS_FAKER_HAS_IT = {
    "$randomFirstName": "first_name",
    "$randomLastName": "last_name",
    "$randomFullName": "name",
    "$randomPhoneNumber": "phone_number",
    "$randomStreetAddress": "street_address",
    "$randomCity": "city",
    "$randomCountry": "country",
    "$randomCountryCode": "country_code",
    "$randomLatitude": "latitude",
    "$randomLongitude": "longitude",
    "$randomCompanyName": "company",
    "$randomJobTitle": "job",
    "$randomCurrencyCode": "currency_code",
    "$randomDomainName": "safe_domain_name",
    "$randomIP": "ipv4",
    "$randomIPV6": "ipv6",
    "$randomMACAddress": "mac_address",
    "$randomUserAgent": "user_agent",
    "$randomFileName": "file_name",
    "$randomHexColor": "hex_color",
    "$randomWord": "word",
    "$randomLoremSentence": "sentence",
    "$randomLoremParagraph": "paragraph",
}


@cache
def _faker() -> Faker:
    # It takes a tenth of a second, and few requests need it.
    from faker import Faker

    return Faker("en_US")


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
