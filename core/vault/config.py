"""The credentials and links of every provider, as SDK-free structs whose field metadata feeds forms, validation,
headless variables and the reference in the docs.

A field is `Annotated[TYPE, meta(label, help, env=…)]`: `label` is the provider's own word, `env` the end of the
headless variable (`SERVERADDRESS` of `HUSHPOST_HASHICORP_SERVERADDRESS`). A field of type `Secret` is masked and asked
for without echo.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec

from core.secret import Secret


def meta(
    label: str, help: str = "", *, env: str | None = None, path: bool = False, multiline: bool = False
) -> msgspec.Meta:
    """What a form and the reference say of a field; `path` is a file of this machine, `multiline` wants a text area."""
    return msgspec.Meta(title=label, description=help, extra={"env": env, "path": path, "multiline": multiline})


class Credential(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """How this user logs in to one account of one provider."""

    provider: ClassVar[str]
    label: ClassVar[str]
    """The type's name in forms."""
    help: ClassVar[str] = ""
    env_type: ClassVar[str | None] = None
    """What the provider's TYPE (for Vault: AUTHMETHOD) variable says for this type; None: not from the environment."""
    one_of: ClassVar[tuple[str, ...]] = ()
    """Optional fields of which exactly one has to be given."""

    def __post_init__(self) -> None:
        if self.one_of and sum(bool(getattr(self, name)) for name in self.one_of) != 1:
            raise ValueError(f"exactly one of {' and '.join(self.one_of)} is needed")


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="provider"):
    """A reference to one secret in a vault; `credential` is a name that each user binds to a credential of theirs."""

    credential: str
    key: Annotated[str, meta("JSON key", "one key of a JSON object; blank for the whole secret")] = ""
    encoding: Annotated[
        Literal["", "base64"], meta("Encoding", "base64 for bytes that are no UTF-8 text, which are refused otherwise")
    ] = ""
    trim: Annotated[bool, meta("Trim", "drop one trailing newline")] = False

    @property
    def provider(self) -> str:
        return str(self.__struct_config__.tag)

    @property
    def label(self) -> str:
        """One line that names the secret in its vault."""
        raise NotImplementedError


# --- AWS Secrets Manager


AwsRegion = Annotated[str, meta("Region", "such as eu-west-1; the region of a full ARN wins", env="REGION")]
AwsEndpoint = Annotated[
    str, meta("Endpoint", "address of a private endpoint; https, unless on this machine", env="ENDPOINT")
]
AwsFilePath = Annotated[
    str, meta("Credential file path", "blank: the AWS default, ~/.aws/credentials", env="FILEPATH", path=True)
]
AwsCacheFile = Annotated[
    bool, meta("Enable credential cache", "off: the files are read again at every fetch", env="ENABLECACHE")
]


class AwsTemporary(Credential, frozen=True, tag="temporary"):
    provider = "aws"
    label = "Temporary credential"
    help = "keys with a session token; they end by themselves"
    env_type = "temporary"
    access_key_id: Annotated[str, meta("Access key ID", env="ACCESSKEYID")]
    secret_access_key: Annotated[Secret, meta("Secret access key", env="SECRETACCESSKEY")]
    session_token: Annotated[Secret, meta("Session token", env="SESSIONTOKEN")]
    region: AwsRegion
    endpoint: AwsEndpoint = ""


class AwsLongLived(Credential, frozen=True, tag="long_lived"):
    provider = "aws"
    label = "Long-lived access key"
    help = "keys of an IAM user, with MFA where the account asks for it; a login lasts two hours"
    env_type = "longLived"
    access_key_id: Annotated[str, meta("Access key ID", env="ACCESSKEYID")]
    secret_access_key: Annotated[Secret, meta("Secret access key", env="SECRETACCESSKEY")]
    region: AwsRegion
    mfa_serial: Annotated[str, meta("MFA serial", "ARN of the MFA device; blank: look it up", env="MFASERIAL")] = ""
    endpoint: AwsEndpoint = ""


class AwsFile(Credential, frozen=True, tag="file"):
    provider = "aws"
    label = "Credential file"
    help = "a profile of the AWS credentials file"
    env_type = "file"
    section: Annotated[str, meta("Section name", "profile in the file", env="SECTION")] = "default"
    file_path: AwsFilePath = ""
    region: Annotated[str, meta("Region", "blank: the profile's", env="REGION")] = ""
    cache_file: AwsCacheFile = True
    endpoint: AwsEndpoint = ""


