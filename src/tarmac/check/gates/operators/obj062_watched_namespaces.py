"""Objects for an operator are in a namespace that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import ReleasedChart, released_charts
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import group_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class Operator(NamedTuple):
    """The releases of an operator's chart, and the objects that are for it."""

    about: Any
    releases: tuple[ReleasedChart, ...]
    objects: tuple[Artifact, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield operators that do not read the namespace of an object that is for them."""
    for own in _operators(files):
        read = [_read(own.about, one) for one in own.releases]
        if None in read or _is_by_pods(files, own):
            continue
        spaces = {space for names in read for space in names or ()}
        away = [one for one in own.objects if space_of(one) not in {*spaces, ""}]
        away = [one for one in away if not is_mark(space_of(one))]
        if away:
            release = own.releases[0]
            where = release.artifact.at(*release.path)
            what = (
                f"{title(release.artifact)} reads the namespace {', '.join(sorted(spaces))} alone,"
            )
            said = f"{what} and {title(away[0])} is in {space_of(away[0])}: nothing is made of it;"
            advice = f"name {space_of(away[0])} in {own.about['named']}"
            yield Finding(where, f"{said} {advice}")


def _read(about: Any, one: ReleasedChart) -> frozenset[str] | None:
    """List the namespaces that an operator reads; None: all, or it is not known."""
    named, every = dig(one.values, *about["named"].split(".")), one.values.get(about.get("all"))
    if one.is_open or not one.namespace or is_mark(one.namespace) or every not in (None, False):
        return None
    if named is None or named in ("", []):
        return frozenset({one.namespace})
    listed = named.split(",") if isinstance(named, str) else list(items({"own": named}, "own"))
    names = frozenset(str(name).strip() for name in listed)
    is_any = not names or "*" in names or any(map(is_mark, names))
    return None if is_any else names | ({one.namespace} if about.get("adds") else set())


def _is_by_pods(files: Files, own: Operator) -> bool:
    """Tell whether pods of the operator are here as well: these may read others."""
    return any(
        re.fullmatch(own.about["image"], untagged(one.image))
        for pod in pods(files, *SERVING)
        for one in pod.main_containers
    )


@once
def _operators(files: Files) -> Iterator[Operator]:
    known = published("watched_namespaces")["charts"]
    found = list(released_charts(files, frozenset(str(one["chart"]) for one in known)))
    for about in known if found else ():
        releases = tuple(one for one in found if one.chart == about["chart"])
        there = files.objects(*about["kinds"]) if releases else []
        objects = tuple(one for one in there if group_of(one) == about["group"])
        if releases and objects:
            yield Operator(about, releases, objects)


GATE = Gate(
    id="OBJ062",
    title="Objects for an operator are in a namespace that it reads",
    phase="kubernetes",
    source="https://strimzi.io/docs/operators/latest/deploying: by itself an operator reads the "
    "namespace that it runs in",
    check=check,
    of_files=check,
    scope=counted_in_files("operators beside objects for them", _operators),
    targets=("cluster",),
    reads="values that releases of Flux and Applications give to the charts in "
    "`watched_namespaces` of assets/published.yaml, beside objects whose namespace is written. "
    "Where values come from elsewhere, or all namespaces are read, nothing is said.",
)
