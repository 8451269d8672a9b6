"""A change of one service gets from its commit to an image within eight minutes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import StepSeconds
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.scope import counted

#: Seconds; the shop's roadmap asks for less.
MOST_S = 480.0
#: One after the other; those of one line at once, each on a machine of its own.
PATH = (("changed",), ("lint", "test"), ("build",), ("scan",))


def check(subject: Subject) -> Iterator[Finding]:
    """Yield the critical path if it is too long. Raises Skip where nothing was measured."""
    seconds = subject.given(StepSeconds).by_step
    if not seconds:
        raise Skip(
            "nothing was measured of this model; tests/containers/test_pipeline.py runs the steps "
            "of a change of one service and keeps their seconds"
        )
    slowest = [
        max((job for job in line if job in seconds), key=seconds.__getitem__, default="")
        for line in PATH
    ]
    on_it = [job for job in slowest if job]
    whole = sum(seconds[job] for job in on_it)
    if whole >= MOST_S:
        parts = ", ".join(f"{job} {seconds[job]:.0f}" for job in on_it)
        yield Finding(
            subject.plan.model,
            f"a change of one service takes {whole:.0f} s from commit to image ({parts}), and "
            f"{MOST_S:.0f} s is the limit; begin with {max(on_it, key=seconds.__getitem__)}",
        )


def _judged(subject: Subject) -> list[str]:
    """List the steps that were measured; all of them where none was."""
    known = subject.given(StepSeconds).by_step
    return [step for line in PATH for step in line if not known or step in known]


GATE = Gate(
    id="PIP009",
    title="A change of one service becomes an image within eight minutes",
    phase="delivery",
    source="CICD-13, the shop's roadmap: pipeline below 8 minutes",
    check=check,
    scope=counted("steps of a pipeline", _judged),
    reads="the seconds of each step as they were measured last, of this model, lint and test at "
    "once. Time in a queue for a runner is not in it.",
    level=Level.OBSERVED,
    targets=("repository",),
)
