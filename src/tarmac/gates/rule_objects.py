"""Rules that are applied to a cluster are objects: a bare file of groups is refused there."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._queries import groups
from tarmac.report import Finding

#: Where plain files are, for promtool and servers that read files.
PLAIN = "observability/rules/"


def check(subject: Subject) -> Iterator[Finding]:
    """Yield files of rules that are no object and stand where objects are applied from."""
    for artifact in subject.artifacts:
        bare = isinstance(artifact.data.get("groups"), list) and "kind" not in artifact.data
        if bare and not artifact.path.startswith(PLAIN):
            yield Finding(
                artifact.path,
                "is a bare file of `groups`, which no cluster takes (kubectl: apiVersion not set); "
                "put them under `spec` of a PrometheusRule (monitoring.coreos.com/v1)",
            )
        if artifact.data.get("kind") == "PrometheusRule" and not groups(artifact):
            yield Finding(
                artifact.path,
                "is a PrometheusRule without `spec.groups`, so nothing is loaded of it; move its "
                "groups there",
            )


GATE = Gate(
    id="OBS004",
    title="Rules that are applied to a cluster are PrometheusRule objects",
    phase="observability",
    source="https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule",
    check=check,
    looks_at="every YAML file with `groups`; plain ones belong to observability/rules/.",
)
