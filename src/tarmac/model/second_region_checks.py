"""The checks of environments that stand by for others."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import Problem
from tarmac.model.environment import Environment
from tarmac.model.second_region import completed, first_problem
from tarmac.model.system import System

#: What no environment of a second region says itself.
REGIONAL = ("region", "network", "infrastructure")


def second_region_problems(system: System) -> Iterator[Problem]:
    """Yield what is wrong with environments that stand by for others."""
    environments = system.file.environments

    def problem(name: str, key: str, what: str) -> Problem:
        return Problem(str(system.locate(("environments", name, key), key=True)), what)

    for name, settled in environments.items():
        if not (first := settled.standby_of):
            continue
        if why := first_problem(first, environments):
            yield problem(name, "standby_of", why)
            continue
        expected = completed(Environment(standby_of=first), environments[first])
        for key in REGIONAL:
            if getattr(settled, key) != getattr(expected, key):
                what = f"`{key}` of a second region follows from `standby` of '{first}'"
                yield problem(name, key, f"{what}; remove it here")
