"""The node's settings: one typed model, read from a TOML file and from ``XINLIAN_…`` environment variables.

Rules
1. Every wrong setting is named; no setting has a secret as default.
2. The environment wins over the file. Nothing is read at import time: ``load_settings`` reads when called.
3. Units stand in the names: ``_s`` seconds, ``_bytes`` bytes, ``_leaves`` leaves.

Example: ``settings = load_settings(Path("node.toml"))``
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from xinlian.chain.remote_key import SignerPlace
from xinlian.protocol.attachments import MAX_BYTES
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.errors import ConfigError, InputError

CLAMD_ADDRESS: Final = re.compile(r"tcp://[^/:@?#]+:[0-9]{1,5}|unix:///[^?#]+")
ChainRole = Literal["anchor", "law", "admin", "authority"]


class SignerSettings(BaseModel):
    """A remote signer (Web3Signer eth1 API) that holds the key of one role."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Address of the signer; https unless it runs on this machine.")
    identifier: str = Field(description="The key's public key, hex.")
    ca_file: Path | None = Field(None, description="Certificates that the signer's must come from; default: the system's.")
    certificate_file: Path | None = Field(None, description="This node's certificate for the signer, PEM.")
    key_file: Path | None = Field(None, description="Key of that certificate, PEM.")

    def place(self) -> SignerPlace:
        """As ``chain.remote_key`` takes it."""
        return SignerPlace(self.url, self.identifier, self.ca_file, self.certificate_file, self.key_file)


