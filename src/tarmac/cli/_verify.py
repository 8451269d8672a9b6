"""Does what `tarmac verify` asks: reads, plans, renders, runs gates, keeps and joins evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tarmac import evidence, gates, registry, render, stores
from tarmac.artifact import Artifact
from tarmac.cli import _files, _measured, _tree
from tarmac.cli._kept import Kept
from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._join import join
from tarmac.gates._run import Borne, remarks, run, suppressed
from tarmac.model.checklist import Checklist, Suppressions, problems, unfounded
from tarmac.model.document import Document
from tarmac.model.loader import load, read_as
from tarmac.model.system import System
from tarmac.plan.deploy import deploy, no_environment
from tarmac.render._collect import artifacts
from tarmac.render._renderer import PHASES
from tarmac.report import Box, Report, Result

CHECKLIST, SUPPRESSIONS = "checklist.yaml", "suppressions.yaml"


@dataclass(frozen=True)
class Asked:
    """What is to be verified."""

    #: The system's file; None: only files that nobody planned.
    file: Path | None
    today: date
    environment: str | None = None
    phase: str | None = None
    #: The running copy that is measured; None: none is.
    namespace: str | None = None
    tree: Path | None = None
    junit: tuple[Path, ...] = ()
    #: A folder of files that nobody planned.
    files: Path | None = None
    #: Every box has to pass; a checklist without boxes is none.
    ready: bool = False


def verify(asked: Asked) -> Report:
    """Run every gate that is asked for: on a system, on files that nobody planned, on both.

    Raises:
        BadInput: the model, checklist or suppressions are wrong, no such environment or phase.
    """
    all_gates: dict[str, Gate] = registry.load(gates, "GATE")
    planned = _of_system(asked, asked.file, all_gates) if asked.file is not None else None
    if asked.ready and (planned is None or not planned.boxes):
        raise BadInput([_no_boxes(asked)])
    if asked.files is None:
        if planned is None:
            raise BadInput([Problem("verify", "nothing is named; name a system, or --files")])
        return planned
    own = _files.judge(asked.files, asked.today, _wanted(all_gates, None, asked.phase), _borne)
    if planned is None:
        return own
    return replace(
        planned,
        results=(*planned.results, *own.results),
        remarks=(*planned.remarks, *own.remarks),
        suppressed=(*planned.suppressed, *own.suppressed),
    )


def _of_system(asked: Asked, file: Path, all_gates: dict[str, Gate]) -> Report:
    """Run gates on each environment of a system, and join its checklist."""
    system = load(str(file), lambda path: Path(path).read_bytes())
    environments = _environments(system, asked)
    checklist = _checklist(file, all_gates, asked.today)
    wanted = _wanted(all_gates, checklist, asked.phase)
    borne = _borne(file)
    kept = Kept(file)
    model = dict(_model(system))
    if asked.namespace is not None:
        kept.write(_measured.memory(file, asked.namespace, evidence.digest(model.items())))
    measured = kept.measured(evidence.digest(model.items()))
    seconds = kept.measured(evidence.digest(model.items()), _measured.PIPELINE)
    kinds, renderers = registry.load(stores, "STORE"), registry.load(render, "RENDERER")
    results: list[Result] = []
    everything = dict(model)
    for name in environments:
        plan = deploy(system, name, kinds)
        made = artifacts(plan, renderers)
        if asked.tree is not None:
            among = plan.settings.target == "repository"
            made = _tree.read(asked.tree, made, among_others=among)
        inputs = {**model, **dict(_contents(made))}
        everything |= {f"{name}/{path}": content for path, content in inputs.items()}
        subject = Subject(system, plan, made, asked.today, asked.tree, measured, seconds)
        now = evidence.digest(inputs.items())
        results += [kept.gate(result, now) for result in run(subject, wanted, borne)]
    boxes: tuple[Box, ...] = ()
    if checklist is not None:
        proofs = [proof for box in checklist[0].boxes for proof in box.proofs]
        results += kept.others(proofs, asked.junit, evidence.digest(everything.items()))
        boxes = tuple(join(*checklist, results, asked.phase, asked.today))
    return Report(
        system=system.name,
        environments=environments,
        today=asked.today.isoformat(),
        results=tuple(results),
        boxes=boxes,
        remarks=tuple(remarks(borne, asked.today, [gate.id for gate in wanted])),
        suppressed=tuple(suppressed(borne, asked.today)),
        ready=asked.ready,
    )


def _no_boxes(asked: Asked) -> Problem:
    """Say that nothing is asked for: that nothing is open would be no readiness."""
    if asked.file is None:
        return Problem("--ready", "asks for the boxes of a system's checklist; name a SYSTEM")
    of = f" of phase {asked.phase}" if asked.phase else ""
    where = str(asked.file.with_name(CHECKLIST))
    return Problem(
        where, f"there is no box{of}, and so nothing to be ready; write down what must hold"
    )


def _environments(system: System, asked: Asked) -> tuple[str, ...]:
    known = tuple(system.file.environments)
    if asked.environment is not None:
        return (asked.environment,)  # whether it is there is the plan's to say
    if asked.tree is not None and len(known) > 1:
        hint = f"say with --env whose tree it is: {', '.join(known)}"
        raise BadInput([Problem(str(asked.tree), f"a tree is of one environment; {hint}")])
    if not known:
        raise no_environment(system)
    return known


def _wanted(
    known: dict[str, Gate], checklist: tuple[Checklist, Document] | None, phase: str | None
) -> tuple[Gate, ...]:
    """Choose the gates of a phase, and those that its boxes name; all without a phase."""
    if phase is None:
        return tuple(known.values())
    if phase not in PHASES:
        raise BadInput([Problem(phase, f"no such phase; {did_you_mean(phase, PHASES)}")])
    boxes = checklist[0].boxes if checklist else ()
    named = {proof.gate for box in boxes if box.phase == phase for proof in box.proofs}
    return tuple(gate for gate in known.values() if gate.phase == phase or gate.id in named)


def _checklist(
    file: Path, known: dict[str, Gate], today: date
) -> tuple[Checklist, Document] | None:
    path = file.with_name(CHECKLIST)
    if not path.is_file():
        return None
    found = read_as(Checklist, str(path), path.read_bytes())
    wrong = [*problems(*found, known, PHASES)]
    wrong += unfounded(*found, today, lambda name: (path.parent / name).is_file())
    if wrong:
        raise BadInput(wrong)
    return found


def _borne(file: Path) -> Borne:
    path = file.with_name(SUPPRESSIONS)
    if not path.is_file():
        return Borne()
    found, document = read_as(Suppressions, str(path), path.read_bytes())
    return Borne(found.suppressions, document)


def _model(system: System) -> Iterator[tuple[str, bytes]]:
    documents = {system.document.file}
    documents |= {each.document.file for parts in system.parts.values() for each in parts}
    # By their names as they are written: the same model in another folder is the same.
    for path in sorted(documents):
        yield f"{Path(path).parent.name}/{Path(path).name}", Path(path).read_bytes()


def _contents(made: Iterable[Artifact]) -> Iterator[tuple[str, bytes]]:
    for each in made:
        text = (
            each.content if isinstance(each.content, str) else json.dumps(each.content, default=str)
        )
        yield each.path, text.encode()
