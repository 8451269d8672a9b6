"""Rules of the API server that no schema has: numbers within bounds, and words that it knows."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.api_rules import breaches, is_ruled
from tarmac.gates.views.objects.kind_rules import has_rules, kind_breaches
from tarmac.gates.views.objects.metadata import kind_of, title
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses, or takes and never acts on."""
    for artifact in _ruled(files):
        own = breaches(artifact) if is_ruled(artifact) else ()
        for breach in {found.path: found for found in (*own, *kind_breaches(artifact))}.values():
            where = ".".join(map(str, breach.path))
            what = f"{where} of {title(artifact)} {breach.what}"
            yield Finding(artifact.at(*breach.path), what, fix=breach.fix)


def _ruled(files: Files) -> list[Artifact]:
    return [one for one in files.objects() if is_ruled(one) or has_rules(kind_of(one))]


GATE = Gate(
    id="OBJ011",
    title="Numbers and words of objects are ones that an API server takes",
    phase="kubernetes",
    source="a schema says that a period is a number; that 0 is none, the API server says when it is"
    " too late, or a controller never acts",
    check=check,
    #: Other controllers have kinds of their own for these.
    of_files=lenient(check, "issuerRef", "certificateRefs"),
    scope=counted_in_files("objects", _ruled),
    reads="bounds and words of assets/object_rules.yaml in objects of Kubernetes' own groups, and "
    "those of assets/kind_rules.yaml in objects of others, with the form of durations, schedules "
    "and addresses. A text that is filled in by a program is not judged.",
)
