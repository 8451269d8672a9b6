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
from precision_graded import (
    BEFORE,
    LATER_CERTAIN,
    LATER_ELEVENTH,
    LATER_FIFTEENTH,
    LATER_FOURTEENTH,
    LATER_KEPT_NINTH,
    LATER_KEPT_TENTH,
    LATER_LAST,
    LATER_NEXT,
    LATER_NINTH,
    LATER_SIXTEENTH,
    LATER_TENTH,
    LATER_THIRTEENTH,
    LATER_TWELFTH,
    SINCE,
    UNSEEN_CERTAIN,
    UNSEEN_ELEVENTH,
    UNSEEN_FIFTEENTH,
    UNSEEN_FOURTEENTH,
    UNSEEN_KEPT_LAST,
    UNSEEN_KEPT_NINTH,
    UNSEEN_KEPT_TENTH,
    UNSEEN_LAST,
    UNSEEN_NEXT,
    UNSEEN_NINTH,
    UNSEEN_SIXTEENTH,
    UNSEEN_TENTH,
    UNSEEN_THIRTEENTH,
    UNSEEN_TWELFTH,
    WHY_FALSE,
)
from precision_later import LATER_SETS
from precision_latest import LATEST_SETS
from precision_newest import NEWEST_SETS

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
These corrected fifteen gates. On 2026-11-27 twelve of them were judged again, by newer gates and
with the programs of others that are asked since: 28 errors more, 27 of them true. The other 39
stand as they were judged on 2026-11-23.

An error is what fails, is refused, or is insecure. By that, bases without a version and downloads
without a checksum (IMG014), which work until one day they do not, are warnings since 2026-11-28,
as others' rules for them always were: 155 errors that had been judged true count as warnings in
the table and under *Later*.
"""
UNSEEN = """\
## Not seen before

On 2026-11-27 twenty further repositories were chosen by their names: trees of manifests, charts,
overlays, Compose files, workflows, rules and Terraform, of twenty owners. The protocol:

1. Run `verify --files` once on each, with the programs of others that it asks where they are
   installed: actionlint, hadolint, shellcheck, zizmor. This is *First*.
2. Judge every error by its file and by what its reader does. Of the 787 of OBJ002 in one
   repository, 30 were drawn by lot.
3. Correct kinds of false and pedantic errors, with small files of our own as tests. No rule names a
   repository.
4. Run it again: *Later*. These repositories are known from now on; the next measurement needs
   others.

"""
COLUMNS = """\
| Repository | First | True | Pedantic | False | Later | True | Pedantic | False |
|---|---:|---:|---:|---:|---:|---:|---:|---:|"""
LATER = """\
The aim for the first run, 85 %, is missed by far. What was false or pedantic then:

- 787: an Application was taken to fill each folder with the end of its path (OBJ002); now its
  repository decides.
- 88: files of a chart were taken for what its Application sends (OBS004); now left alone.
- 79: shellcheck: parts of scripts, Jinja, style; now it fails where no shell can read it.
- 45: names that Tarmac gave releases of charts' test values (OBJ013, OBJ003); now it is the
  chart's own.
- 44: `var.` in text for another program, in Terraform (INF004); now only what is evaluated is
  read.
- 41: zizmor: pins, permissions, triggers, texts that only writers choose; now a warning.
- 29: variables without a value (OBJ007); now a warning.
- 20: alerts without `runbook_url` (OBS016); now a warning.
- 20: hadolint and actionlint: style, new runners, a strategy that is computed; now a warning,
  or nothing.
- 18: values that a program fills in: `$(name)`, `${SIZE:=5Gi}` (OBJ005, OBJ011, VAL001); now
  left alone.
- 16: Roles without rules, by a chart's switch (OBJ010); now a warning.
- 12: kustomizations whose files are deleted (files); now a warning.
- 12: root, and privileges of what works with devices (SEC001); now a warning.
- 65: others: fields of SOPS, `1e+06`, an anchor defined twice, keys that are numbers, old
  matchers; now read as by their readers.

Six of the repositories were read for what was not named. Charts whose dependencies are not in
`charts/`, 65 in all twenty, were not judged at all; their own templates are now. Rules in
`*.rules` were not read, and are. Still not named: rules of firewalls that are not of AWS,
policies that stand as JSON in a text of Terraform, servers of Compose files that ask for no
password (`trust`), and folders that begin with a dot, which are left out on purpose.
"""
UNSEEN_AGAIN = """\

## Not seen before, again

On the same day, 2026-11-27, after these corrections, twenty more repositories were chosen by their
names, of owners that are not listed above, and measured in the same way. Two kinds had more than 60
findings in one repository: bases of images, and another one whose findings all had one form. Four
files of one repository, each above 4 MiB, were absent.

