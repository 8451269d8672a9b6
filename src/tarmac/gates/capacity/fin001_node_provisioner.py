"""Settings that exclude each other are not set together."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files, Gate
from tarmac.gates.views.objects import dig, title
from tarmac.gates.views.published import published
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield objects that their own controller would reject."""
    for rule in published("exclusive"):
        for artifact in files.objects(rule["kind"]):
            if artifact.data["apiVersion"] != rule["api"]:
                continue
            one, other = (dig(artifact.data, *rule[key]) for key in ("one", "other"))
            if one and other is not None:
                yield Finding(
                    artifact.at(*rule["other"]),
                    f"{title(artifact)} has {'.'.join(rule['other'][1:])} ({other}) beside "
                    f"{'.'.join(rule['one'][1:])}, and {rule['api']} accepts only one of them; "
                    f"{rule['instead']} ({rule['source']})",
                )


def _judged(files: Files) -> Iterator[Artifact]:
    for rule in published("exclusive"):
        for artifact in files.objects(rule["kind"]):
            if artifact.data["apiVersion"] == rule["api"]:
                yield artifact


GATE = Gate(
    id="FIN001",
    title="Settings of the node provisioner do not exclude each other",
    phase="finops",
    source="a webhook rejects the object, and nodes stay as they are",
    check=check,
    scope=counted_in_files("node provisioners", _judged),
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="the pairs of assets/published.yaml: Karpenter's Provisioner. A schema cannot "
    "express them, so VAL001 accepts both.",
)
