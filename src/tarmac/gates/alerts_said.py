"""What an alert says to whoever is woken by it: how bad it is, whose it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._alerting import Alert, alerts
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig
from tarmac.report import Finding

SEVERITIES = ("critical", "warning")
#: A page that says less says nothing: its heading and one sentence.
LEAST = 100


def check(subject: Subject) -> Iterator[Finding]:
    """Yield alerts without a severity, a team, a summary, or a page that is there."""
    pages = {
        each.path.rpartition("/")[2]: each.content
        for each in subject.artifacts
        if each.path.startswith("runbooks/") and isinstance(each.content, str)
    }
    for alert in alerts(subject):
        for what in _missing(alert):
            yield Finding(alert.path, f"{alert.name} {what}")
        url = str(dig(alert.rule, "annotations", "runbook_url") or "")
        page = url.rpartition("/")[2]
        if not url:
            continue
        if page not in pages:
            yield Finding(
                alert.path,
                f"{alert.name} sends its reader to {page}, which is not among the runbooks; "
                f"write runbooks/{page}",
            )
        elif len(pages[page].strip()) < LEAST:
            yield Finding(
                f"runbooks/{page}",
                f"the page of {alert.name} says nothing; write what it means and what helps",
            )


def _missing(alert: Alert) -> Iterator[str]:
    if alert.severity not in SEVERITIES:
        yield f"has the severity '{alert.severity}'; write {' or '.join(SEVERITIES)}"
    if not dig(alert.rule, "labels", "team"):
        yield "has no label `team`; say whose it is"
    for name in ("summary", "runbook_url"):
        if not dig(alert.rule, "annotations", name):
            yield f"has no annotation `{name}`; whoever is woken reads that first"


GATE = Gate(
    id="OBS010",
    title="Every alert has a severity, a team, a summary, and a runbook that is there",
    phase="observability",
    source="Site Reliability Engineering, chapter 11 (Being On-Call): a page without a playbook "
    "costs its reader about three times as long",
    check=check,
    looks_at="PrometheusRule objects, observability/rules/ and runbooks/. Whether a page is right, "
    "only a person can tell.",
    targets=("cluster",),
)
