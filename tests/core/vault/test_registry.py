"""Provider names to modules, imported on use."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.errors import VaultError
from core.secret import Secret
from core.vault import registry
from core.vault.config import PROVIDERS, MemoryCredential
from core.vault.prompting import RefusingPrompter
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[3]


def test_a_provider_connects_by_its_credential() -> None:
    provider = registry.connect(MemoryCredential(secrets=Secret("{}")), RefusingPrompter())
    assert provider.identity == "in memory"


@pytest.mark.parametrize("name", ["", "os", "../x", "memory.x", "MEMORY"])
def test_an_unknown_provider_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(VaultError, match="no vault provider") as caught:
        registry.load(name)
    assert all(known in str(caught.value.hint) for known in PROVIDERS)


def test_no_sdk_is_loaded_before_its_provider_is() -> None:
    program = """
        import sys
        import core.vault.service, core.vault.environ, core.vault.fields, core.vault.registry
        sdks = {"hvac", "boto3", "botocore", "google.cloud", "grpc", "azure", "msal", "requests", "httpx"}
        assert not sdks & sys.modules.keys(), sdks & sys.modules.keys()
        core.vault.registry.load("memory")
        assert not sdks & sys.modules.keys(), sdks & sys.modules.keys()
        core.vault.registry.load("hashicorp")
        assert "hvac" in sys.modules
        assert not sdks & sys.modules.keys() - {"hvac", "requests"}, sdks & sys.modules.keys()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_sdks_log_reaches_nobody() -> None:
    program = """
        import logging, sys
        logging.basicConfig(level=1, stream=sys.stderr)
        from core.vault import registry
        registry.load("memory")
        for name in ("botocore.parsers", "urllib3.connectionpool", "azure.identity", "google.auth", "hvac"):
            logging.getLogger(name).error("a-value")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_silencing_twice_adds_no_second_handler() -> None:
    registry.silence_sdk_loggers()
    before = len(logging.getLogger("urllib3").handlers)
    registry.silence_sdk_loggers()
    assert len(logging.getLogger("urllib3").handlers) == before
