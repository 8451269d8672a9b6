"""Label selectors: which pods and namespaces an object selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items


class Selectors:
    """Objects by what they select, so that each pod is asked about few of them."""

    def __init__(
        self, artifacts: Iterable[Artifact], selector: str | Callable[[Artifact], Fields]
    ) -> None:
        """Read the selector of each object: in a field of its `spec`, or what a function gives."""
        self._by: dict[tuple[str, str], list[tuple[Fields, Artifact]]] = {}
        self._others: list[tuple[Fields, Artifact]] = []
        for artifact in artifacts:
            own = (
                fields(artifact.data, "spec", selector)
                if isinstance(selector, str)
                else selector(artifact)
            )
            plain = labels_of(own)
            found = self._by.setdefault(next(iter(plain.items())), []) if plain else self._others
            found.append((own, artifact))

    def of(self, labels: Mapping[str, str]) -> list[Artifact]:
        """List the objects that select these labels."""
        likely = [pair for item in labels.items() for pair in self._by.get(item, ())]
        return [
            artifact for selector, artifact in (*likely, *self._others) if selects(selector, labels)
        ]


def labels_of(selector: Fields | None) -> Mapping[str, str]:
    """Read the labels that a selector demands by their values."""
    return fields(selector, "matchLabels")


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a label selector (matchLabels, matchExpressions) takes these labels."""
    for key, value in fields(selector, "matchLabels").items():
        if labels.get(key) != value:
            return False
    for one in items(selector, "matchExpressions"):
        expression = fields(one)
        there, values = labels.get(str(expression.get("key"))), items(expression, "values")
        holds = {
            "In": there in values,
            "NotIn": there not in values,
            "Exists": there is not None,
            "DoesNotExist": there is None,
        }
        if not holds.get(str(expression.get("operator")), False):
            return False
    return True
