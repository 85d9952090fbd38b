"""Where this Vigie lives and who runs it: `VIGIE_*` variables over `vigie.toml` over the defaults."""

from __future__ import annotations

import secrets
import tomllib
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from reference.errors import VigieError


class BadSettings(VigieError):
    """`vigie.toml` or a `VIGIE_*` variable says something that cannot be meant."""


class Settings(BaseSettings):
    """The whole configuration of one installation.

    `home` holds the evidence store and, by default, the SQLite ledger; `database_url` names a PostgreSQL for a team;
    `contact` is the address a site's owner can write to: it stands in the user agent of every request.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIE_", toml_file="vigie.toml", extra="forbid")

    home: Path = Path("var")
    database_url: str | None = None
    contact: str = "vigie@example.org"

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
