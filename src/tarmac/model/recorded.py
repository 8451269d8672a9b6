"""The recorded evidence of a system: what its requirements reached, by tests that ran elsewhere.

`proofs.yaml` stands beside `tarmac.yaml`. This repository generates those of its systems from its
book of requirements and the runs of its tests; `tarmac verify` joins them with the checklist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field

from tarmac.model.checklist import Date, Levels, Needs
from tarmac.model.value import StrictModel


class RecordedRequirement(StrictModel):
    """A requirement: how far it is shown, and by which tests and gates."""

    title: str
    status: Literal["done", "partly", "open"]
    level: Levels | None = None
    target: str = ""
    needs: Needs | None = Field(default=None, description="What is missing, where it is not done.")
    note: str = ""
    tests: tuple[str, ...] = Field(default=(), description="Pytest nodes: FILE::NAME.")
    elsewhere: dict[str, tuple[str, ...]] = Field(
        default={}, description="Tests that ran with another system, by its name."
    )
    gates: tuple[str, ...] = ()


class RecordedProofs(StrictModel):
    """What stands in `proofs.yaml`."""

    proofs: Literal[1] = Field(description="The format's version.")
    requirements: dict[str, RecordedRequirement]
    passed: dict[Date, tuple[str, ...]] = Field(
        default={}, description="Tests that passed, by the day of the run."
    )
    failed: dict[str, tuple[str, ...]] = Field(
        default={}, description="Tests that failed, by the command that repeats them."
    )
    not_run: dict[str, tuple[str, ...]] = Field(
        default={}, description="Tests that did not run, by the command that runs them."
    )

    @cached_property
    def outcomes(self) -> dict[str, RecordedOutcome]:
        """What came of each test."""
        found = {
            test: RecordedOutcome("skipped", command)
            for command, tests in self.not_run.items()
            for test in tests
        }
        found |= {
            test: RecordedOutcome("failed", command)
            for command, tests in self.failed.items()
            for test in tests
        }
        return found | {
            test: RecordedOutcome("passed", day=day.isoformat())
            for day, tests in self.passed.items()
            for test in tests
        }


@dataclass(frozen=True)
class RecordedOutcome:
    """What came of a test: `passed`, `failed` or `skipped`."""

    outcome: str
    #: The command that runs it, where it did not pass.
    run: str = ""
    day: str = ""
