"""Relabelling names labels that there are when it is done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: A regular expression that is a list of names.
_NAMES = re.compile(r"\(?([A-Za-z_]\w*(?:\|[A-Za-z_]\w*)*)\)?")
#: What finds targets by itself, and gives them labels of the form __meta_ alone.
_META_ALONE = re.compile(r"(kubernetes|ec2|dns|consul|docker|dockerswarm|gce|azure)_sd_configs")
_KNOWN = frozenset({"job", "instance"})
_MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


class RelabelStep(NamedTuple):
    """The rules for one scrape, of its targets before it and of its samples after it."""

    artifact: Artifact
    title: str
    #: The key of the rules, what they are about, and the rules.
    targets: tuple[Path, list[tuple[int, Fields]]]
    samples: tuple[Path, list[tuple[int, Fields]]]
    #: The labels that a target has, beside those that begin with __; None: not known.
    labels: frozenset[str] | None


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that find no label, since it comes later or is gone."""
    for one in _relabelled(files):
        path, rules = one.targets
        later = one.samples[0][-1]
        for number, rule in rules:
            if "__name__" in _sources(rule):
                what = f"{one.title} asks for __name__ in {path[-1]}, which are about a target"
                why = "before it is scraped and know no metric; write it under"
                yield Finding(one.artifact.at(*path, number), f"{what} {why} {later}")
            lost = [] if one.labels is None else _dropped_in_vain(number, rules, one.labels)
            if lost:
                what = (
                    f"{one.title} drops {', '.join(lost)} in {path[-1]}, which are about a target"
                )
                why = (
                    "before it is scraped, and it comes with the samples: it stays; write it under"
                )
                yield Finding(one.artifact.at(*path, number), f"{what} {why} {later}")
        path, rules = one.samples
        for number, rule in rules:
            gone = [name for name in _sources(rule) if name.startswith("__meta_")]
            if gone:
                what = f"{one.title} asks for {gone[0]} in {path[-1]}, and after a scrape there are"
                why = "no labels of that form: it is empty; write it under"
                yield Finding(one.artifact.at(*path, number), f"{what} {why} {one.targets[0][-1]}")


def _sources(rule: Fields) -> list[str]:
    return list(texts(rule.get("source_labels", rule.get("sourceLabels"))))


def _dropped_in_vain(
    number: int, rules: list[tuple[int, Fields]], labels: frozenset[str]
) -> list[str]:
    """List the labels that a rule drops, and that nothing has given a target before."""
    rule = dict(rules)[number]
    found = _NAMES.fullmatch(string(rule, "regex"))
    before = [one for place, one in rules if place < number]
    if string(rule, "action").lower() != "labeldrop" or found is None:
        return []
    if any(string(one, "action").lower() == "labelmap" for one in before):
        return []
    made = {string(one, "target_label") or string(one, "targetLabel") for one in before}
    names = found[1].split("|")
    is_vain = not any(one.startswith("__") or one in labels | made | _KNOWN for one in names)
    return names if is_vain else []


@once
def _relabelled(files: Files) -> Iterator[RelabelStep]:
    for artifact in files.artifacts:
        if artifact.is_object or "scrape_configs" not in artifact.data:
            continue
        for number, job in numbered(artifact.data, "scrape_configs"):
            path: Path = ("scrape_configs", number)
            before, after = (*path, "relabel_configs"), (*path, "metric_relabel_configs")
            yield RelabelStep(
                artifact,
                f"the job {string(job, 'job_name')}",
                (before, numbered(job, "relabel_configs")),
                (after, numbered(job, "metric_relabel_configs")),
                _labels_of(job),
            )
    for artifact in files.objects(*_MONITORS):
        kind = str(artifact.data["kind"])
        for number, end in numbered(artifact.data, "spec", _MONITORS[kind]):
            path = ("spec", _MONITORS[kind], number)
            yield RelabelStep(
                artifact,
                f"{kind} {string(artifact.data, 'metadata', 'name')}",
                ((*path, "relabelings"), numbered(end, "relabelings")),
                ((*path, "metricRelabelings"), numbered(end, "metricRelabelings")),
                None,  # the operator gives several
            )


def _labels_of(job: Fields) -> frozenset[str] | None:
    """List the labels of a job's targets; None where a file or a program gives some."""
    ways = [key for key in job if str(key).endswith("_sd_configs") and key != "static_configs"]
    if not all(map(_META_ALONE.fullmatch, map(str, ways))):
        return None
    own = (fields(one, "labels") for one in items(job, "static_configs"))
    return frozenset(str(key) for labels in own if isinstance(labels, Mapping) for key in labels)


GATE = Gate(
    id="OBS064",
    title="Relabelling names labels that there are when it is done",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/configuration/"
    "#metric_relabel_configs: relabel_configs are applied to targets before a scrape, "
    "metric_relabel_configs to samples after it",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("scrapes", _relabelled),
    reads="source_labels and dropped labels in relabel_configs and metric_relabel_configs of "
    "Prometheus and of its operator's monitors. Labels of targets are known where they stand in "
    "the file or are of the form __meta_.",
)
