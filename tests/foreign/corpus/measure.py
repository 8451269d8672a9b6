"""Tries `tarmac init` on the repositories of corpus.yaml, and writes docs/evidence/corpus.md.

What became of them when they were started is in started.yaml, which start.py is run for.

Run by hand: `python tests/foreign/corpus/measure.py FOLDER`. FOLDER has the clones, or gets them;
each is read at its commit and not changed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))  # as pytest has it

from clones import clone_of, write_out  # noqa: E402
from corpus_edits import MOST_LINES, changed_lines  # noqa: E402

CORPUS = Path(__file__).with_name("corpus.yaml")
STARTED = Path(__file__).with_name("started.yaml")
UNSEEN = Path(__file__).with_name("unseen.yaml")
PAGE = ROOT / "docs/evidence/corpus.md"
TARMAC = Path(sys.executable).with_name("tarmac")
HEAD = """\
# Repositories that `init` was tried on

What `tarmac init` recognises of public repositories that know nothing of Tarmac, at a commit of
each: their own programs and the stores that they use. Nothing was edited. *Loads* says whether
Tarmac's own reader takes the file as it was written. Rules come from repositories that were looked
at: what `init` does with one that it has never met can be worse.

| Repository | Commit | Services | Stores | Not recognised | Recognised besides | Loads | Seconds |
|---|---|---:|---:|---|---|---|---:|
"""

STARTED_HEAD = """
## Started

What became of each in a copy, by `tarmac init` and `tarmac up -d`: healthy as a whole, or not, and
why. *Edited* is the same with a few other lines in the file that `init` wrote, five at most; they
are in `tests/foreign/corpus/started.yaml`, and `start.py --edited` beside it makes them. The
machine had Python 3.7 to 3.13, Node 20, Go 1.26, Java 17 and Rust with their package registries,
and no other network; it cannot get what *absent* names, and where that is the language itself,
nothing was started. Of a healthy system it is known that its ports answer, and no more.

| Repository | Without an edit | Edited | Why |
|---|---|---|---|
"""

UNSEEN_HEAD = """
## Not met before

The table above is of repositories that `init` was made with, so it says little of the next one. On
2026-11-26 twenty-two further ones were chosen by their names, of 1 to 9 programs each: none had
been tried. Seven more were left out before `init` was run: larger ones, a collection of exercises,
and such as have no compose file. The protocol:

1. Write down from the repository's own files which programs and stores it has.
2. Run `init` once, and write down what it recognised. This is *First*.
3. Correct kinds of faults, with small files of our own as tests. No rule names a repository.
4. Run it again: *Later*. These repositories are known from now on; the next measurement needs
   others.

A program or store counts by the name that its compose file gives it: one that was recognised
without that file, and so under another name and without its variables, does not count.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
UNSEEN_STARTED = """
Started by `tarmac up -d` without an edit, where this machine has the tools. The others need
MongoDB, Kafka, Elasticsearch, Gradle, Python 3.14, Node 22 or packages that the registries here
lack. The aim, that half of those start unedited, is not reached; some are healthy with a few lines.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""


SECOND_HEAD = """
### A second round

Eleven others on 2026-11-27, by the same protocol, after workers, Spring's settings and hosts
without a port were learnt. The stores of spring-boot-microservices-course were found at first by
what its code reads, under other names, so they do not count; its compose files have names of their
own.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SECOND_STARTED = """
Started without an edit. The others need MongoDB, two brokers, Poetry, Yarn, or Maven packages.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
THIRD_HEAD = """
### A third round

Ten others on the same day, after what the second one taught; a template was left out.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
THIRD_STARTED = """
Started without an edit. Two name their database in their code alone, and one downloads a library
from a host that is not reached here.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FOURTH_HEAD = """
### A fourth round

Fifteen others on the same day, of Python, Node, Go and Java.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FOURTH_STARTED = """
Started without an edit. *Edited* is the first file with a few other lines. Three need Python 3.14,
Node 25 and Node 12. Of the twelve others 3 were healthy at first (25 %), and 9 with five lines at
most (75 %); later 11 (91 %). The last one starts nowhere: its code misspells a setting of its own.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FIFTH_HEAD = """
### A fifth round

Six others on the same day, after what the fourth one taught. A seventh was left out: the clone
lacks files that it needs.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FIFTH_STARTED = """
Started without an edit: 3 of 6 were healthy at first (50 %), and 4 with five lines at most (66 %);
later 4 and 5.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
SIXTH_HEAD = """
### A sixth round

