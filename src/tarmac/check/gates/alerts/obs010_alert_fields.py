"""Fields of an alert: its severity, its team, its summary and its runbook."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.alert_rules import Alert, alerts
from tarmac.check.gates.views.scope import counted

SEVERITIES = ("critical", "warning")
#: A shorter page is empty: its heading and one sentence.
LEAST = 100


def check(subject: Subject) -> Iterator[Finding]:
    """Yield alerts without a severity, a team, a summary, or an existing runbook."""
    pages = {
        artifact.path.rpartition("/")[2]: artifact.content
        for artifact in subject.artifacts
        if artifact.path.startswith("runbooks/") and isinstance(artifact.content, str)
    }
    for alert in alerts(subject):
        for what in _missing(alert):
            yield Finding(alert.path, f"{alert.name} {what}")
        url = str(alert.annotations.get("runbook_url") or "")
        page = url.rpartition("/")[2]
        if not url:
            continue
        if page not in pages:
            yield Finding(
                alert.path,
                f"{alert.name} links to {page}, which is not among the runbooks; "
                f"write runbooks/{page}",
            )
        elif len(pages[page].strip()) < LEAST:
            yield Finding(
                f"runbooks/{page}",
                f"the runbook of {alert.name} is empty; write what it means and what helps",
            )


def _missing(alert: Alert) -> Iterator[str]:
    if alert.severity not in SEVERITIES:
        yield f"has the severity '{alert.severity}'; write {' or '.join(SEVERITIES)}"
    if not alert.labels.get("team"):
        yield "has no label `team`; name its team"
    for name in ("summary", "runbook_url"):
        if not alert.annotations.get(name):
            yield f"has no annotation `{name}`, which the on-call engineer reads first; add it"


GATE = Gate(
    id="OBS010",
    title="Every alert has a severity, a team, a summary and a runbook",
    phase="observability",
    source="Site Reliability Engineering, chapter 11 (Being On-Call): a page without a playbook "
    "costs its reader about three times as long",
    check=check,
    scope=counted("alerts", alerts),
    reads="PrometheusRule objects, observability/rules/ and runbooks/. Whether a page is right, "
    "only a person can tell.",
    targets=("cluster",),
)