class AwsSso(Credential, frozen=True, tag="sso"):
    provider = "aws"
    label = "SSO (IAM Identity Center)"
    help = "a profile of the AWS config file that logs in by IAM Identity Center"
    env_type = "sso"
    profile: Annotated[str, meta("Profile name", env="SECTION")]
    region: Annotated[str, meta("Region", "blank: the profile's", env="REGION")] = ""
    config_path: Annotated[
        str, meta("Config file path", "blank: the AWS default, ~/.aws/config", env="CONFIGFILEPATH", path=True)
    ] = ""
    file_path: AwsFilePath = ""
    cache_file: AwsCacheFile = True
    endpoint: AwsEndpoint = ""


class AwsAmbient(Credential, frozen=True, tag="ambient"):
    provider = "aws"
    label = "Ambient"
    help = "AWS's own chain: environment, web identity, credential process, container, instance"
    env_type = "ambient"
    region: Annotated[str, meta("Region", "blank: as the chain says", env="REGION")] = ""
    endpoint: AwsEndpoint = ""


AwsCredential = AwsTemporary | AwsLongLived | AwsFile | AwsSso | AwsAmbient


class AwsLink(Link, frozen=True, tag="aws", kw_only=True):
    secret_id: Annotated[str, meta("Secret name or ARN", "name, partial ARN or full ARN")]
    version_id: Annotated[str, meta("Version ID")] = ""
    version_stage: Annotated[str, meta("Version stage", "blank: AWSCURRENT")] = ""
    role_arn: Annotated[str, meta("Role ARN", "role to assume for this secret")] = ""
    external_id: Annotated[str, meta("External ID", "if the role asks for one")] = ""

    @property
    def label(self) -> str:
        version = self.version_id or self.version_stage
        return f"{self.secret_id}@{version}" if version else self.secret_id


# --- GCP Secret Manager


class GcpServiceAccount(Credential, frozen=True, tag="service_account"):
    provider = "gcp"
    label = "Service account key"
    help = "a key file of a service account, by path or kept in the store"
    env_type = "serviceAccount"
    one_of = ("key_file", "key_json")
    key_file: Annotated[
        str,
        meta("Key file", "JSON key file of the service account", env="SERVICEACCOUNTKEYFILEPATH", path=True),
    ] = ""
    key_json: Annotated[Secret | None, meta("Key (JSON)", "instead of a file: the file's content", multiline=True)] = (
        None
    )
    endpoint: Annotated[str, meta("Endpoint", "address of a private endpoint", env="ENDPOINT")] = ""


class GcpAdc(Credential, frozen=True, tag="adc"):
    provider = "gcp"
    label = "Application default credentials"
    help = "what gcloud, a workload identity or the machine provides"
    env_type = "adc"
    project: Annotated[str, meta("Project", "blank: the credentials' own", env="PROJECT")] = ""
    endpoint: Annotated[str, meta("Endpoint", "address of a private endpoint", env="ENDPOINT")] = ""


GcpCredential = GcpServiceAccount | GcpAdc


class GcpLink(Link, frozen=True, tag="gcp", kw_only=True):
    secret: Annotated[str, meta("Secret name", "bare, or projects/P/secrets/S[/versions/V]")]
    version: Annotated[str, meta("Version", "blank: latest")] = ""
    project: Annotated[str, meta("Project", "blank: the credential's")] = ""

    @property
    def label(self) -> str:
        return f"{self.secret}@{self.version}" if self.version else self.secret


# --- HashiCorp Vault, OpenBao, HCP Vault Dedicated


HTTP_ADDRESS = msgspec.Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")

VaultAddress = Annotated[
    str, meta("Server address", "such as https://vault.example.com:8200", env="SERVERADDRESS"), HTTP_ADDRESS
]
VaultNamespace = Annotated[str, meta("Namespace", "of HCP Vault Dedicated: admin", env="NAMESPACE")]
VaultCaFile = Annotated[
    str, meta("CA file", "PEM file with the authority of the server's certificate", env="CACERT", path=True)
]


class VaultToken(Credential, frozen=True, tag="token"):
    provider = "hashicorp"
    label = "Token"
    env_type = "token"
    server_address: VaultAddress
    token: Annotated[Secret, meta("Authentication token", env="ACCESS_TOKEN")]
    namespace: VaultNamespace = ""
    ca_file: VaultCaFile = ""


class VaultAppRole(Credential, frozen=True, tag="approle"):
    provider = "hashicorp"
    label = "AppRole"
    env_type = "appRole"
    server_address: VaultAddress
    role_id: Annotated[str, meta("Role ID", env="ROLE_ID")]
    secret_id: Annotated[Secret, meta("Secret ID", env="SECRET_ID")]
    auth_mount: Annotated[str, meta("Auth mount", "where AppRole is enabled", env="AUTHMOUNT")] = "approle"
    namespace: VaultNamespace = ""
    ca_file: VaultCaFile = ""


