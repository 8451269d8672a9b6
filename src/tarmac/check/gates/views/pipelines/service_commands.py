"""The services of `ci/services.json`: the paths that start their jobs, and their commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.json_files import data_of

FILE = "ci/services.json"


class ServiceJobs:
    """What the pipeline does for one service."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths whose change starts its jobs."""
        return items(self.data, "paths")

    @property
    def commands(self) -> Iterator[tuple[str, list[Any]]]:
        """Its commands, each with the step that it is of: `lint` or `test`."""
        for step in ("lint", "test"):
            yield from ((step, argv) for argv in items(self.data, step))


def service_jobs(files: Files) -> dict[str, ServiceJobs] | None:
    """Read the jobs of each service; None where there is no such file."""
    if not isinstance(data := data_of(files, FILE), Mapping):
        return None
    return {name: ServiceJobs(jobs or {}) for name, jobs in (data.get("services") or {}).items()}
