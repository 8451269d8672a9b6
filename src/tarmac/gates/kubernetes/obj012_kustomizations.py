"""Kustomizations name files that are there, and all objects beside them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.objects.resource_lists import kustomization_files, left_out, list_faults
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield names of files that are not there, and objects that no Kustomization names."""
    yield from list_faults(files)
    yield from left_out(files)


GATE = Gate(
    id="OBJ012",
    title="Kustomizations name files that are there, and all objects beside them",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize: a resource that is not there "
    "stops the build; an object that no list names is never applied, and nothing says so",
    check=check,
    of_files=lenient(check, "beside it", "unless a program"),
    scope=counted_in_files("Kustomizations", kustomization_files),
    targets=("cluster",),
    reads="files that are called kustomization.yaml, and the objects in their folders. What is "
    "fetched from elsewhere is not looked for.",
)
