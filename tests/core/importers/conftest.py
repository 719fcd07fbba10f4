"""Tests beside curl."""

from tests.curl_runs import session

__all__ = ["session"]
