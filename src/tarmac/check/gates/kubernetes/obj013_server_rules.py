"""What an API server refuses by its own code, beside the schemas that it publishes."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.server_rules import refusals
from tarmac.check.gates.views.scope import kinds


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses where they stand."""
    for artifact in files.objects():
        for refusal in dict.fromkeys(refusals(artifact)):
            where = ".".join(map(str, refusal.path)) or "the object"
            what = f"{where} of {title(artifact)} {refusal.what}"
            yield Finding(artifact.at(*refusal.path), what, warning=refusal.placeholder)


GATE = Gate(
    id="OBJ013",
    title="An API server accepts every name, label and combination of fields",
    phase="kubernetes",
    source="a name of 64 letters, a port's of 16 and a liveness probe that must succeed twice are "
    "all of the right type: the API server refuses them when they are applied",
    check=check,
    of_files=check,
    scope=kinds("objects"),
    reads="the places of assets/server_rules.yaml: forms and lengths of names, labels and paths, "
    "what is there twice, and fields of which one rules out or requires another. Of kinds that "
    "others define: their pods alone. A text that is filled in by a program is not judged.",
)
