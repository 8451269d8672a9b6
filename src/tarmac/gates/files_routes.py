"""Who releases step by step owns the routes: nobody writes others for the same host."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig, name_of, title
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield routes of the mesh that Flagger would write, too."""
    for canary in files.objects("Canary"):
        if not str(canary.data["apiVersion"]).startswith("flagger.app/"):
            continue
        name = str(
            dig(canary.data, "spec", "service", "name")
            or dig(canary.data, "spec", "targetRef", "name")
            or name_of(canary)
        )
        space = dig(canary.data, "metadata", "namespace")
        for each in files.objects("VirtualService", "DestinationRule"):
            if dig(each.data, "metadata", "namespace") == space and _is_of(each, name):
                yield Finding(
                    each.at("metadata", "name"),
                    f"{title(each)} is written by hand, and Flagger makes one for {name} itself "
                    f"({title(canary)}, {canary.at('metadata', 'name')}): each undoes the other's "
                    "weights; remove it, and say its retries, time-outs and trafficPolicy in the "
                    "Canary's spec.service",
                )


def _is_of(artifact: Artifact, name: str) -> bool:
    hosts = [dig(artifact.data, "spec", "host"), *(dig(artifact.data, "spec", "hosts") or ())]
    known = {name, f"{name}-primary", f"{name}-canary"}
    return name_of(artifact) in known or bool({str(h).partition(".")[0] for h in hosts} & known)


GATE = Gate(
    id="CAN050",
    title="Nobody else writes the routes that Flagger owns",
    phase="delivery",
    source="https://docs.flagger.app/usage/how-it-works: Flagger makes VirtualService and "
    "DestinationRules of a canary's service",
    check=check,
    of_files=check,
    targets=(),
    looks_at="VirtualService and DestinationRule objects in the namespace of a Flagger Canary, by "
    "name and host. Asked of files alone.",
)
