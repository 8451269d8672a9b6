"""Variables: what a service reads is set, and what is set is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.metadata import named
from tarmac.check.gates.views.objects.stored_data import ConfigMap
from tarmac.check.gates.views.pods.pods import Pods
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.model.location import Path
    from tarmac.model.system import SourcedPart

#: What the kit reads in every service, whatever its service.yaml says.
KIT = frozenset(
    """LOG_LEVEL LOG_FORMAT SENTRY_DSN SENTRY_ENVIRONMENT SENTRY_RELEASE DRAIN_DELAY_S
    SHUTDOWN_GRACE_S DATABASE_POOL_MAX DATABASE_ACQUIRE_TIMEOUT_S
    DATABASE_CONNECTION_MAX_AGE_S REDIS_CONNECTION_MAX_AGE_S
    OUTBOX_KEEP_S OUTBOX_RELAY CAPTURE_SLOT CAPTURED_TABLES INBOX_KEEP_S MESSAGE_ATTEMPTS
    PARKED_KEEP_S JOBS_AT_ONCE JOBS_KEEP_S SAGAS_KEEP_S
    MAX_BODY_BYTES MAX_JSON_DEPTH BODY_TIMEOUT_S MAX_REQUESTS_IN_FLIGHT
    RATE_LIMIT_PER_MINUTE RATE_LIMIT_BURST TRUSTED_PROXIES
    OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_HEADERS
    OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_EXPORTER_OTLP_PROTOCOL
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL OTEL_EXPORTER_OTLP_TIMEOUT OTEL_SDK_DISABLED
    OTEL_TRACES_EXPORTER OTEL_SERVICE_NAME OTEL_RESOURCE_ATTRIBUTES OTEL_TRACES_SAMPLER
    OTEL_TRACES_SAMPLER_ARG OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_MAX_QUEUE_SIZE
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE ALLOWED_ORIGINS""".split()  # noqa: SIM905 - a column of words
)
OURS = frozenset(
    getattr(conventions, name)
    for name in ("SERVICE_NAME", "HOST", "PORT", "BROKER_URL", "PUBLISHES", "CONSUMES")
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield variables that are not set, not read, or missing in the pod."""
    keeping, system = running(subject), subject.system
    configs = {name: ConfigMap(one) for name, one in named(subject, "ConfigMap").items()}
    for workload in subject.plan.services:
        own = keeping.get(workload.name)
        if own is not None:
            given = _given(configs, own)
            for name in sorted(workload.env.keys() - given):
                yield Finding(
                    own.artifact.path,
                    f"{workload.name} is not given {name} (from {workload.env[name].origin}); "
                    "add it to its ConfigMap or `env`",
                )
            for name in sorted(given - workload.env.keys()):
                yield Finding(
                    own.artifact.path,
                    f"{workload.name} is given {name}, which the model does not set; remove it",
                )
        parts = system.parts.get(workload.name, ())
        if parts:
            yield from _unread(subject, workload.name, parts)
            for sourced in parts:
                for name, setting in sourced.part.settings.items():
                    if setting.required and name not in workload.env:
                        yield Finding(
                            workload.place,
                            f"{workload.name} reads {name} ({sourced.part.part}: {setting.about}), "
                            "and nothing gives it; add it to its `env`",
                        )
    yield from _shared(subject)


def _given(configs: Mapping[str, ConfigMap], own: Pods) -> set[str]:
    """List the variables of a workload's container, those of whole ConfigMaps among them."""
    found = set[str]()
    for container in own.main_containers:
        if container.name not in (own.workload, own.name):
            continue  # a sidecar's are its own
        found |= {one.name for one in container.variables if one.name is not None}
        for source in container.sources:
            name = source.config_map
            if name is not None and name in configs:
                found |= {f"{source.prefix}{key}" for key in configs[name].data}
    return found


def _reads(parts: tuple[SourcedPart, ...]) -> set[str]:
    found = set(OURS | KIT)
    for part in parts:
        found |= part.part.settings.keys() | part.part.secrets.keys()
        found |= {slot.env for slot in part.part.slots.values()}
    return found


def _unread(subject: Subject, name: str, parts: tuple[SourcedPart, ...]) -> Iterator[Finding]:
    system, environment = subject.system, subject.plan.environment
    own = system.file.services[name].env
    there = system.file.environments[environment].env.get(name, {})
    paths: list[Path] = [("services", name, "env", key) for key in own]
    paths += [("environments", environment, "env", name, key) for key in there]
    for path in paths:
        if path[-1] not in _reads(parts):
            roles = " and ".join(part.part.part for part in parts)
            yield Finding(
                str(system.locate(path, key=True)),
                f"{name} is given {path[-1]}, but no setting of {roles} has that name: it is "
                "never read; correct the name, or remove it",
            )


def _shared(subject: Subject) -> Iterator[Finding]:
    system = subject.system
    if any(not parts for parts in system.parts.values()):
        return  # what an external program reads is not known
    read = set().union(*(_reads(parts) for parts in system.parts.values()))
    for name in sorted(system.file.env.keys() - read):
        where = str(system.locate(("env", name), key=True))
        yield Finding(where, f"{name} is set for all services, but none reads it; remove it")


GATE = Gate(
    id="ENV001",
    title="Every variable that a service reads is set, and every variable set is read",
    phase="kubernetes",
    source="a variable with a typo in its name is a default in production",
    check=check,
    scope=counted("services", lambda subject: subject.plan.services),
    reads="`env` in the model, settings, secrets and slots of each service.yaml, and the "
    "variables of each container. What a service without a service.yaml reads cannot be known.",
)
