"""What is to be verified: the options, the gates that are there, the findings that are accepted.

None of it needs a model: files alone are judged without loading what reads one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.places import RULES_FILE, SUPPRESSIONS_FILE
from tarmac.check import gates
from tarmac.check.gates.gate import Gate
from tarmac.check.verify.running import Suppressions
from tarmac.render.renderer import PHASES


@dataclass(frozen=True)
class VerifyOptions:
    """What is to be verified."""

    #: The system's file; None: only files without a plan.
    file: Path | None
    today: date
    environment: str | None = None
    phase: str | None = None
    #: The running copy that is measured; None: none is.
    namespace: str | None = None
    #: Judge what runs in the environment's cluster, too.
    cluster: bool = False
    #: Which cluster that is, by the kubeconfig; None: the current one.
    context: str | None = None
    #: The rendered tree; None: the folder that `tarmac render` writes by default, if it is there.
    tree: Path | None = None
    #: Judge what the model renders in memory, whatever is on disk.
    in_memory: bool = False
    junit: tuple[Path, ...] = ()
    #: A folder of files without a plan.
    files: Path | None = None
    #: Of these, the ones that are judged; none: all.
    only: tuple[Path, ...] = ()
    #: The git revision to which files that are reported differ; None: all are.
    changed: str | None = None
    #: Every item has to pass; a checklist without items is none.
    ready: bool = False


def known_gates(file: Path | None, folder: Path | None = None) -> dict[str, Gate]:
    """Load every gate, with the rules beside a system's file and in a folder of files."""
    known: dict[str, Gate] = registry.load(gates, "GATE")
    places = {place.resolve(): place for place in (file and file.parent, folder) if place}
    for place in places.values():
        if (place / RULES_FILE).is_file():
            from tarmac.check.verify import own_rules  # noqa: PLC0415 - as the head says

            known |= {gate.id: gate for gate in own_rules.read(place, known)}
    return known


def wanted(
    known: dict[str, Gate], phase: str | None, named: Collection[str] = ()
) -> tuple[Gate, ...]:
    """Choose the gates of a phase, and those of these ids; all without a phase."""
    if phase is None:
        return tuple(known.values())
    if phase not in PHASES:
        raise BadInput([Problem(phase, f"no such phase; {did_you_mean(phase, PHASES)}")])
    return tuple(gate for gate in known.values() if gate.phase == phase or gate.id in named)


def suppressions_of(file: Path) -> Suppressions:
    """Read the suppressions beside a file."""
    path = file.with_name(SUPPRESSIONS_FILE)
    if not path.is_file():
        return Suppressions()
    from tarmac.check.verify.checklist_files import content  # noqa: PLC0415 - as the head says
    from tarmac.model.checklist import SuppressionFile  # noqa: PLC0415 - as above
    from tarmac.model.loader import read_as  # noqa: PLC0415 - as above

    found, document = read_as(SuppressionFile, str(path), content(path))
    return Suppressions(found.suppressions, document, protected=frozenset(found.protected))
