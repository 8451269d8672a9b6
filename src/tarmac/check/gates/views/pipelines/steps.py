"""Steps of the jobs in GitHub's workflows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import Fields, fields, places, text


class Step:
    """One step of a job."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def title(self) -> str:
        """Name it for a reader."""
        said = str(self.data.get("name") or self.uses or self.run).strip()
        return said.splitlines()[0][:60] if said else "a step"

    @property
    def id(self) -> str | None:
        """By which other steps read its outputs."""
        return text(self.data, "id")

    @property
    def uses(self) -> str:
        """The action that it runs; empty: a script."""
        return str(self.data.get("uses") or "")

    @property
    def run(self) -> str:
        """The script that it runs; empty: an action."""
        return str(self.data.get("run") or "")

    @property
    def has_script(self) -> bool:
        """Whether it runs a script."""
        return isinstance(self.data.get("run"), str)

    @property
    def inputs(self) -> Fields:
        """What the action is given: `with`."""
        return fields(self.data, "with")

    @property
    def condition(self) -> str:
        """When it runs; empty: when those before have passed."""
        given = self.data.get("if")
        return "" if given is None else str(given)

    @property
    def folder(self) -> str:
        """The folder that its script is run in; empty: the job's."""
        return str(self.data.get("working-directory") or "")

    @property
    def texts(self) -> Iterator[str]:
        """Yield its script, its folder and its variables."""
        said = [self.data.get(key) for key in ("run", "working-directory", "env")]
        yield from (found for _, found in places(said))

    @property
    def may_fail(self) -> bool:
        """Whether its job goes on where it fails."""
        return bool(self.data.get("continue-on-error"))

    @property
    def filters(self) -> Mapping[str, Any]:
        """The filters of a step of dorny/paths-filter, by their names; none elsewhere."""
        found = self.inputs.get("filters")
        found = first(found) if isinstance(found, str) else found
        return found if isinstance(found, Mapping) else {}
