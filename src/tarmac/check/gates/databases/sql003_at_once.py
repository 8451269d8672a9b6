"""Migrations without a lock are applied by one pod, and not by several that start together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import dig, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.scaled import Autoscalers
from tarmac.check.gates.views.objects.scaling import share
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Programs that apply migrations and ask for no lock. Flyway, Liquibase, Prisma, Rails, Ecto, Knex
#: and golang-migrate do.
_PROGRAMS = (
    (re.compile(r"\b(manage\.py|django-admin)\s+migrate\b(?!.*--(check|plan)\b)"), "Django"),
    (re.compile(r"\b(alembic|flask\s+db)\s+(-\S+\s+(\S+\s+)?)?upgrade\b(?!.*--sql\b)"), "Alembic"),
    (re.compile(r"\bsequelize(-cli)?\s+db:migrate\b(?!:)"), "Sequelize"),
    (re.compile(r"\btypeorm\b.*\bmigration:run\b"), "TypeORM"),
    (re.compile(r"\bartisan\s+migrate\b(?!:)(?!.*--isolated\b)"), "Laravel"),
)
#: Beside these a script takes a lock of its own, or runs in one pod.
_LOCKED = re.compile(r"(?i)lock|leader|HOSTNAME|ordinal|RUN_MIGRATIONS")
_SHARE = "25%"


def check(files: Files) -> Iterator[Finding]:
    """Yield pods that apply the same migration at the same time."""
    scaled = Autoscalers(files)
    for own, container, program in _migrating(files):
        scaler = scaled.by(own.artifact)
        written = dig(own.artifact.data, "spec", "replicas")
        least = scaler.least if scaler is not None else written
        together = _together(own, least if isinstance(least, int) else 1)
        if together > 1:
            what = f"{title(own.artifact)} starts {together} pods together, and each applies the"
            said = f"{what} migrations of {program}, which takes no lock: they meet in one table"
            key = "args" if container.arguments else "command"
            advice = "apply them in a Job that runs before the pods"
            yield Finding(container.at(key), f"{said}; {advice}", warning=True)


@once
def _migrating(files: Files) -> Iterator[tuple[Pods, Container, str]]:
    """Yield the containers of pods that run on which apply migrations when they start."""
    for own in pods(files, "Deployment", "StatefulSet", "Rollout"):
        for container in own.containers:
            told = " ".join(container.words)
            found = (name for pattern, name in _PROGRAMS if pattern.search(told))
            if (program := next(found, "")) and not _LOCKED.search(told):
                yield own, container, program
                break


def _together(own: Pods, replicas: int) -> int:
    """Count the pods that an update starts at once."""
    data = own.artifact.data
    if own.kind == "StatefulSet":
        is_apart = string(data, "spec", "podManagementPolicy") != "Parallel"
        return 1 if is_apart else replicas
    if own.kind == "Rollout" or string(data, "spec", "strategy", "type") == "Recreate":
        return replicas if own.kind == "Deployment" else 1
    rolling = fields(data, "spec", "strategy", "rollingUpdate")
    more = share(rolling.get("maxSurge", _SHARE), replicas, up=True)
    gone = share(rolling.get("maxUnavailable", _SHARE), replicas)
    return min(more + gone, replicas)


GATE = Gate(
    id="SQL003",
    title="Migrations without a lock are applied by one pod",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/topics/migrations: `migrate` takes no lock; "
    "two of them at once fail, or change the data twice",
    check=check,
    of_files=check,
    scope=counted_in_files("containers that migrate", _migrating),
    targets=(),
    reads="commands of containers in Deployments, StatefulSets and Rollouts, by the numbers of "
    "pods that an update starts at once. A script that an image starts is not read. Judges files "
    "without a plan only.",
)