"""
LATER_AGAIN = """\
Two repositories have most of it: 91 bases of images without a version, which are true, and 183
reports of one form, which are false. Without these two, 51 of 206 first errors are true, 25 %. A
first run on what no gate was corrected by is still far from the aim of 85 %. What was false or
pedantic then:

- 183: reports of a kind without metadata in a group of the API (OBJ013); now left alone.
- 32: routes that name no Gateway, which others may add (OBJ010); now a warning.
- 26: images that a program fills in where `image: ""` stands (OBJ007); now a warning.
- 26: patches that no kustomization names, since a Makefile adds them (VAL001, OBJ007, OBJ009); now
  a warning.
- 19: Compose files that are to be copied beside others (IMG015); now left alone.
- 15: ExternalSecrets whose values a generator makes (OBJ010); now left alone.
- 9: bases that the same repository builds, or that a build gives (IMG014); now a warning.
- 9: probes of a number, in pods that declare no port and listen all the same (NET001); now a
  warning.
- 8: receivers of Alertmanager that tell of resolved alerts by default, or need not (OBS015); now
  left alone, or a warning.
- 7: files in a folder that is called `invalid-examples`; now a warning.
- 7: a field that only a generator of bundles reads (VAL001); still an error.
- 7: the group of root, and pods that are called privileged (SEC001); now a warning.
- 8: kustomizations that are built with an option or from above, and excerpts of YAML; now a
  warning.
- 27: others: disks of 1M, hosts of an Ingress without paths, objects of other chapters of a book,
  ejection of every endpoint, values to fill in; now a warning, or read as by their readers.

Six were looked through for what was not named. Objects were judged by their definitions beside them
as a warning only, since another release may run; where one definition alone is there, they fail
now: 28 true errors more in two of the repositories, and two pedantic ones. A mount of a Compose
file whose path has a default, `${DATA:-/srv}/db:/var/lib/mysql`, was not read: 43 warnings were
false, and one database that cannot start was missed. 536 files of Terraform were parsed once for
each gate, which took more than 84 s of CPU, and takes 17 s. Still not named: workflows in folders
that GitHub does not read, and objects whose definitions only a kustomization builds.
"""
UNSEEN_SMALL = """\

## Not seen before, a third time

Later on 2026-11-27 ten more were chosen in the same way, four of them small applications. These
were asked, too: shellcheck 0.11, hadolint 2.15, actionlint and zizmor 1.32.

"""
LATER_SMALL = """\
Two kinds have most of it: 32 mounts of Windows, which are false, and 13 workflows of one form,
which are true. Without these two, 22 of 39 first errors are true, 56 %. The aim of 85 % is missed
again. What was false or pedantic then:

- 32: mounts on Windows, with a drive or a pipe (OBJ007, OBJ013); now left alone.
- 8: rules in LogQL, for the ruler of Loki (OBS016); now left alone.
- 3: steps of a Dockerfile in PowerShell, which shellcheck read (VAL004); now left alone.
- 3: pods that freeze a file system, wipe disks, or are for one named node (SEC001); now a warning.
- 2: `set-output`, which GitHub calls deprecated and obeys (VAL020); now a warning.
- 1: a NodePool without limits, in a test of scale (FIN002); still an error.
"""
UNSEEN_KEPT = """\

## Kept back

Two more were run for the first time after these corrections.

"""
LATER_KEPT = """\
The pedantic one was `if: false`, by which a job is switched off (VAL020); now a warning. A third
repository, influxdata/helm-charts, was not judged to its end: after 300 s helm was still templating
with marked values.
"""
UNSEEN_LARGER = """\

## Not seen before, a fourth time

Later again on 2026-11-27 sixteen more were chosen in the same way, of owners that are not listed
above: charts, folders for Argo CD and Flux, overlays, workflows, Compose files, Terraform, rules,
samples for Istio, and six applications.

"""
LATER_LARGER = """\
Links, 19 in kubeflow/manifests, were left out of the folders at first, by which one error came
about. The aim of 85 % is missed again: 55 of the 93 that were false or pedantic are in that one
repository, a tree of kustomizations which includes files from elsewhere. Without it 29 of 67 first
errors are true, 43 %. What was false or pedantic then:

- 14: bases and overlays that were judged as they are, since the kustomization above includes an
  address (OBJ009, VAL001); now what it includes is built.
- 12: accounts of istio-system, which its own installation makes (MSH005); now a warning.
- 12: probes without a path (OBJ007); now a warning.
- 11: inputs of tests in a folder that is called `unittests` (OBJ009, VAL001, SEC001, NET005); now a
  warning.
- 9: volumes that the whole object claims, in a kind of others (OBJ007); now left alone.
- 7: fields that no entry of a matrix has, which GitHub takes as empty (VAL020); now a warning.
- 6: groups of roles that are of others: `*.x-k8s.io`, and `jobs` of a pipeline (OBJ011); now left
  alone.
