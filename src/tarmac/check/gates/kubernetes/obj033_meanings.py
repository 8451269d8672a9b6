"""Jobs, schedules, classes and terms mean what their authors read in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_INDEX = "JOB_COMPLETION_INDEX"
_TERMS: Path = (
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
)
#: Fields of a schedule that leave no day out; a step from `*` counts with the other field.
_EVERY = re.compile(r"\*(/\d+)?|\?")

#: Names of classes for pods that others may displace.
_LOW = re.compile(
    r"(?i)(?<![a-z])low(er|est)?(?![a-z])|batch|background|preempt|spot|best-?effort|over-?provision|idle|placeholder|pause"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield pods without their number, terms that are alternatives, days that are added."""
    for own in pods(files):
        for path, what in (*_unnumbered(own), *_alternatives(own)):
            yield Finding(own.at(*path), f"{title(own.artifact)} {what}")
    for artifact in files.objects("CronJob"):
        schedule = string(artifact.data, "spec", "schedule")
        words = schedule.split()
        if len(words) == 5 and not any(_EVERY.fullmatch(words[n]) for n in (2, 4)):
            what = (
                f"{title(artifact)} runs by `{schedule}` on each day {words[2]} of a month and on"
            )
            advice = f"each day {words[4]} of a week: one of the two is enough; write `*` for one"
            where = artifact.at("spec", "schedule")
            yield Finding(where, f"{what} {advice}, and ask for the other in the program")
    yield from _ranks(files)


def _unnumbered(own: Pods) -> Iterator[tuple[Path, str]]:
    """Yield pods of a Job that read a number which only an Indexed one gives."""
    mode = fields(own.artifact.data, *own.path[:-2]).get("completionMode")
    if own.kind not in ("Job", "CronJob") or mode not in (None, "NonIndexed"):
        return
    for container in own.containers:
        given = own.variables.names(container)
        if _INDEX in " ".join(container.words) and _INDEX not in given:
            what = f"reads {_INDEX}, which pods of an Indexed Job alone have: it is empty"
            yield (), f"{what}; write completionMode: Indexed"
            return


def _alternatives(own: Pods) -> Iterator[tuple[Path, str]]:
    terms = [fields(one) for one in items(own.spec.data, *_TERMS)]
    keys = [
        {string(one, "key") for one in items(term, "matchExpressions")} | {*_by_field(term)}
        for term in terms
    ]
    is_apart = all(a and b and not a & b for n, a in enumerate(keys) for b in keys[n + 1 :])
    if len(terms) > 1 and is_apart:
        said = " or by ".join(", ".join(sorted(one)) for one in keys)
        what = f"runs on nodes that are right by {said}: one of several nodeSelectorTerms is enough"
        yield _TERMS, f"{what}; write both expressions into one term if both are needed"


def _by_field(term: Fields) -> Iterator[str]:
    yield from (string(one, "key") for one in items(term, "matchFields"))


def _ranks(files: Files) -> Iterator[Finding]:
    """Yield a class for all pods that stands above one that some pods name, and is not low."""
    classes = {name_of(one): one for one in files.objects("PriorityClass")}
    named = {string(own.spec.data, "priorityClassName"): own for own in pods(files)}
    ranks = {name: dig(classes[name].data, "value") for name in named if name in classes}
    known = {n: rank for n, rank in ranks.items() if isinstance(rank, int) and not _LOW.search(n)}
    lowest = sorted(known, key=known.__getitem__)
    for default in classes.values():
        value = default.data.get("value")
        if default.data.get("globalDefault") is not True or not isinstance(value, int):
            continue
        for name in lowest:
            if known[name] >= value:
                break
            what = f"{title(default)}, the default of all pods, has {value}, above {name}"
            advice = f"({known[name]}), which {title(named[name].artifact)} names: any pod"
            yield Finding(default.at("value"), f"{what} {advice} displaces it; lower the default")


def _judged(files: Files) -> Iterator[object]:
    yield from pods(files)
    yield from files.objects("CronJob", "PriorityClass")


GATE = Gate(
    id="OBJ033",
    title="Jobs, schedules, classes and terms mean what is read in them",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node: terms are "
    "alternatives; cron: a day of the month and one of the week are added; https://kubernetes.io/"
    "docs/concepts/workloads/controllers/job: an Indexed Job numbers its pods",
    check=check,
    of_files=check,
    scope=counted_in_files("pods, schedules and classes", _judged),
    reads="commands of Jobs, nodeSelectorTerms of different keys, schedules of CronJobs, and "
    "PriorityClasses beside the pods that name one.",
)
