# SPDX-License-Identifier: MIT
"""Settings of a server: a TOML file, under the environment (FLYBALL_SERVE_...) and arguments."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """Everything that a server is told; an unknown name is an error."""

    model_config = SettingsConfigDict(
        env_prefix="FLYBALL_SERVE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    """Where it listens; another address than loopback opens it to the network."""

    port: int = Field(8480, ge=1, le=65535)
    folder: Path = Path("serving")
    """Keys, decision log, vault and, unless `database` says otherwise, the registry."""

    database: SecretStr = SecretStr("")
    """SQLAlchemy address of the registry; empty: SQLite in the folder."""

    durability: Literal["process", "power"] = "process"
    """What an answered decision survives."""

    deadline_s: float = Field(0.05, gt=0.0)
    strikes: int = Field(3, ge=1)
    window_s: float = Field(60.0, gt=0.0)
    max_units: int = Field(10_000, ge=1)

    max_body_bytes: int = Field(1 << 20, ge=1024)
    """Of one request; a batch or a workbook may have 32 times as much."""

    max_requests_per_s: float = Field(5_000.0, gt=0.0)
    """Of one key, on the mean; twice as many at once."""

    poll_s: float = Field(0.25, gt=0.0)
    """How often the registry is asked whether anything changed, s."""

    token_issuer: str = ""
    token_audience: str = "flyball"  # noqa: S105 - the name of a claim, no secret
    token_public_key: str = ""
    """PEM of the identity provider; with an issuer, JSON Web Tokens are accepted beside keys."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments before the environment, and that before the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def settings(file: Path | None = None, **given: object) -> Settings:
    """Return the settings of a file, where there is one, under environment and arguments."""

    class Read(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    return Read(**given)  # type: ignore[arg-type]
