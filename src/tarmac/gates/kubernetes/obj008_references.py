"""What an object names is there: targets of autoscalers, backends of routes, roles of bindings."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.errors import did_you_mean, only_near
from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files, Subject
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import may_meet, title
from tarmac.gates.views.objects.namings import ANY, Naming, StoredObject, builtin, kept, namings
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references to something missing; those of pods are ENV003's and SEC004's."""
    yield from _missing(subject, namings(subject, of_pods=False))


def of_files(files: Files) -> Iterator[Finding]:
    """Yield references to something that does not exist, where its kind is kept in these files."""
    yield from _missing(files, namings(files, of_pods=True))


def _missing(files: Files, found: Iterator[Naming]) -> Iterator[Finding]:
    there: dict[str, list[StoredObject]] = {}
    for one in kept(files):
        there.setdefault(one.kind, []).append(one)
    for naming in found:
        if naming.name in builtin(naming.kind) or naming.name.startswith("system:"):
            continue
        same = [one for one in there.get(naming.kind, ()) if _may_be(one, naming)]
        named = [one for one in same if one.name == naming.name]
        near = [one for one in same if _is_near(one, naming)]
        what = f"{title(naming.artifact)} names {naming.kind} {naming.name}"
        where = naming.artifact.at(*naming.path)
        if near and not named and not _is_in_script(files, naming):
            names = sorted({one.name for one in near})
            likely = only_near(naming.name, names)
            choice = (
                f"did you mean '{likely}'?" if likely else f"there are: {', '.join(names[:12])}"
            )
            yield Finding(where, f"{what}, which does not exist; {choice}")
        elif naming.key and named and not any(_has(one, naming.key) for one in named):
            keys = sorted({key for one in named for key in one.keys})
            choice = did_you_mean(naming.key, keys) if keys else "add it"
            yield Finding(where, f"{what}, which has no key {naming.key}; {choice}")


def _may_be(one: StoredObject, naming: Naming) -> bool:
    return not one.namespace or not naming.namespace or one.namespace == naming.namespace


def _is_near(one: StoredObject, naming: Naming) -> bool:
    """Tell whether objects of its kind and namespace are kept here; elsewhere nothing is known."""
    if one.namespace and naming.namespace:
        return one.namespace == naming.namespace
    return may_meet(one.artifact, naming.artifact)


def _is_in_script(files: Files, naming: Naming) -> bool:
    """Tell whether a script of these files names it: it makes it, or waits for it."""
    return naming.kind in ("Secret", "ConfigMap") and any(
        naming.name in artifact.content
        for artifact in files.artifacts
        if isinstance(artifact.content, str) and artifact.path.endswith(".sh")
    )


def _has(one: StoredObject, key: str) -> bool:
    return one.keys == ANY or key in one.keys


def _planned(subject: Subject) -> Iterator[Naming]:
    return namings(subject, of_pods=False)


def _all(files: Files) -> Iterator[Naming]:
    return namings(files, of_pods=True)


GATE = Gate(
    id="OBJ008",
    title="Every object that another one names exists",
    phase="kubernetes",
    source="an autoscaler without its target scales nothing, and a route without its Service "
    "answers 503: both are taken by the API server",
    check=check,
    of_files=lenient(of_files, "which does not exist; (?!did you mean)"),
    scope=counted_in_files("references", _all, _planned),
    reads="the places of assets/object_rules.yaml. What is of a kind and namespace of which these "
    "files have no object at all may be kept elsewhere and is not judged. Of files without a plan: "
    "also what pods name, with its key.",
)