Four others on the same day. In two of them the programs were found at first under other names,
because of a second compose file. The commands of the five of microservices-docker-go-mongodb had
lost their first option and their addresses, and have them later.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SIXTH_STARTED = "\nNone was started.\n"
SEVENTH_HEAD = """
### A seventh round

Six others on the same day, larger than most before: the applications of a set that was chosen for
`verify`. All six files load. A seventh, kiali/demos, is a collection of samples and is not counted.
Start scripts with conditions, the stage that is built, and programs that start others again after
an edit were not read at first.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
EIGHTH_HEAD = """
### Kept back

One more was run for the first time after these corrections, and not again. Its API was found by its
Procfile, under another name: the compose file names released images of it.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
NINTH_HEAD = """
### A ninth round

Twenty-five others on 2026-11-28, of Python, Node, Go and Java, of many shapes: settings in TOML,
JSON, INI and YAML, Procfiles, manifests alone, images that only others' services build. Left out
were two templates, whose names are not filled in, and one of which the clone lacks files.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
NINTH_STARTED = """
Started without an edit, with the package managers that `init` names and FerretDB for MongoDB: 6 of
18 were healthy at first (33 %), and 10 with five lines at most (55 %); later 14 (77 %). The
others need Java 8 and 11, Python 3.14, Node 22, a Gradle distribution, or a MongoDB that knows more
logins.
*Edited* is the first file with the other lines of the later one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TENTH_HEAD = """
### A tenth round

Ten others, chosen with those of the ninth and not run before its corrections: *First* is after
them. *Later* is after what these ten taught.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TENTH_STARTED = """
Started without an edit: 2 of 7 were healthy at first (28 %), and 4 with five lines at most (57 %);
later 6 (85 %). The others need Python 3.7 and 3.8 or Node 22.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
ELEVENTH_HEAD = """
### An eleventh round

Twenty others on the same day, after fixed addresses of stores, plans of what is written and fronts
of nginx were learnt: five each of Python, Node, Go and Java, chosen by their names, of 1 to 5
programs. `init` was run before they were looked at. An nginx in front of others is none of these
programs: its paths go to the entry. What a compose file has in profiles that are off does not
count. The store of go-admin is found no more: the settings that its image is given name SQLite.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
ELEVENTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 4 of 13 were healthy at first (30 %), and later
9 (69 %). The others need Java 8 and 21, Node 16, a package from GitHub, and packages of npm and a
module of Go that the registries here lack. The aim, half of them at first, is not reached.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
TWELFTH_HEAD = """
### A twelfth round

Twenty others on the same day, after brokers and stores without a login, fronts of Apache and Caddy
and JSON with remarks were learnt: Python, Node, Go, Java and Rust, with workspaces, Procfiles,
manifests alone, Dockerfiles alone, and one without any of these; chosen by their names, of 1 to 8
programs. One more was left out: its clone has no files. An Apache or a Caddy in front of others is
none of these programs. A store of manifests counts by the name of its Deployment or its Service.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
TWELFTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 4 of 11 were healthy at first (36 %), and 5 with
five lines at most (45 %); later 9 (81 %). The others need Java 8, Node 22, clang, NATS Streaming,
what npm packages download from GitHub, packages of GitHub itself and one that the registries here
lack; one prints a line and ends, and of one no program was found. The aims at first, 85 % of the
programs, 90 % of the stores and half of those started, are not reached.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
THIRTEENTH_HEAD = """
### A thirteenth round

Sixteen others on the same day, after servers of settings, watchers and lists of packages were
learnt: systems of several programs, mostly of people who are not known for them, of Python, Node,
Go, Java and Rust, with compose files (one, several, one for each program, or with a profile for
each program), Skaffold, workspaces, and Dockerfiles alone. Two more were left out: a compose file
that Compose itself refuses, which `init` refuses as well, and a generator without a program.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
THIRTEENTH_STARTED = """
Started without an edit: 0 of 9 were healthy at first (0 %), one of which was said to be, and later
6 (66 %). *Edited* was tried once. Not started were those that need Python 3.14 and Node 22, NATS
Streaming, keys that their repositories lack, a version of a package that its registry lacks, and
what crates have from GitHub; one that was broken off does not count. The aims at first, 85 % of the
programs, 90 % of the stores and half of those started, are missed by far: systems of several
programs have more that only their authors know than those of one.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FOURTEENTH_HEAD = """
### A fourteenth round

Ten others, chosen in the same way; *First* is after the corrections that the thirteenth taught, and
*Later* after those that these ten did.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FOURTEENTH_STARTED = """
Started without an edit, with FerretDB for MongoDB: 2 of 4 were healthy at first (50 %), and later.
The others need Java 8, Python 3.6 and 3.7, files that their repositories lack, and one was not
compiled within five minutes beside other work.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
FIFTEENTH_HEAD = """
### A fifteenth round

Fourteen others on the same day, of more kinds than before: demos of microservices in Python, Node,
Go, Java, .NET and several languages, products (Mealie, Gotify, Lobsters, BookStack), a workspace
with packages, Celery with Django and with FastAPI, Ruby and PHP. What each has was written down
from its files before `init` was run. A gateway, a log shipper and an identity server of others are
none of these programs. A broker has no name in the file, and counts by its kind.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
FIFTEENTH_STARTED = """
Four of those whose tools are there were started without an edit, with FerretDB for MongoDB: 1 was
healthy at first (25 %), one more was said to be, and later 3 (75 %). A fifth needs a newer Node.
The aims at first: of the programs, 85 %, it is reached; of the stores, 90 %, and of those started,
half, they are not.

