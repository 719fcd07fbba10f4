"""Credentials and variables from the environment, under both prefixes and by name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core.errors import FieldError, VaultError
from core.secret import Secret
from core.vault.config import (
    PROVIDERS,
    AnyCredential,
    AwsAmbient,
    AwsFile,
    AwsLongLived,
    AwsSso,
    AwsTemporary,
    AzureCli,
    AzureEnvironment,
    AzureManagedIdentity,
    AzureServicePrincipal,
    Credential,
    GcpAdc,
    GcpServiceAccount,
    HcpClient,
    VaultAppRole,
    VaultLdap,
    VaultToken,
    VaultUserpass,
)
from core.vault.environ import (
    GROUPS,
    EnvironmentCredentials,
    needed_variables,
    type_variables,
    variable_names,
    vault_defaults,
)
from core.vault.fields import credential_types, form_fields
from tests.patience import PATIENCE_S

ADDRESS = "https://vault.example.com"
TOKEN = {
    "HASHICORP_TYPE": "onPrem",
    "HASHICORP_AUTHMETHOD": "token",
    "HASHICORP_SERVERADDRESS": ADDRESS,
    "HASHICORP_ACCESS_TOKEN": "canary-token",
}
APPROLE = {
    "HASHICORP_TYPE": "onPrem",
    "HASHICORP_AUTHMETHOD": "appRole",
    "HASHICORP_SERVERADDRESS": ADDRESS,
    "HASHICORP_ROLE_ID": "r",
    "HASHICORP_SECRET_ID": "canary-secret-id",
}

CASES: list[tuple[str, dict[str, str], AnyCredential]] = [
    (
        "aws",
        {
            "AWS_TYPE": "temporary",
            "AWS_ACCESSKEYID": "AKIA",
            "AWS_SECRETACCESSKEY": "canary-1",
            "AWS_SESSIONTOKEN": "canary-2",
            "AWS_REGION": "eu-west-1",
        },
        AwsTemporary(
            access_key_id="AKIA",
            secret_access_key=Secret("canary-1"),
            session_token=Secret("canary-2"),
            region="eu-west-1",
        ),
    ),
    (
        "aws",
        {"AWS_TYPE": "file", "AWS_SECTION": "ci", "AWS_REGION": "eu-west-1"},
        AwsFile(section="ci", region="eu-west-1"),
    ),
    (
        "aws",
        {
            "AWS_TYPE": "file",
            "AWS_SECTION": "ci",
            "AWS_FILEPATH": "/aws/credentials",
            "AWS_ENABLECACHE": "false",
            "AWS_REGION": "r",
        },
        AwsFile(section="ci", file_path="/aws/credentials", cache_file=False, region="r"),
    ),
    (
        "aws",
        {
            "AWS_TYPE": "sso",
            "AWS_SECTION": "my profile ü",
            "AWS_CONFIGFILEPATH": "/aws/config",
            "AWS_ENABLECACHE": "1",
            "AWS_REGION": "r",
        },
        AwsSso(profile="my profile ü", config_path="/aws/config", region="r"),
    ),
    (
        "aws",
        {
            "AWS_TYPE": "longLived",
            "AWS_ACCESSKEYID": "AKIA",
            "AWS_SECRETACCESSKEY": "canary",
            "AWS_REGION": "r",
            "AWS_ENDPOINT": "https://x",
        },
        AwsLongLived(access_key_id="AKIA", secret_access_key=Secret("canary"), region="r", endpoint="https://x"),
    ),
    ("aws", {"AWS_TYPE": "ambient"}, AwsAmbient()),
    ("gcp", {"GCP_SERVICEACCOUNTKEYFILEPATH": "/key.json"}, GcpServiceAccount(key_file="/key.json")),
    ("gcp", {"GCP_TYPE": "adc", "GCP_PROJECT": "p"}, GcpAdc(project="p")),
    (
        "hcp",
        {"HASHICORP_TYPE": "cloud", "HASHICORP_CLIENT_ID": "i", "HASHICORP_CLIENT_SECRET": "canary"},
        HcpClient(client_id="i", client_secret=Secret("canary")),
    ),
    (
        "hcp",
        {
            "HASHICORP_TYPE": "cloud",
            "HASHICORP_CLIENT_ID": "i",
            "HASHICORP_CLIENT_SECRET": "canary",
            "HCP_ENDPOINT": "http://127.0.0.1:1",
        },
        HcpClient(client_id="i", client_secret=Secret("canary"), endpoint="http://127.0.0.1:1"),
    ),
    ("hashicorp", TOKEN, VaultToken(server_address=ADDRESS, token=Secret("canary-token"))),
    (
        "hashicorp",
        APPROLE | {"HASHICORP_NAMESPACE": "admin", "HASHICORP_CACERT": "/ca.pem", "HASHICORP_AUTHMOUNT": "robots"},
        VaultAppRole(
            server_address=ADDRESS,
            role_id="r",
            secret_id=Secret("canary-secret-id"),
            namespace="admin",
            ca_file="/ca.pem",
            auth_mount="robots",
        ),
    ),
    (
        "hashicorp",
        {
            "HASHICORP_TYPE": "onPrem",
            "HASHICORP_AUTHMETHOD": "userpass",
            "HASHICORP_SERVERADDRESS": ADDRESS,
            "HASHICORP_USERNAME": "ada",
            "HASHICORP_PASSWORD": "canary",
        },
        VaultUserpass(server_address=ADDRESS, username="ada", password=Secret("canary")),
    ),
    (
        "hashicorp",
        {
            "HASHICORP_TYPE": "onPrem",
            "HASHICORP_AUTHMETHOD": "ldap",
            "HASHICORP_SERVERADDRESS": ADDRESS,
            "HASHICORP_USERNAME": "ada",
            "HASHICORP_PASSWORD": "canary",
        },
        VaultLdap(server_address=ADDRESS, username="ada", password=Secret("canary")),
    ),
    (
        "azure",
        {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "canary"},
        AzureServicePrincipal(tenant_id="t", client_id="c", client_secret=Secret("canary")),
    ),
    (
        "azure",
        {
            "AZURE_TYPE": "servicePrincipal",
            "AZURE_TENANT_ID": "t",
            "AZURE_CLIENT_ID": "c",
            "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
        },
        AzureServicePrincipal(tenant_id="t", client_id="c", certificate_path="/c.pem"),
    ),
    ("azure", {"AZURE_TYPE": "cli"}, AzureCli()),
    ("azure", {"AZURE_TYPE": "managedIdentity"}, AzureManagedIdentity()),
    ("azure", {"AZURE_TYPE": "environment"}, AzureEnvironment()),
]


def prefixed(prefix: str, variables: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}{name}": value for name, value in variables.items()}


@pytest.mark.parametrize("prefix", ["HUSHPOST_", "INSOMNIA_", "HUSHPOST_CREDENTIAL_MY_CRED_1_"])
@pytest.mark.parametrize(("provider", "variables", "expected"), CASES)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_every_row_of_the_table(
    provider: str, variables: dict[str, str], expected: AnyCredential, prefix: str, quote: str
) -> None:
    env = {name: f"{quote}{value}{quote}" for name, value in prefixed(prefix, variables).items()}
    env["PATH"] = "/bin"
    read = EnvironmentCredentials.read(env)
    assert read.credential_for("my-cred.1", provider) == expected
    named = read.named("my-cred.1", provider)
    shared = read.shared(provider)
    assert (named, shared) == ((expected, None) if "CREDENTIAL" in prefix else (None, expected))
    # What is secret is gone from the environment, the rest is not ours to remove.
    assert "canary" not in repr(env)
    assert "canary" not in repr(vars(read))
    assert env["PATH"] == "/bin"
    assert prefix + next(iter(variables)) in env


def test_the_real_environment_is_cleaned_for_children(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in prefixed("INSOMNIA_", TOKEN).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUSHPOST_VAR_api_key", "canary-variable")
    read = EnvironmentCredentials.read()
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(dict(os.environ))"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert child.returncode == 0
    assert "canary" not in child.stdout
    assert "INSOMNIA_HASHICORP_TYPE" in child.stdout
    assert read.shared("hashicorp") == VaultToken(server_address=ADDRESS, token=Secret("canary-token"))
    assert read.variables()["api_key"].reveal() == "canary-variable"
    assert "HUSHPOST_VAR_api_key" not in os.environ


def test_nothing_there_is_no_credential() -> None:
    read = EnvironmentCredentials.read({"PATH": "/bin", "HUSHPOST_AWSOME": "1", "HUSHPOST_PASSPHRASE": "x"})
    assert all(read.credential_for("c", provider) is None for provider in PROVIDERS)
    assert read.variables() == {}


def test_the_order_is_name_then_hushpost_then_insomnia() -> None:
    env = prefixed("INSOMNIA_", TOKEN | {"HASHICORP_SERVERADDRESS": "https://insomnia"})
    assert _address(env) == "https://insomnia"
    env |= prefixed("HUSHPOST_", TOKEN | {"HASHICORP_SERVERADDRESS": "https://hushpost"})
    assert _address(env) == "https://hushpost"
    env |= prefixed("HUSHPOST_CREDENTIAL_C_", TOKEN | {"HASHICORP_SERVERADDRESS": "https://named"})
    assert _address(env) == "https://named"
    assert _address(env, "d") == "https://hushpost"


def _address(env: dict[str, str], name: str = "c") -> str:
    found = EnvironmentCredentials.read(dict(env)).credential_for(name, "hashicorp")
    assert isinstance(found, VaultToken)
    return found.server_address


def test_prefixes_are_not_mixed() -> None:
    env = prefixed("INSOMNIA_", TOKEN) | {"HUSHPOST_HASHICORP_NAMESPACE": "admin"}
    with pytest.raises(VaultError, match="lacks HUSHPOST_HASHICORP_TYPE"):
        EnvironmentCredentials.read(env).shared("hashicorp")
    # But each provider has its own choice of prefix.
    env = prefixed("INSOMNIA_", TOKEN) | {"HUSHPOST_AWS_TYPE": "ambient"}
    read = EnvironmentCredentials.read(env)
    assert isinstance(read.shared("hashicorp"), VaultToken)
    assert isinstance(read.shared("aws"), AwsAmbient)


def test_an_empty_variable_is_no_variable() -> None:
    """A secret that a pipeline does not have expands to nothing."""
    env = prefixed("INSOMNIA_", TOKEN) | {"HUSHPOST_HASHICORP_ACCESS_TOKEN": "", "HUSHPOST_HASHICORP_TYPE": "''"}
    assert isinstance(EnvironmentCredentials.read(env).shared("hashicorp"), VaultToken)


@pytest.mark.parametrize(("provider", "variables", "expected"), CASES)
@pytest.mark.parametrize("prefix", ["HUSHPOST_", "INSOMNIA_", "HUSHPOST_CREDENTIAL_C_"])
def test_a_missing_variable_is_named_with_all_that_the_type_needs(
    provider: str, variables: dict[str, str], expected: AnyCredential, prefix: str
) -> None:
    struct = type(expected)
    needed = needed_variables(struct)
    names = variable_names(struct)
    for field in form_fields(struct):
        if not field.required or field.name not in names:
            continue
        lacking = names[field.name]
        env = prefixed(prefix, {name: value for name, value in variables.items() if name != lacking})
        with pytest.raises(VaultError) as caught:
            EnvironmentCredentials.read(env).credential_for("c", provider)
        assert caught.value.message == f"the environment lacks {prefix}{lacking}"
        for end in needed:
            assert prefix + end.split(" or ")[0] in str(caught.value.hint)
        assert "canary" not in repr((caught.value, vars(caught.value), caught.value.__context__))


def test_all_missing_ones_are_named_at_once() -> None:
    env = {"INSOMNIA_AWS_TYPE": "temporary", "INSOMNIA_AWS_REGION": "r"}
    with pytest.raises(VaultError) as caught:
        EnvironmentCredentials.read(env).shared("aws")
    assert caught.value.message == (
        "the environment lacks INSOMNIA_AWS_ACCESSKEYID, INSOMNIA_AWS_SECRETACCESSKEY, INSOMNIA_AWS_SESSIONTOKEN"
    )


def test_alternatives_are_named_together() -> None:
    with pytest.raises(VaultError) as caught:
        EnvironmentCredentials.read({"HUSHPOST_AZURE_TENANT_ID": "t", "HUSHPOST_AZURE_CLIENT_ID": "c"}).shared("azure")
    assert caught.value.message == (
        "the environment lacks HUSHPOST_AZURE_CLIENT_SECRET or HUSHPOST_AZURE_CLIENT_CERTIFICATE_PATH"
    )
    with pytest.raises(VaultError, match="lacks HUSHPOST_GCP_SERVICEACCOUNTKEYFILEPATH"):
        EnvironmentCredentials.read({"HUSHPOST_GCP_ENDPOINT": "https://x"}).shared("gcp")


@pytest.mark.parametrize(
    ("variables", "provider", "named", "offered"),
    [
        ({"AWS_REGION": "r"}, "aws", "AWS_TYPE", "temporary, longLived, file, sso, ambient"),
        ({"AWS_TYPE": "x"}, "aws", "AWS_TYPE", "temporary"),
        ({"HASHICORP_SERVERADDRESS": "x"}, "hashicorp", "HASHICORP_TYPE", "onPrem, cloud"),
        ({"HASHICORP_TYPE": "x"}, "hcp", "HASHICORP_TYPE", "onPrem, cloud"),
        ({"HASHICORP_TYPE": "onPrem"}, "hashicorp", "HASHICORP_AUTHMETHOD", "token, appRole, userpass, ldap"),
        ({"HASHICORP_TYPE": "onPrem", "HASHICORP_AUTHMETHOD": "x"}, "hashicorp", "HASHICORP_AUTHMETHOD", "token"),
        ({"AZURE_TYPE": "browser"}, "azure", "AZURE_TYPE", "servicePrincipal, cli, managedIdentity, environment"),
    ],
)
def test_a_type_that_is_missing_or_unknown_is_named_with_the_known_ones(
    variables: dict[str, str], provider: str, named: str, offered: str
) -> None:
    with pytest.raises(VaultError) as caught:
        EnvironmentCredentials.read(prefixed("HUSHPOST_", variables)).shared(provider)
    assert f"HUSHPOST_{named}" in caught.value.message
    assert offered in str(caught.value.hint)
    assert caught.value.provider == provider


def test_types_are_found_in_any_case() -> None:
    env = prefixed("HUSHPOST_", TOKEN | {"HASHICORP_TYPE": "ONPREM", "HASHICORP_AUTHMETHOD": "Token"})
    assert isinstance(EnvironmentCredentials.read(env).shared("hashicorp"), VaultToken)


@pytest.mark.parametrize(("said", "asked", "wants"), [("cloud", "hashicorp", "onPrem"), ("onPrem", "hcp", "cloud")])
def test_one_environment_holds_one_kind_of_hashicorp(said: str, asked: str, wants: str) -> None:
    env = prefixed("HUSHPOST_", APPROLE | {"HASHICORP_TYPE": said})
    with pytest.raises(VaultError, match=f'needs "{wants}"') as caught:
        EnvironmentCredentials.read(env).shared(asked)
    assert "HUSHPOST_CREDENTIAL_<NAME>_HASHICORP_TYPE" in str(caught.value.hint)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("0", False), ("'FALSE'", False), ("1", True)])
def test_booleans(text: str, value: bool) -> None:
    env = {"HUSHPOST_AWS_TYPE": "file", "HUSHPOST_AWS_SECTION": "s", "HUSHPOST_AWS_ENABLECACHE": text}
    found = EnvironmentCredentials.read(env).shared("aws")
    assert isinstance(found, AwsFile)
    assert found.cache_file is value


def test_a_bad_value_names_the_variable_and_not_the_value() -> None:
    env = {"HUSHPOST_AWS_TYPE": "file", "HUSHPOST_AWS_SECTION": "s", "HUSHPOST_AWS_ENABLECACHE": "canary"}
    with pytest.raises(VaultError, match="HUSHPOST_AWS_ENABLECACHE is neither true nor false") as caught:
        EnvironmentCredentials.read(env).shared("aws")
    assert "canary" not in repr((caught.value, vars(caught.value)))


def test_names_that_meet_are_an_error() -> None:
    env = prefixed("HUSHPOST_CREDENTIAL_VAULT_PROD_", TOKEN)
    read = EnvironmentCredentials.read(env)
    with pytest.raises(VaultError, match=r'"vault-prod" and "vault\.prod" have the same variables'):
        read.check_names(["vault-prod", "other", "vault.prod"])
    read.check_names(["vault-prod", "vault-prod", "a-b", "a.b"])  # the latter two are not in the environment
    # Also without that check: whichever is asked for second.
    assert read.named("vault-prod", "hashicorp") is not None
    assert read.named("vault-prod", "hashicorp") is not None
    with pytest.raises(VaultError, match="have the same variables"):
        read.named("vault.prod", "hashicorp")


def test_a_name_that_looks_like_another_ones_table() -> None:
    env = prefixed("HUSHPOST_CREDENTIAL_X_AWS_", {"AWS_TYPE": "ambient"})
    read = EnvironmentCredentials.read(env)
    assert isinstance(read.named("x-aws", "aws"), AwsAmbient)
    assert read.named("x", "aws") is None


def test_secrets_of_any_type_and_name_are_removed() -> None:
    env = {
        "HUSHPOST_AWS_TYPE": "ambient",
        "HUSHPOST_AWS_SECRETACCESSKEY": "canary",
        "INSOMNIA_AWS_SESSIONTOKEN": "canary",
        "INSOMNIA_HASHICORP_SECRET_ID": "canary",
        "HUSHPOST_CREDENTIAL_Q_HASHICORP_ACCESS_TOKEN": "canary",
        "HUSHPOST_CREDENTIAL_Q_AZURE_CLIENT_SECRET": "canary",
        "HUSHPOST_VAR_x": "canary",
        "HUSHPOST_VAR_": "canary",
    }
    EnvironmentCredentials.read(env)
    assert env == {"HUSHPOST_AWS_TYPE": "ambient"}


def test_an_address_that_is_none_is_named_by_its_variable() -> None:
    env = {"TYPE": "onPrem", "AUTHMETHOD": "token", "SERVERADDRESS": "nowhere", "ACCESS_TOKEN": "t"}
    read = EnvironmentCredentials.read({f"HUSHPOST_HASHICORP_{name}": value for name, value in env.items()})
    with pytest.raises(VaultError, match="HUSHPOST_HASHICORP_SERVERADDRESS is not as it should be: such as https://"):
        read.credential_for("any", "hashicorp")


def test_variables_are_taken_as_they_are() -> None:
    env = {"HUSHPOST_VAR_token": "'quoted' ", "HUSHPOST_VAR_a.b-c": "x", "HUSHPOST_VAR_": "nameless"}
    values = {name: value.reveal() for name, value in EnvironmentCredentials.read(env).variables().items()}
    assert values == {"token": "'quoted' ", "a.b-c": "x"}


def test_what_vaults_own_command_line_reads() -> None:
    found = vault_defaults({"VAULT_ADDR": "https://v", "BAO_NAMESPACE": "n", "VAULT_CACERT": "/ca"})
    assert (found.address, found.namespace, found.ca_file) == ("https://v", "n", "/ca")


@pytest.mark.parametrize(
    "struct",
    [struct for provider in GROUPS for struct in credential_types(provider) if struct.env_type is not None],
    ids=lambda struct: struct.__name__,
)
def test_every_type_can_be_given_whole(struct: type[Credential]) -> None:
    """The needed variables are enough, whatever the type."""
    env = {f"HUSHPOST_{name}": text for name, text in type_variables(struct).items()}
    for end in needed_variables(struct):
        env.setdefault(f"HUSHPOST_{end.split(' or ')[0]}", "https://x")
    try:
        found = EnvironmentCredentials.read(env).shared(struct.provider)
    except FieldError as error:  # pragma: no cover
        pytest.fail(str(error))
    assert type(found) is struct
