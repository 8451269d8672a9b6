"""Jobs of GitHub's workflows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, places, texts
from tarmac.check.gates.views.pipelines.steps import Step


class Job:
    """One job of a workflow."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def title(self) -> str:
        """The name of its check; empty: its id."""
        return str(self.data.get("name") or "")

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs that it waits for."""
        return tuple(texts(self.data.get("needs")))

    @property
    def steps(self) -> list[Step]:
        """Its steps."""
        return [Step(step) for step in items(self.data, "steps") if isinstance(step, Mapping)]

    @property
    def condition(self) -> str:
        """When it runs; empty: always."""
        given = self.data.get("if")
        return "" if given is None else str(given)

    @property
    def conditions(self) -> list[tuple[Path, str]]:
        """Its own condition and those of its steps, each with its path below the job's."""
        own: list[tuple[Path, str]] = [(("if",), self.condition)]
        return own + [(("steps", n, "if"), step.condition) for n, step in enumerate(self.steps)]

    @property
    def calls_workflow(self) -> bool:
        """Whether it is another workflow."""
        return "uses" in self.data

    @property
    def has_timeout(self) -> bool:
        """Whether its longest time is limited."""
        return "timeout-minutes" in self.data

    @property
    def outputs(self) -> Fields:
        """What other jobs may read of it: name -> expression."""
        return fields(self.data, "outputs")

    @property
    def has_matrix(self) -> bool:
        """Whether it runs once for each value of a matrix."""
        return "matrix" in fields(self.data, "strategy")

    def matrix(self, variable: str) -> Any:
        """Read what a variable of its matrix is."""
        return dig(self.data, "strategy", "matrix", variable)

    @property
    def folder(self) -> str:
        """The folder that its scripts are run in; empty: the repository's."""
        return str(dig(self.data, "defaults", "run", "working-directory") or "")

    def places(self, path: Path) -> Iterator[tuple[Path, str]]:
        """Yield every text in it with its path, below that of the job."""
        return places(self.data, path)

    @property
    def texts(self) -> Iterator[str]:
        """Yield every text in it."""
        yield from (text for _, text in places(self.data))

    @property
    def has_permissions(self) -> bool:
        """Whether it says what it may do."""
        return "permissions" in self.data

    @property
    def writes(self) -> list[str]:
        """What it may write to: `everything`, or scopes."""
        return writable(self.data.get("permissions"))


def writable(permissions: Any) -> list[str]:
    """List what may be written."""
    if isinstance(permissions, Mapping):
        return [str(name) for name, right in permissions.items() if right == "write"]
    return ["everything"] if permissions == "write-all" else []
