"""Workflows that others of the repository call, with what their callers give them.

A called workflow has its callers' events, the condition and the rights of the job that calls it,
and its inputs. Each part keeps its place: an event is told where the caller says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, string
from tarmac.check.gates.views.pipelines.inputs import filled, inputs_of, unwrapped

CALL = "workflow_call"
#: What a condition asks of the workflow that calls, which another one does not have.
_OF_CALLER = re.compile(r"\b(needs|inputs|env|matrix)\.|\b(success|failure|always|cancelled)\(\)")
#: How many workflows may call one another.
_DEEPEST = 5


@dataclass(frozen=True)
class _Call:
    """A job that calls a workflow, and the file that it is in."""

    caller: Artifact
    name: str
    job: Fields

    @property
    def target(self) -> str:
        """The path of the workflow that it calls; empty: one of another repository."""
        uses = string(self.job, "uses")
        root = self.caller.path.partition(".github/")[0]
        return f"{root}{uses[2:]}" if uses.startswith("./.github/workflows/") else ""


def triggers_of(data: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what starts a workflow: name -> what is said of that."""
    # YAML 1.1 reads the key `on` as true.
    said = data.get("on", data.get(True))
    if isinstance(said, str):
        return {said: {}}
    if isinstance(said, list):
        return {str(event): {} for event in said}
    return {str(n): trigger or {} for n, trigger in said.items()} if isinstance(said, dict) else {}


def with_callers(workflows: Sequence[Artifact]) -> list[Artifact]:
    """Give each called workflow what its callers give it, where all of them are here.

    A repository with a workflow that nothing here calls has workflows for other repositories,
    whose events are not known: all of its workflows stay as they are written.
    """
    called = {one.path for one in workflows if CALL in triggers_of(one.data)}
    calls: dict[str, list[_Call]] = {}
    for call in (call for one in workflows for call in _calls(one)):
        calls.setdefault(call.target, []).append(call)
    if not called <= calls.keys():
        return list(workflows)
    found = {one.path: one for one in workflows}
    for _ in range(_DEEPEST):
        for path in sorted(path for path in called if CALL in triggers_of(found[path].data)):
            own = [replace(one, caller=found[one.caller.path]) for one in calls[path]]
            if all(CALL not in triggers_of(one.caller.data) for one in own):
                found[path] = _told(found[path], own)
    return [found[one.path] for one in workflows]


def _calls(workflow: Artifact) -> Iterator[_Call]:
    for name, job in fields(workflow.data, "jobs").items():
        if isinstance(job, Mapping) and "uses" in job:
            yield _Call(workflow, str(name), job)


def _told(workflow: Artifact, calls: Sequence[_Call]) -> Artifact:
    """Return a workflow with what these calls give it; as it is where they run by other events."""
    first = calls[0]
    written = fields(workflow.data, "jobs")
    events = {name: said for name, said in triggers_of(workflow.data).items() if name != CALL}
    conditions = {unwrapped(string(one.job, "if")) for one in calls}
    condition = conditions.pop()
    if conditions or (events and condition) or _OF_CALLER.search(condition):
        return workflow
    places = dict(workflow.places)
    for one in calls:
        for event, said in triggers_of(one.caller.data).items():
            # By two callers' filters, more runs come than by each of them.
            events[event] = said if events.get(event, said) == said else {}
            _put(places, one.caller, ("on", event), ("on", event))
    given = inputs_of([fields(one.job, "with") for one in calls])
    jobs = {n: _run(job, condition, given) for n, job in written.items()}
    for name, job in written.items() if condition else ():
        if isinstance(job, Mapping) and "if" not in job:
            places["jobs", name, "if"] = first.caller.at("jobs", first.name, "if")
    content = {key: said for key, said in workflow.data.items() if str(key) != "True"}
    content |= {"on": events, "jobs": jobs}
    rights = [one.job.get("permissions", one.caller.data.get("permissions")) for one in calls]
    if "permissions" not in content and rights[0] is not None and rights == rights[:1] * len(calls):
        content["permissions"] = rights[0]
        under = ("jobs", first.name) if "permissions" in first.job else ()
        _put(places, first.caller, (*under, "permissions"), ("permissions",))
    return replace(workflow, content=content, places=places)


def _put(places: dict[Any, str], file: Artifact, at: tuple[Any, ...], to: tuple[Any, ...]) -> None:
    places[to] = file.at(*at)
    for path in [*file.lines, *file.places]:
        if path[: len(at)] == at:
            places[(*to, *path[len(at) :])] = file.at(*path)


def _run(job: Any, condition: str, given: Mapping[str, str]) -> Any:
    """Return a job with its inputs, that runs by its caller's condition as well."""
    if not isinstance(job, Mapping):
        return job
    made = filled(job, given)
    own = unwrapped(string(made, "if"))
    if not condition:
        return made
    return {**made, "if": f"({condition}) && ({own})" if own else condition}
