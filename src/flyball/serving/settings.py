# SPDX-License-Identifier: MIT
"""Settings of a server: a TOML file, under the environment (FLYBALL_SERVE_...) and arguments."""

import os
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from flyball.core.errors import ConfigError, Problem, nearest

PREFIX = "FLYBALL_SERVE_"
"""How variables of the environment begin that are settings."""


class Settings(BaseSettings):
    """Everything that a server is told; an unknown name is an error."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
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
    """Return the settings of a file, where there is one, under environment and arguments.

    Raises
    ------
    ConfigError
        With every name that is unknown and every value that cannot be; no value of a secret, or of
        a name that might have been meant for one, stands in it.
    """

    class Read(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    problems = [] if file is None or file.is_file() else [_missing(file)]
    problems += [_misspelt(name) for name in os.environ if _unknown(name)]
    if problems:
        raise ConfigError(problems)
    where = f"settings of {file}" if file is not None else "settings"
    try:
        return Read(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigError([_problem(where, each) for each in error.errors()]) from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        fix = "correct it there, or leave --config out"
        raise ConfigError(
            Problem(where=str(file), found=str(error), allowed="a TOML file", fix=fix)
        ) from None


def _problem(where: str, error: Any) -> Problem:
    """Return one problem of one setting."""
    name = ".".join(map(str, error["loc"]))
    known = list(Settings.model_fields)
    if error["type"] == "extra_forbidden":
        return Problem(
            where=f"{where} {name}",
            found="an unknown name",
            allowed=", ".join(known),
            fix=nearest(name, known),
        )
    field = Settings.model_fields.get(name)
    secret = field is None or field.annotation is SecretStr
    return Problem(
        where=f"{where} {name}",
        found="a value that is not shown" if secret else repr(error["input"])[:80],
        allowed=error["msg"],
        fix=f"correct it there, or set {PREFIX}{name.upper()}",
    )


def _missing(file: Path) -> Problem:
    fix = "name a file that is there, or leave --config out"
    return Problem(where=str(file), found="no file", allowed="a TOML file of settings", fix=fix)


def _unknown(name: str) -> bool:
    """Return whether a variable of the environment looks like a setting and is none."""
    known = Settings.model_fields
    return name.upper().startswith(PREFIX) and name[len(PREFIX) :].lower() not in known


def _misspelt(name: str) -> Problem:
    known = [f"{PREFIX}{field.upper()}" for field in Settings.model_fields]
    return Problem(
        where=f"environment {name}",
        found="an unknown name",
        allowed=", ".join(known),
        fix=nearest(name, known),
    )
