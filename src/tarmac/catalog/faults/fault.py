"""What a fault declares; the only module of this folder that a fault imports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import Field

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.target import Edge, EdgeRule, Edges, Instances, Target
from tarmac.model.value import Duration, StrictModel

ARROW = " -> "


class Step(StrictModel):
    """What every step of a drill's method says; a fault adds what it needs."""

    fault: str = Field(description="The fault's id.")
    on: str = Field(
        description="A service, a store, a machine, a zone; or an edge: `CALLER -> CALLED`."
    )
    at: Duration = Field(default=0.0, description="When it begins, from the end of the baseline.")
    for_: Duration = Field(default=5.0, alias="for", description="How long it lasts.")

    @property
    def repeats(self) -> bool:
        """Whether a momentary fault happens again and again, as long as `for` says."""
        return False


class Sighting(NamedTuple):
    """Whether a fault was there, and what was measured of it."""

    present: bool
    detail: str


#: Called while a fault is still there, at its end: was it really?
Witness = Callable[[], Sighting]


@dataclass(frozen=True)
class Fault:
    """One fault. `inject` is a context manager: its exit undoes the fault."""

    id: str
    title: str
    #: What a step in a drill's file may say, a subclass of `Step`.
    step: type[Any]
    inject: Callable[[Any, Any], AbstractContextManager[Witness]]
    #: What is measured to tell that it was there, as a sentence.
    proof: str
    #: It ends by itself at once: `for` means nothing, unless its step repeats.
    momentary: bool = False
    #: What it needs of a target, as protocols of `tarmac.base.target`; where a target lacks one,
    #: the drill is refused.
    needs: Collection[type] = (Target,)
    #: What a copy of the system is started with for a step: options of `Options`, by name.
    copied_with: Callable[[Any], Mapping[str, Mapping[str, Any]]] | None = None

    def lasts_s(self, step: Step) -> float:
        """Return how long a step of it lasts, in seconds."""
        return 0.0 if self.momentary and not step.repeats else step.for_


def edges_on(target: Edges, on: str) -> tuple[Edge, ...]:
    """List the edges that a step means: one by its ends, or all that lead to a service or store.

    Raises:
        BadInput: there is no such edge.
    """
    known = target.edges()
    source, arrow, called = on.partition(ARROW)
    if not arrow:
        source, called = "", on
    found = tuple(
        edge for edge in known if edge.target == called and (not source or edge.source == source)
    )
    if not found:
        names = {f"{edge.source}{ARROW}{edge.target}" for edge in known}
        names |= {edge.target for edge in known}
        raise BadInput([Problem(on, f"no edge of the system; {did_you_mean(on, names)}")])
    return found


def url_of(target: Instances, service: str) -> str:
    """Return where a service answers. Raises BadInput where there is no such one."""
    urls = target.urls()
    if service not in urls:
        hint = did_you_mean(service, [name for name in urls if ":" not in name])
        raise BadInput([Problem(service, f"no service that has an address; {hint}")])
    return urls[service]


def disturbed(
    target: Edges, on: str, rule: EdgeRule, effect: str, traffic: str = "traffic"
) -> AbstractContextManager[Witness]:
    """Disturb the edges of a step for a while; the witness counts one effect of the rule.

    Args:
        effect: what the edges count: `delayed`, `stalled`, ..., see `Edge.effect`.
        traffic: what there must be for that to happen.
    """
    edges = [edge.id for edge in edges_on(target, on)]
    return _DisturbedEdges(target, edges, rule, effect, traffic)


@dataclass(frozen=True)
class _DisturbedEdges:
    """Edges with a rule on them, between enter and exit."""

    target: Edges
    edges: list[str]
    rule: EdgeRule
    effect: str
    traffic: str

    def __enter__(self) -> Witness:
        self.target.disturb(self.edges, self.rule)
        return self._witness

    def __exit__(self, *_: object) -> None:
        self.target.disturb(self.edges, None)

    def _witness(self) -> Sighting:
        edges = [edge for edge in self.target.edges() if edge.id in self.edges]
        many = sum(edge.effect.get(self.effect, 0) for edge in edges)
        if not many:
            missing = f"no {self.traffic} on {_listed(self.edges)}"
            return Sighting(False, f"no target was {self.effect}: {missing}")
        spent_s = sum(edge.effect.get("delay_s", 0) for edge in edges)
        mean = f", {1000 * spent_s / many:.0f} ms each" if self.effect == "delayed" else ""
        return Sighting(True, f"{many:.0f} {self.effect} on {_listed(self.edges)}{mean}")


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
