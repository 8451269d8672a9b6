"""Measure which mutants `verify` finds, and write docs/evidence/mutations.md; by hand, in minutes.

`python tests/support/mutation_scores.py [--missed]`; with --missed it also lists what is not found.
"""

from __future__ import annotations

import sys
import time

import yaml
from mutants import scores, trees
from mutants.judging import schemas_read_once
from mutants.making import MutantClass

#: Of each tree, every class of mutants is tried, or every nth.
ONE_OF = {"hello-dd": 2, "starter": 4, "shop": 8, "trading": 8, "travel": 24}
INTRODUCTION = """\
<!-- Written by `python tests/support/mutation_scores.py`. -->
# Mutations, found

What `verify` is worth is measured on good files that are broken on purpose, in one place at a
time: a key is deleted, a number is another, a reference is misspelt, a selector matches all, a unit
is lost, an object is there twice. A mutant is found when a gate has an error or a warning that the
good files do not have, and that names the file, or the line of the model that it contradicts.

Not every change does harm. What no gate finds is classified, with a reason,
in `tests/mutation/survivors.yaml`: *equivalent* (the system behaves the same), *harmless* (an owner
may want it so) or *missed*. One mutant of each class is tried: of a kind of file, a place in it,
and an operator.

Beside a model, GIT007 reports whatever is not as the model renders it, and of most parts what they
are for (`src/tarmac/assets/purposes.yaml`). Without that, it tells a reader where the edit is, and
not what harm it does; so two shares of the harmful mutants are given: those whose harm a gate
names, or of whose place GIT007 says what it is for, and those that are reported at all.
"""
END = """\
## Measure it

```sh
python tests/support/mutation_scores.py
```

A part of it runs with the tests: a survivor that is not classified fails them, and so does a score
below its last one. Programs of others (promtool, hadolint, actionlint) are not asked here; they
find more.
"""
TREES = "The systems' rendered trees, beside their models."
PARTS = (
    ("With a model", TREES, trees.with_model, trees.SYSTEMS),
    (
        "The same trees without their models",
        "As `verify --files` sees them.",
        trees.without_model,
        trees.SYSTEMS,
    ),
    (
        "Files written by hand",
        "The folder `tests/mutation/corpus`, by `verify --files`.",
        trees.by_hand,
        (("corpus", ""),),
    ),
)


def main(*, list_missed: bool) -> None:
    """Measure all trees, and write the page and what the tests compare with."""
    parts, missed = [INTRODUCTION], set[MutantClass]()
    with schemas_read_once():
        for title, about, judge_of, named in PARTS:
            started = time.process_time()
            found = [
                outcome
                for name, environment in named
                for outcome in scores.outcomes(judge_of(name, environment), ONE_OF.get(name, 1))
            ]
            took = time.process_time() - started
            print(f"{title}: {len(found)} mutants, {len(found) / took:.0f} a second")
            missed |= {own for own, _, outcome, _ in found if outcome != scores.KILLED}
            table = "\n".join(scores.table(scores.counted(found)))
            parts.append(f"## {title}\n\n{about}\n\n{table}\n")
        recorded = {name: trees.sampled(name) for name in trees.SAMPLED}
    scores.PAGE.write_text("\n".join([*parts, END]), encoding="utf-8")
    scores.RECORDED.write_text(yaml.safe_dump(recorded), encoding="utf-8")
    if list_missed:
        print(*sorted(map(str, missed)), sep="\n")


if __name__ == "__main__":
    main(list_missed="--missed" in sys.argv)
