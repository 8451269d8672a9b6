"""Names the packages of Python's code for which a repository has no list: by what it imports.

`python_packages` asks. Only packages whose names are known: what has the name of a module may be
another one's package. They are those of the day of the code, where that is of another year.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files as resources

import yaml

from tarmac.adopt.packages.python_imports import is_own, own_files
from tarmac.adopt.survey.found import Folder

_TABLE = resources("tarmac") / "assets" / "python_modules.yaml"
_IMPORTS = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*)([\w.]*)")
#: What Django is told of by its name: `INSTALLED_APPS`, and what is behind a setting.
_NAMED = re.compile(r"['\"]([a-z]\w+)(?:\.[\w.]+)?['\"]")
_OF_SETTINGS = re.compile(r"(?:^|/)settings(?:/[\w/]+)?\.py$|(?:^|/)\w*settings\w*\.py$")
#: (what shows a use that no import does, its package)
_USES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bimport\b[^\n]*\bFastAPI\b"), "uvicorn"),
    (
        re.compile(r"django\.db\.backends\.postgresql|postgresql(?:\+psycopg2)?://"),
        "psycopg2-binary",
    ),
    (re.compile(r"postgresql\+asyncpg://"), "asyncpg"),
    (re.compile(r"mysql\+pymysql://"), "pymysql"),
    (re.compile(r"['\"]redis://|RedisCache"), "redis"),
    (re.compile(r"\bmodels\.ImageField\("), "pillow"),
    (re.compile(r"\bimport\b[^\n]*\bEmailStr\b"), "email-validator"),
    (
        re.compile(r"\b(?:UploadFile|OAuth2PasswordRequestForm)\b|=\s*(?:Form|File)\("),
        "python-multipart",
    ),
)


@cache
def packages() -> Mapping[str, str]:
    """Return the packages that have a module, by the module's name."""
    table: Mapping[str, str] = yaml.load(_TABLE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return table


def imported(folder: Folder) -> tuple[str, ...]:
    """Name the packages of code that no list has; () where it imports none that is known."""
    texts = {file: folder.read(file) for file in own_files(folder)}
    found = dict.fromkeys(name for text in texts.values() for name in _of(text, folder))
    if not found:
        return ()
    settings = (text for file, text in texts.items() if _OF_SETTINGS.search(file))
    named = (name for text in settings for name in _NAMED.findall(text))
    apps = (packages()[n] for n in named if n in packages() and not is_own(n, folder))
    used = (name for shows, name in _USES if any(map(shows.search, texts.values())))
    return tuple(sorted({*found, *apps, *used}))


def _of(text: str, folder: Folder) -> Iterator[str]:
    for top, rest in _IMPORTS.findall(text):
        package = packages().get(f"{top}{rest}") or packages().get(top)
        is_pythons = top in sys.stdlib_module_names
        if package and not is_pythons and not is_own(top, folder):
            yield package
