"""Thresholds of a canary are on the side on which a bad version is."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import kinds

#: What Flagger measures by itself, and the side on which it has a limit.
_SIDES = {"request-success-rate": "min", "request-duration": "max"}
_OTHER = {"min": "max", "max": "min"}


def check(files: Files) -> Iterator[Finding]:
    """Yield limits by which a good version fails and a bad one passes."""
    for artifact in files.objects("Canary"):
        for number, metric in numbered(artifact.data, "spec", "analysis", "metrics"):
            side = _SIDES.get(str(metric.get("name")))
            limits = fields(metric, "thresholdRange")
            if side and side not in limits and _OTHER[side] in limits:
                value = limits[_OTHER[side]]
                what = (
                    f"{title(artifact)} lets {metric['name']} be {value} at {_word(_OTHER[side])}"
                )
                where = artifact.at("spec", "analysis", "metrics", number, "thresholdRange")
                yield Finding(where, f"{what}, so a good version fails; write {side}: {value}")


def _word(side: str) -> str:
    return "most" if side == "max" else "least"


GATE = Gate(
    id="CAN007",
    title="Thresholds of a canary are on the side on which a bad version is",
    phase="mesh",
    source="https://docs.flagger.app/usage/metrics: the share of good answers has a least, the "
    "time of an answer a most",
    check=check,
    of_files=check,
    scope=kinds("Canaries", "Canary"),
    reads="thresholdRange of the two metrics that Flagger has by itself.",
)
