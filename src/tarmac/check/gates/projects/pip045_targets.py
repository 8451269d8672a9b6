"""What make is told to do is done, though something of that name is there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.makefiles import MakeRule, make_rules, makefiles
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files

#: Names of what is to be done, and not of what is to be made.
_TOLD = re.compile(
    r"tests?|check|lint|docs?|build|deploy|install|run|clean|format|fmt|bench(marks?)?|release"
    r"|docker|e2e|integration|unit|package|dist|migrations?|scripts?|ci|dev|examples?"
)
_PHONY = re.compile(r"^\.PHONY[ \t]*:((?:[^\n\\]|\\\n|\\.)*)", re.MULTILINE)
#: A recipe that makes the folder itself.
_MAKES = re.compile(r"\bmkdir\b|\$@|\$\(@|\bgit clone\b|\btouch\b|-o\s*\S+|--output\b|>\s*\S+")
#: What may say elsewhere that a name is none of a file.
_ELSEWHERE = re.compile(r"^[ \t]*-?s?include\b|^MAKEFLAGS\b.*(-B|--always-make)", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield targets that make takes for a folder that is there."""
    folders = _folders(files)
    for artifact in makefiles(files):
        text = str(artifact.content)
        listed = " ".join(_PHONY.findall(text))
        if _ELSEWHERE.search(text) or "$(" in listed:
            continue
        phony = {*listed.replace("\\\n", " ").split()}
        above = posixpath.dirname(artifact.path)
        for target in _targets(text):
            path = posixpath.normpath(posixpath.join(above, target.name))
            # make replaces a pattern by the files and folders that fit.
            is_told = any(fnmatchcase(target.name, one) for one in phony)
            if not is_told and _is_folder(files, path, folders):
                what = f"{target.name} is a target that is done only where nothing of that name is"
                said = f"{what} there, and the folder {path} is: make does nothing and ends well"
                where = f"{artifact.path}:{target.line}"
                yield Finding(where, f"{said}; write .PHONY: {target.name}")


def _targets(text: str) -> Iterator[MakeRule]:
    """Yield targets without anything that they depend on."""
    rules = list(make_rules(text))
    after = {rule.name for rule in rules if rule.needs}
    for rule in rules:
        is_told = _TOLD.fullmatch(rule.name) and rule.name not in after
        if is_told and rule.recipe and not _MAKES.search(rule.recipe):
            yield rule


def _is_folder(files: Files, path: str, folders: Mapping[str, bool]) -> bool:
    place = on_disk(files, path)
    return place.is_dir() if place is not None else path in folders


def _folders(files: Files) -> dict[str, bool]:
    return {posixpath.dirname(one.path): True for one in files.artifacts}


GATE = Gate(
    id="PIP045",
    title="What make is told to do is done",
    phase="delivery",
    source="https://www.gnu.org/software/make/manual/html_node/Phony-Targets.html: a target whose "
    "name is that of a file is up to date without prerequisites, so its recipe is not run",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of make", makefiles),
    targets=("repository",),
    reads="targets of a Makefile by names such as test and build, without prerequisites, beside "
    "the folders on disk. Where another file is included, or the recipe makes the folder, nothing "
    "is told.",
)
