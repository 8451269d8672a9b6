"""How Django makes the tables of a project whose steps for that git does not keep.

`python` asks. Some ignore their folders `migrations`, and write the steps where they need them.
"""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt.survey.found import Folder

_IGNORED = re.compile(r"(?m)^[ \t]*/?(?:\*{1,2}/?){0,3}migrations(?:/|/\*{1,2}|/.*\.py)?[ \t]*$")
_STEP = re.compile(r"migrations/\d\w*\.py")
#: A table of the app's own.
_TABLE = re.compile(r"(?m)^class \w+\([^)]*(?:\bModel\b|\bAbstract(?:Base)?User\b)")


_SETTINGS = re.compile(r"(?:^|/)(?:settings|base|local|dev\w*)\.py$|(?:^|/)settings/\w+\.py$")
_DATABASES = re.compile(r"(?m)^[ \t]*DATABASES\b")


def has_database(folder: Folder) -> bool:
    """Tell whether a project has a database: its settings name one, or are not found."""
    texts = [folder.read(file) for file in folder.sources(".py") if _SETTINGS.search(file)]
    texts = [text for text in texts if "INSTALLED_APPS" in text or "DATABASES" in text]
    return not texts or any(map(_DATABASES.search, texts)) or any("import *" in t for t in texts)


def unkept(folder: Folder) -> tuple[str, ...]:
    """Name the apps whose steps git ignores, so that a new clone has none of them."""
    if not _IGNORED.search(folder.read(folder.upwards(".gitignore"))):
        return ()
    places = (posixpath.dirname(f) for f in folder.files if posixpath.basename(f) == "models.py")
    return tuple(
        posixpath.basename(place)
        for place in places
        if place
        and _TABLE.search(folder.read(f"{place}/models.py"))
        and not any(map(_STEP.fullmatch, folder.below(place).files))
    )
