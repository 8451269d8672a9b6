"""What an API server refuses by its own code, beside the schemas that it publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, title
from tarmac.check.gates.views.objects.server_relations import beside, ordered
from tarmac.check.gates.views.objects.server_values import (
    Refusal,
    exact,
    formed,
    mappings,
    most,
    server_rules,
    steps,
    texts,
    unique,
)
from tarmac.check.gates.views.scope import kinds
from tarmac.check.gates.views.shapes.templates import spec_places

#: What asks the rules of each section of assets/server_rules.yaml.
JUDGES: dict[str, Callable[[Any, Sequence[str], Any], Iterator[Refusal]]] = {
    "texts": texts,
    "mappings": mappings,
    "exact": exact,
    "unique": unique,
    "most": most,
    "beside": beside,
    "ordered": ordered,
}


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses where they stand."""
    for artifact in files.objects():
        for refusal in dict.fromkeys(refusals(artifact)):
            where = ".".join(map(str, refusal.path)) or "the object"
            what = f"{where} of {title(artifact)} {refusal.what}"
            yield Finding(artifact.at(*refusal.path), what, warning=refusal.placeholder)


def refusals(artifact: Artifact) -> Iterator[Refusal]:
    """Yield what is refused of an object, each place once for each reason."""
    kind, specs = kind_of(artifact), spec_places(artifact.data)
    group, rules = group_of(artifact), server_rules()
    served = group in rules["groups"] and (bool(group) or kind in rules["core"])
    if served and (name := name_of(artifact)):
        form = rules["names"].get(kind, "subdomain")
        yield from formed(("metadata", "name"), name, form)
    for section, judge in JUDGES.items():
        for at, rule in _rules(section, kind if served else "", specs):
            yield from judge(artifact.data, at, rule)


@cache
def _rules(
    section: str, kind: str, specs: tuple[str, ...]
) -> tuple[tuple[Sequence[str], Any], ...]:
    """List the places of a section's rules for a kind, with what they say."""
    own = server_rules()[section]
    found = [*_pairs(own.get("all", {})), *_pairs(own.get(kind, {}))] if kind else []
    for spec in specs:
        found += [(f"{spec}.{at}".strip("."), rule) for at, rule in _pairs(own.get("pods", {}))]
        above = spec.removesuffix("spec")
        found += [(f"{above}{at}", rule) for at, rule in _pairs(own.get("templates", {}))]
    return tuple((steps(at), rule) for at, rule in found)


def _pairs(own: Any) -> list[tuple[str, Any]]:
    """List rules with their places; those of a list say their place themselves."""
    return list(own.items()) if isinstance(own, Mapping) else [(rule["at"], rule) for rule in own]


GATE = Gate(
    id="OBJ013",
    title="An API server accepts every name, label and combination of fields",
    phase="kubernetes",
    source="a name of 64 characters, a port's of 16, a liveness probe that must succeed twice are "
    "all of the right type: the API server refuses them when they are applied",
    check=check,
    of_files=check,
    scope=kinds("objects"),
    reads="the places of assets/server_rules.yaml: forms and lengths of names, labels and paths, "
    "what is there twice, and fields of which one rules out or requires another. Of kinds that "
    "others define: their pods alone. A text that is filled in by a program is not judged.",
)
