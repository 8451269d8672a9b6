"""What an API server refuses by the rules in CEL of a custom resource's definition."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, places
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_cut
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.objects.text_forms import is_replaced, is_to_write
from tarmac.check.gates.views.objects.webhooks import completed_groups
from tarmac.check.gates.views.objects.whole import schemas_of, whole_objects
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.schemas import check as asking
from tarmac.check.schemas import kind_rules


def check(files: Files) -> Iterator[Finding]:
    """Yield each rule that does not hold, where it is."""
    schemas, completed = schemas_of(files), completed_groups(files)
    for artifact in _ruled(files, schemas):
        if not kind_rules.is_there():
            raise Skip(kind_rules.MISSING)
        # Of another release, whose rules may be others: its fields are.
        other = any(True for _ in schemas.located(artifact.data))
        for problem in schemas.refusals(artifact.data):
            where = asking.write(problem.path) or "the object"
            what = f"{where} of {title(artifact)} is refused: {problem.what}; correct it"
            value = dig(artifact.data, *problem.path)
            if any(is_replaced(one) for _, one in places(value)):
                continue  # what is put in there is not known
            is_open = other or bool({"*", group_of(artifact)} & completed)
            is_open = is_open or is_cut(artifact, value) or is_to_write(value) or is_part(artifact)
            yield Finding(artifact.at(*problem.path), what, warning=is_open)


def _ruled(files: Files, schemas: asking.Schemas | None = None) -> list[Artifact]:
    known = schemas or schemas_of(files)
    return [artifact for artifact in whole_objects(files) if known.has_rules(artifact.data)]


GATE = Gate(
    id="OBJ014",
    title="Custom resources satisfy the rules of their definitions",
    phase="kubernetes",
    source="https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/"
    "custom-resource-definitions/#validation-rules: an API server refuses an object of which one "
    "of these rules in CEL does not hold; a schema does not show it.",
    check=check,
    of_files=check,
    reads="objects of kinds whose definitions have x-kubernetes-validations: those that ship with "
    "Tarmac, and those among the files. Rules about changes are left out. Needs the extra `rules`.",
    scope=counted_in_files("objects of kinds with rules", _ruled, _ruled),
)
