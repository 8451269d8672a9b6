"""Which findings of files alone are errors, and which likely: by what proves them, and where.

`verify --files` asks this of each finding that its gate calls an error. Files do not say what else
is applied beside them, by which release it is read, or what is meant; so an error needs its proof
in them, by assets/certain.yaml, in a file that is applied as it stands.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path, PurePath

import yaml

from tarmac.base.report import Finding
from tarmac.check.gates.views.marks import has_marks, is_left_open
from tarmac.check.schemas import lock
from tarmac.check.schemas.check import Schemas, load
from tarmac.check.verify.given_up import given_up, superseded
from tarmac.check.verify.meant import is_meant
from tarmac.check.verify.named_elsewhere import (
    commented_out,
    embedded,
    is_nested,
    packed,
    printed,
)

#: The gate that says which versions there are no more.
_OF_VERSIONS = "VAL001"
_API, _KIND = (
    re.compile(rf"^{key}:[ \t]*[\"']?([\w./-]+)", re.MULTILINE) for key in ("apiVersion", "kind")
)
_KEY = re.compile(r"^([A-Za-z]\w*):", re.MULTILINE)
#: Kinds that are nothing without more than a name.
_NAMED = ("CronJob", "ClusterRoleBinding", "RoleBinding")
#: Kinds whose pods have containers, or are nothing.
_OF_PODS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job")
FILE = files("tarmac") / "assets" / "certain.yaml"
#: Shorter ones are alike by chance.
_SHORTEST = 3
_WORD = r"(^|[-_. ])(?:{})([-_. ]|$)"
#: Folders of what tests read, of what is wrong on purpose, and of what a program or others wrote.
_INPUTS = re.compile(
    _WORD.format(
        "tests|tests?[-_](data|files?|fixtures?|resources|cases|manifests|configs?)"
        "|testing|testsuites?|unittests?|e2e|fixtures?|mocks?|fakes?|golden|conformance|kuttl|chainsaw"
        "|vendor(ed)?|third[-_]?party|generated|snapshots?"
    ),
    re.IGNORECASE,
)
#: `test` alone may be a part of an environment's name.
#: `t` is where Perl has its tests, and `molecule` where roles of Ansible have theirs.
_TESTS = re.compile(r"_*((unit|integration|functional|acceptance)[-_]?)?tests?_*|t|molecule")
#: A file for the code of a test beside it.
_OF_TESTS = re.compile(r"tests?[-_.]")
_CODE_OF_TESTS = ("test_*.py", "*_test.py", "*_test.go", "*.test.[jt]s", "*.bats")
#: A folder whose name says that what is in it is refused, and a file of such a name.
_REFUSED = re.compile(r"(invalid|broken)([-_.]|$)")
_INVALID = re.compile(r"invalid[-_.]")
#: Folders of what is kept, and applied no more.
_KEPT = re.compile(
    _WORD.format("archived?|attic|backups?|not[-_]?used|obsolete|old|unused"), re.IGNORECASE
)
#: Folders of what a reader is shown, and may copy, and of what may be in use no more.
_SAMPLES = re.compile(
    _WORD.format(
        "examples?|samples?|demos?|docs?|documentation|guides?|tutorials?|quickstarts?|snippets?"
        "|skeletons?|boilerplates?|playgrounds?|hack|contrib|workshops?|exercises?|ckad?"
        "|deprecated|legacy|disabled"
    ),
    re.IGNORECASE,
)
#: What is copied to begin with.
_STARTERS = re.compile(r"starters?([-_]kits?)?", re.IGNORECASE)
#: The version of an object that no cluster of today has.
_GONE = re.compile(r"unknown kind [\w.-]+/(v\d+(?:alpha|beta)\d+) ")
#: A field that is not there, and the one that is like it.
_FIELD = re.compile(r"(\w+): no such field; did you mean '(\w+)'")
#: A host that is no one's: RFC 2606.
_HOST = re.compile(r"(?<![\w-])example\.(com|org|net)(?![\w-])")
#: A folder or file for clusters before a release: `images-pre-4.6`.
_BEFORE = re.compile(
    r"(^|[-_. ])(pre|before|below|older[-_]than|until|up[-_]to|lte?|(upgrade|migrate)[-_]from)"
    r"[-_. ]?v?\d+[._]\d+",
    re.IGNORECASE,
)
#: A folder of what ran on older clusters.
_LEGACY = re.compile(_WORD.format("legacy|deprecated"), re.IGNORECASE)
#: What marks a file as one to be copied and filled in, in its name.
_TO_COPY = re.compile(
    r"[-_.](example|sample|template|tmpl|tpl|dist|override)s?([-_.]|$)"
    r"|^(example|sample|template)s?[-_.]",
    re.IGNORECASE,
)
#: What the reader of a command writes in its place; to a shell it is a redirection.
_TO_TYPE = re.compile(r"<[a-z]+([-_ ][a-z]+)+>")
#: With a blank it is that in any script: `<secret name>`.
_WORDS = re.compile(r"<[a-z]+( [a-z]+)+>")
#: The same in what a finding says of a value: a name in capitals where a number or word belongs.
_FILLED = re.compile(
    r"\b[A-Z]*SUBST_[A-Z_]+|\{\{ ?\.Values|\b(?:is|got|has) [\"'{]+[A-Z][A-Z0-9]*(?:_[A-Z0-9]+){2,}"
)
#: A value that a sample leaves out.
_ELIDED = re.compile(r"got '[\w -]*\.\.\.'")
#: A host that each installation gives, where a template prints it.
_LOCAL = re.compile(r"\bhost of \w+ \S+ is 'localhost\b")
#: A comment that asks a reader of a sample to complete it.
_UNFINISHED = re.compile(
    r"^[ \t]*#.*\b(add \w+ here|fill (this |it )?in|replace (this|the|with)|change (me|this|the)"
    r"|your own|todo\(user\))",
    re.IGNORECASE | re.MULTILINE,
)
#: Gates whose files have such marks of their own: expressions, variables, labels of an alert.
_OWN_MARKS = (
    "GIT009",
    "IMG",
    "INF",
    "OBJ016",
    "OBJ022",
    "OBJ031",
    "OBJ034",
    "OBS",
    "PIP",
    "POL",
    "SRV041",
    "VAL003",
    "VAL004",
    "VAL02",
    "files",
)


@dataclass(frozen=True)
class Basis:
    """Of one gate: what is certain by the file alone, what by others that are here, what likely."""

    closed: tuple[re.Pattern[str], ...]
    beside: tuple[re.Pattern[str], ...]
    likely: tuple[re.Pattern[str], ...]


@cache
def bases() -> dict[str, Basis]:
    """Read the table, by the ids of gates."""
    table = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {
        gate: Basis(*(_patterns(entry.get(key, ())) for key in ("closed", "beside", "likely")))
        for gate, entry in table.items()
    }


def _patterns(texts: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, texts))


@dataclass(frozen=True)
class WrittenFile:
    """A file as it is on disk, read once for all findings in it."""

    lines: tuple[str, ...] = ()
    #: Its comments ask a reader to complete it.
    is_unfinished: bool = False
    #: Where its documents begin, as numbers of lines, and which are of a version that is gone.
    starts: tuple[int, ...] = ()
    removed: frozenset[int] = frozenset()
    #: Which of them are a part of an object, and which are its name alone.
    excerpts: frozenset[int] = frozenset()
    names: frozenset[int] = frozenset()

    def is_excerpt(self, number: int) -> bool:
        """Tell whether a line is in a part of an object, as guides show them."""
        return bool(self.excerpts) and bisect_right(self.starts, number) in self.excerpts

    def is_name(self, number: int) -> bool:
        """Tell whether a line is in the name of an object: what is to be deleted, or looked for."""
        return bool(self.names) and bisect_right(self.starts, number) in self.names

    def is_removed(self, number: int) -> bool:
        """Tell whether a line is in an object of a version that is gone."""
        return bool(self.removed) and bisect_right(self.starts, number) in self.removed


def read(path: Path) -> WrittenFile:
    """Read a file; an empty one where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return WrittenFile()
    lines = tuple(text.splitlines())
    starts = tuple(at for at, line in enumerate(lines, start=1) if line.startswith("---"))
    spans = zip((0, *starts), (*starts, len(lines) + 1), strict=True)
    documents = ["\n".join(lines[start : end - 1]) for start, end in spans]
    removed = (n for n, one in enumerate(documents) if "beta" in text and is_removed(one))
    excerpts = (n for n, one in enumerate(documents) if _is_excerpt(one))
    names = frozenset(n for n, one in enumerate(documents) if _is_name(one))
    is_unfinished = bool(_UNFINISHED.search(text))
    found = frozenset(removed), frozenset(excerpts), names
    return WrittenFile(lines, is_unfinished, starts, *found)


