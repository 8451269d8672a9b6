"""A folder below that code imports modules from, as an editor finds them that is told of it.

`python` asks. Beside `chat.config`, code of `chat/` imports `pages.api`, which is of the same
folder: where that is not on Python's path, the program does not start.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping

from tarmac.adopt.packages.python_imports import is_known
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder

_IMPORTS = re.compile(r"(?m)^(?:from|import)[ \t]+([A-Za-z_]\w*)")
#: More files than are read of one folder.
MOST_FILES = 200


def root_below(folder: Folder) -> str:
    """Return the one folder below whose code imports both from it and beside it; "" for none."""
    files = [file for file in folder.sources(".py") if not file.startswith("../")]
    tops = dict.fromkeys(file.partition("/")[0] for file in files if "/" in file)
    beside = {file.split("/")[0].removesuffix(".py") for file in files}
    found = [top for top in tops if _is_root(top, files, beside, folder)]
    return found[0] if len(found) == 1 else ""


#: An app as a server is told it, with no folder of it named.
_TOLD = re.compile(r"([a-z_]\w*):([a-z_]\w*)")


def with_its_module(words: tuple[str, ...], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Name an app's module from the program's folder, where a command has it from one below.

    A container's command may be of another day than its code: `main:app` of a folder `shop`, which
    imports `shop`.
    """
    at, match = next(((n, m) for n, w in enumerate(words) if (m := _TOLD.fullmatch(w))), (0, None))
    is_told = any(word.startswith(("--app-dir", "--chdir")) for word in words)
    if match is None or is_told or any(f in texts for f in (f"{match[1]}.py", match[1])):
        return words
    if any(file.startswith(f"{match[1]}/") for file in texts):
        return words
    has_app = re.compile(rf"(?m)^{match[2]}\b[^\n=]*=")
    files = [f for f in texts if f.endswith(f"/{match[1]}.py") and has_app.search(texts[f])]
    top = files[0].partition("/")[0] if len(files) == 1 else ""
    if not top or top not in _IMPORTS.findall(texts[files[0]]):
        return words
    module = files[0].removesuffix(".py").replace("/", ".")
    return (*words[:at], f"{module}:{match[2]}", *words[at + 1 :])


def _is_root(top: str, files: Iterable[str], beside: set[str], folder: Folder) -> bool:
    """Tell whether code of a folder imports from the folder by its name, and without it."""
    inside = [file for file in files if file.startswith(f"{top}/")][:MOST_FILES]
    own = {file.split("/")[1].removesuffix(".py") for file in inside}
    listed = servers.libraries(folder)
    if any(_is_of_others(name, listed) for name in own):  # it would take the place of theirs
        return False
    imported = {name for file in inside for name in _IMPORTS.findall(folder.read(file))}
    return top in imported and bool(imported & (own - beside))


def _is_of_others(name: str, listed: str) -> bool:
    """Tell whether a module has the name of one of Python's own, or of a package's."""
    is_listed = re.search(rf"(?im)^[ \t\"']*{name.replace('_', '[-_]')}(?![\w-])", listed)
    return name in sys.stdlib_module_names or is_known(name) or is_listed is not None
