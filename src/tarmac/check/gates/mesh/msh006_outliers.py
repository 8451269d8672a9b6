"""Outlier detection leaves endpoints out that fail, and never all of them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import policies_of_traffic
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

KEY = "outlierDetection"
#: Each counts failures; with 0 it does not.
COUNTERS = ("consecutive5xxErrors", "consecutiveGatewayErrors", "consecutiveLocalOriginFailures")
WHOLE = 100
Found = tuple[Artifact, Path, Fields]


def check(files: Files) -> Iterator[Finding]:
    """Yield detections that may leave no endpoint, or that find none."""
    for artifact, path, detection in _detections(files):
        most, healthy = detection.get("maxEjectionPercent"), detection.get("minHealthPercent")
        if isinstance(most, int) and most >= WHOLE and not healthy:
            yield Finding(
                artifact.at(*path, "maxEjectionPercent"),
                f"{title(artifact)} may leave out every endpoint (maxEjectionPercent: {most}): "
                "when all of them fail for a moment, callers get 503 for as long as they are "
                "left out; write 50, or set `minHealthPercent`",
            )
        counters = [detection.get(name) for name in COUNTERS if name in detection]
        if counters and not any(counters):
            yield Finding(
                artifact.at(*path),
                f"{title(artifact)} counts no failure (0), so no endpoint is ever left out; "
                f"write how many in a row are too many, e.g. {COUNTERS[0]}: 5",
            )


@once
def _detections(files: Files) -> Iterator[Found]:
    for artifact in files.objects("DestinationRule", "Canary"):
        for path, policy in policies_of_traffic(artifact):
            places: list[tuple[Path, Fields]] = [((*path, KEY), fields(policy, KEY))]
            for number, port in numbered(policy, "portLevelSettings"):
                places.append(((*path, "portLevelSettings", number, KEY), fields(port, KEY)))
            for where, detection in places:
                if detection or dig(artifact.data, *where) == {}:
                    yield artifact, where, detection


GATE = Gate(
    id="MSH006",
    title="Outlier detection counts failures, and leaves some endpoint in",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection",
    check=check,
    scope=counted_in_files("outlier detections", _detections),
    of_files=check,
    alone=True,
    targets=("cluster",),
    reads="`outlierDetection` of DestinationRule objects, of their subsets and ports, and of "
    "Flagger's Canaries. How many endpoints there are is not judged.",
)
