"""Variables of Terraform that are not among those that their folder declares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tarmac.base.errors import did_you_mean
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.comments import evaluated
from tarmac.check.gates.views.terraform.filled import sources

_VARIABLE = re.compile(r"(?<![\w.-])var\.([A-Za-z_][\w-]*)")
_DECLARED = re.compile(r'^[ \t]*variable\s+"?([\w-]+)"?', re.MULTILINE)
#: What makes something; a folder without it only declares.
_MAKES = re.compile(r"^[ \t]*(?:resource|data|module|provider)\s", re.MULTILINE)
#: In so many folders a name is not forgotten.
_SEVERAL = 2


def undeclared(files: Files) -> Iterator[tuple[str, str]]:
    """Yield variables that are not among those that a folder declares; an excerpt has none.

    What several folders read and a file elsewhere declares, a program puts beside each of them.
    """
    texts: dict[str, list[tuple[str, str]]] = {}
    for source in (one for one in sources(files) if one.path.endswith(".tf")):
        folder = source.path.rpartition("/")[0]
        texts.setdefault(folder, []).append((source.path, str(source.content)))
    declared = {folder: _names(content for _, content in own) for folder, own in texts.items()}
    lacking = {folder: list(_lacking(own, declared[folder])) for folder, own in texts.items()}
    folders = Counter(name for own in lacking.values() for name in {one for _, one in own})
    apart = {
        name
        for folder, own in texts.items()
        if not any(_MAKES.search(content) for _, content in own)
        for name in declared[folder]
    }
    for folder, own in lacking.items():
        for where, name in own if declared[folder] else ():
            if name in apart and folders[name] >= _SEVERAL:
                continue
            what = f"var.{name} is declared nowhere in this folder; declare it"
            near = did_you_mean(name, declared[folder])
            yield where, what + (f", or {near}" if near.startswith("did you mean") else "")


def _names(texts: Iterable[str]) -> set[str]:
    return {name for content in texts for name in _DECLARED.findall(content)}


def _lacking(own: Iterable[tuple[str, str]], declared: set[str]) -> Iterator[tuple[str, str]]:
    for path, content in own:
        for number, line in enumerate(evaluated(content), 1):
            for name in _VARIABLE.findall(line.partition("#")[0]):
                if name not in declared:
                    yield f"{path}:{number}", name
