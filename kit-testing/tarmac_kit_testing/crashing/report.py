"""What crashing a service at every step came to.

Returned by `World.crash_everywhere`; printed by tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class CrashFinding:
    """A crash that something did not survive."""

    #: The step's number and what was done there; 0 and "" for the journey without a crash.
    number: int
    step: str
    #: What is wrong at the end, a sentence each.
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        where = f"step {self.number} ({self.step})" if self.number else "without a crash"
        return f"{where}: {'; '.join(self.wrong)}"


@dataclass(frozen=True)
class CrashReport:
    """One journey, one service, every step or a sample of them."""

    journey: str
    service: str
    #: N: how many steps the service took in the journey, both sides of each counted.
    steps: int
    #: The numbers that were tried; of the steps that were asked for, where only some were.
    tried: tuple[int, ...] = ()
    #: Those that were not reached: the order of things varies a little from run to run.
    not_reached: tuple[int, ...] = ()
    findings: tuple[CrashFinding, ...] = field(default=())
    took_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether every crash was survived."""
        return not self.findings

    @property
    def crashes(self) -> int:
        """How often the service was ended."""
        return len(self.tried) - len(self.not_reached)

    def __str__(self) -> str:
        head = (
            f"{self.journey}: {self.service}: N={self.steps}, {len(self.tried)} tried, "
            f"{self.crashes} crashes, {len(self.findings)} not survived, {self.took_s:.1f} s"
        )
        return "\n  ".join([head, *map(str, self.findings)])


def spread(steps: int, most: int | None, seed: int) -> tuple[int, ...]:
    """Choose `most` of the numbers from 1 to `steps`, as far apart as each other; None: all."""
    if most is None or most >= steps:
        return tuple(range(1, steps + 1))
    if most <= 0:
        return ()
    gap = steps / most
    first = (seed * 0.618034 % 1.0) * gap
    return tuple(min(steps, int(first + number * gap) + 1) for number in range(most))
