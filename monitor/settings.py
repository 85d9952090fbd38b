"""Where this Vigie lives and who runs it: `VIGIE_*` variables over `vigie.toml` over the defaults."""

from __future__ import annotations

import secrets
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from reference.errors import VigieError


class BadSettings(VigieError):
    """`vigie.toml` or a `VIGIE_*` variable says something that cannot be meant."""


class AuthoritySettings(BaseModel):
    """One RFC 3161 authority: its name in file names, its address, the file of its certificates (PEM: root first).

    `qualified` says that it is on an EU trusted list (eIDAS): the operator's word, printed beside its tokens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=40)
    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$")
    certificates: Path
    qualified: bool = False


class CalendarSettings(BaseModel):
    """One OpenTimestamps calendar that also stamps the seals: its own address, not that of a pool before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=40)
    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$")


class ArchiveSettings(BaseModel):
    """One outside archive that is asked to keep the page of a confirmed case, in the manner of « Save Page Now ».

    `save` is the address that keeps a page, with `{url}` in it; `status` that of a job, with `{job}`, for archives that
    work at it; `copy_at` that of a copy, with `{timestamp}` and `{url}`. `key_variable` names the environment variable
    that holds the key (« LOW access:secret »); what it holds is written nowhere.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=40)
    save: str = Field(pattern=r"^https?://[^\s/{]+/\S*\{url\}\S*$")
    status: str = Field(default="", pattern=r"^(https?://[^\s/{]+/\S*\{job\}\S*)?$")
    copy_at: str = Field(default="", pattern=r"^(https?://[^\s/{]+/\S*\{timestamp\}\S*\{url\}\S*)?$")
    key_variable: str = Field(default="", pattern=r"^[A-Z0-9_]*$")


class AgreementSettings(BaseModel):
    """What the owner of a host agreed to in writing: a pace of its own, and a key that goes with each request over TLS.

    `reference` says which writing this rests on; `header` and `key` are kept out of all evidence (the header's value).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(pattern=r"^[a-z0-9.-]+$")
    reference: str = Field(min_length=3)
    delay_seconds: float = Field(gt=0, le=3600)
    daily_budget: int | None = Field(default=None, ge=1)
    any_hour: bool = False
    header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    key: SecretStr = SecretStr("")


class CrawlSettings(BaseModel):
    """One platform looked after on schedule; `start` is needed where the reference names no address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: str
    start: list[str] = []
    allow_host: list[str] = []
    delay_seconds: float | None = Field(default=None, ge=0)


class AlertSettings(BaseModel):
    """Where the watchmen's alarms go: by e-mail (`mail_to`, over `smtp_host`), to a webhook (JSON), or both.

    `smtp_security` is how the connection is protected: starttls, tls, or none for a relay on this machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mail_to: list[str] = []
    mail_from: str = "vigie@localhost"
    smtp_host: str = "localhost"
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    webhook: str = Field(default="", pattern=r"^(https?://\S+)?$")


Named = AuthoritySettings | CalendarSettings | ArchiveSettings


class Settings(BaseSettings):
    """The whole configuration of one installation.

    `home` holds the evidence store and, by default, the SQLite ledger; `database_url` names a PostgreSQL for a team;
    `contact` is the address a site's owner can write to: it stands in the user agent of every request.
    `authorities` stamp the seals (`VIGIE_AUTHORITIES` is a JSON list): a seal counts as stamped with `stamps_wanted`
    tokens; each is asked for `stamp_seconds` at most, and its time may differ from ours by `stamp_tolerance_seconds`.
    `calendars` (OpenTimestamps) stamp them besides, and `archives` are asked to keep the page of a confirmed case, each
    within `archive_seconds`: nothing leaves for either unless it is named here.
    Stored evidence is hashed again every `fixity_days`; `keep_days` lets `vigie purge` erase older captures that
    no case needs (`None`: never). `certificate` (PKCS#12, or PEM with its key) signs what leaves in the name of
    `organisation`, and the PDF too with `sign_pdf`; `signature_roots` (PEM) and `revocation_lists` (DER) let that
    signature be checked for years (PAdES B-LT).
    `ntp_servers` tell how far our clock is (`VIGIE_NTP_SERVERS` is a JSON list; empty: none is asked);
    `address_service` is an http(s) address that answers with the asker's IP and nothing else (empty: none is asked).
    `crawls` are the platforms looked after on schedule, `agreements` the hosts with a written agreement, `alerts` where
    alarms go.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIE_", toml_file="vigie.toml", extra="forbid")

    home: Path = Path("var")
    database_url: str | None = None
    contact: str = "vigie@example.org"
    authorities: list[AuthoritySettings] = []
    calendars: list[CalendarSettings] = []
    archives: list[ArchiveSettings] = []
    archive_seconds: float = Field(default=60, gt=0, le=300)
    stamps_wanted: int = Field(default=2, ge=1)
    stamp_seconds: float = Field(default=15, gt=0, le=300)
    stamp_tolerance_seconds: int = Field(default=300, ge=1)
    fixity_days: int = Field(default=7, ge=1)
    keep_days: int | None = Field(default=None, ge=1)
    organisation: str = ""
    certificate: Path | None = None
    certificate_password: SecretStr | None = None
    sign_pdf: bool = False
    signature_roots: Path | None = None
    crawls: list[CrawlSettings] = []
    agreements: list[AgreementSettings] = []
    alerts: AlertSettings = AlertSettings()
    revocation_lists: list[Path] = []
    ntp_servers: list[str] = ["ntp-p1.obspm.fr", "fr.pool.ntp.org"]
    address_service: str = Field(default="", pattern=r"^(https?://[^\s/]+(/\S*)?)?$")

    @field_validator("authorities", "calendars", "archives")
    @classmethod
    def _names_differ(cls, value: list[Named]) -> list[Named]:
        if len({one.name for one in value}) != len(value):
            raise ValueError("two of them have the same name")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then `vigie.toml`; no `.env` file, no secrets folder."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: object) -> Settings:
    """The settings in force; `None` overrides are left to the environment. Raises `BadSettings`, one line."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        raise BadSettings(f"configuration: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except SettingsError as error:
        raise BadSettings(f"configuration: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"vigie.toml: {error}") from error


def desk_secret(home: Path) -> bytes:
    """The key that signs the desk's sessions, made once per home and readable by its owner alone."""
    path = home / "desk.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
