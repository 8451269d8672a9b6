"""What an object names is there: targets of autoscalers, backends of routes, roles of bindings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tarmac.base.errors import did_you_mean, only_near
from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.certificates import (
    ENTRIES,
    Certificate,
    is_of_entry,
    tls_secrets,
)
from tarmac.check.gates.views.objects.indexes import MOST_COMPARED
from tarmac.check.gates.views.objects.metadata import kind_of, space_of, title
from tarmac.check.gates.views.objects.named_places import NamedObject, namings
from tarmac.check.gates.views.objects.object_rules import object_rules
from tarmac.check.gates.views.objects.stored_objects import ANY, StoredObject, StoredObjects, kept
from tarmac.check.gates.views.objects.whole import schemas_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.placeholders import is_placeholder
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.schemas.convert import kind_of as named_kind


def check(subject: Subject) -> Iterator[Finding]:
    """Yield references to something missing; those of pods are ENV003's and SEC004's."""
    yield from _missing(subject, namings(subject, of_pods=False))


def of_files(files: Files) -> Iterator[Finding]:
    """Yield references to something that does not exist, where its kind is kept in these files."""
    yield from _missing(files, namings(files, of_pods=True))


def _missing(files: Files, found: Iterator[NamedObject]) -> Iterator[Finding]:
    there = StoredObjects(kept(files))
    for naming in found:
        if fault := _unknown_kind(files, naming):
            yield fault
            continue
        if naming.name in builtin(naming.kind) or naming.name.startswith("system:"):
            continue
        named = there.named(naming.kind, naming.name, naming.namespace)
        what = f"{title(naming.artifact)} names {naming.kind} {naming.name}"
        where = naming.artifact.at(*naming.path)
        if not named and is_of_entry(naming.kind, naming.artifact):
            names = there.near(naming.kind, naming.namespace, naming.artifact)
            if unread := _unread(files, naming.name, names):
                what = f"{what}, which does not exist; {unread} is like it, which nothing reads"
                yield Finding(where, what)
        elif not named:
            names = there.near(naming.kind, naming.namespace, naming.artifact)
            if names and not _is_in_script(files, naming):
                likely = only_near(naming.name, names[:MOST_COMPARED])
                choice = (
                    f"did you mean '{likely}'?" if likely else f"there are: {', '.join(names[:12])}"
                )
                is_open = is_placeholder(naming.name)
                yield Finding(where, f"{what}, which does not exist; {choice}", warning=is_open)
            elif not names and (space := _elsewhere(there, naming)):
                own = naming.namespace or space_of(naming.artifact)
                said = f"{what} in {own}, and the only one of that name is in {space}"
                yield Finding(where, f"{said}: it is not found; put both into one namespace")
        elif naming.key and not any(_has(one, naming.key) for one in named):
            keys = sorted({key for one in named for key in one.keys})
            choice = did_you_mean(naming.key, keys) if keys else "add it"
            yield Finding(where, f"{what}, which has no key {naming.key}; {choice}")


def _unknown_kind(files: Files, naming: NamedObject) -> Finding | None:
    """Say of a reference with an API of Kubernetes' own that this has no such kind."""
    api = string(fields(naming.artifact.data, *naming.path), "apiVersion")
    schemas = schemas_of(files)
    if not api or not schemas.is_own(api) or not naming.kind.isalnum():
        return None
    group, groups = named_kind(api, "").group, schemas.groups_of(naming.kind)
    if group in groups:
        return None
    what = f"{title(naming.artifact)} names {naming.kind} {naming.name} of {api}"
    where = naming.artifact.at(*naming.path, "kind")
    if groups:
        there = " or ".join(sorted(one or "v1" for one in groups))
        return Finding(where, f"{what}, and {naming.kind} is of {there}; write that", warning=True)
    near = only_near(naming.kind, schemas.kinds_of(group))
    advice = f"did you mean '{near}'?" if near else "correct it"
    return Finding(where, f"{what}, which has no kind of that name; {advice}")


def _elsewhere(there: StoredObjects, naming: NamedObject) -> str:
    """Return the one namespace that has an object of that name; "" where that is not known."""
    own = naming.namespace or space_of(naming.artifact)
    named = there.named(naming.kind, naming.name, "")
    found = {one.namespace for one in named}
    # What is built is a part of what is applied.
    is_plain = not any(one.built_by for one in (naming.artifact, *(n.artifact for n in named)))
    is_led = kind_of(naming.artifact) == "Ingress" and naming.kind == "Service"
    is_known = is_led and is_plain and own and len(found) == 1 and "" not in found
    return found.pop() if is_known else ""


def _unread(files: Files, name: str, names: list[str]) -> str:
    """Find the certificate that an entry means and nothing reads; "": it is made elsewhere."""
    certified = {str(Certificate(one).secret) for one in files.objects("Certificate")}
    likely = only_near(name, [one for one in names if one in certified][:MOST_COMPARED])
    return likely if likely and likely not in _read_secrets(files)[0] else ""


@once
def _read_secrets(files: Files) -> Iterator[frozenset[str]]:
    """Yield the Secrets that an entry reads, and what cert-manager makes for one that asks."""
    found = set[str]()
    for artifact in files.objects(*ENTRIES):
        found |= {secret.name for secret in tls_secrets(artifact)}
        found.add(string(artifact.data, "spec", "tls", "secretName"))
    yield frozenset(found)


def _is_in_script(files: Files, naming: NamedObject) -> bool:
    """Tell whether a script or a Job of these files names it: it makes it, or waits for it."""
    of_values = naming.kind in ("Secret", "ConfigMap")
    if not of_values:
        return False
    return any(naming.name in text for text in (*_scripts(files), *_told_to_jobs(files)))


@once
def _scripts(files: Files) -> Iterator[str]:
    """Yield the text of all scripts: as many names are looked for as files have."""
    texts = (one.content for one in files.artifacts if one.path.endswith(".sh"))
    yield "\n".join(text for text in texts if isinstance(text, str))


@once
def _told_to_jobs(files: Files) -> Iterator[frozenset[str]]:
    """Yield the words of what Jobs run, cut where a name ends: `--secret=web-keys:TOKEN`."""
    found = (one for pod in pods(files, "Job", "CronJob") for one in pod.containers)
    texts = (text for container in found for text in container.words)
    yield frozenset(name for text in texts for name in re.split(r"[^\w.-]+", text))


def _has(one: StoredObject, key: str) -> bool:
    return one.keys == ANY or key in one.keys


def _planned(subject: Subject) -> Iterator[NamedObject]:
    return namings(subject, of_pods=False)


def _all(files: Files) -> Iterator[NamedObject]:
    return namings(files, of_pods=True)


@cache
def builtin(kind: str) -> frozenset[str]:
    """List the objects of a kind that every cluster has."""
    return frozenset(object_rules()["builtin"].get(kind, ()))


GATE = Gate(
    id="OBJ008",
    title="Every object that another one names exists",
    phase="kubernetes",
    source="an autoscaler without its target scales nothing, and a route without its Service "
    "answers 503: both are taken by the API server",
    check=check,
    of_files=of_files,
    scope=counted_in_files("references", _all, _planned),
    reads="the places of assets/object_rules.yaml. What is of a kind and namespace of which these "
    "files have no object at all may be kept elsewhere and is not judged, but the Service of an "
    "Ingress that one other namespace has. Of files without a plan: also what pods name, with "
    "its key.",
)
