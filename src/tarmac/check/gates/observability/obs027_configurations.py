"""Prometheus takes its configuration, and the names and texts of rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, placed_groups
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
#: What Prometheus takes where nothing is said.
_EVERY = "1m"
#: What each action of a relabeling needs beside itself.
_NEEDS = {
    "replace": ("target_label",), "hashmod": ("target_label", "modulus"),
    "keep": ("source_labels",), "drop": ("source_labels",), "keepequal": ("target_label",),
    "dropequal": ("target_label",), "lowercase": ("target_label",),
    "uppercase": ("target_label",), "labelmap": (), "labeldrop": (), "labelkeep": (),
}  # fmt: skip
#: Where configurations and objects of the operator have relabelings.
_RELABELINGS = ("relabel_configs", "metric_relabel_configs", "relabelings", "metricRelabelings")
#: A name that can be asked for without quotes.
_NAME = re.compile(r"[A-Za-z_:][\w:]*", re.ASCII)
_BLOCK = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$(\w+)")
_DEFINED = re.compile(r"\$(\w+)(?:\s*,\s*\$(\w+))?\s*:?=")
#: What texts of Prometheus may show, and those of others that read such rules.
_SHOWN = ("labels", "value", "externalLabels", "externalURL")
_OTHERS = frozenset({"expr", "for", "activeAt", "alertID", "groupID", "type", "isPartial"})


def check(files: Files) -> Iterator[Finding]:
    """Yield configurations that are refused, and texts of rules that are."""
    for artifact in _configurations(files):
        for path, what in _jobs(artifact):
            yield Finding(artifact.at(*path), what)
    for artifact in files.objects("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"):
        for path, holder in _holders(artifact):
            for at, what in _relabelings(holder):
                yield Finding(artifact.at(*path, *at), what)
    for rule in _rules(files):
        for path, what in (*_named(rule), *_shown(rule)):
            yield Finding(rule.artifact.at(*rule.path, *path), f"{rule.name}: {what}")


def _configurations(files: Files) -> list[Artifact]:
    return [
        one for one in files.artifacts if not one.is_object and numbered(one.data, "scrape_configs")
    ]


def _holders(artifact: Artifact) -> Iterator[tuple[Path, Fields]]:
    yield ("spec",), fields(artifact.data, "spec")
    for key in ("endpoints", "podMetricsEndpoints"):
        for number, end in numbered(artifact.data, "spec", key):
            yield ("spec", key, number), end


def _rules(files: Files) -> Iterator[PlacedRule]:
    for group in placed_groups(files):
        yield from group


def _jobs(artifact: Artifact) -> Iterator[Fault]:
    whole = fields(artifact.data, "global")
    jobs = numbered(artifact.data, "scrape_configs")
    names = Counter(string(job, "job_name") for _, job in jobs)
    for number, job in jobs:
        at: Path = ("scrape_configs", number)
        name = string(job, "job_name")
        if not name or names[name] > 1:
            what = f"there are {names[name]} jobs {name}" if name else "a job has no job_name"
            yield at, f"{what}, which is refused; give each a name of its own"
        interval = str(job.get("scrape_interval") or whole.get("scrape_interval") or _EVERY)
        timeout = job.get("scrape_timeout")
        every, longest = duration_s(interval), duration_s(timeout)
        # Without one of its own, a job's timeout is its interval at most.
        if every and longest and longest > every:
            what = f"job {name} waits {timeout}, longer than its interval of {interval}"
            yield at, f"{what}, which is refused; lower scrape_timeout"
        for below, what in _relabelings(job):
            yield (*at, *below), f"job {name}: {what}"
        for place, group in numbered(job, "static_configs"):
            for target in texts(dig(group, "targets")):
                # A probe's targets are what it is asked about.
                is_asked = "params" in job or "{" in target or "$" in target
                if "/" in target and not is_asked:
                    what = f"job {name} has the target {target}, which is refused; write host:port"
                    yield (*at, "static_configs", place, "targets"), what


def _relabelings(holder: Fields) -> Iterator[Fault]:
    for key in _RELABELINGS:
        for number, one in numbered(holder, key):
            action = str(one.get("action") or "replace").lower()
            at: Path = (key, number)
            if action not in _NEEDS:
                near = only_near(action, list(_NEEDS))
                advice = f"did you mean '{near}'?" if near else f"choose one of {', '.join(_NEEDS)}"
                yield at, f"relabels by {action}, which is refused; {advice}"
                continue
            for part in _NEEDS[action]:
                if not _has(one, part):
                    why = "drops all or nothing" if part == "source_labels" else "is refused"
                    yield at, f"relabels by {action} without {part}, which {why}; write it"


def _has(one: Fields, part: str) -> bool:
    """Tell whether a part is there, by its name in a file or in an object."""
    head, *more = part.split("_")
    other = head + "".join(map(str.capitalize, more))
    return any(one.get(key) not in (None, "", []) for key in (part, other))


def _named(rule: PlacedRule) -> Iterator[Fault]:
    name = rule.data.get("record")
    if isinstance(name, str) and not _NAME.fullmatch(name) and "{" not in name and "$" not in name:
        what = f"records {name}, which no query can name without quotes"
        yield ("record",), f"{what}, and older versions refuse; write letters, digits, _ and :"


def _shown(rule: PlacedRule) -> Iterator[Fault]:
    """Yield variables in texts that there are not."""
    for key in ("annotations", "labels") if "alert" in rule.data else ():
        for name, text in fields(rule.data, key).items():
            yield from (((key, str(name)), what) for what in _unknown(text))


def _unknown(text: Any) -> Iterator[str]:
    blocks = " ".join(_BLOCK.findall(text)) if isinstance(text, str) else ""
    defined = {name for found in _DEFINED.findall(blocks) for name in found}
    for name in dict.fromkeys(_VARIABLE.findall(blocks)):
        near = only_near(name, list(_SHOWN))
        if name not in {*_SHOWN, *_OTHERS, *defined} and near:
            yield f"its text shows ${name}, which is refused; did you mean '{near}'?"


def _judged(files: Files) -> Iterator[object]:
    for artifact in _configurations(files):
        yield from items(artifact.data, "scrape_configs")
    yield from files.objects("ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig")
    yield from _rules(files)


GATE = Gate(
    id="OBS027",
    title="Prometheus takes its configuration, and the names and texts of rules",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/configuration/configuration: a server "
    "does not start with a configuration that it refuses, and a running one keeps the old one",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("jobs, monitors and rules", _judged),
    #: OBS021 and OBS016 hold what is rendered to more.
    targets=(),
    reads="jobs of files with `scrape_configs`: names, timeouts, targets; relabelings, of monitors "
    "too; names that rules record, variables in their texts. Judges files without a plan only.",
)
