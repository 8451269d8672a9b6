"""Objects are whole: apiVersion, kind, and the parts without which they do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.objects.needed import half_objects, missing
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding

#: Parts whose absence may be meant, or be made good by what is elsewhere.
UNUSUAL = (
    "has no apiVersion", "policyTypes", r"spec\.tls", "goes where its own", "nowhere said",
    "a Service is not asked", "every namespace", "of no user", "wherever there is",
    "was started with", "level above", "takes every path",
)  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield what an API server would not know as an object, and objects that lack a part."""
    for artifact, key in half_objects(files):
        what = f"has no {key}, so no API server takes it for an object; write it"
        yield Finding(artifact.at(), f"{title(artifact)} {what}")
    for artifact in files.objects():
        for path, part, why in missing(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} has no {part}: {why}; write it")


def _judged(files: Files) -> Iterator[Artifact]:
    yield from files.objects()
    yield from (artifact for artifact, _ in half_objects(files))


GATE = Gate(
    id="OBJ010",
    title="Objects are whole",
    phase="kubernetes",
    source="a file without apiVersion or kind is skipped or refused as a whole; an Ingress without "
    "rules and a route without backends are taken, and answer nothing",
    check=check,
    of_files=lenient(check, *UNUSUAL),
    scope=counted_in_files("objects", _judged),
    reads="apiVersion and kind of what has metadata, and the parts that assets/object_rules.yaml "
    "lists for each kind.",
)
