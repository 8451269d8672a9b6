"""Which autoscaler and which budgets a workload has, where several folders have one of its name.

A repository has an environment in each of some folders, with the same names and labels; what says
no namespace there belongs to what is nearest to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of
from tarmac.check.gates.views.objects.references import Reference, reference_to
from tarmac.check.gates.views.objects.scaling import Budget, Scaler, scalers

#: The namespace of what names none, where nothing else is said to the one that applies it.
_DEFAULT = "default"
#: Folders of environments, of which each has objects of its own.
_ENVIRONMENTS = frozenset(
    (
        *("dev", "development", "int", "integration", "preprod", "preview", "prod", "production"),
        *("qa", "sandbox", "stage", "staging", "test", "uat"),
    )
)
_Key = tuple[str, Reference]
_Thing = TypeVar("_Thing")


class Autoscalers:
    """The autoscalers of some files, found by what they scale."""

    def __init__(self, files: Files) -> None:
        self._by: dict[_Key, list[Scaler]] = {}
        for own in scalers(files):
            self._by.setdefault((_space(own.artifact), own.target), []).append(own)

    def by(self, owner: Artifact) -> Scaler | None:
        """Find what scales a workload: of several, the nearest one."""
        found = self._by.get((_space(owner), reference_to(owner)), ())
        return nearest(found, owner, lambda own: own.artifact)


class Owners:
    """Workloads, of which a budget is for the nearest one of several with one name."""

    def __init__(self, owners: Iterable[Artifact]) -> None:
        self._by: dict[_Key, list[Artifact]] = {}
        for owner in owners:
            self._by.setdefault((_space(owner), reference_to(owner)), []).append(owner)

    def are_kept_by(self, budget: Budget, owner: Artifact) -> bool:
        """Tell whether a budget that selects a workload's pods is in its namespace, and its own."""
        if _space(budget.artifact) != _space(owner):
            return False
        twins = self._by.get((_space(owner), reference_to(owner)), [owner])
        closest = max(_shared(twin, budget.artifact) for twin in twins)
        return _shared(owner, budget.artifact) == closest


def nearest(
    things: Sequence[_Thing], artifact: Artifact, own: Callable[[_Thing], Artifact]
) -> _Thing | None:
    """Find the one whose file is nearest to that of an object; the last of those that are alike.

    None is of another environment: `prod/web.yaml` is not beside `dev/scaler.yaml`.
    """
    near = [one for one in things if not are_apart(own(one), artifact)]
    return max(reversed(near), key=lambda one: _shared(own(one), artifact), default=None)


def are_apart(one: Artifact, other: Artifact) -> bool:
    """Tell whether two objects are in folders of two environments."""
    mine = _ENVIRONMENTS.intersection(_folders(one))
    others = _ENVIRONMENTS.intersection(_folders(other))
    return bool(mine and others) and mine.isdisjoint(others)


def _space(artifact: Artifact) -> str:
    return space_of(artifact) or _DEFAULT


def _shared(one: Artifact, other: Artifact) -> int:
    """Count the folders that two files have in common, less those that they do not."""
    mine, others = _folders(one), _folders(other)
    pairs = zip(mine, others, strict=False)
    same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(others)))
    return 2 * same - len(mine) - len(others)


def _folders(artifact: Artifact) -> list[str]:
    return artifact.path.split("/")[:-1]
