"""A definition of a task for Fargate is one that Fargate takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.ecs_tasks import EcsTask, ecs_tasks

_AMOUNT = re.compile(r"(\d*\.?\d+)\s*(vcpu|gb|mb|mib|gib)?", re.IGNORECASE)
_ROLE = "execution_role_arn"
#: What a task needs a role for before its program is started.
_WITH_ROLE = re.compile(r'"?logDriver"?\s*[=:]\s*"awslogs"|\.dkr\.ecr\.[\w-]+\.amazonaws\.com/')


def check(files: Files) -> Iterator[Finding]:
    """Yield tasks of which no revision is registered."""
    for task in _of_fargate(files):
        yield from _sizes(task)
        mode = task.values.get("network_mode")
        is_own = mode is not None and mode.value in ("awsvpc", None)
        if not is_own:
            said = f"the network mode {mode.value}" if mode else "no network mode"
            what = f"{task.name} is for Fargate and has {said}: it is refused; write awsvpc"
            yield Finding(mode.where if mode else task.where, what)
        if _ROLE not in task.values and (found := _WITH_ROLE.search(task.text)):
            asks = "logs to CloudWatch" if "logDriver" in found[0] else "takes its image from ECR"
            what = f"{task.name} is for Fargate, {asks}, and has no execution role: it is refused;"
            yield Finding(task.where, f"{what} write {_ROLE}")


def _sizes(task: EcsTask) -> Iterator[Finding]:
    lacks = [key for key in ("cpu", "memory") if key not in task.values]
    if lacks:
        what = f"{task.name} is for Fargate and says no {' and no '.join(lacks)} of the task:"
        yield Finding(task.where, f"{what} it is refused; write both")
        return
    cpu, memory = (_number(task.values[key].value) for key in ("cpu", "memory"))
    if cpu is None or memory is None:
        return
    sizes = {one["cpu"]: one["memory"] for one in published("fargate")["sizes"]}
    what = f"{task.name} asks Fargate for {cpu} of CPU and {memory} MiB, which it does not offer"
    if cpu not in sizes:
        shown = ", ".join(map(str, sizes))
        advice = f"cpu is one of {shown}"
        yield Finding(task.values["cpu"].where, f"{what}: it is refused; {advice}")
        return
    least, most, step = sizes[cpu]
    is_small = cpu == min(sizes) and memory in published("fargate")["smallest"]
    is_offered = least <= memory <= most and (memory - least) % step == 0
    if not (is_offered or is_small):
        also = "512, or " if cpu == min(sizes) else ""
        advice = f"with that CPU it is {also}{least} to {most} in steps of {step}"
        yield Finding(task.values["memory"].where, f"{what}: it is refused; {advice}")


def _number(value: str | None) -> int | None:
    """Read an amount in units of CPU or in MiB; None where it is computed."""
    found = _AMOUNT.fullmatch((value or "").strip())
    if found is None:
        return None
    is_large = (found[2] or "").lower() in ("vcpu", "gb", "gib")
    number = float(found[1]) * (1024 if is_large else 1)
    return round(number)


@once
def _of_fargate(files: Files) -> Iterator[EcsTask]:
    yield from (task for task in ecs_tasks(files) if task.needs and "FARGATE" in task.needs)


GATE = Gate(
    id="INF083",
    title="A definition of a task for Fargate is one that Fargate takes",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services."
    "html: pairs of CPU and memory, the network mode awsvpc, and an execution role for logs and "
    "images of AWS",
    check=check,
    of_files=check,
    scope=counted_in_files("tasks for Fargate", _of_fargate),
    of_objects=False,
    targets=(),
    reads="cpu, memory, network_mode and execution_role_arn of tasks that require FARGATE, in "
    "Terraform and in files of JSON, as far as they are written as they stand. Judges files "
    "without a plan only.",
)
