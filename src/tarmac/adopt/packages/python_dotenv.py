"""The file of variables that a program of Python has to find, whatever it is given beside it.

`python` asks. decouple reads a file of the program's own choice, and ends where that is not there.
"""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt.survey.found import Folder

#: Files that settings are in.
_OF_SETTINGS = re.compile(r"(?:settings|config|env)\w*(?:/\w+)?\.py$")
_READS = re.compile(r"\bRepositoryEnv\(")
_PATH = re.compile(r"['\"](?:\./)?((?:[\w-]+/)*\.env(?:\.\w+)?)['\"]")


def wanted(folder: Folder) -> dict[str, str]:
    """Write the task that makes the file, empty: what is given counts before what it has."""
    texts = (folder.read(file) for file in folder.sources(".py") if _OF_SETTINGS.search(file))
    named = (path for text in texts if _READS.search(text) for path in _PATH.findall(text))
    path = next(named, "")
    if not path or folder.exists(path):
        return {}
    place = posixpath.dirname(path)
    makes = f"mkdir -p {place} && touch {path}" if place else f"touch {path}"
    return {"dotenv": f"test -e {path} || ({makes})" if place else f"test -e {path} || {makes}"}
