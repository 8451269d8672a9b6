"""Judge public repositories by `verify --files`, and hold each failing finding to its judgement.

`python tests/support/precision.py FOLDER` reads the clones in FOLDER at the commits of
tests/precision.yaml, or clones them there, and writes docs/evidence/precision.md. What is not
judged yet is printed, and the page is not written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from clones import clone_of, write_out

ROOT = Path(__file__).parents[2]
JUDGEMENTS = ROOT / "tests/precision.yaml"
PAGE = ROOT / "docs/evidence/precision.md"
TARMAC = Path(sys.executable).with_name("tarmac")
VERDICTS = ("true", "pedantic", "false")
OTHERS = ("kube-score", "checkov", "zizmor", "hadolint")
HEAD = """\
<!-- Written by `python tests/support/precision.py`. -->
# Precision of `verify --files`

What `tarmac verify --files .` says of public repositories that know nothing of Tarmac, and how much
of it is true. Only errors fail it. Each was looked at by hand, with kubectl and Helm installed, and
judged with a reason in `tests/precision.yaml`: *true*, *pedantic* (so, and of no consequence there)
or *false* (nothing is wrong). Warnings (a missing probe, a limit, a writable root, an action that
no commit pins) are true nearly always, and what one makes of them is a matter of taste: they are
counted only.

The last columns say how many things other programs find in the same files, as they come: criticals
of kube-score, failed checks of checkov, findings of zizmor and hadolint. They are not judged; a
program that had nothing of its kind there has no number.

| Repository | Commit | Errors | True | Pedantic | False | Warnings \
| kube-score | checkov | zizmor | hadolint |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""
#: What no later run can measure again.
FIRST_SEEN = """\
Gates were corrected by what they said of these repositories, so they do better here than elsewhere.
How much better, those tell that no gate had seen before. The 26 from Azure-Samples/aks-store-demo
on, mostly programs with a Dockerfile, had eight errors, none more than pedantic. The six from
argoproj/argo-rollouts on, which are controllers with their examples, tests and charts, had 194, of
which a third were true or pedantic; 48 of the others were examples in one folder that share a name.
These corrected fifteen gates. Nothing was measured again after that: of files of such a kind
expect the first number, of a team's own the second.
"""


@dataclass(frozen=True)
class Judgement:
    """What was thought of some findings of one repository."""

    gate: str
    #: The files that they are in, with * as in file names.
    at: str
    number: int
    verdict: str
    why: str
    #: Part of their text, where a gate says several things of a file.
    what: str = ""


@dataclass(frozen=True)
class JudgedRepository:
    """A repository at a commit, and what was thought of its failing findings."""

    name: str
    commit: str
    judgements: tuple[Judgement, ...]
    #: Program -> how many things it finds there.
    others: Mapping[str, int] = field(default_factory=dict)


def judged() -> list[JudgedRepository]:
    """Read the judgements."""
    entries = yaml.safe_load(JUDGEMENTS.read_text(encoding="utf-8"))
    return [_repository(entry) for entry in entries]


def _repository(entry: Mapping[str, Any]) -> JudgedRepository:
    found = tuple(Judgement(**judgement) for judgement in entry.get("errors", ()))
    return JudgedRepository(entry["repository"], entry["commit"], found, entry["others"])


def differences(
    repository: JudgedRepository, findings: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Say what is found and not judged, and what is judged and no longer found so often."""
    errors = [finding for finding in findings if not finding["warning"]]
    seen: Counter[Judgement] = Counter()
    for finding in errors:
        judgement = next((one for one in repository.judgements if _is_of(one, finding)), None)
        if judgement is None:
            yield f"{repository.name}: {finding['where']}: {finding['gate']}: {finding['what']}"
        else:
            seen[judgement] += 1
    for judgement in repository.judgements:
        if seen[judgement] != judgement.number:
            where = f"{repository.name}: {judgement.gate} at {judgement.at}"
            yield f"{where}: {seen[judgement]} findings, and {judgement.number} are judged"


def _is_of(judgement: Judgement, finding: Mapping[str, Any]) -> bool:
    return (
        judgement.gate == finding["gate"]
        and judgement.what in finding["what"]
        and fnmatch(finding["where"].split(":")[0], judgement.at)
    )


def shares(repositories: Iterable[JudgedRepository]) -> dict[str, float]:
    """Say of each gate what part of its errors is true, and of all under an empty name."""
    numbers: dict[str, Counter[str]] = {}
    for repository in repositories:
        for one in repository.judgements:
            for name in ("", one.gate):
                numbers.setdefault(name, Counter())[one.verdict] += one.number
    return {name: found["true"] / found.total() for name, found in numbers.items()}


def page(repositories: list[JudgedRepository], warnings: Mapping[str, int]) -> str:
    """Write the page, with the number of warnings by a repository's name."""
    rows, total = [], Counter[str]()
    for one in repositories:
        found = Counter[str]()
        for judgement in one.judgements:
            found[judgement.verdict] += judgement.number
        total += found
        link = f"[{one.name}](https://github.com/{one.name})"
        cells = [
            link,
            one.commit[:12],
            found.total(),
            *(found[v] for v in VERDICTS),
            warnings[one.name],
        ]
        rows.append(f"| {' | '.join(map(str, cells))} |")
    said = ", ".join(f"{total[verdict]} {verdict}" for verdict in VERDICTS)
    share = f"{shares(repositories)['']:.0%}"
    sums = {name: sum(one.others.get(name, 0) for one in repositories) for name in OTHERS}
    others = ", ".join(f"{name} {number}" for name, number in sums.items())
    tail = f"In all {total.total()} errors: {said}; {share} are true. Of others: {others}."
    reasons = [
        f"- {found.gate} in {one.name}, `{found.at}` ({found.verdict}): {found.why}."
        for one in repositories
        for found in one.judgements
        if found.verdict != "true"
    ]
    return HEAD + "\n".join([*rows, "", tail, "", *reasons, *[""] * bool(reasons), FIRST_SEEN])


def findings(repository: JudgedRepository, folder: Path) -> list[dict[str, Any]]:
    """Judge a repository at its commit, and list the findings with paths in it."""
    with tempfile.TemporaryDirectory() as copy:
        write_out(clone_of(repository.name, folder), repository.commit, Path(copy))
        shown = subprocess.run(
            [TARMAC, "verify", "--files", ".", "--json"], cwd=copy, capture_output=True, check=False
        )
    report = json.loads(shown.stdout)
    found = [finding for result in report["results"] for finding in result["findings"]]
    return [*found, *report["remarks"]]


def main(folder: Path) -> None:
    """Judge all of them."""
    repositories = judged()
    unlike, warnings = [], {}
    for repository in repositories:
        found = findings(repository, folder)
        unlike += differences(repository, found)
        warnings[repository.name] = sum(finding["warning"] for finding in found)
    print("\n".join(unlike) or "all is as it was judged")
    if not unlike:
        PAGE.write_text(page(repositories, warnings), encoding="utf-8")
    sys.exit(bool(unlike))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
