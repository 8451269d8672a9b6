"""Each controller of Ingresses takes those of its own class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import Path, dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.released_charts import ReleasedChart, released_charts
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.objects.scaled import are_apart
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class Controller(NamedTuple):
    """A controller of Ingresses that a chart installs."""

    release: ReleasedChart
    about: Any
    #: Where its values name its class, and the name.
    at: Path
    name: str
    #: What its class names, by which it knows it.
    apart: str


def check(files: Files) -> Iterator[Finding]:
    """Yield controllers that take the Ingresses of another one's class, too."""
    found = list(_controllers(files))
    for own in found:
        others = [one for one in found if _is_beside(own, one) and one.name != own.name]
        same = [one for one in others if one.apart == own.apart]
        if same and not _is_first(own, same):
            other = f"{title(same[0].release.artifact)} ({same[0].name})"
            what = f"{title(own.release.artifact)} ({own.name}) takes each class of"
            said = f"{what} {own.apart or own.about['chart']}, as {other} does: both of them serve"
            advice = f"the Ingresses of both classes; {own.about['advice']}"
            where = own.release.artifact.at(*own.release.path, *own.at[:-1])
            yield Finding(where, f"{said} {advice}", warning=True)


def _is_first(own: Controller, same: list[Controller]) -> bool:
    """Tell whether a controller may stay as it is: it has the usual class, or the first name."""
    usual = own.about.get("own")
    rank = own.name != usual, own.name
    return all(rank < (one.name != usual, one.name) for one in same)


def _is_beside(own: Controller, other: Controller) -> bool:
    """Tell whether two controllers are in one cluster, as far as their files tell."""
    names = {(one.release.namespace, name_of(one.release.artifact)) for one in (own, other)}
    is_alike = own.about is other.about and len(names) == 2
    mine, others = (one.release.artifact.path.split("/")[:-1] for one in (own, other))
    near = mine[:-1] == others[:-1] or mine == others[:-1] or mine[:-1] == others
    return is_alike and near and not are_apart(own.release.artifact, other.release.artifact)


@once
def _controllers(files: Files) -> Iterator[Controller]:
    known = {str(one["chart"]): one for one in published("shared_classes")["charts"]}
    for one in released_charts(files, frozenset(known)):
        about = known[one.chart]
        at: Path = tuple(about["class"].split("."))
        name = dig(one.values, *at) or about.get("own")
        apart = dig(one.values, *about["apart"].split(".")) or about.get("usual") or ""
        is_told = any(dig(one.values, *key.split(".")) for key in about["unless"])
        is_text = isinstance(name, str) and isinstance(apart, str)
        is_filled = is_mark(name) or is_mark(apart)
        if one.namespace and is_text and not (one.is_open or is_told or is_filled):
            yield Controller(one, about, at, name, apart)


GATE = Gate(
    id="NET059",
    title="Each controller of Ingresses takes those of its own class",
    phase="kubernetes",
    source="https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress: a controller "
    "takes the Ingresses of each class that names it, so two need names of their own",
    check=check,
    of_files=check,
    scope=counted_in_files("controllers of Ingresses", _controllers),
    targets=("cluster",),
    reads="values that releases of Flux and Applications beside each other give to the charts in "
    "`shared_classes` of assets/published.yaml. Whether two are for one cluster is told by their "
    "folders alone, so all are warnings.",
)