def _is_name(document: str) -> bool:
    """Tell whether a document names an object, and says nothing of what it must have."""
    kind = _KIND.search(document)
    is_empty = kind is not None and kind[1] in (*_OF_PODS, *_NAMED)
    return is_empty and set(_KEY.findall(document)) == {"apiVersion", "kind", "metadata"}


def _is_excerpt(document: str) -> bool:
    """Tell whether a document is an object without its name, or a pod without containers."""
    kind = _KIND.search(document)
    if kind is None or _API.search(document) is None:
        return False
    has_name = re.search(r"^metadata:", document, re.MULTILINE)
    is_empty = kind[1] in _OF_PODS and not re.search(r"^[ \t]*containers:", document, re.MULTILINE)
    return has_name is None or is_empty


def below(name: str, folder: Path) -> Path:
    """Name a file from the folder that is judged: what is above that says nothing of it."""
    path = Path(name)
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def grading(folder: Path) -> Callable[[Finding], Finding]:
    """Return what makes a warning of each finding of a folder that its files do not prove."""
    files_read = lru_cache(512)(read)
    is_given_up, is_superseded = given_up(folder), superseded(folder)
    is_apart, is_embedded, is_packed = commented_out(folder), embedded(folder), packed(folder)
    is_unread, is_printed = is_nested(folder), printed(folder)

    def judged(finding: Finding) -> str:
        name, number, _ = finding.position
        own = below(name, folder)
        if finding.gate not in bases():  # whatever marks the file has
            return severity(finding, own)
        # The clusters of an older release had what is gone from those of today.
        is_gone = finding.gate == _OF_VERSIONS and _GONE.search(finding.what) is not None
        is_copy = is_apart(own) or is_unread(own) or is_printed(own)
        is_copy = is_copy or is_of_release(folder, own)
        if is_given_up(own) or is_copy or (is_gone and is_superseded(own)):
            return "warning"
        if number is None and is_packed(own):  # others wrote its template
            return "warning"
        # A program in Go finds its fields in any case.
        if _is_other_case(finding) and is_embedded(own):
            return "warning"
        file = files_read(Path(name))
        if is_meant(finding, file.lines):
            return "warning"
        if file.is_name(number or 0) or (is_sample(own) and file.is_excerpt(number or 0)):
            return "warning"
        if file.is_unfinished and is_sample(own) and _is_filled_in(finding.gate):
            return "warning"
        # What else is wrong by today's version was right by the one that is gone.
        if finding.gate != _OF_VERSIONS and file.is_removed(number or 0):
            return "warning"
        line = "".join(file.lines[number - 1 : number]) if number else ""
        is_filled = _is_template(folder, own) or _is_tested(folder, own)
        return "warning" if is_filled else severity(finding, own, line)

    @cache  # what is in no chart is found in each of a folder's trees
    def graded(finding: Finding) -> Finding:
        found = finding.severity if finding.warning else judged(finding)
        return replace(finding, warning=found != "error", likely=found == "likely")

    return graded


