"""All files of a plan: what each renderer of a catalogue makes, each path once, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.renderer import Renderer

#: Where the objects are that a cluster is given as they stand.
OBJECTS = "k8s/"


class TwiceRendered(TarmacError):
    """Two renderers write the same file."""


def saying(renderers: Mapping[str, Renderer]) -> dict[str, Renderer]:
    """Choose the renderers of own objects, not those that repack the objects of others.

    A chart's values and an overlay are held equal to the plain tree, so reading that is enough.
    """
    return {name: renderer for name, renderer in renderers.items() if renderer.repack is None}


def artifacts(
    plan: ClusterPlan, renderers: Mapping[str, Renderer], only: Iterable[str] = ()
) -> tuple[Artifact, ...]:
    """Render a plan; arguments and errors are those of `collect`."""
    return in_order(collect(plan, renderers, only))


def in_order(made: Mapping[str, Iterable[Artifact]]) -> tuple[Artifact, ...]:
    """Put the files of all renderers in the order of their paths."""
    return tuple(sorted((file for files in made.values() for file in files), key=lambda a: a.path))


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
    known = {*renderers, *(renderer.phase for renderer in renderers.values())}
    if wrong := [name for name in only if name not in known]:
        raise BadInput(
            [Problem(n, f"no such renderer or phase; {did_you_mean(n, known)}") for n in wrong]
        )
    fitting = {
        n: renderer for n, renderer in renderers.items() if plan.settings.target in renderer.targets
    }
    chosen = {
        name: renderer
        for name, renderer in fitting.items()
        if not only or renderer.id in only or renderer.phase in only
    }
    repacked = any(renderer.repack for renderer in chosen.values())
    made = {
        name: tuple(renderer.render(plan))
        for name, renderer in (fitting if repacked else chosen).items()
    }
    objects = sorted(
        (
            file
            for files in made.values()
            for file in files
            if file.path.startswith(OBJECTS) and file.is_object
        ),
        key=lambda file: file.path,
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
