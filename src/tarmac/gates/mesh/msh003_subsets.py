"""Routes of Istio send to subsets and hosts that are there, with weights of 100 together."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.objects.pods import pods
from tarmac.gates.views.objects.subsets import route_faults, rule_faults
from tarmac.gates.views.scope import kinds
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield subsets and hosts that are not there, and routes that contradict themselves."""
    for artifact in files.objects("VirtualService"):
        for path, what in route_faults(files, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
    kept = list(pods(files)) if files.objects("DestinationRule") else []
    for artifact in files.objects("DestinationRule"):
        for path, what in rule_faults(files, artifact, kept):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


GATE = Gate(
    id="MSH003",
    title="Routes of Istio send to subsets and hosts that are there",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/analysis: a route to a subset that no "
    "DestinationRule has answers 503, and the API server takes it",
    check=check,
    of_files=lenient(
        check, "no Service is called", "weights of", "to which no Virtual", "every host",
        "longer than its timeout", "sends to all of",
    ),
    scope=kinds("routes and rules of Istio", "VirtualService", "DestinationRule"),
    targets=("cluster",),
    reads="VirtualService and DestinationRule objects beside the Services and pods of their "
    "namespace in these files; hosts of other namespaces are not looked for.",
)  # fmt: skip
