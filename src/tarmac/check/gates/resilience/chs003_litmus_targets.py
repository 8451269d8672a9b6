"""Experiments of Litmus are found, and find what they are to disturb."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import (
    kind_of,
    metadata,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import kinds

_MARK = "litmuschaos.io/chaos"
_KINDS = ("deployment", "statefulset", "daemonset", "rollout")


def check(files: Files) -> Iterator[Finding]:
    """Yield engines whose target is not here, or does not say that it may be disturbed."""
    yield from _without_experiment(files)
    kept = list(pods(files))
    for experiment in files.objects("ChaosEngine"):
        info = fields(experiment.data, "spec", "appinfo")
        wanted = _labels(info)
        space = string(info, "appns") or space_of(experiment)
        near = [one for one in kept if space_of(one.artifact) == space and _is_kind(one, info)]
        if not wanted or not near:
            continue
        own = [one for one in near if wanted.items() <= _both(one).items()]
        where = experiment.at("spec", "appinfo", "applabel")
        told = string(info, "applabel")
        if not own:
            what = f"{title(experiment)} is of {told} in {space or 'its namespace'}, and nothing"
            advice = "there has that, so it disturbs nothing; write labels of a workload"
            yield Finding(where, f"{what} {advice}")
        elif str(dig(experiment.data, "spec", "annotationCheck")).lower() == "true":
            unmarked = [one.artifact for one in own if not _is_marked(one.artifact)]
            if len(unmarked) == len(own):
                what = f"{title(experiment)} asks for annotations, and {title(unmarked[0])} has no"
                at = experiment.at("spec", "annotationCheck")
                advice = f'{_MARK}: "true", so nothing is disturbed; write it, or do not ask'
                yield Finding(at, f"{what} {advice}")


def _without_experiment(files: Files) -> Iterator[Finding]:
    """Yield engines whose experiment is in another namespace, where it is not looked for."""
    there: dict[str, set[str]] = {}
    for one in files.objects("ChaosExperiment"):
        there.setdefault(name_of(one), set()).add(space_of(one))
    for one in files.objects("ChaosEngine") if there else ():
        own = space_of(one)
        for number, asked in numbered(fields(one.data, "spec"), "experiments"):
            spaces = there.get(string(asked, "name"), set())
            if own and spaces and not spaces & {own, ""}:
                what = f"{title(one)} asks for ChaosExperiment {string(asked, 'name')} of {own}"
                said = f"{what}, and it is in {', '.join(sorted(spaces))}, so nothing runs"
                where = one.at("spec", "experiments", number, "name")
                yield Finding(where, f"{said}; give both one namespace")


def _labels(info: Fields) -> dict[str, str]:
    """Read `a=b,c=d`; nothing of what is filled in, or is a set."""
    pairs = [one.partition("=") for one in string(info, "applabel").split(",")]
    plain = all(key and sign and value and "{" not in value for key, sign, value in pairs)
    return {key.strip(): value.strip() for key, _, value in pairs} if plain else {}


def _is_kind(own: Pods, info: Fields) -> bool:
    asked = string(info, "appkind").lower()
    return kind_of(own.artifact).lower() == asked if asked in _KINDS else False


def _both(own: Pods) -> dict[str, str]:
    return {**metadata(own.artifact).labels, **own.labels}


def _is_marked(artifact: Artifact) -> bool:
    return str(metadata(artifact).annotations.get(_MARK)) == "true"


GATE = Gate(
    id="CHS003",
    title="Experiments of Litmus are found, and find what they disturb",
    phase="resilience",
    source="https://litmuschaos.github.io/litmus/experiments/concepts/chaos-resources/chaos-engine"
    ": an engine that finds no application ends, and has shown nothing",
    check=check,
    of_files=check,
    scope=kinds("ChaosEngines", "ChaosEngine"),
    targets=(),
    reads="appinfo and annotationCheck of ChaosEngines beside workloads of that kind in their "
    "namespace that are in these files, and the namespaces of ChaosExperiments. Judges files "
    "without a plan only.",
)