- 5: numbers as keys, and `needs: []`, in workflows (VAL020); now left alone, or a warning.
- 4: `image: #IMAGE`, which a script fills in (OBJ007); now a warning.
- 4: samples of secrets, to be filled in (OBJ013); now a warning.
- 9: others: subsets that are a policy, an Application that is not of Argo CD, a path without its
  slash, a switch that is called a token, a blank behind the end of a text in Terraform, what makes
  a node ready, a link; now a warning, or read as by their readers. An input of a workflow that is
  no more there is still an error.

On a busy machine kubeflow/manifests was not run again to its end: six of its files were judged
again, and the kinds of the others hold in small files of our own. Its *Later* is the first run
without these kinds.

Not named before, and an error now: a MySQL or MongoDB in a Compose file that is started with an
option which its version does not know any more. A kustomization was built only after every file of
the folder had been looked at; now its own files are.
"""
UNSEEN_KEPT_AGAIN = """\

## Kept back, again

Two more were run for the first time after these corrections.

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
    #: Verdict -> how many errors had it when no gate had seen the repository; none: not counted.
    first: Mapping[str, int] | None = None
    #: In which of the measurements that was; 0: in none.
    unseen: int = 0


def judged() -> list[JudgedRepository]:
    """Read the judgements."""
    entries = yaml.safe_load(JUDGEMENTS.read_text(encoding="utf-8"))
    return [_repository(entry) for entry in entries]


def _repository(entry: Mapping[str, Any]) -> JudgedRepository:
    found = tuple(Judgement(**judgement) for judgement in entry.get("errors", ()))
    others, first, unseen = entry["others"], entry.get("first"), entry.get("unseen", 0)
    return JudgedRepository(entry["repository"], entry["commit"], found, others, first, unseen)


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
    measured = (
        (UNSEEN, LATER),
        (UNSEEN_AGAIN, LATER_AGAIN),
        (UNSEEN_SMALL, LATER_SMALL),
        (UNSEEN_KEPT, LATER_KEPT),
        (UNSEEN_LARGER, LATER_LARGER),
        (UNSEEN_KEPT_AGAIN, WHY_FALSE),
        (UNSEEN_CERTAIN, LATER_CERTAIN),
        (UNSEEN_NEXT, LATER_NEXT),
        (UNSEEN_LAST, LATER_LAST),
        (UNSEEN_KEPT_LAST, BEFORE),
        (UNSEEN_NINTH, LATER_NINTH),
        (UNSEEN_KEPT_NINTH, LATER_KEPT_NINTH),
        (UNSEEN_TENTH, LATER_TENTH),
        (UNSEEN_KEPT_TENTH, LATER_KEPT_TENTH),
        (UNSEEN_ELEVENTH, LATER_ELEVENTH),
        (UNSEEN_TWELFTH, LATER_TWELFTH),
        (UNSEEN_THIRTEENTH, LATER_THIRTEENTH),
        (UNSEEN_FOURTEENTH, LATER_FOURTEENTH),
        (UNSEEN_FIFTEENTH, LATER_FIFTEENTH),
        (UNSEEN_SIXTEENTH, LATER_SIXTEENTH),
    )
    seen = [FIRST_SEEN]
    for number, (before, after) in enumerate(measured, start=1):
        seen += [f"{before}{COLUMNS}", *_unseen(repositories, number), after]
    return (
        HEAD
        + "\n".join([*rows, "", tail, "", *reasons, *[""] * bool(reasons), *seen, SINCE])
        + LATER_SETS
        + LATEST_SETS
        + NEWEST_SETS
    )


def _unseen(repositories: Iterable[JudgedRepository], number: int) -> Iterator[str]:
    """Yield the rows of the repositories whose first errors were counted in one measurement."""
    first, later = Counter[str](), Counter[str]()
    for one in repositories:
        if one.first is not None and one.unseen == number:
            now = Counter(judged.verdict for judged in one.judgements for _ in range(judged.number))
            first.update(one.first)
            later.update(now)
            yield f"| {one.name} | {_cells(one.first)} | {_cells(now)} |"
    yield f"| **all** | {_cells(first)} | {_cells(later)} |"
    if not first.total():
        yield "\nThere are no errors.\n"
        return
    parts = [f"{found['true'] / (found.total() or 1):.0%}" for found in (first, later)]
    rest = f"of the later ones {parts[1]}" if later.total() else "and there are no later ones"
    yield f"\nOf the first errors {parts[0]} are true, {rest}.\n"


def _cells(found: Mapping[str, int]) -> str:
    return " | ".join(map(str, (sum(found.values()), *(found.get(v, 0) for v in VERDICTS))))


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
