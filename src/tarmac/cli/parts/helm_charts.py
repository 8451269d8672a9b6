"""Renders a repository's Helm charts, so that `tarmac.adopt` reads them as it reads manifests.

Used by `init`. Nothing is fetched or installed: a chart whose dependencies are not beside it is
passed over, with Helm's own reason.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from pathlib import Path

from tarmac.adopt.containers.cluster_manifests import OF_CHART
from tarmac.base.foreign.limited import PastLimit, run_limited
from tarmac.base.installed import find_program
from tarmac.base.tools import how_to_get

#: The name of the release: charts begin the names of objects with it, and it is taken away again,
#: which leaves the names that services have.
RELEASE = "tarmac-release"
CHART = "Chart.yaml"
#: Some charts render slowly; none of them should keep `init` for long.
WITHIN_S = 20
MOST_CHARTS = 30


def rendered(
    root: Path, listed: Iterable[str], skip: Callable[[str, str], object]
) -> dict[str, str]:
    """Render each chart of a repository by its own values.

    Args:
        listed: the repository's files.
        skip: takes down which chart is passed over, and why.

    Returns:
        Manifests, each by the path at which they are read: beside the chart's own file.
    """
    charts = [posixpath.dirname(file) for file in listed if posixpath.basename(file) == CHART]
    own = [one for one in charts if not any(_is_part(one, other) for other in charts)]
    if not own:
        return {}
    helm = find_program("helm")
    if helm is None:
        for chart in own:
            what = f"a Helm chart needs helm; {how_to_get('helm')}"
            skip(posixpath.join(chart, CHART), what)
        return {}
    found = {}
    for chart in own[:MOST_CHARTS]:
        text, why = _template(helm, root / chart)
        if why:
            skip(posixpath.join(chart, CHART), f"helm cannot render it: {why}")
        else:
            found[posixpath.join(chart, OF_CHART)] = text
    return found


def _is_part(chart: str, other: str) -> bool:
    """Tell whether a chart is a dependency that is kept in another one, which renders it."""
    return chart.startswith(posixpath.join(other, "charts") + "/")


def _template(helm: str, chart: Path) -> tuple[str, str]:
    """Render one; returns its manifests, or why there are none."""
    argv = [helm, "template", RELEASE, str(chart), "--skip-tests"]
    try:
        done = run_limited(argv, seconds=WITHIN_S)
    except PastLimit as error:
        return "", str(error).removeprefix(f"{Path(helm).name}: ")
    if done.code != 0:
        said = (line for line in done.errors.splitlines() if line.startswith("Error: "))
        return "", next(said, f"exit code {done.code}").removeprefix("Error: ")
    return done.output.replace(f"{RELEASE}-", ""), ""
