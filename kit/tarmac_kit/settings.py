"""Settings from environment variables, and one clear line for each that is missing or wrong.

Used by `Chassis.read` and `create_app`. It reads the mapping it is given and nothing else: no
files, no defaults from the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from tarmac_kit import conventions

M = TypeVar("M", bound=BaseSettings)

_UNSHOWN = ("SECRET", "PASSWORD", "TOKEN", "KEY", "URL", "ENDPOINT", "HEADERS")


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return frozenset(part.strip() for part in value.split(",") if part.strip())


#: A comma separated variable, as a set.
CommaSet = Annotated[frozenset[str], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """What every service reads."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    service_name: str = "service"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    log_level: str = "info"
    log_format: str = "json"
    broker_url: str | None = None
    #: Where errors are sent, in Sentry's protocol; nowhere without it.
    sentry_dsn: str = ""
    sentry_environment: str = "local"
    sentry_release: str = "unknown"
    #: Origins besides its own whose pages may send what changes something.
    allowed_origins: CommaSet = frozenset()
    publishes: CommaSet = frozenset()
    consumes: CommaSet = frozenset()
    #: Seconds between SIGTERM and the end of accepting, in which balancers see `ready` turn 503.
    drain_delay_s: float = Field(default=conventions.DRAIN_DELAY_DEFAULT_S, ge=0)
    #: Seconds in-flight requests have to finish after that.
    shutdown_grace_s: float = Field(default=conventions.SHUTDOWN_GRACE_DEFAULT_S, ge=0)
    database_pool_max: int = Field(default=conventions.POOL_MAX_DEFAULT, ge=1)
    #: Seconds a request waits for a connection of its pool; then it is 503.
    database_acquire_timeout_s: float = Field(default=2.0, gt=0)
    #: Seconds after which a connection is closed when it comes back to its pool.
    database_connection_max_age_s: float = Field(default=300.0, gt=0)
    redis_connection_max_age_s: float = Field(default=300.0, gt=0)
    #: Seconds a published outbox row is kept.
    outbox_keep_s: float = Field(default=86_400, gt=0)
    #: The publisher of the outbox: this process, or a service that reads the database's log.
    outbox_relay: Literal["kit", "capture"] = "kit"
    #: Tables of DATABASE_URL whose changes that service may publish.
    captured_tables: CommaSet = frozenset()
    #: The replication slot that it reads; `tarmac_<database>` when empty.
    capture_slot: str = Field(default="", pattern=r"^[a-z0-9_]{0,63}$")
    #: Seconds an inbox row is kept: longer than the broker keeps messages (7 days).
    inbox_keep_s: float = Field(default=14 * 86_400, gt=0)
    #: After how many failures a message is dead-lettered, in a service that has an inbox.
    message_attempts: int = Field(default=20, ge=1)
    #: Seconds a dead-lettered message is kept.
    parked_keep_s: float = Field(default=30 * 86_400, gt=0)
    #: Jobs that run in one process at once.
    jobs_at_once: int = Field(default=16, ge=1)
    #: Seconds a job that is done is kept; dead-lettered ones are kept until they are replayed.
    jobs_keep_s: float = Field(default=7 * 86_400, gt=0)
    #: Seconds a saga that ended is kept.
    sagas_keep_s: float = Field(default=30 * 86_400, gt=0)


class SettingsError(Exception):
    """Environment variables are missing or wrong; `lines` has one line for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(model: type[M], environ: Mapping[str, str], *, service: str) -> M:
    """Return `model` filled from `environ`; empty variables count as unset.

    Raises SettingsError with every missing or wrong variable.
    """
    instance = model.__new__(model)
    try:
        # Past BaseSettings.__init__, which would read the process's own environment as well.
        BaseModel.__init__(instance, **_values(model, environ))
    except ValidationError as error:
        raise SettingsError(_lines(model, error, service)) from None
    return instance


def without_missing(model: type[M], environ: Mapping[str, str]) -> M:
    """Return `model` unvalidated, so that a part can go on and report what else it misses."""
    return cast("M", model.model_construct(**_values(model, environ)))


def _values(model: type[BaseSettings], environ: Mapping[str, str]) -> dict[str, Any]:
    source = EnvSettingsSource(model, case_sensitive=False, env_ignore_empty=True)
    source.env_vars = {name.lower(): value for name, value in environ.items() if value != ""}
    return source()


def _lines(model: type[BaseSettings], error: ValidationError, service: str) -> list[str]:
    lines = []
    for found in error.errors():
        name = _env_name(model, str(found["loc"][0]) if found["loc"] else "settings")
        if found["type"] == "missing":
            lines.append(
                f"{service}: {name} is not set; set it in the system file's env, "
                f"or a default under settings in service.yaml"
            )
        else:
            shown = "" if any(word in name for word in _UNSHOWN) else f" ({found['input']})"
            lines.append(f"{service}: {name} is wrong{shown}: {found['msg']}; correct it")
    return lines


def _env_name(model: type[BaseSettings], field: str) -> str:
    info = model.model_fields.get(field)
    alias = info.validation_alias if info else None
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0] if isinstance(alias.choices[0], str) else None
    if isinstance(alias, str):
        return alias.upper()
    return (model.model_config.get("env_prefix", "") + field).upper()
