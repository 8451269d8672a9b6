"""Files of the modules beside a Go program that it imports: those that go.mod says are replaced.

The survey's `own` asks: such a module often reads the variables of all programs of a repository.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.adopt.packages.go_sums import REPLACED
from tarmac.adopt.survey.found import Folder

_IMPORTED = re.compile(r"(?m)^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?\"([\w./-]+)\"[ \t]*$")


def imported(folder: Folder, root: Folder) -> Iterator[str]:
    """Yield the files of packages beside a program that it imports, and their lists of modules."""
    if "go.mod" not in folder.files:
        return
    there = {
        module: posixpath.normpath(posixpath.join(folder.path, path))
        for module, path in REPLACED.findall(folder.read("go.mod"))
        if path.startswith(("./", "../"))
    }
    wanted = [name for file in folder.sources(".go") for name in _imports(folder.read(file))]
    seen: set[str] = set()
    lists: set[str] = set()
    while there and wanted:
        name = wanted.pop()
        module = next((one for one in there if name == one or name.startswith(f"{one}/")), "")
        if not module or name in seen or there[module].startswith(".."):
            continue
        seen.add(name)
        lists.add(f"{there[module]}/go.mod")
        place = posixpath.normpath(f"{there[module]}/{name.removeprefix(module)}")
        package = root.below(place)
        for file in (file for file in package.sources(".go") if "/" not in file):
            wanted += _imports(package.read(file))
            yield posixpath.relpath(f"{place}/{file}", folder.path or ".")
    yield from (posixpath.relpath(file, folder.path or ".") for file in sorted(lists))


def _imports(text: str) -> list[str]:
    block = re.search(r"(?m)^import[ \t]*\(([^)]*)\)", text)
    alone = re.findall(r"(?m)^import[ \t]+(?:[\w.]+[ \t]+)?\"([^\"\n]+)\"", text)
    return [*(_IMPORTED.findall(block[1]) if block else ()), *alone]
