"""Drift: every object of the tree is in the cluster, with the fields that are rendered."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate, Scope
from tarmac.check.gates.live import LiveSystem
from tarmac.check.gates.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Yield objects that are missing, differ or are orphans, a finding for each field."""
    live = subject.given(LiveSystem)
    there = live.context
    remedy = "`tarmac deploy` corrects it"
    if subject.plan.settings.gitops is not None:
        remedy = "sync its Application, which corrects it"
    for kind, number in live.left_out:
        what = f"{there} has no kind {kind}, so {number} objects of it are missing"
        yield Finding(subject.at(), f"{what}; install its definition", warning=True)
    if live.compared and len(live.missing) == live.compared:
        what = f"nothing of {subject.plan.system} is in {there}, namespace {live.namespace}"
        yield Finding(subject.at(), f"{what}; deploy it, or name another cluster by --context")
        return
    for found in live.missing:
        yield Finding(found.where, f"{found.title} is not in {there}; {remedy}")
    for found in live.changed:
        for field in found.fields:
            yield Finding(found.where, f"{found.title} in {there}: {field}; {remedy}")
    for found in live.extra:
        what = f"{found.title} is in {there} and not rendered"
        yield Finding(subject.at(), f"{what}; `tarmac deploy --prune` deletes it")


GATE = Gate(
    id="RUN001",
    title="The objects in the cluster match the rendered ones",
    phase="kubernetes",
    source="a change by hand is lost with the next deployment, and until then no file shows it",
    check=check,
    scope=Scope("objects", lambda subject: subject.given(LiveSystem).compared),
    reads="every rendered object below k8s/ and the one of its name in the cluster, field by field "
    "as `tarmac drift`, and objects with Tarmac's labels that nothing renders. Fields that others "
    "have added are theirs.",
    level=Level.OBSERVED,
    targets=("cluster",),
    observes=True,
)
