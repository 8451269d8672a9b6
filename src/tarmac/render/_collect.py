"""All files of a plan: what each renderer of a catalogue makes, each path once, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tarmac.artifact import Artifact
from tarmac.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.plan.cluster import ClusterPlan
from tarmac.render._renderer import Renderer

#: Where the objects are that a cluster is given as they stand.
OBJECTS = "k8s/"


class TwiceRendered(TarmacError):
    """Two renderers write the same file."""


def saying(renderers: Mapping[str, Renderer]) -> dict[str, Renderer]:
    """Choose those that say something themselves: not what others' objects are packed into.

    A chart's values and an overlay are held equal to the plain tree; who reads that has read them.
    """
    return {name: each for name, each in renderers.items() if each.repack is None}


def artifacts(
    plan: ClusterPlan, renderers: Mapping[str, Renderer], only: Iterable[str] = ()
) -> tuple[Artifact, ...]:
    """Render a plan; arguments and errors are those of `collect`."""
    made = collect(plan, renderers, only)
    return tuple(sorted((a for each in made.values() for a in each), key=lambda a: a.path))


def collect(
    plan: ClusterPlan, renderers: Mapping[str, Renderer], only: Iterable[str] = ()
) -> dict[str, tuple[Artifact, ...]]:
    """Render a plan, by the renderers' ids.

    Args:
        only: ids of renderers, or phases; all without.

    Raises:
        BadInput: an id or phase that no renderer has.
        TwiceRendered: a path that two of them write.
    """
    only = tuple(only)
    known = {*renderers, *(each.phase for each in renderers.values())}
    if wrong := [name for name in only if name not in known]:
        raise BadInput(
            [Problem(n, f"no such renderer or phase; {did_you_mean(n, known)}") for n in wrong]
        )
    fitting = {n: each for n, each in renderers.items() if plan.settings.target in each.targets}
    chosen = {
        name: each
        for name, each in fitting.items()
        if not only or each.id in only or each.phase in only
    }
    repacked = any(each.repack for each in chosen.values())
    made = {
        name: tuple(each.render(plan)) for name, each in (fitting if repacked else chosen).items()
    }
    objects = sorted(
        (each for files in made.values() for each in files if each.path.startswith(OBJECTS)),
        key=lambda each: each.path,
    )
    found: dict[str, tuple[Artifact, ...]] = {}
    by: dict[str, str] = {}
    for name, renderer in chosen.items():
        more = tuple(renderer.repack(plan, objects)) if renderer.repack else ()
        found[name] = (*made[name], *more)
        for artifact in found[name]:
            if artifact.path in by:
                raise TwiceRendered(
                    f"{artifact.path}: written by {by[artifact.path]} and by {name}; "
                    "have one of them name it otherwise"
                )
            by[artifact.path] = name
    return found