| Repository | First | Why | Later | Why | Edited |
|---|---|---|---|---|---|
"""
SIXTEENTH_HEAD = """
### A sixteenth round

Eight others, chosen in the same way; *First* is after the corrections that the fifteenth taught,
and *Later* after those that these eight did. A ninth was left out: a library.

| Repository | Commit | Services | Stores | Later: services | Stores | Not at first | Still not |
|---|---|---:|---:|---:|---:|---|---|
"""
SIXTEENTH_STARTED = """
None of them counts as started: they need .NET, Ruby, Java 22, Python 3.8.1, a Kafka with
certificates, Prisma's engine, a MongoDB that knows more logins, and a file of settings that its own
program asks people for. The one that is still not found is a second broker, of which a system has
one. Of the aims at first, that of the programs is reached, and that of the stores is not.
"""
#: What stands above the two tables of each round.
ROUNDS = {
    1: (UNSEEN_HEAD, UNSEEN_STARTED),
    2: (SECOND_HEAD, SECOND_STARTED),
    3: (THIRD_HEAD, THIRD_STARTED),
    4: (FOURTH_HEAD, FOURTH_STARTED),
    5: (FIFTH_HEAD, FIFTH_STARTED),
    6: (SIXTH_HEAD, SIXTH_STARTED),
    7: (SEVENTH_HEAD, SIXTH_STARTED),
    8: (EIGHTH_HEAD, SIXTH_STARTED),
    9: (NINTH_HEAD, NINTH_STARTED),
    10: (TENTH_HEAD, TENTH_STARTED),
    11: (ELEVENTH_HEAD, ELEVENTH_STARTED),
    12: (TWELFTH_HEAD, TWELFTH_STARTED),
    13: (THIRTEENTH_HEAD, THIRTEENTH_STARTED),
    14: (FOURTEENTH_HEAD, FOURTEENTH_STARTED),
    15: (FIFTEENTH_HEAD, FIFTEENTH_STARTED),
    16: (SIXTEENTH_HEAD, SIXTEENTH_STARTED),
}


class Outcome(NamedTuple):
    """What was found of one repository."""

    services: frozenset[str]
    stores: frozenset[str]
    loads: bool
    took_s: float


def main(folder: Path) -> None:
    """Measure all of them, and write the page."""
    rows, found_of, asked = [], [0, 0], [0, 0]
    for entry in yaml.safe_load(CORPUS.read_text()):
        found = _tried(clone_of(entry["repository"], folder), entry)
        wanted = frozenset(entry["services"]), frozenset(entry.get("stores", ()))
        there = wanted[0] & found.services, wanted[1] & found.stores
        for index in (0, 1):
            found_of[index] += len(there[index])
            asked[index] += len(wanted[index])
        missing = sorted((wanted[0] - found.services) | (wanted[1] - found.stores))
        more = sorted((found.services - wanted[0]) | (found.stores - wanted[1]))
        counts = [f"{len(there[i])} of {len(wanted[i])}" for i in (0, 1)]
        cells = [
            f"[{entry['repository']}](https://github.com/{entry['repository']})",
            entry["commit"],
            *counts,
            ", ".join(missing),
            ", ".join(more),
            "yes" if found.loads else "no",
            f"{found.took_s:.1f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1])
    total = (
        f"\nIn all {found_of[0]} of {asked[0]} services and {found_of[1]} of {asked[1]} stores.\n"
    )
    PAGE.write_text(HEAD + "\n".join(rows) + "\n" + total + started() + unseen())


def started() -> str:
    """Write the part of the page about what was started."""
    found = yaml.safe_load(STARTED.read_text())
    rows = [
        f"| {name} | {entry['outcome']} | {_edited(entry)} | {entry.get('why', '')} |"
        for name, entry in sorted(found.items(), key=lambda item: item[0].lower())
    ]
    tried = [entry for entry in found.values() if entry["outcome"] != "absent"]
    healthy = sum(entry["outcome"] == "healthy" for entry in tried)
    with_edit = healthy + sum("edit" in entry for entry in tried)
    share = (
        f"\nOf {len(tried)} whose tools are there, {healthy} are healthy without an edit "
        f"({100 * healthy // len(tried)} %) and {with_edit} with at most {MOST_LINES} lines "
        f"({100 * with_edit // len(tried)} %); {len(found) - len(tried)} lack some.\n"
    )
    return STARTED_HEAD + "\n".join(rows) + "\n" + share


def unseen() -> str:
    """Write the part of the page about repositories that `init` had not met."""
    found = yaml.safe_load(UNSEEN.read_text())
    rounds = (
        _round([entry for entry in found if entry.get("round", 1) == number], *heads)
        for number, heads in ROUNDS.items()
    )
    return "".join(rounds).rstrip("\n") + "\n"


def _round(found: Sequence[Mapping[str, Any]], head: str, started_head: str) -> str:
    rows, started_rows = [], []
    sums: dict[tuple[str, str], int] = {}
    for entry in found:
        wanted = {key: len(entry[key]) for key in ("services", "stores")}
        counts = []
        for when in ("first", "later"):
            for key in ("services", "stores"):
                counts.append(f"{entry[when][key]} of {wanted[key]}")
                sums[when, key] = sums.get((when, key), 0) + entry[when][key]
        name = f"[{entry['repository']}](https://github.com/{entry['repository']})"
        missing = [", ".join(entry[when]["missing"]) for when in ("first", "later")]
        rows.append(f"| {' | '.join((name, entry['commit'], *counts, *missing))} |")
        if said := entry.get("started"):
            cells = (
                said["first"],
                said["why"],
                said["later"],
                said["still"],
                said.get("edited", ""),
            )
            started_rows.append(f"| {' | '.join((entry['repository'], *cells))} |")
    asked = {key: sum(len(entry[key]) for entry in found) for key in ("services", "stores")}

    def share(when: str) -> str:
        parts = (
            f"{sums[when, key]} of {asked[key]} {key} ({100 * sums[when, key] // asked[key]} %)"
            for key in asked
        )
        return " and ".join(parts)

    total = f"\nFirst {share('first')}, later {share('later')}.\n"
    return head + "\n".join(rows) + "\n" + total + started_head + "\n".join(started_rows) + "\n"


def _edited(entry: Mapping[str, Any]) -> str:
    lines = changed_lines(entry.get("edit", {}))
    return f"healthy, {lines} line{'s' * (lines > 1)}" if lines else ""


def _tried(clone: Path, entry: Mapping[str, Any]) -> Outcome:
    """Write the commit's files to a folder of their own, and run the verb there."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / entry["repository"].split("/")[1]
        place.mkdir()
        write_out(clone, entry["commit"], place)
        (place / ".git").mkdir()  # the search for a virtual environment ends here
        begun = time.perf_counter()
        done = subprocess.run(
            [str(TARMAC), "init", "--json"], cwd=place, capture_output=True, text=True, check=False
        )
        took_s = time.perf_counter() - begun
        said: dict[str, Any] = json.loads(done.stdout)
        written = yaml.safe_load((place / "tarmac.yaml").read_text())
    is_example = not said["services"]
    services = () if is_example else written["services"]
    broker = written.get("broker") or ()
    kind = {broker["kind"] if isinstance(broker, dict) else broker} if broker else set()
    found = frozenset(services), frozenset(said["stores"]) | kind
    return Outcome(*found, done.returncode == 0, took_s)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
