"""What is kept elsewhere is named the same way each time: Secrets and keys, accounts, classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.objects.named_places import NamedObject, namings
from tarmac.check.gates.views.objects.stored_objects import StoredObjects, kept
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.typos import typos


def check(files: Files) -> Iterator[Finding]:
    """Yield names of what these files do not have that are written otherwise once."""
    there = StoredObjects(kept(files))
    groups: dict[tuple[str, str], list[NamedObject]] = {}
    for naming in _absent(files, there):
        space = naming.namespace or space_of(naming.artifact)
        groups.setdefault((naming.kind, space), []).append(naming)
    own = sorted({name_of(artifact) for artifact in files.objects()})
    for found in groups.values():
        yield from _exchanged(found)
        yield from _misspelt(found, [one.name for one in found], own)
        keyed = [one for one in found if one.key]
        yield from _misspelt(keyed, [one.key for one in keyed], ())


def _absent(files: Files, there: StoredObjects) -> Iterator[NamedObject]:
    """Yield what objects name of which these files have none of the kind: OBJ008 asks the rest."""
    for naming in namings(files, of_pods=True):
        if not there.near(naming.kind, naming.namespace, naming.artifact):
            yield naming


def _misspelt(found: list[NamedObject], names: list[str], own: Iterable[str]) -> Iterator[Finding]:
    places = {
        (one.artifact.path, name_of(one.artifact), one.path, name): one
        for one, name in zip(found, names, strict=True)
    }
    times = Counter(name for *_, name in places)
    for said, meant in typos(times, own):
        one = next(naming for (*_, name), naming in places.items() if name == said)
        what = f"{title(one.artifact)} names {one.kind} {one.name}"
        if said != one.name:
            what = f"{what} with the key {said}"
        where = one.artifact.at(*one.path)
        others = f"{times[meant]} other places name {meant}"
        yield Finding(where, f"{what} alone, where {others}: did you mean '{meant}'?")


def _exchanged(found: list[NamedObject]) -> Iterator[Finding]:
    """Yield where the name stands for the key, and the key for the name."""
    names, keys = Counter(one.name for one in found), Counter(one.key for one in found)
    for one in found:
        is_usual = names[one.key] > 1 or keys[one.name] > 1
        if is_usual and names[one.key] and keys[one.name] and names[one.name] == keys[one.key] == 1:
            what = f"names the key {one.key} of {one.kind} {one.name}, which others name the other"
            said = f"{title(one.artifact)} {what} way round; exchange them"
            yield Finding(one.artifact.at(*one.path), said)


def _all(files: Files) -> Iterator[NamedObject]:
    return namings(files, of_pods=True)


def _planned(subject: Subject) -> Iterator[NamedObject]:
    return namings(subject, of_pods=True)


GATE = Gate(
    id="OBJ082",
    title="What is kept elsewhere is named the same way each time",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/configuration/secret: a container that names a "
    "Secret or a key that is not there is not started",
    check=check,
    of_files=check,
    scope=counted_in_files("references", _all, _planned),
    targets=("cluster",),
    reads="names of objects whose kind these files do not have, and keys in them. One that is "
    "written once, and is a character away from one that is written more often, is a typo; numbers "
    "and words that name an object here are not.",
)