def is_removed(document: str) -> bool:
    """Tell whether an object is of a version that Kubernetes no longer has; VAL001 says so."""
    api, kind = _API.search(document), _KIND.search(document)
    return api is not None and kind is not None and _shipped().is_removed(api[1], kind[1])


@cache
def _shipped() -> Schemas:
    return load(lock.read())


def _is_other_case(finding: Finding) -> bool:
    """Tell whether a field differs from the one that is meant by its capitals alone."""
    found = _FIELD.search(finding.what)
    return found is not None and found[1].lower() == found[2].lower()


def _is_filled_in(gate: str) -> bool:
    """Tell whether a mark in a file is one that a person or a program replaces."""
    return not gate.startswith(_OWN_MARKS)


def _is_template(folder: Path, path: PurePath) -> bool:
    """Tell whether a program fills a file in: it is in a folder of templates that no chart has."""
    above = [place for place in path.parents if place.name == "templates"]
    return any(not (folder / place.parent / "Chart.yaml").exists() for place in above)


def _is_tested(folder: Path, path: PurePath) -> bool:
    """Tell whether a policy beside it is tried with it, or code of a test reads it."""
    names = ("kyverno-test.yaml", "kyverno-test.yml", "suite.yaml")
    place = folder / path.parent
    is_data = _OF_TESTS.match(path.name) is not None
    is_read = is_data and any(any(place.glob(one)) for one in _CODE_OF_TESTS)
    return is_read or any((place / name).exists() for name in names)


