"""Tasks and templates of workflows in a cluster: what they name of each other."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string
from tarmac.check.gates.views.objects.metadata import kind_of

Fault = tuple[Path, str]
#: Where these kinds of Argo Workflows have their templates.
WORKFLOWS = {
    "Workflow": ("spec",), "WorkflowTemplate": ("spec",), "ClusterWorkflowTemplate": ("spec",),
    "CronWorkflow": ("spec", "workflowSpec"),
}  # fmt: skip


def workflow_faults(artifact: Artifact) -> Iterator[Fault]:
    """Yield templates of Argo Workflows that are named and not there."""
    path = WORKFLOWS[kind_of(artifact)]
    spec = fields(artifact.data, *path)
    names = {string(one, "name") for one in items(spec, "templates")}
    asked: list[tuple[Path, str]] = []
    keys = ("entrypoint", "onExit")
    asked += [((*path, key), name) for key in keys if (name := string(spec, key))]
    for number, template in numbered(spec, "templates"):
        here: Path = (*path, "templates", number)
        tasks: list[tuple[Path, Fields]]
        tasks = [(("dag", "tasks", n), task) for n, task in numbered(template, "dag", "tasks")]
        for n, group in enumerate(items(template, "steps")):
            steps = group if isinstance(group, list | tuple) else ()
            tasks += [(("steps", n, m), step) for m, step in enumerate(steps)]
        own = {string(task, "name") for _, task in tasks}
        for at, task in tasks:
            if name := string(task, "template"):
                asked.append(((*here, *at), name))
            for other in items(task, "dependencies"):
                if str(other) not in own:
                    what = f"has a task after {other}, which is not a task of its dag"
                    yield (*here, *at), f"{what}; {did_you_mean(str(other), sorted(own))}"
    if "workflowTemplateRef" in spec:
        return
    for at, name in asked:
        if name not in names and "{{" not in name:
            what = f"names the template {name}, which it does not have"
            yield at, f"{what}; {did_you_mean(name, sorted(names))}"


def task_faults(artifact: Artifact) -> Iterator[Fault]:
    """Yield volumes and workspaces of a task of Tekton that are used and not declared."""
    spec = fields(artifact.data, "spec")
    there = {string(one, "name") for one in items(spec, "volumes")}
    for number, step in numbered(spec, "steps"):
        for place, mount in numbered(step, "volumeMounts"):
            name = string(mount, "name")
            if name and name not in there and "$(" not in name:
                what = f"mounts the volume {name}, which it does not declare"
                at: Path = ("spec", "steps", number, "volumeMounts", place)
                yield at, f"{what}; {did_you_mean(name, sorted(there)) if there else 'declare it'}"
