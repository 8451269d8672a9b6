"""Files that others beside them name: lists that leave them out, programs that have them within.

`certainty` asks this of the file of a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePath

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.views.network import grants
from tarmac.check.gates.views.overlays.kustomizations import NAMES

#: A file as an item of a list, behind `#` or not.
_ITEM = re.compile(r"[ \t]*(#[# \t]*)?-[ \t]+(?:path:[ \t]*)?[\"']?(?:\./)?([\w./-]+\.ya?ml)\b")
#: A file in a comment that says that the list leaves it out.
_MENTIONED = re.compile(r"(?<![\w./-])(?:\./)?([\w./-]+\.ya?ml)\b")
_NOT_LISTED = re.compile(
    r"\b(not (included|listed|applied|used)|left out|excluded|omitted|disabled)\b", re.IGNORECASE
)
#: The head of an object that Helm prints: `# Source: web/templates/service.yaml`.
_PRINTED = re.compile(r"^# Source: ([\w.-]+)/templates/\S+$", re.MULTILINE)
_EMBED = re.compile(r"^//go:embed[ \t]+(.+)$", re.MULTILINE)


def commented_out(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a list of Kustomize names a file in its comments alone.

    Only a list above a file can name it: Kustomize leaves its own folder for no file.
    """

    @cache
    def named(place: PurePath) -> tuple[frozenset[str], frozenset[str]]:
        """List the files that a folder's list names in comments, and those that it has."""
        for name in NAMES:
            if (own := folder / place / name).is_file():
                text = own.read_text(encoding="utf-8", errors="replace")
                found = [one for line in text.splitlines() if (one := _ITEM.match(line))]
                lines = map(str.lstrip, text.splitlines())
                comments = (one for one in lines if one[:1] == "#" and _NOT_LISTED.search(one))
                said = {name for line in comments for name in _MENTIONED.findall(line)}
                return (
                    frozenset({*said, *(one[2] for one in found if one[1])}),
                    frozenset(one[2] for one in found if not one[1]),
                )
        return frozenset(), frozenset()

    def is_left_out(path: PurePath) -> bool:
        lists = [(named(place), path.relative_to(place).as_posix()) for place in path.parents]
        is_in = any(name in has for (_, has), name in lists)
        return not is_in and any(name in switched for (switched, _), name in lists)

    return is_left_out


def packed(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a chart's values have a dependency beside them that is packed.

    What its templates make is named by these values, and has no line in them.
    """

    @cache
    def has_packed(place: PurePath) -> bool:
        return any((folder / place / "charts").glob("*.tgz"))

    return lambda path: path.name.startswith("values") and has_packed(path.parent)


def printed(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a file is what Helm printed once of charts that are here.

    What is wrong in it is corrected there, and printed again.
    """

    @cache
    def charts() -> frozenset[str]:
        return frozenset(one.parent.name for one in folder.rglob("Chart.yaml"))

    @cache
    def is_printed(path: PurePath) -> bool:
        place = folder / path
        if path.suffix not in (".yaml", ".yml") or not place.is_file():
            return False
        names = set(_PRINTED.findall(place.read_text(encoding="utf-8", errors="replace")))
        return bool(names) and names <= charts()

    return is_printed


def is_nested(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a workflow is in a folder where GitHub looks for none.

    It looks in that of the repository's root, and there is one.
    """
    has_own = (folder / ".github/workflows").is_dir()
    return lambda path: has_own and path.match("*/.github/workflows/*")


def granted(artifacts: Iterable[Artifact]) -> Callable[[Finding], bool]:
    """Return what tells whether a grant of another tree allows what a finding says none does."""
    allowed = [f"{one}," for one in grants.granted(artifacts)]
    return lambda finding: finding.gate == "NET008" and any(one in finding.what for one in allowed)


def embedded(folder: Path) -> Callable[[PurePath], bool]:
    """Return what tells whether a program in Go has a file within it, and so reads it itself."""

    @cache
    def patterns(place: PurePath) -> list[str]:
        found = []
        for own in sorted((folder / place).glob("*.go")):
            for given in _EMBED.findall(own.read_text(encoding="utf-8", errors="replace")):
                found += [one.strip('"`') for one in given.split()]
        return found

    def is_within(path: PurePath) -> bool:
        for place in path.parents:
            name = path.relative_to(place).as_posix()
            if any(fnmatch(name, one) or name.startswith(f"{one}/") for one in patterns(place)):
                return True
        return False

    return is_within
