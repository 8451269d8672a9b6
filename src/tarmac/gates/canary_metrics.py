"""Canaries are judged by what their own pods export, and by nothing of the stable version's."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac import signals
from tarmac.gates._canaries import Question, Trial, trials
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._queries import selected
from tarmac.report import Finding

ADVICE = 'select by the pods\' names, e.g. pod=~"{}"'


def check(subject: Subject) -> Iterator[Finding]:
    """Yield questions that nobody answers, that another answers, or that both versions do."""
    for trial in trials(subject):
        where = trial.artifact.path
        for name in trial.lost:
            yield Finding(where, f"{trial.workload}'s analysis names {name}, which is not there")
        if not trial.questions and not trial.lost:
            yield Finding(
                where, f"nothing is asked of a new {trial.workload}: it is let through; add metrics"
            )
        for question in trial.questions:
            yield from _question(subject, trial, question)


def _question(subject: Subject, trial: Trial, question: Question) -> Iterator[Finding]:
    where = question.artifact.path
    own = f"{trial.workload}-[a-z0-9]+-[a-z0-9]+" if trial.flagger else "NAME-{{args.REVISION}}-.+"
    try:
        found = selected(question.query)
    except ValueError as error:
        yield Finding(where, f"'{question.name}' is no PromQL ({error}); correct it")
        return
    if not found:
        yield Finding(where, f"'{question.name}' selects no series: write METRIC{{...}}")
    new, stable = trial.series
    for each in found:
        metric, signal = each.name, signals.read().get(each.name)
        workload = next((e for e in subject.plan.services if e.name == trial.workload), None)
        scraped = workload is not None and workload.metrics is not None
        if signal is None:
            yield Finding(where, f"'{question.name}' asks for {metric}, which nobody exports")
            continue
        if signal.exporter == "kit" and not scraped:
            yield Finding(where, f"'{question.name}': {trial.workload} exports no {metric}")
        if signal.mesh and subject.plan.settings.mesh != signal.mesh:
            yield Finding(where, f"'{question.name}': without a mesh nobody exports {metric}")
        for label in sorted(each.labels - {*signal.labels}):
            yield Finding(where, f"'{question.name}': {metric} has no label {label}")
        # A label that a series does not have is not judged: it may have any value.
        known = {key: value for key, value in new.items() if key in signal.labels}
        before = {key: value for key, value in stable.items() if key in signal.labels}
        if not each.takes(known):
            yield Finding(
                where,
                f"'{question.name}' finds no {metric} of a new {trial.workload} "
                f"({known.get('pod')}); {ADVICE.format(own)}",
            )
        elif each.takes(before):
            yield Finding(
                where,
                f"'{question.name}' finds {metric} of the stable {trial.workload} as well, so a "
                f"bad new one is hidden by it; {ADVICE.format(own)}",
            )


GATE = Gate(
    id="CAN001",
    title="A canary is judged by metrics that its own pods export, and only they",
    phase="mesh",
    source="judged by a name that both versions share, a new one that is bad looks as good as the "
    "nine tenths that are old",
    check=check,
    targets=("cluster",),
    looks_at="queries of MetricTemplates and AnalysisTemplates, beside the catalogue of exported "
    "metrics, tried on the labels of a new pod and of a stable one.",
)
