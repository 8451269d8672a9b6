"""Images are built for the processors of the nodes that run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks

_ARM = re.compile(r"_ARM_64|\barm64\b|\"(t4g|[a-z]+\d+g[a-z]*)\.\w+\"|BOTTLEROCKET_ARM_64")
_OTHER = re.compile(r"x86_64|amd64|\"(t[23]a?|[a-z]+\d+(?!g)[a-z]*)\.\w+\"")
_GROUPS = ("aws_eks_node_group", "aws_launch_template", "aws_eks_fargate_profile")
_BUILDS = re.compile(r"docker/build-push-action@")
_ARM_RUNNER = re.compile(r"arm|self-hosted|\$\{\{|graviton", re.IGNORECASE)


class PushedImage(NamedTuple):
    """A step that pushes an image for the processor of its runner."""

    where: str
    step: Step
    is_plain: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield images of the runner's processor, where all nodes have another one."""
    groups = [one for one in _groups(files) if one.names[1] == "aws_eks_node_group"]
    every = "\n".join(one.text for one in _groups(files))
    is_arm = groups and all(_ARM.search(one.text) for one in groups)
    if not is_arm or _OTHER.search(every) or "karpenter" in every:
        return
    for build in _builds(files):
        if build.is_plain:
            what = "pushes an image for the runner's amd64, and all nodes of the cluster are of"
            said = f"{what} arm64 ({groups[0].names[2]}): exec format error; write"
            yield Finding(build.where, f"{said} platforms: linux/arm64", warning=True)


def _groups(files: Files) -> list[TerraformBlock]:
    found = [one for one in blocks(files) if one.names[:1] == ("resource",)]
    return [one for one in found if len(one.names) > 2 and one.names[1] in _GROUPS]


def _builds(files: Files) -> Iterator[PushedImage]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            runners = " ".join([*texts(job.data.get("runs-on")), str(job.data.get("runs-on"))])
            for number, step in enumerate(job.steps):
                pushes = str(step.inputs.get("push")).lower() not in ("none", "false")
                if _BUILDS.match(step.uses) and pushes:
                    is_told = "platforms" in step.inputs or _ARM_RUNNER.search(runners)
                    where = workflow.at("jobs", name, "steps", number)
                    yield PushedImage(where, step, not is_told and not job.has_matrix)


def _judged(files: Files) -> Iterator[object]:
    yield from _builds(files) if _groups(files) else ()


GATE = Gate(
    id="IMG072",
    title="Images are built for the processors of the nodes that run them",
    phase="containers",
    source="https://docs.docker.com/build/building/multi-platform: without `platforms` an image is "
    "for the processor that builds it; ubuntu-24.04 is amd64",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("images that are pushed", _judged),
    targets=("repository",),
    reads="docker/build-push-action in workflows, beside aws_eks_node_group whose kind or machines "
    "are all of arm64. That an image runs elsewhere is possible, so all are warnings.",
)
