"""Claims of volumes that a run of Tekton gives to one task."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, mappings, numbered, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import name_of
from tarmac.check.gates.views.once import once

_TASKS = ("tasks", "finally")
_MODE, _OLD = "coschedule", "disable-affinity-assistant"


def claim_faults(files: Files, artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield a workspace by which a task has two claims, where each task may have one."""
    claims: dict[str, tuple[int, str]] = {}
    for number, one in numbered(artifact.data, "spec", "workspaces"):
        name = string(one, "name")
        claim = string(one, "persistentVolumeClaim", "claimName")
        if fields(one, "volumeClaimTemplate"):
            claim = f"{name}, made for the run"
        if claim and "$(" not in claim:
            claims[name] = number, claim
    if len({claim for _, claim in claims.values()}) < 2:
        return
    for task in _tasks(files, artifact):
        bound = (string(one, "workspace") or string(one, "name") for one in _workspaces(task))
        own = sorted({claims[name] for name in bound if name in claims})
        if len({claim for _, claim in own}) > 1 and not any(_settings(files)):
            what = f"gives the task {string(task, 'name')} two claims ({own[0][1]} and {own[1][1]})"
            why = "and with the affinity assistant, which is on by default, a task may have one:"
            advice = "it ends at once; make one an emptyDir, or put both on one claim by subPath"
            yield ("spec", "workspaces", own[1][0]), f"{what}, {why} {advice}"
            return


def _workspaces(task: Fields) -> Iterator[Fields]:
    yield from mappings(items(task, "workspaces"))


def _tasks(files: Files, artifact: Artifact) -> Iterator[Fields]:
    """Yield the tasks of a run's own pipeline, or of the one that it names."""
    specs = [fields(artifact.data, "spec", "pipelineSpec")]
    name = string(artifact.data, "spec", "pipelineRef", "name")
    there = next(iter(_pipelines(files))).get(name, [])
    specs += [fields(one.data, "spec") for one in there if place_of(one) == place_of(artifact)]
    for spec in specs[:2]:
        for key in _TASKS:
            yield from mappings(items(spec, key))


@once
def _pipelines(files: Files) -> Iterator[dict[str, list[Artifact]]]:
    """Yield all pipelines by their names."""
    found: dict[str, list[Artifact]] = {}
    for one in files.objects("Pipeline"):
        found.setdefault(name_of(one), []).append(one)
    yield found


@once
def _settings(files: Files) -> Iterator[bool]:
    """Yield each setting of Tekton by which it places the tasks of a run otherwise."""
    flags = [fields(one.data, "data") for one in files.objects("ConfigMap")]
    flags += [fields(one.data, "spec", "pipeline") for one in files.objects("TektonConfig")]
    for one in flags:
        is_other = str(dig(one, _MODE) or "workspaces") != "workspaces"
        if is_other or str(dig(one, _OLD)).lower() == "true":
            yield True
