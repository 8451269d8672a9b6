"""Settings that an API does not take together are not written together."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._objects import dig, title
from tarmac.gates._published import published
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield objects that their own controller would refuse."""
    for rule in published("exclusive"):
        for artifact in files.objects(rule["kind"]):
            if artifact.data["apiVersion"] != rule["api"]:
                continue
            one, other = (dig(artifact.data, *rule[key]) for key in ("one", "other"))
            if one and other is not None:
                yield Finding(
                    artifact.at(*rule["other"]),
                    f"{title(artifact)} has {'.'.join(rule['other'][1:])} ({other}) beside "
                    f"{'.'.join(rule['one'][1:])}, and {rule['api']} takes one of the two; "
                    f"{rule['instead']} ({rule['source']})",
                )


GATE = Gate(
    id="FIN001",
    title="Who makes nodes is given settings that go together",
    phase="finops",
    source="a webhook refuses the object, and nodes stay as they are",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="the pairs of assets/published.yaml: Karpenter's Provisioner. A schema has no word "
    "for them, so VAL001 takes both.",
)