class Settings(BaseSettings):
    """Settings of one department's node.

    Source: design.md part 6 (Settings), parts 2.6, 4.2 and 4.5 for the limits.
    """

    model_config = SettingsConfigDict(env_prefix="XINLIAN_", extra="forbid", frozen=True)

    department: str = Field(description="USCC of the department this node belongs to (18 characters).")
    data_dir: Path = Field(description="Folder of databases, keys and caches; owned by this node alone.")
    deployment: Path = Field(description="Deployment manifest (the trust anchor).")
    rpc_urls: tuple[str, ...] = Field(min_length=1, description="JSON-RPC endpoints of the chain; they must agree.")
    authority_department: str | None = Field(
        None, description="USCC of the department whose node holds the authority's key: texts of the law's steps go there, too."
    )
    passphrase: SecretStr | None = Field(None, description="Passphrase of the key files.")
    passphrase_file: Path | None = Field(None, description="File that holds the passphrase (first line).")

    signers: dict[ChainRole, SignerSettings] = Field(
        default_factory=dict, description="Remote signers by role (anchor, law, admin, authority), in place of key files."
    )

    listen_host: str = Field("127.0.0.1", description="Address the HTTP server binds.")
    listen_port: int = Field(8700, ge=1, le=65535, description="Port the HTTP server binds.")
    development: bool = Field(False, description="Allows plain HTTP between nodes. Never in production.")
    demo: bool = Field(False, description="Marks every page and document with 演示.")

    batch_max_leaves: int = Field(65_536, ge=1, le=65_536, description="A batch is sealed at this size.")
    batch_max_age_s: float = Field(5.0, gt=0, description="Records and answers: sealed at this age.")
    reads_max_age_s: float = Field(600.0, gt=0, description="Read entries: sealed at this age.")
    poll_interval_s: float = Field(1.0, gt=0, description="How often the follower asks for a new head.")
    rpc_compare_s: float = Field(
        60.0, gt=0, description="How often rpc_urls are compared with each other, and events with the contracts' accumulators."
    )
    view_warn_age_s: float = Field(60.0, gt=0, description="A view older than this carries a warning.")
    max_view_age_s: float = Field(900.0, gt=0, description="A view older than this refuses personal data.")
    anchor_promise_s: int = Field(3_600, ge=1, description="A pending value is promised on chain within this time.")

    upload_max_bytes: int = Field(100_000_000, ge=1, description="Largest file or body that is read.")
    upload_max_rows: int = Field(200_000, ge=1, description="Largest number of rows of one file.")
    attachment_max_bytes: int = Field(MAX_BYTES, ge=1, le=MAX_BYTES, description="Largest attachment.")
    attachment_unfinished_per_user: int = Field(20, ge=1, description="Unfinished uploads a user may have.")
    attachment_unfinished_hours: int = Field(24, ge=1, description="An upload nobody goes on with is destroyed after this time.")
    attachment_unused_days: int = Field(
        30, ge=1, description="An attachment that nothing came to use is destroyed after this time."
    )
    attachment_publish_unscanned: bool = Field(
        True, description="Attachments that no malware scanner looked at may be published."
    )
    malware_scan_command: tuple[str, ...] = Field(
        (), description="Scanner: program and arguments; the file on standard input, exit 0 clean, 1 infected."
    )
    malware_scan_clamd: str | None = Field(None, description="Scanner: a clamd, tcp://host:port or unix:///path.")
    malware_scan_timeout_s: float = Field(300.0, gt=0, description="Time allowed for one scan.")
    sealing_processes: int = Field(0, ge=0, description="Sealing processes; 0 = as many as cores.")
    verify_attempts: int = Field(5, ge=1, le=5, description="Verify attempts per case, subject and field.")
    unauthenticated_per_minute: int = Field(
        120,
        ge=1,
        description="Exchange calls that fail (authentication, unknown leaf or schema), per address and minute, before 429.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Networks (CIDR) of reverse proxies; only they are believed whom a call comes from."
    )
    notice_pause_s: float = Field(
        2.0, gt=0, description="Pause before a notice is told again; doubled after every attempt, up to an hour."
    )
    notice_tries: int = Field(72, ge=1, description="Attempts before a notice is parked (72: about two and a half days).")
    peer_timeout_s: float = Field(20.0, gt=0, description="Time allowed for another node's answer.")
    idempotency_days: int = Field(7, ge=1, le=90, description="Answers to calls with an Idempotency-Key are kept this long.")
    webhook_allowed_hosts: tuple[str, ...] = Field(
        (), description="Hosts that webhooks may go to, each with an optional :port; empty = no webhooks."
    )
    webhook_timeout_s: float = Field(20.0, gt=0, description="Time allowed for a webhook's receiver to answer.")
    webhook_retry_s: tuple[float, ...] = Field(
        (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400),
        max_length=50,
        description="Pauses between the attempts of a webhook delivery; after the last attempt it is parked.",
    )
    oidc_issuer: str | None = Field(None, description="Issuer URL of the persons' identity provider (统一身份认证).")
    oidc_client_id: str | None = Field(None, description="This node's client id at the identity provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Its client secret; none for a public client.")
    oidc_redirect_uri: str | None = Field(None, description="Where a person comes back to: the authority's portal.")
    oidc_id_number_claim: str = Field("id_number", description="The claim of the ID token that holds the person's ID number.")
    demo_login: bool = Field(False, description="A login that believes what it is told; needs development.")
    token_days: int = Field(365, ge=1, description="Longest life of an API token.")
    yellow_left_wd: int = Field(2, ge=0, le=250, description="A clock is yellow when at most so many working days are left.")
    yellow_used_percent: int = Field(70, ge=0, le=101, description="A clock is yellow from this part of its term on; 101: never.")
    disposal_wd: int = Field(10, ge=1, le=250, description="演示参数: working days for the disposal after the sharing ended.")
    dispute_wd: int = Field(30, ge=1, le=250, description="演示参数: working days after which an open dispute is a finding.")
    use_record_wd: int = Field(
        20, ge=1, le=250, description="演示参数: working days for the use record of a read (使用情况记录)."
    )
    collected: Path | None = Field(
        None, description="File xinlian-collected/1: what this department's application forms ask the applicant for (art. 40(1))."
    )
    findings_s: float = Field(60.0, gt=0, description="How often the rules of art. 39-41 look at what is followed and logged.")
    retention_days: int = Field(1_096, ge=1_096, description="Use records are kept this long (Decree 809 art. 29).")

    @field_validator("department", "authority_department")
    @classmethod
    def _department_is_a_uscc(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                check_uscc(value)
        except InputError as error:
            raise ValueError(error.message) from error
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(cls, value: tuple[IPv4Network | IPv6Network, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("a network of prefix length 0 would believe everybody")
        return value

    @model_validator(mode="after")
    def _one_passphrase(self) -> Settings:
        if self.passphrase is not None and self.passphrase_file is not None:
            raise ValueError("passphrase and passphrase_file exclude each other")
        return self

    @model_validator(mode="after")
    def _demo_login_in_development(self) -> Settings:
        if self.demo_login and not self.development:
            raise ValueError("demo_login needs development: it believes what it is told")
        return self

    @model_validator(mode="after")
    def _whole_identity_provider(self) -> Settings:
        given = [self.oidc_issuer, self.oidc_client_id, self.oidc_redirect_uri]
        if any(given) and not all(given):
            raise ValueError("oidc_issuer, oidc_client_id and oidc_redirect_uri go together")
        return self

    @model_validator(mode="after")
    def _one_scanner(self) -> Settings:
        if self.malware_scan_command and self.malware_scan_clamd is not None:
            raise ValueError("malware_scan_command and malware_scan_clamd exclude each other")
        return self

    @field_validator("malware_scan_clamd")
    @classmethod
    def _clamd_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and CLAMD_ADDRESS.fullmatch(value) is None:
            raise ValueError("expected tcp://host:port or unix:///path")
        return value

    def passphrase_bytes(self) -> bytes:
        """The passphrase of the key files.

        Raises:
            ConfigError: ``passphrase-missing`` when neither setting is there or the file cannot be read.
        """
        if self.passphrase is not None:
            return self.passphrase.get_secret_value().encode()
        if self.passphrase_file is None:
            raise ConfigError(
                "passphrase-missing", "set XINLIAN_PASSPHRASE or XINLIAN_PASSPHRASE_FILE: the key files are encrypted"
            )
        try:
            return self.passphrase_file.read_text("utf-8").splitlines()[0].encode()
        except (OSError, IndexError, UnicodeDecodeError) as error:
            raise ConfigError("passphrase-missing", f"cannot read the passphrase from {self.passphrase_file}") from error


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings.

    Args:
        file: TOML file, or None for the environment alone.
        overrides: values that win over both.

    Raises:
        ConfigError: ``setting-wrong``; ``fields["settings"]`` lists every wrong one with the reason.
    """
    if file is not None and not file.is_file():
        raise ConfigError("setting-wrong", f"settings file {file} is not there", settings=[str(file)])
    try:
        return _reader(file)(**overrides)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigError("setting-wrong", "wrong settings: " + "; ".join(wrong), settings=wrong) from error
    except ValueError as error:
        raise ConfigError("setting-wrong", f"the settings cannot be read: {error}", settings=[str(error)]) from error


def _reader(file: Path | None) -> type[Settings]:
    """A Settings class that reads ``file`` below the environment."""

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = (TomlConfigSettingsSource(settings_cls, file),) if file is not None else ()
            return (init_settings, env_settings, *toml)

    return FromFile