class VaultOidc(Credential, frozen=True, tag="oidc"):
    provider = "hashicorp"
    label = "OIDC in the browser"
    help = "Vault's own identity provider and a JWT login, as Postman's integration sets it up"
    oidc_provider_url: Annotated[str, meta("OIDC provider URL", "https://HOST/v1/identity/oidc/provider/NAME")]
    client_id: Annotated[str, meta("Client ID")]
    jwt_auth_path: Annotated[str, meta("JWT auth path")] = "postman-jwt"
    role: Annotated[str, meta("Role")] = "postman"
    server_address: Annotated[str, meta("Server address", "blank: as in the provider URL")] = ""
    namespace: Annotated[str, meta("Namespace", "blank: as in the provider URL")] = ""
    ca_file: VaultCaFile = ""


class VaultUserpass(Credential, frozen=True, tag="userpass"):
    provider = "hashicorp"
    label = "User name and password"
    env_type = "userpass"
    server_address: VaultAddress
    username: Annotated[str, meta("User name", env="USERNAME")]
    password: Annotated[Secret, meta("Password", env="PASSWORD")]
    auth_mount: Annotated[str, meta("Auth mount", "where userpass is enabled", env="AUTHMOUNT")] = "userpass"
    namespace: VaultNamespace = ""
    ca_file: VaultCaFile = ""


class VaultLdap(Credential, frozen=True, tag="ldap"):
    provider = "hashicorp"
    label = "LDAP"
    env_type = "ldap"
    server_address: VaultAddress
    username: Annotated[str, meta("User name", env="USERNAME")]
    password: Annotated[Secret, meta("Password", env="PASSWORD")]
    auth_mount: Annotated[str, meta("Auth mount", "where LDAP is enabled", env="AUTHMOUNT")] = "ldap"
    namespace: VaultNamespace = ""
    ca_file: VaultCaFile = ""


class VaultAgent(Credential, frozen=True, tag="agent"):
    provider = "hashicorp"
    label = "Agent or token helper"
    help = "the token that `vault login` or `bao login` left in ~/.vault-token"
    server_address: Annotated[str, meta("Server address", "blank: VAULT_ADDR")] = ""
    token_file: Annotated[str, meta("Token file", "blank: ~/.vault-token", path=True)] = ""
    namespace: Annotated[str, meta("Namespace", "blank: VAULT_NAMESPACE")] = ""
    ca_file: VaultCaFile = ""


HashicorpCredential = VaultToken | VaultAppRole | VaultOidc | VaultUserpass | VaultLdap | VaultAgent


class HashicorpLink(Link, frozen=True, tag="hashicorp", kw_only=True):
    mount: Annotated[str, meta("Secret mount path", "where the engine is mounted, such as secret")]
    path: Annotated[str, meta("Secret path", "below the mount, without data/")]
    kv_version: Annotated[Literal[1, 2], meta("KV version")] = 2
    version: Annotated[Annotated[int, msgspec.Meta(ge=1)] | None, meta("Version", "of KV 2; blank: the newest")] = None

    def __post_init__(self) -> None:
        if self.kv_version == 1 and self.version is not None:
            raise ValueError("KV version 1 keeps no versions")

    @property
    def label(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.mount}/{self.path}{version}"


# --- HCP Vault Secrets


class HcpClient(Credential, frozen=True, tag="client_credentials"):
    provider = "hcp"
    label = "Service principal (service ended on 2026-07-01)"
    help = "HCP Vault Secrets has ended: move the secrets to HCP Vault Dedicated and link them as HashiCorp Vault"
    env_type = "cloud"
    client_id: Annotated[str, meta("Client ID", env="CLIENT_ID")]
    client_secret: Annotated[Secret, meta("Client secret", env="CLIENT_SECRET")]
    endpoint: Annotated[str, meta("Endpoint", "address of a stand-in", env="ENDPOINT")] = ""


HcpCredential = HcpClient


class HcpLink(Link, frozen=True, tag="hcp", kw_only=True):
    organization_id: Annotated[str, meta("Organization ID")]
    project_id: Annotated[str, meta("Project ID")]
    app: Annotated[str, meta("App name")]
    secret: Annotated[str, meta("Secret name")]
    version: Annotated[Annotated[int, msgspec.Meta(ge=1)] | None, meta("Version", "blank: the newest")] = None

    @property
    def label(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.app}/{self.secret}{version}"


