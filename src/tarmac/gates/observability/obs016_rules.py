"""Rules of Prometheus are whole: expressions that parse, durations, severities, annotations."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.queries import queries, recorded
from tarmac.gates.views.recorded_names import unrecorded
from tarmac.gates.views.rule_groups import faults, rule_files
from tarmac.gates.views.rule_labels import label_faults
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

#: What is unlike the other rules, and may be meant.
UNUSUAL = (
    "which all others",
    "where the others",
    "of other alerts",
    "and asks",
    "no rule here",
    "_window=",
    "is no name of a recording rule",
)


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that Prometheus refuses, and alerts that say too little."""
    for artifact, path in rule_files(files):
        for part, what in faults(artifact, path):
            yield Finding(artifact.at(*part), what)
    yield from {Finding(artifact.at(*part), what) for artifact, part, what in label_faults(files)}
    names = set(recorded(files))
    for query in queries(files) if names else ():
        for what in unrecorded(query.expr, names) if query.rule else ():
            yield Finding(query.path, f"{query.title} {what}")


GATE = Gate(
    id="OBS016",
    title="Rules of Prometheus are whole",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/recording_rules: a server "
    "refuses the whole file for one rule, and keeps the old one and says so in its log alone",
    check=check,
    of_files=lenient(check, "fires at the first sample", *UNUSUAL),
    scope=counted_in_files("files of rules", rule_files),
    #: OBS010 holds alerts of a plan to more.
    targets=(),
    reads="groups of PrometheusRule objects and of plain files; labels beside those of the other "
    "rules. Asked of files alone: OBS001, "
    "OBS010 and VAL010 hold a plan to more.",
)
