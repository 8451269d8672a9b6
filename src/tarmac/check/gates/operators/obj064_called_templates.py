"""A template that a workflow of Argo calls from elsewhere is there, and so are its volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.pods.tasks import WORKFLOWS
from tarmac.check.gates.views.scope import counted_in_files

#: What runs as it stands: the volumes of others are those of what calls them.
_RUN = ("Workflow", "CronWorkflow")
_CALLED = ("WorkflowTemplate", "ClusterWorkflowTemplate")
_VOLUMES = ("volumes", "volumeClaimTemplates")
_PODS = ("container", "script")
_BESIDE = ("initContainers", "sidecars")


def check(files: Files) -> Iterator[Finding]:
    """Yield calls of templates that are not there, or that mount what the caller does not have."""
    named: dict[str, list[Artifact]] = {}
    for one in files.objects(*_CALLED):
        named.setdefault(name_of(one), []).append(one)
    for artifact in _workflows(files):
        path = WORKFLOWS[kind_of(artifact)]
        spec = fields(artifact.data, *path)
        there = {name for key in _VOLUMES for name in _names(spec, key)}
        for at, ref in _calls(spec):
            called = _called(named, artifact, ref)
            if called is None:
                continue
            templates = {
                string(one, "name"): one for one in items(called.data, "spec", "templates")
            }
            name = string(ref, "template")
            if name not in templates:
                what = f"calls the template {name} of {title(called)}, which does not have it"
                advice = did_you_mean(name, sorted(templates))
                yield Finding(artifact.at(*path, *at), f"{title(artifact)} {what}; {advice}")
            elif kind_of(artifact) in _RUN and "workflowTemplateRef" not in spec:
                lacking = sorted(_mounted(templates, name, set()) - there)
                if lacking:
                    what = f"calls {name} of {title(called)}, which mounts {lacking[0]}: a template"
                    why = "brings no volumes with it, and the workflow has none of that name, so it"
                    whole = f"{title(artifact)} {what} {why} is refused; write it in `volumes`"
                    yield Finding(artifact.at(*path, *at), whole)


def _mounted(templates: Mapping[str, Fields], name: str, seen: set[str]) -> set[str]:
    """Name the volumes of the whole workflow that a template mounts, or one that it calls."""
    one = templates.get(name)
    if one is None or name in seen:
        return set()
    seen.add(name)
    runs = [fields(one, key) for key in _PODS]
    runs += [own for key in _BESIDE for own in items(one, key) if isinstance(own, dict)]
    mounts = {string(mount, "name") for run in runs for mount in items(run, "volumeMounts")}
    found = {mount for mount in mounts if mount and "{{" not in mount}
    for _, task in _tasks(one):
        found |= _mounted(templates, string(task, "template"), seen)
    return found - _names(one, "volumes")


def _names(spec: Fields, key: str) -> set[str]:
    """Name entries; the name of a claim is in its metadata."""
    return {string(one, "name") or string(one, "metadata", "name") for one in items(spec, key)}


def _tasks(template: Fields) -> Iterator[tuple[Path, Fields]]:
    for number, task in numbered(template, "dag", "tasks"):
        yield ("dag", "tasks", number), task
    for number, group in enumerate(items(template, "steps")):
        for place, step in numbered({"own": group}, "own"):
            yield ("steps", number, place), step


def _calls(spec: Fields) -> Iterator[tuple[Path, Fields]]:
    """Yield references to templates elsewhere that are written in full."""
    for number, template in numbered(spec, "templates"):
        for at, task in _tasks(template):
            ref = fields(task, "templateRef")
            if ref and "{{" not in f"{ref.get('name')}{ref.get('template')}":
                yield ("templates", number, *at, "templateRef"), ref


def _called(
    named: Mapping[str, list[Artifact]], artifact: Artifact, ref: Fields
) -> Artifact | None:
    """Return the one object here that a reference names."""
    is_wide = ref.get("clusterScope") is True
    found = [
        one
        for one in named.get(string(ref, "name"), ())
        if kind_of(one) == _CALLED[is_wide] and (is_wide or space_of(one) == space_of(artifact))
    ]
    return found[0] if len(found) == 1 else None


def _workflows(files: Files) -> list[Artifact]:
    found = files.objects(*WORKFLOWS)
    return [one for one in found if any(_calls(fields(one.data, *WORKFLOWS[kind_of(one)])))]


GATE = Gate(
    id="OBJ064",
    title="Templates that a workflow calls from elsewhere are there, with their volumes",
    phase="kubernetes",
    source="https://argo-workflows.readthedocs.io/en/latest/workflow-templates: templateRef calls "
    "one template; volumes, arguments and the entrypoint of its WorkflowTemplate stay behind",
    check=check,
    of_files=check,
    scope=counted_in_files("workflows that call templates of others", _workflows),
    targets=("cluster",),
    reads="templateRef of Argo's workflows, beside the WorkflowTemplates that are here.",
)
