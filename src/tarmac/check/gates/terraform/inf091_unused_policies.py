"""An alarm starts each policy that scales by steps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import argument, is_none, resources_of

#: Policies that act by themselves are of other types.
_KINDS = {
    "aws_appautoscaling_policy": ("", '"StepScaling"'),
    "aws_autoscaling_policy": ("", '"StepScaling"', '"SimpleScaling"'),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that nothing in their folder names."""
    named = _named(files)
    for block in _policies(files):
        kind, name = block.names[1:3]
        if f"{kind}.{name}" not in named:
            what = f"{name} scales by steps, which an alarm starts, and nothing names it: it never"
            said = f"{what} acts; write {kind}.{name}.arn into the alarm_actions of an alarm"
            yield Finding(f"{block.file}:{block.lines[0][0]}", said)


def _named(files: Files) -> set[str]:
    """List the policies that any block but their own names."""
    pattern = re.compile(rf"\b(?:{'|'.join(_KINDS)})\.[\w-]+")
    return {
        name
        for block in blocks(files)
        for name in pattern.findall(block.text)
        if tuple(name.split(".")) != block.names[1:3]
    }


@once
def _policies(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        for kind, types in _KINDS.items():
            for block in root.of(kind):
                # By its name in AWS an alarm elsewhere may find it, where that is an output.
                if argument(block, "policy_type")[1] in types and not is_none(block):
                    yield block


GATE = Gate(
    id="INF091",
    title="An alarm starts each policy that scales by steps",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/autoscaling/application/userguide/"
    "step-scaling-policy-overview.html: a policy of steps is invoked by an alarm of CloudWatch",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("policies that scale by steps", _policies),
    targets=(),
    reads="aws_appautoscaling_policy and aws_autoscaling_policy of the types StepScaling and "
    "SimpleScaling, which are their defaults, beside all blocks that name them. Judges files "
    "without a plan only.",
)
