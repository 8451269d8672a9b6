"""What an API server refuses by its own code, beside the schemas that it publishes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import ITEM, at_each, dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_cut, is_templated
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, metadata, name_of, title
from tarmac.check.gates.views.objects.server_bounds import below, ordered
from tarmac.check.gates.views.objects.server_values import (
    Refusal,
    exact,
    formed,
    is_like,
    mappings,
    most,
    server_rules,
    steps,
    texts,
    unique,
)
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.scope import kinds
from tarmac.check.gates.views.shapes.templates import spec_places

#: What an object has one of at least.
WHOLE = frozenset(("metadata", "spec", "rules", "roleRef"))
_NAMELESS = "needs metadata.name "
_TRIGGERS = "image.openshift.io/triggers"


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses where they stand."""
    for artifact in files.objects():
        for refusal in dict.fromkeys(refusals(artifact)):
            where = ".".join(map(str, refusal.path)) or "the object"
            what = f"{where} of {title(artifact)} {refusal.what}"
            last, held = refusal.path[-1:], dig(artifact.data, *refusal.path)
            is_open = (
                refusal.placeholder
                or is_cut(artifact, held)
                # A chart's own values may leave a name to those of an environment.
                or (is_templated(artifact) and refusal.what.startswith(_NAMELESS))
                # A patch names what it is for.
                or (last == ("name",) and is_part(artifact))
                # OpenShift writes the image that the annotation names.
                or (last == ("image",) and _TRIGGERS in metadata(artifact).annotations)
            )
            yield Finding(artifact.at(*refusal.path), what, warning=is_open)


def refusals(artifact: Artifact) -> Iterator[Refusal]:
    """Yield what is refused of an object, each place once for each reason."""
    data, kind = artifact.data, kind_of(artifact)
    specs = spec_places(data)
    group, rules = group_of(artifact), server_rules()
    # Programs have files of these groups' form, too: reports, and settings without metadata.
    is_object = kind in rules["core"] if not group else not data.keys().isdisjoint(WHOLE)
    served = group in rules["groups"] and is_object
    if served and (name := name_of(artifact)):
        form = rules["names"].get(kind, "subdomain")
        yield from formed(("metadata", "name"), name, form)
    for head, judged in _by_head(kind if served else "", specs).items():
        if (held := dig(data, *head)) is not None:
            for judge, at, rule in judged:
                for refusal in judge(held, at, rule):
                    yield refusal._replace(path=(*head, *refusal.path))


@cache
def _by_head(kind: str, specs: tuple[str, ...]) -> Mapping[Sequence[str], Sequence[Any]]:
    """Group the rules for a kind by what must be there for them to ask anything; below that.

    Most of an object's possible parts are not there, and most rules are of some part.
    """
    found: dict[Sequence[str], list[Any]] = {}
    for section, judge in JUDGES.items():
        for at, rule in _rules(section, kind, specs):
            head = tuple(itertools.takewhile(lambda step: step != ITEM, at[:-1]))
            found.setdefault(head, []).append((judge, at[len(head) :], rule))
    return found


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


def beside(data: Any, at: Sequence[str], rule: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield fields that others rule out, and objects without a field that others require."""
    for path, holder in at_each(data, at):
        if not isinstance(holder, Mapping):
            continue
        if not all(_is_one(holder, key, of) for key, of in rule["when"].items()):
            continue
        beside = ", ".join(f"{k} {dig(holder, k)}" for k, of in rule["when"].items() if _says(of))
        given = f" beside {beside}" if beside else ""
        for rest, value in at_each(holder, steps(rule["refuse"])) if "refuse" in rule else ():
            # A number of 0 is one that is not set, as a Service's nodePort.
            if value not in (None, [], {}, "") and str(value) != "0" and is_like(value, rule):
                advice = rule.get("advice", "remove it")
                said = f"is {value}, which is refused" if "like" in rule else "is refused"
                yield Refusal((*path, *rest), f"{said}{given}: {rule['why']}; {advice}")
        if "need" in rule and not _has(holder, rule["need"]):
            needed = rule["need"].replace("\\", "").replace("|", " or ")
            yield Refusal(path, f"needs {needed}{given}: {rule['why']}; write it")


def _says(wanted: Sequence[Any]) -> bool:
    return not {"any", "none"} & set(map(str, wanted))


def _is_one(holder: Any, key: str, wanted: Sequence[Any]) -> bool:
    value = dig(holder, *_numbers(steps(key)))
    return ("none" in wanted) if value in (None, "") else ("any" in wanted or value in wanted)


def _numbers(steps: Sequence[str]) -> Iterator[str | int]:
    return (int(step) if step.isdigit() else step for step in steps)


def _has(holder: Any, places: str) -> bool:
    """Tell whether one of some places is there; one of a list's items, in each of them."""
    return any(_has_all(holder, steps(place)) for place in places.split("|"))


def _has_all(holder: Any, steps: Sequence[str]) -> bool:
    if "-" not in steps:
        found = dig(holder, *_numbers(steps))
        return found is not None and (found != "" or steps[0] in ("data", "stringData"))
    at = steps.index("-")
    return all(_has_all(one, steps[at + 1 :]) for one in items(holder, *steps[:at]))


#: What asks the rules of each section of assets/server_rules.yaml.
JUDGES: dict[str, Callable[[Any, Sequence[str], Any], Iterator[Refusal]]] = {
    "texts": texts,
    "mappings": mappings,
    "exact": exact,
    "unique": unique,
    "most": most,
    "beside": beside,
    "ordered": ordered,
    "below": below,
}


GATE = Gate(
    id="OBJ013",
    title="An API server accepts every name, label and combination of fields",
    phase="kubernetes",
    source="a name of 64 characters, a port's of 16, a liveness probe that must succeed twice are "
    "all of the right type: the API server refuses them when they are applied",
    check=check,
    of_files=check,
    alone=True,
    scope=kinds("objects"),
    reads="the places of assets/server_rules.yaml: forms and lengths of names, labels and paths, "
    "what is there twice, and fields of which one rules out or requires another. Of kinds that "
    "others define: their pods alone. A text that is filled in by a program is not judged.",
)
