"""Bases and overlays build: kubectl kustomize."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import TarmacError
from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.program_answers import named
from tarmac.check.gates.views.programs import find, run, tree
from tarmac.check.gates.views.scope import paths


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each kustomization that cannot be built, with what kubectl says."""
    folder, program = tree(subject), find("kubectl")
    for path in named(folder, "kustomization.yaml"):
        place = path.rpartition("/")[0] or "."
        try:
            built = run([program, "kustomize", place], folder, (0,))
        except TarmacError as error:
            yield Finding(path, f"cannot be built ({str(error)[-300:]}); fix it", GATE.id)
        else:
            if not built.strip():
                yield Finding(path, "builds nothing; name its resources", GATE.id)


GATE = Gate(
    id="VAL008",
    title="kubectl builds every kustomization",
    phase="kubernetes",
    source="https://kubectl.docs.kubernetes.io/references/kustomize",
    check=check,
    program="kubectl",
    scope=paths("kustomizations", "kustomization.yaml"),
    level=Level.VALID,
)
