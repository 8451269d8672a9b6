"""Canaries are judged by metrics of their own pods, and none of the stable version's."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import signals
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.monitoring.promql import selected
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.trials.analyses import Question
from tarmac.check.gates.views.trials.trials import Trial, trials

ADVICE = 'select by the pods\' names, e.g. pod=~"{}"'


def check(subject: Subject) -> Iterator[Finding]:
    """Yield queries without series, of other pods, or of both versions."""
    for trial in trials(subject):
        where = trial.artifact.path
        analysis = trial.analysis
        for name in analysis.lost:
            yield Finding(where, f"{trial.workload}'s analysis names {name}, which does not exist")
        if not analysis.questions and not analysis.lost:
            yield Finding(
                where, f"a new {trial.workload} has no analysis: it is always promoted; add metrics"
            )
        for question in analysis.questions:
            yield from _question(subject, trial, question)


def _question(subject: Subject, trial: Trial, question: Question) -> Iterator[Finding]:
    where = question.artifact.path
    own = f"{trial.workload}-[a-z0-9]+-[a-z0-9]+" if trial.canary else "NAME-{{args.REVISION}}-.+"
    try:
        found = selected(question.query)
    except ValueError as error:
        yield Finding(where, f"'{question.name}' is invalid PromQL ({error}); correct it")
        return
    if not found:
        yield Finding(where, f"'{question.name}' selects no series: write METRIC{{...}}")
    new, stable = trial.series
    for query in found:
        metric, signal = query.name, signals.read().get(query.name)
        workload = next((e for e in subject.plan.services if e.name == trial.workload), None)
        scraped = workload is not None and workload.metrics is not None
        if signal is None:
            yield Finding(where, f"'{question.name}' asks for {metric}, which nothing exports")
            continue
        if signal.exporter == "kit" and not scraped:
            yield Finding(where, f"'{question.name}': {trial.workload} exports no {metric}")
        if signal.mesh and subject.plan.settings.mesh != signal.mesh:
            yield Finding(where, f"'{question.name}': without a mesh nothing exports {metric}")
        for label in sorted(query.labels - {*signal.labels}):
            yield Finding(where, f"'{question.name}': {metric} has no label {label}")
        # A label that a series does not have is not judged: it may have any value.
        known = {key: value for key, value in new.items() if key in signal.labels}
        before = {key: value for key, value in stable.items() if key in signal.labels}
        if not query.takes(known):
            yield Finding(
                where,
                f"'{question.name}' finds no {metric} of a new {trial.workload} "
                f"({known.get('pod')}); {ADVICE.format(own)}",
            )
        elif query.takes(before):
            yield Finding(
                where,
                f"'{question.name}' finds {metric} of the stable {trial.workload} as well, so a "
                f"bad new one is hidden by it; {ADVICE.format(own)}",
            )


GATE = Gate(
    id="CAN001",
    title="A canary's metrics come from its own pods only",
    phase="mesh",
    source="by a label that both versions share, a bad new version looks as good as the nine "
    "tenths of old pods",
    check=check,
    scope=counted("canaries", trials),
    targets=("cluster",),
    reads="queries of MetricTemplates and AnalysisTemplates, beside the catalogue of exported "
    "metrics, tried on the labels of a new pod and of a stable one.",
)
