"""The forms of an environment that are built of its tree on disk, each judged in its own right.

Called by `system`. A form that says what the plain objects say needs no second judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.artifact import Artifact
from tarmac.base.foreign import files
from tarmac.base.report import Finding, Result, Status
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Form, Forms
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.forms import Difference, covered, differences
from tarmac.check.gates.views.objects.metadata import Identity, identity_of
from tarmac.check.verify.built import units
from tarmac.check.verify.built.sources import Sources
from tarmac.check.verify.built.unit import Unit
from tarmac.check.verify.disk_tree import JudgedTree
from tarmac.check.verify.folder import READING, both
from tarmac.check.verify.running import Suppressions, run

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan

#: Gates that hold the tree beside something else, its forms among them.
BESIDE = ("GIT007", "OBJ006")
#: How a reader is told of each.
TITLES = {"kustomization": "the overlay", "chart": "the chart"}


def build(judged: JudgedTree, plan: ClusterPlan) -> tuple[tuple[Form, ...], tuple[Finding, ...]]:
    """Build the overlay and the charts of a tree on disk; with them, what could not be built."""
    folder = judged.folder
    if folder is None or plan.settings.target != "cluster":
        return (), ()
    paths = tuple(path for path in sorted(folder.rglob("*")) if not path.is_dir())
    sources = Sources(folder, lambda path: files.shown(path.relative_to(folder)), paths=paths)
    made = units.build(judged.artifacts, sources, READING, plan.namespace)
    found = []
    for form, title in TITLES.items():
        own = _of_environment([unit for unit in made.units if unit.form == form], plan)
        if objects := tuple(_once(own)):
            deleted = {key: place for unit in own for key, place in unit.deleted.items()}
            found.append(Form(title, objects, deleted))
    return tuple(found), made.unbuilt


def _of_environment(made: list[Unit], plan: ClusterPlan) -> list[Unit]:
    """Choose the overlays of the environment where a folder has those of several."""
    own = [unit for unit in made if plan.environment in Path(unit.title).parts]
    return own or made


def _once(made: Iterable[Unit]) -> Iterator[Artifact]:
    """Yield each object once: an Application may follow a part of another's overlay."""
    seen: set[Identity] = set()
    for unit in made:
        for artifact in unit.artifacts:
            if identity_of(artifact) not in seen:
                seen.add(identity_of(artifact))
                yield artifact


def judge(subject: Subject, gates: Iterable[Gate], suppressions: Suppressions) -> Iterator[Result]:
    """Yield what came of each gate, on the plain objects and on each form that differs."""
    asked = list(gates)
    results = {result.what: result for result in run(subject, asked, suppressions)}
    # Programs of others read the disk, where each form is as it was; a cluster has one form.
    again = [
        gate for gate in asked if not (gate.program or gate.observes) and gate.id not in BESIDE
    ]
    for form in subject.given(Forms).built:
        differing = list(differences(subject, form))
        if not differing:
            continue
        known = {(found.gate, found.what) for e in results.values() for found in e.findings}
        for result in run(with_form(subject, form), again, suppressions):
            own = tuple(
                _at_difference(found, differing)
                for found in result.findings
                if (found.gate, found.what) not in known
            )
            counts = own or result.status is Status.ERROR
            status = result.status if counts else results[result.what].status
            more = replace(result, findings=own, status=status)
            results[result.what] = both(results[result.what], more)
    yield from results.values()


def with_form(subject: Subject, form: Form) -> Subject:
    """Put a form in the place of the plain objects that it stands for."""
    hidden = {id(one) for one in covered(subject.raw, form)}
    others = tuple(one for one in subject.raw if id(one) not in hidden)
    inputs = tuple(one for one in subject.inputs if not isinstance(one, Forms))
    return replace(subject, artifacts=(*others, *form.artifacts), inputs=inputs)


def _at_difference(finding: Finding, differing: list[Difference]) -> Finding:
    """Give a finding of an object the place of the part that makes the difference there.

    Without it there would be not a finding, since the plain object has none.
    """
    own = [
        found
        for found in differing
        if found.packed is not None and finding.where in (found.packed.path, found.packed.at())
    ]
    if not own:
        return finding

    def shared(found: Difference) -> int:
        words = {str(step).lower() for step in found.path if isinstance(step, str)}
        return sum(word in finding.what.lower() for word in words)

    return replace(finding, where=max(own, key=shared).place)
