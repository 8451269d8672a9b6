"""The good files that are mutated: the systems' rendered trees, and a folder written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from rendered import artifacts_of, plan_of, system_of
from small_system import GATES

from mutants import scores
from mutants.judging import Judge
from tarmac.base.artifact import Artifact, read
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Original
from tarmac.check.gates.subject import Folder, Subject
from tarmac.check.verify.edits import is_asked

CORPUS = Path(__file__).parents[2] / "mutation/corpus"
TODAY = date(2026, 11, 20)
#: One environment of each system, of different kinds.
SYSTEMS = (
    ("hello-dd", "kind"), ("shop", "staging"), ("starter", "production"),
    ("trading", "production"), ("travel", "prod"),
)  # fmt: skip
#: Gates that start no program of others.
OWN = tuple(gate for gate in GATES.values() if not gate.program)


@cache
def corpus() -> tuple[Artifact, ...]:
    """Read the files that were written by hand."""
    return tuple(artifact for path in sorted(CORPUS.rglob("*")) for artifact in _read(path))


def _read(path: Path) -> Iterator[Artifact]:
    if path.is_file():
        name, text = path.relative_to(CORPUS).as_posix(), path.read_text(encoding="utf-8")
        yield from read(name, text) if name.endswith((".yaml", ".yml")) else [Artifact(name, text)]


def with_model(system: str, environment: str) -> Judge:
    """Judge a rendered tree beside its model."""
    made, plan = artifacts_of(system, environment), plan_of(system, environment)
    asked = [gate for gate in OWN if plan.settings.target in gate.targets]
    original = Original(made, f"tarmac render {system} --env {environment}")
    subject = Subject(system_of(system), plan, made, TODAY, inputs=(original,))
    return Judge(subject, [*asked, *(_of_files(gate) for gate in OWN if is_asked(gate, subject))])


def _of_files(gate: Gate) -> Gate:
    """Make the gate that `verify` asks of a tree that was edited."""
    assert gate.of_files is not None
    return replace(gate, id=f"{gate.id} of files", check=gate.of_files)


def without_model(system: str, environment: str) -> Judge:
    """Judge a rendered tree as files of which there is no model."""
    return _as_files(artifacts_of(system, environment))


def by_hand(*_: str) -> Judge:
    """Judge the files that were written by hand."""
    return _as_files(corpus())


def _as_files(artifacts: tuple[Artifact, ...]) -> Judge:
    return Judge(Folder(artifacts, TODAY), [gate for gate in OWN if gate.of_files is not None])


#: What the tests try: a tree, and one of so many classes of its mutants.
SAMPLED = {"corpus": 4, "hello-dd": 8}


def judge_of(name: str) -> Judge:
    """Judge a tree that the tests try."""
    return by_hand() if name == "corpus" else with_model(*SYSTEMS[0])


def sampled(name: str) -> dict[str, int]:
    """Measure the score of each kind of file in a sample, in percent."""
    found = scores.counted(scores.outcomes(judge_of(name), SAMPLED[name]))
    return {kind: score.percent or 0 for kind, score in sorted(found.items())}
