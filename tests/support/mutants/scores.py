"""How many mutants of each kind of file are found, and the page that says so."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mutants.classes import EQUIVALENT, HARMLESS, MISSED, judgement_of
from mutants.judging import DRIFT, Judge, Verdict, says_purpose
from mutants.making import MutantClass, class_of, is_mutated, mutants_of
from mutants.mutant import Mutant
from tarmac.check.gates.subject import Folder

PAGE = Path(__file__).parents[3] / "docs/evidence/mutations.md"
#: The score of each kind in the tests' own samples, in percent.
RECORDED = Path(__file__).parents[2] / "mutation/scores.yaml"
KILLED, UNCLASSIFIED = "killed", "unclassified"
#: It does harm, and only that it is not as rendered is said, and not what that part is for.
DRIFTED = "drifted"
COLUMNS = (KILLED, DRIFTED, EQUIVALENT, HARMLESS, MISSED)


@dataclass
class Score:
    """What came of the mutants of one kind of file."""

    numbers: Counter[str] = field(default_factory=Counter)

    @property
    def percent(self) -> int | None:
        """Those whose harm is named of all that do harm, rounded down; None where none does."""
        return self._of_harmful(self.numbers[KILLED])

    @property
    def reported(self) -> int | None:
        """The same with those of which only the difference is named."""
        return self._of_harmful(self.numbers[KILLED] + self.numbers[DRIFTED])

    def _of_harmful(self, number: int) -> int | None:
        harmful = sum(self.numbers[outcome] for outcome in (KILLED, DRIFTED, MISSED))
        return number * 100 // harmful if harmful else None


def sample(judge: Judge, one_of: int, seed: int = 1) -> Iterator[tuple[int, MutantClass, Mutant]]:
    """Yield one mutant of each class, or of every nth class.

    They are chosen by their own names, so that a new class leaves the choice of others as it is.
    """
    chosen: dict[MutantClass, tuple[int, int, Mutant]] = {}
    for number, artifact in enumerate(judge.subject.raw):
        for mutant in mutants_of(artifact) if is_mutated(artifact) else ():
            own = class_of(artifact, mutant)
            if _hash(f"{seed} {own}") % one_of == 0:
                rank = _hash(f"{seed} {artifact.path} {mutant.description}")
                if own not in chosen or rank < chosen[own][0]:
                    chosen[own] = rank, number, mutant
    yield from ((number, own, mutant) for own, (_, number, mutant) in sorted(
        chosen.items(), key=lambda item: item[0]
    ))  # fmt: skip


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def outcomes(judge: Judge, one_of: int) -> Iterator[tuple[MutantClass, Mutant, str, Verdict]]:
    """Yield what came of each mutant of a sample."""
    files = isinstance(judge.subject, Folder)
    for number, own, mutant in sample(judge, one_of):
        verdict = judge.judge(number, own, mutant)
        thought = judgement_of(own, files=files)
        yield own, mutant, _outcome(verdict, thought.name if thought else UNCLASSIFIED), verdict


def _outcome(verdict: Verdict, otherwise: str) -> str:
    if verdict.gate == DRIFT:
        harmful = KILLED if says_purpose(verdict.what) else DRIFTED
        return harmful if otherwise == MISSED else otherwise
    return KILLED if verdict.gate else otherwise


def counted(found: Iterable[tuple[MutantClass, Mutant, str, Verdict]]) -> dict[str, Score]:
    """Count outcomes by the kind of file."""
    scores: dict[str, Score] = {}
    for own, _, outcome, _ in found:
        scores.setdefault(own.kind, Score()).numbers[outcome] += 1
    return scores


def total(scores: dict[str, Score]) -> Score:
    """Add up the scores of all kinds."""
    return Score(sum((score.numbers for score in scores.values()), Counter()))


def table(scores: dict[str, Score]) -> Iterator[str]:
    """Write scores as the rows of a table."""
    yield "| File | Mutants | Harm named | Only not as rendered | Equivalent | Harmless | Missed \
| Harm named | Reported |"
    yield "|---|---|---|---|---|---|---|---|---|"
    rows = [*sorted(scores.items()), ("**all**", total(scores))]
    for kind, score in rows:
        cells = [str(score.numbers[column]) for column in COLUMNS]
        shares = ["-" if e is None else f"{e} %" for e in (score.percent, score.reported)]
        yield f"| {kind} | {score.numbers.total()} | {' | '.join([*cells, *shares])} |"
