"""Comments in files that suppress a finding in its place; read and applied by `verify`.

`# tarmac: ignore[NET001] until=2027-01-31 the old port` at the end of a line is for that line; on a
line of its own it is for the line below and the lines nested in that. A finding without a line is
for a comment above all content of its file. Nothing is written here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tarmac.base.errors import BadInput, did_you_mean
from tarmac.base.foreign import files
from tarmac.base.report import Finding, Result, Status
from tarmac.check.verify.running import SUPPRESSIONS, incomplete, leave

#: How a comment of this kind begins, for a first look: most files have none.
_WORDS = "tarmac:"
_COMMENT = re.compile(
    r"(?:^|(?<=\s))(?:#|//)[ \t]*tarmac:[ \t]*ignore\b[ \t]*"
    r"(?:\[(?P<gates>[^\]\n]*)\])?(?P<rest>.*)$"
)
_UNTIL = re.compile(r"(?:^|\s)until=(\S*)")
#: Files whose comments may begin with // as well.
_SLASHES = (".tf", ".tfvars", ".mod", ".gradle")
#: Files that have no comments of these signs: what looks like one is text.
_WITHOUT = (".json", ".md", ".xml")


@dataclass(frozen=True)
class IgnoreComment:
    """A comment that suppresses findings of some gates."""

    path: str
    #: Its own line.
    line: int
    gates: tuple[str, ...]
    reason: str
    #: The last day on which it counts; None: it has no end.
    until: date | None
    #: The lines that it is for.
    lines: range
    #: It is above all content, and so for findings that have no line.
    at_top: bool = False

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class IgnoreComments:
    """The comments of some files, and the findings that they matched."""

    entries: tuple[IgnoreComment, ...] = ()
    #: Comments that could not be understood.
    invalid: tuple[Finding, ...] = ()
    #: By the number of the comment.
    used: dict[int, set[Finding]] = field(default_factory=dict)
    #: Gates whose findings no comment hides.
    protected: frozenset[str] = frozenset()


def read(
    paths: Mapping[str, Path], root: Path | None = None, protected: frozenset[str] = frozenset()
) -> IgnoreComments:
    """Read the comments of files; one that cannot be read has none, and is reported elsewhere.

    Args:
        paths: the files, by the names that findings give them.
        root: the folder that no link may lead out of; None: anywhere.
        protected: gates whose findings no comment hides.
    """
    entries: list[IgnoreComment] = []
    invalid: list[Finding] = []
    for name, path in paths.items():
        try:
            text = files.text(path, name=name, root=root)
        except BadInput:
            continue
        for found in parse(name, text) if _WORDS in text else ():
            if isinstance(found, Finding):
                invalid.append(found)
            else:
                entries.append(found)
    return IgnoreComments(tuple(entries), tuple(invalid), protected=protected)


def parse(name: str, text: str) -> Iterator[IgnoreComment | Finding]:
    """Yield the comments of one file's text, or what is wrong with one."""
    if name.endswith(_WITHOUT):
        return
    lines = text.split("\n")
    signs = ("#", "//") if name.endswith(_SLASHES) else ("#",)
    matches = {
        number: match
        for number, line in enumerate(lines)
        if _WORDS in line and (match := _COMMENT.search(line)) and match[0].startswith(signs)
    }
    below = _below(lines, signs)
    alone = {number for number, match in matches.items() if below[number] != number}
    ends = _ends(lines, {below[number] for number in alone})
    for number, match in matches.items():
        place = f"{name}:{number + 1}"
        gates = tuple(re.findall(r"[^\s,]+", match["gates"] or ""))
        if not gates:
            what = "an ignore comment names no gate; write e.g. `tarmac: ignore[NET001] the reason`"
            yield Finding(place, what, SUPPRESSIONS)
            continue
        until = _UNTIL.search(match["rest"])
        try:
            last = date.fromisoformat(until[1]) if until else None
        except ValueError:
            what = f"{match['rest'].strip()!r} has no day after until=; write e.g. until=2027-01-31"
            yield Finding(place, what, SUPPRESSIONS)
            continue
        start = below[number]
        yield IgnoreComment(
            path=name,
            line=number + 1,
            gates=gates,
            reason=" ".join(_UNTIL.sub(" ", match["rest"]).split()),
            until=last,
            lines=range(start + 1, ends.get(start, start) + 1 if number in alone else start + 2),
            at_top=number in alone and start == below[0],
        )


