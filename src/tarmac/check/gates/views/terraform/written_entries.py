"""What of Secrets Manager an environment's values have written, and which account reads what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.tree import tree

#: Of Pulumi's stack: where its values are.
STACK_VALUES = "environment:values"


@dataclass(frozen=True)
class WrittenEntries:
    """The entries that Terraform or Pulumi writes for an environment."""

    #: The file that says so.
    file: str
    #: How their names begin.
    under: str
    names: frozenset[str]
    #: By service account: the entries that its role reads.
    readers: Mapping[str, frozenset[str]]


def written_entries(files: Files) -> Iterator[WrittenEntries]:
    """Yield what each environment's values ask for; one that asks for none is left out."""
    for artifact in files.artifacts:
        values = _values(artifact)
        if under := string(values, "entries", "under"):
            servers = (*fields(values, "postgres"), *fields(values, "redis"))
            number = fields(values, "entries").get("number", 1)
            names = {f"{under}/servers/{server}/host" for server in servers}
            names |= {
                f"{under}/servers/{server}/admin-{number}" for server in fields(values, "postgres")
            }
            roles = fields(values, "service_roles")
            yield WrittenEntries(
                artifact.path,
                under,
                frozenset({*names, *map(str, _listed(values, "entries", "generated"))}),
                {name: frozenset(map(str, _listed(roles, name, "entries"))) for name in roles},
            )


def _listed(data: Fields, *path: str) -> tuple[Any, ...]:
    """List the texts at a path."""
    found = fields(data, *path[:-1]).get(path[-1])
    return tuple(found) if isinstance(found, list) else ()


def _values(artifact: Artifact) -> Fields:
    if artifact.path.endswith(".tfvars") and isinstance(artifact.content, str):
        return _parsed(artifact.path, artifact.content) if "entries" in artifact.content else {}
    return fields(artifact.data, "config", STACK_VALUES)


@lru_cache(maxsize=64)
def _parsed(path: str, text: str) -> Fields:
    import hcl2  # noqa: PLC0415 - its grammar takes 0.2 s to load

    if isinstance(tree(path, text), Finding):
        return {}
    found: Fields = _unquoted(hcl2.loads(text))
    return found


def _unquoted(value: Any) -> Any:
    """Take off the quotes that the parser leaves on keys and texts."""
    if isinstance(value, Mapping):
        return {str(key).strip('"'): _unquoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unquoted(inner) for inner in value]
    return value.strip('"') if isinstance(value, str) else value