# --- Azure Key Vault


AzureTenant = Annotated[str, meta("Tenant ID", "blank: the vault's own", env="TENANT_ID")]
AzureAuthority = Annotated[
    str, meta("Authority", "of a sovereign cloud, such as https://login.microsoftonline.us", env="AUTHORITY_HOST")
]
AzureClientId = Annotated[
    str, meta("Client ID", "application registered for sign-in; blank: Azure's developer sign-on")
]


class AzureBrowser(Credential, frozen=True, tag="browser"):
    provider = "azure"
    label = "Browser"
    tenant_id: AzureTenant = ""
    client_id: AzureClientId = ""
    authority: AzureAuthority = ""


class AzureDeviceCode(Credential, frozen=True, tag="device_code"):
    provider = "azure"
    label = "Device code"
    help = "a code to type in a browser anywhere; for SSH and machines without a display"
    tenant_id: AzureTenant = ""
    client_id: AzureClientId = ""
    authority: AzureAuthority = ""


class AzureServicePrincipal(Credential, frozen=True, tag="service_principal"):
    provider = "azure"
    label = "Service principal"
    env_type = "servicePrincipal"
    one_of = ("client_secret", "certificate_path")
    tenant_id: Annotated[str, meta("Tenant ID", env="TENANT_ID")]
    client_id: Annotated[str, meta("Client ID", env="CLIENT_ID")]
    client_secret: Annotated[Secret | None, meta("Client secret", "or a certificate", env="CLIENT_SECRET")] = None
    certificate_path: Annotated[
        str,
        meta("Certificate", "PEM or PKCS #12 file with the key", env="CLIENT_CERTIFICATE_PATH", path=True),
    ] = ""
    authority: AzureAuthority = ""


class AzureCli(Credential, frozen=True, tag="cli"):
    provider = "azure"
    label = "Azure CLI"
    help = "the session of `az login`"
    env_type = "cli"
    tenant_id: AzureTenant = ""
    authority: AzureAuthority = ""


class AzureManagedIdentity(Credential, frozen=True, tag="managed_identity"):
    provider = "azure"
    label = "Managed identity"
    help = "of the Azure machine this runs on"
    env_type = "managedIdentity"
    client_id: Annotated[str, meta("Client ID", "of a user-assigned identity", env="CLIENT_ID")] = ""
    authority: AzureAuthority = ""


class AzureEnvironment(Credential, frozen=True, tag="environment"):
    provider = "azure"
    label = "Environment"
    help = "the plain AZURE_* variables of this machine"
    env_type = "environment"


AzureCredential = (
    AzureBrowser | AzureDeviceCode | AzureServicePrincipal | AzureCli | AzureManagedIdentity | AzureEnvironment
)


class AzureLink(Link, frozen=True, tag="azure", kw_only=True):
    secret_identifier: Annotated[str, meta("Secret identifier", "https://VAULT.vault.azure.net/secrets/NAME[/VERSION]")]

    @property
    def label(self) -> str:
        return self.secret_identifier.removeprefix("https://")


# --- a vault in memory, for the demo and for tries


class MemoryCredential(Credential, frozen=True, tag="memory"):
    provider = "memory"
    label = "In memory"
    help = "a vault that lives in this process, for demos and tries"
    secrets: Annotated[Secret, meta("Secrets", "a JSON object of names and texts", multiline=True)]


class MemoryLink(Link, frozen=True, tag="memory", kw_only=True):
    name: Annotated[str, meta("Name")]

    @property
    def label(self) -> str:
        return self.name


AnyCredential = AwsCredential | GcpCredential | HashicorpCredential | HcpCredential | AzureCredential | MemoryCredential
AnyLink = AwsLink | GcpLink | HashicorpLink | HcpLink | AzureLink | MemoryLink

PROVIDERS: dict[str, tuple[str, Any, type[Any]]] = {
    "hashicorp": ("HashiCorp Vault, OpenBao, HCP Vault Dedicated", HashicorpCredential, HashicorpLink),
    "aws": ("AWS Secrets Manager", AwsCredential, AwsLink),
    "gcp": ("GCP Secret Manager", GcpCredential, GcpLink),
    "azure": ("Azure Key Vault", AzureCredential, AzureLink),
    "hcp": ("HCP Vault Secrets (ended)", HcpCredential, HcpLink),
    "memory": ("In memory, for tries", MemoryCredential, MemoryLink),
}
"""Provider id to its name, its union of credential types, and its link type, in the order a person is offered them."""
