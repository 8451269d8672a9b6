"""Refuses a drill before it begins where its target cannot do what the drill needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem
from tarmac.base.target import missing
from tarmac.drill import kinds as drill_kinds
from tarmac.drill.drill import Drill
from tarmac.drill.file.drill_file import DrillFile, faults
from tarmac.run.cluster.cluster_target import KIND as CLUSTER
from tarmac.run.cluster.cluster_target import ClusterTarget
from tarmac.run.compose.compose_target import KIND as COMPOSE
from tarmac.run.compose.compose_target import ComposeTarget
from tarmac.run.local.supervisor.local_target import LocalTarget

#: The kinds of target, by the name that evidence has of them.
TARGETS: Mapping[str, type] = {
    LocalTarget.kind: LocalTarget,
    CLUSTER: ClusterTarget,
    COMPOSE: ComposeTarget,
}
WHERE = {
    LocalTarget.kind: "on this machine",
    CLUSTER: "in a cluster",
    COMPOSE: "with Docker Compose",
}


def possible_on(needs: Collection[type]) -> tuple[str, ...]:
    """List the kinds of target that have all of these abilities."""
    return tuple(kind for kind, target in TARGETS.items() if not missing(target, needs))


def kinds() -> dict[str, Drill]:
    """Load the kinds of drills."""
    found: dict[str, Drill] = registry.load(drill_kinds, "DRILL")
    return found


def check(path: Path, file: DrillFile, kind: Drill, target: str) -> None:
    """Refuse what a kind of target cannot do, all at once. Raises BadInput.

    Args:
        path: the drill's file, for the message.
        target: the name of the kind.
    """
    if problems := [Problem(str(path), line) for line in _lines(file, kind, target)]:
        raise BadInput(problems)


def check_abilities(what: str, needs: Collection[type], target: str) -> None:
    """Refuse what a kind of target cannot do. Raises BadInput."""
    if lacking := missing(TARGETS[target], needs):
        raise BadInput([Problem(what, _refusal(target, lacking))])


def _lines(file: DrillFile, kind: Drill, target: str) -> Iterator[str]:
    if lacking := missing(TARGETS[target], kind.needs):
        there = [one.id for one in kinds().values() if target in possible_on(one.needs)]
        yield f"kind '{kind.id}' {_refusal(target, lacking, there)}"
        return
    known = faults()
    there = [fault.id for fault in known.values() if target in possible_on(fault.needs)]
    for step in file.method:
        if lacking := missing(TARGETS[target], known[step.fault].needs):
            yield f"fault '{step.fault}' {_refusal(target, lacking, there)}"


def _refusal(target: str, lacking: Collection[type], there: Collection[str] = ()) -> str:
    names = ", ".join(f"`{one.__name__}` ({_about(one)})" for one in lacking)
    others = f"; {', '.join(there)} are possible there" if there else ""
    return f"is not possible {WHERE[target]}, which lacks {names}{others}"


def _about(ability: type) -> str:
    text = (ability.__doc__ or "").strip().removesuffix(".")
    return text[:1].lower() + text[1:]