def severity(finding: Finding, path: PurePath, line: str = "") -> str:
    """Tell how sure a finding is, whatever is beside the files that are judged.

    Args:
        path: the file that it is in, below the folder that is judged.
        line: what is written at its place; empty where that is not known.

    Returns:
        `error`, `likely` or `warning`.
    """
    if is_input(path) or _is_for_its_version(finding, path):
        return "warning"
    if (basis := bases().get(finding.gate)) is None:  # a gate of others says what it means
        return "error"
    is_filled = has_marks(line) or _FILLED.search(finding.what) is not None
    if is_left_open(line, finding.what) or (is_filled and _is_filled_in(finding.gate)):
        return "warning"
    is_to_type = _WORDS.search(line) or (is_sample(path) and _TO_TYPE.search(line))
    is_elided = is_sample(path) and _ELIDED.search(finding.what) is not None
    is_elided |= "templates" in path.parts and _LOCAL.search(finding.what) is not None
    if is_elided or (finding.gate == "VAL003" and is_to_type):
        return "warning"
    if is_said(finding, basis.closed):
        return "error"
    if is_sample(path) or not _is_known(finding) or _is_to_be_given(finding, path):
        return "warning"
    if is_said(finding, basis.beside):
        return "error"
    return "likely" if is_said(finding, basis.likely) else "warning"


def _is_to_be_given(finding: Finding, path: PurePath) -> bool:
    """Tell whether a chart's values have a host for examples: each installation gives another."""
    is_of_chart = path.name.startswith("values") and path.suffix in (".yaml", ".yml")
    return is_of_chart and _HOST.search(finding.what) is not None


def _is_for_its_version(finding: Finding, path: PurePath) -> bool:
    """Tell whether a file is called by the version that is gone, or is kept for older clusters."""
    gone = _GONE.search(finding.what) if finding.gate == _OF_VERSIONS else None
    older = (_BEFORE, _LEGACY)
    return gone is not None and any(
        re.search(_WORD.format(re.escape(gone[1])), part) or any(one.search(part) for one in older)
        for part in (*path.parts[:-1], path.stem)
    )


def _is_known(finding: Finding) -> bool:
    return "did you mean" not in finding.what or is_typo(finding.what)


def is_said(finding: Finding, patterns: Iterable[re.Pattern[str]]) -> bool:
    """Tell whether a finding says one of some things."""
    return any(pattern.search(finding.what) for pattern in patterns)


def is_typo(said: str) -> bool:
    """Tell whether a word of a finding is the one that it suggests, but for one character.

    Two that differ by a digit are two: `web-1` and `web-2`.
    """
    before, _, after = said.partition("did you mean")
    suggested = after.strip().partition("?")[0].strip("'\"")
    whole = re.findall(r"[^\s'\",;()]+", before)
    words = {*whole, *(part for word in whole for part in re.split(r"[/:.]", word))}
    return any(word != suggested and _is_near(word, suggested) for word in words)


def _is_near(one: str, other: str) -> bool:
    """Tell whether one character is lacking, another, or changes places with the next."""
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or len(short) < _SHORTEST:
        return False
    at = next((at for at, sign in enumerate(short) if sign != long[at]), len(short))
    if long[at].isdigit() or short[at : at + 1].isdigit():
        return False
    swapped = short[:at] + short[at : at + 2][::-1] + short[at + 2 :]
    return long in (
        swapped,
        short[:at] + long[at] + short[at:],
        short[:at] + long[at] + short[at + 1 :],
    )


def is_input(path: PurePath) -> bool:
    """Tell whether a file is an input of tests, wrong on purpose, kept only, or of others."""
    above = path.parts[:-1]
    is_named = _INVALID.match(path.name) and ".github" not in above
    is_wrong = bool(is_named) or any(map(_REFUSED.match, above))
    is_test = any(map(_TESTS.fullmatch, above)) or path.match("ci/*values*.yaml")
    is_other = any(_INPUTS.search(name) or _KEPT.search(name) for name in above)
    return is_wrong or is_test or is_other


def is_sample(path: PurePath) -> bool:
    """Tell whether a file is shown, to be copied, or kept without being used."""
    above = path.parts[:-1]
    is_shown = any(map(_SAMPLES.search, above)) or any(map(_STARTERS.fullmatch, above))
    return is_shown or bool(_TO_COPY.search(path.name))


def is_of_release(folder: Path, path: PurePath) -> bool:
    """Tell whether a file is a sample of a release that was copied whole, with its licence."""
    return any(
        _SAMPLES.search(path.parts[len(place.parts)]) and any((folder / place).glob("LICENSE*"))
        for place in path.parents
        if 0 < len(place.parts) < len(path.parts) - 1
    )
