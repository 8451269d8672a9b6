"""A store of secrets that is for some namespaces is for those that ask it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, at_each, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, name_of, space_of, title
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_STORE = "ClusterSecretStore"
#: The label that each namespace has by itself.
_NAME = "kubernetes.io/metadata.name"
#: Where each kind names its stores.
_REFERENCES = {
    "ExternalSecret": (
        ("spec", "secretStoreRef"),
        ("spec", "data", "-", "sourceRef", "storeRef"),
        ("spec", "dataFrom", "-", "sourceRef", "storeRef"),
    ),
    "PushSecret": (("spec", "secretStoreRefs", "-"),),
}
_FILLED = re.compile(r"[{}$<>]")


class AskedStore(NamedTuple):
    """A store for some namespaces, and an object of one that asks it."""

    asking: Artifact
    path: Path
    space: str
    #: Those of the name that is asked for, of several clusters.
    stores: tuple[Artifact, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield objects whose store is not for their namespace."""
    labels: dict[str, list[Fields]] = {}
    for one in files.objects("Namespace"):
        labels.setdefault(name_of(one), []).append(metadata(one).labels)
    for asked in _asked(files):
        if any(_may_be_open(store, asked.space, labels.get(asked.space)) for store in asked.stores):
            continue
        store = asked.stores[0]
        where = store.at("spec", "conditions")
        what = f"{title(asked.asking)} asks {title(store)} from the namespace {asked.space}, which"
        said = f"{what} meets none of its conditions ({where}): it is refused; give the namespace"
        yield Finding(asked.asking.at(*asked.path), f"{said} their label, or add it to them")


def _may_be_open(store: Artifact, space: str, labels: list[Fields] | None) -> bool:
    """Tell whether a store may be for a namespace; of one that is made elsewhere, by its name."""
    for _, condition in numbered(store.data, "spec", "conditions"):
        if space in map(str, items(condition, "namespaces")):
            return True
        if any(_is_match(str(one), space) for one in items(condition, "namespaceRegexes")):
            return True
        if "namespaceSelector" in condition and _selects(condition, space, labels):
            return True
    return False


def _selects(condition: Fields, space: str, labels: list[Fields] | None) -> bool:
    selector = fields(condition, "namespaceSelector")
    keys = {*fields(selector, "matchLabels")}
    keys |= {string(fields(one), "key") for one in items(selector, "matchExpressions")}
    if labels is None and keys - {_NAME}:
        return True
    return any(selects(selector, {**one, _NAME: space}) for one in labels or [{}])


def _is_match(pattern: str, space: str) -> bool:
    try:
        return re.search(pattern, space) is not None
    except (re.error, RecursionError, OverflowError):
        return True


@once
def _asked(files: Files) -> Iterator[AskedStore]:
    stores: dict[str, list[Artifact]] = {}
    for one in files.objects(_STORE):
        stores.setdefault(name_of(one), []).append(one)
    for asking in files.objects(*_REFERENCES) if stores else ():
        space = space_of(asking)
        for place in _REFERENCES[kind_of(asking)] if space and not _FILLED.search(space) else ():
            for path, reference in at_each(asking.data, place):
                own = stores.get(string(reference, "name") or "", [])
                limited = [one for one in own if numbered(one.data, "spec", "conditions")]
                if string(reference, "kind") == _STORE and own and len(limited) == len(own):
                    yield AskedStore(asking, path, space, tuple(own))


GATE = Gate(
    id="ENV019",
    title="A store of secrets for some namespaces is for those that ask it",
    phase="kubernetes",
    source="https://external-secrets.io/latest/api/clustersecretstore: a namespace must meet one "
    "of the conditions of a store; what asks it from others is refused",
    check=check,
    of_files=check,
    scope=counted_in_files("references to stores with conditions", _asked),
    targets=("cluster",),
    reads="ExternalSecrets and PushSecrets beside the conditions of their ClusterSecretStore and "
    "labels of their namespace. Of a namespace that is not here, its name alone is judged.",
)