def _below(lines: list[str], signs: tuple[str, ...]) -> list[int]:
    """Number for each line the next one with content: itself, unless it is only a comment."""
    found, content = [], len(lines)
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].strip()
        if line and not line.startswith((*signs, "---")):
            content = number
        found.append(content)
    return found[::-1]


def _ends(lines: list[str], starts: Collection[int]) -> dict[int, int]:
    """Find the line behind each block: a line, what its indent nests in it, what continues it."""
    ends: dict[int, int] = {}
    within: list[int] = []
    for number, line in enumerate(lines):
        if line.strip() and not lines[number - 1].rstrip().endswith("\\"):
            while within and not _is_nested(lines[within[-1]], line):
                ends[within.pop()] = number
        if number in starts:
            within.append(number)
    return ends | dict.fromkeys(within, len(lines))


def _is_nested(head: str, line: str) -> bool:
    if _indent(line) != _indent(head):
        return _indent(line) > _indent(head)
    # In YAML the items of a list may stand as far left as its key.
    return line.lstrip().startswith("- ") and not head.lstrip().startswith("- ")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def apply(result: Result, comments: IgnoreComments, today: date) -> Result:
    """Take out of a result what comments suppress, and note which of them matched."""
    return leave(result, [found for found in result.findings if not _hides(comments, found, today)])


def _hides(comments: IgnoreComments, finding: Finding, today: date) -> bool:
    hidden = False
    for number, entry in enumerate(comments.entries):
        if finding.gate in entry.gates and _is_for(entry, finding):
            comments.used.setdefault(number, set()).add(finding)
            hidden = hidden or (finding.gate not in comments.protected and _counts(entry, today))
    return hidden


def _is_for(entry: IgnoreComment, finding: Finding) -> bool:
    file, line, _ = finding.position
    return file == entry.path and (entry.at_top if line is None else line in entry.lines)


def _counts(entry: IgnoreComment, today: date) -> bool:
    return bool(entry.reason) and (entry.until is None or today <= entry.until)


def remarks(
    comments: IgnoreComments, today: date, results: Iterable[Result], known: Collection[str]
) -> Iterator[Finding]:
    """Yield what is wrong with comments: no gate, no reason, expired, unused.

    Args:
        results: what came of the gates; one that did not run can have found nothing.
        known: the ids of all gates.
    """
    results = list(results)
    unjudged = (Status.SKIPPED, Status.ERROR)
    ran = {r.what.removeprefix("gate:") for r in results if r.status not in unjudged}
    without_line = {
        (found.gate, found.where)
        for result in results
        for found in result.findings
        if found.position[1] is None
    }
    yield from comments.invalid
    for number, entry in enumerate(comments.entries):
        matched = {found.gate for found in comments.used.get(number, ())}
        for gate in dict.fromkeys(entry.gates):
            of = f"the suppression of {gate}"
            if gate not in known:
                what = f"{of} names no gate; {did_you_mean(gate, known)}"
                yield Finding(entry.place, what, SUPPRESSIONS, warning=True)
                continue
            if gate in comments.protected:
                what = (
                    f"{of} hides nothing, since suppressions.yaml protects it; remove the comment"
                )
                yield Finding(entry.place, what, SUPPRESSIONS)
                continue
            yield from incomplete(of, entry.place, entry.reason, entry.until, today)
            if gate in ran and gate not in matched:
                is_of_file = not entry.at_top and (gate, entry.path) in without_line
                advice = "its finding has no line: move it above all content of the file"
                what = f"{of} matches no finding; {advice if is_of_file else 'remove it'}"
                yield Finding(entry.place, what, SUPPRESSIONS, warning=True)


def suppressed(comments: IgnoreComments, today: date) -> Iterator[tuple[Finding, str]]:
    """Yield what is hidden once, with the reason."""
    hidden: dict[Finding, str] = {}
    for number, found in comments.used.items():
        if _counts(comments.entries[number], today):
            own = sorted(one for one in found if one.gate not in comments.protected)
            hidden |= dict.fromkeys(own, comments.entries[number].reason)
    yield from hidden.items()
