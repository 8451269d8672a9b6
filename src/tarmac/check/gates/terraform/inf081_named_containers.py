"""What a service of ECS and the containers of its task name is in that task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.ecs_tasks import EcsContainer, EcsTask, ecs_tasks
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import argument, resources_of
from tarmac.check.gates.views.terraform.settings import Setting, settings

_RENDERS = re.compile(r"aws-actions/amazon-ecs-render-task-definition@")
_TASK = "aws_ecs_task_definition"
#: Blocks of a service that send to a container.
_SENDING = ("load_balancer", "service_registries")
#: What a container names of its own task: another container, or a volume.
_NAMING = (
    (("dependsOn", "containerName"), "containers"),
    (("volumesFrom", "sourceContainer"), "containers"),
    (("mountPoints", "sourceVolume"), "volumes"),
)
_VOLUME = re.compile(
    r"^[ \t]*volume[ \t]*\{[^}]*?\bname[ \t]*=[ \t]*\"([^\"$]+)\"", re.MULTILINE | re.DOTALL
)
_OPEN = re.compile(
    r'\bdynamic\b|^[ \t]*volume[ \t]*\{[^}]*?\bname[ \t]*=[ \t]*[^"\s]', re.MULTILINE
)


class TaskService(NamedTuple):
    """A service of ECS, and the definition of its tasks."""

    block: TerraformBlock
    task: EcsTask
    containers: Mapping[str, EcsContainer]


def check(files: Files) -> Iterator[Finding]:
    """Yield names of containers, ports and volumes that a task does not have."""
    written = [one for one in settings(files) if one.path[:2] == ("resource", "aws_ecs_service")]
    for one in _services(files):
        own = [
            setting
            for setting in written
            if setting.file == one.block.file and one.block.has(f"{setting.file}:{setting.line}")
        ]
        yield from _sent(one, own)
    for task in ecs_tasks(files):
        yield from _within(task)
    yield from _rendered(files)


def _sent(one: TaskService, own: list[Setting]) -> Iterator[Finding]:
    """Yield a container or a port to which a service sends, and which its task lacks."""
    for kind in _SENDING:
        names = [setting for setting in own if setting.path[3:] == (kind, "container_name")]
        ports = [setting for setting in own if setting.path[3:] == (kind, "container_port")]
        for number, name in enumerate(names):
            container = one.containers.get(name.value or "")
            what = (
                f"{one.block.names[2]} sends to the container {name.value}, which {one.task.name}"
            )
            if name.value and container is None:
                advice = did_you_mean(name.value, one.containers)
                yield Finding(name.where, f"{what} does not have: AWS refuses it; {advice}")
            port = ports[number] if len(ports) == len(names) else None
            told = container.of("portMappings", "containerPort") if container else []
            mapped = [setting.value for setting in told]
            if port and port.value and mapped and None not in mapped and port.value not in mapped:
                said = (
                    f"{one.block.names[2]} sends to port {port.value} of {name.value}, which maps"
                )
                shown = ", ".join(map(str, mapped))
                yield Finding(port.where, f"{said} {shown}: AWS refuses it; write one of these")


def _within(task: EcsTask) -> Iterator[Finding]:
    """Yield what a container names of its task, and is not in that."""
    containers = task.containers or ()
    known = {
        "containers": {one.name for one in containers},
        "volumes": set(_VOLUME.findall(task.text)),
    }
    is_json = not task.name.startswith(_TASK)
    for container in containers:
        for path, kind in _NAMING:
            if kind == "volumes" and (is_json or _OPEN.search(task.text)):
                continue
            for named in container.of(*path):
                if named.value and named.value not in known[kind]:
                    what = (
                        f"container {container.name} names {named.value}, and that is not among the"
                    )
                    advice = did_you_mean(named.value, known[kind])
                    said = f"{what} {kind} of {task.name}: AWS refuses it; {advice}"
                    yield Finding(named.where, said)


def _rendered(files: Files) -> Iterator[Finding]:
    """Yield steps that put an image into a container that the file of a task does not have."""
    tasks = {one.name: one for one in ecs_tasks(files) if one.containers}
    for workflow in workflows(files) if tasks else ():
        root = workflow.path.partition(".github/")[0]
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                asked = str(step.inputs.get("container-name") or "")
                path = str(step.inputs.get("task-definition") or "").removeprefix("./")
                task = tasks.get(f"{root}{path}")
                if not _RENDERS.match(step.uses) or task is None or not asked or "${{" in asked:
                    continue
                known = [one.name for one in task.containers or ()]
                if asked not in known:
                    where = workflow.at("jobs", name, "steps", number, "with", "container-name")
                    what = f"{name} puts the image into the container {asked}, and {path} has none"
                    yield Finding(
                        where, f"{what} of that name: it fails; {did_you_mean(asked, known)}"
                    )


def _services(files: Files) -> Iterator[TaskService]:
    """Yield the services whose task is in the same folder, with all of its containers."""
    by_place = {(one.folder, one.name): one for one in ecs_tasks(files)}
    for root in resources_of(files):
        for block in root.of("aws_ecs_service"):
            task = root.named(block, "task_definition", _TASK)
            is_said = argument(block, "task_definition")[1].startswith(f"{_TASK}.")
            folder = block.file.rpartition("/")[0]
            own = by_place.get((folder, f"{_TASK}.{task.names[2]}")) if task and is_said else None
            if own is not None and own.containers:
                yield TaskService(block, own, {one.name: one for one in own.containers})


def _judged(files: Files) -> Iterator[object]:
    yield from _services(files)
    yield from ecs_tasks(files)


GATE = Gate(
    id="INF081",
    title="What a service of ECS names is in its task",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LoadBalancer.html: the "
    "name of a container and its port are those of the task definition, else the service is "
    "refused; https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_"
    "parameters.html",
    check=check,
    of_files=check,
    scope=counted_in_files("services and tasks of ECS", _judged),
    of_objects=False,
    targets=(),
    reads="container_name and container_port of services, and dependsOn, volumesFrom and "
    "mountPoints of containers, beside the task of the same folder; container-name of the action "
    "that renders a task beside its file of JSON. Where a container is computed, nothing is told. "
    "Judges files without a plan only.",
)
