"""What a Makefile does for a target, as lines that a shell runs.

The Procfile and the recogniser of Makefiles ask. Nothing is run, and no rule with a pattern is
followed.
"""

from __future__ import annotations

import re
from itertools import takewhile

from tarmac.adopt.survey.found import Folder

NAMES = ("GNUmakefile", "makefile", "Makefile")
#: A variable with one value for all: `BIN := bin/app`.
_GIVEN = re.compile(r"(?m)^(?:export[ \t]+)?(\w+)[ \t]*(?::{0,2}|\?)=[ \t]*([^\n]*)$")
#: A line that ends no recipe.
_BETWEEN = re.compile(r"[ \t]*(?:#.*)?")
_USED = re.compile(r"\$[({](\w+)[)}]")
#: What a variable may be made of, one of another, before that is given up.
_DEEPEST = 5


def text_of(folder: Folder) -> str:
    """Read the Makefile of a folder, its long lines each as one; "" where it has none."""
    file = folder.has(*NAMES)
    return re.sub(r"[ \t]*\\\n[ \t]*", " ", folder.read(file)) if file else ""


def recipe(text: str, target: str) -> tuple[str, ...]:
    """List the commands of a target; () where there is none, or only make can tell what they are.

    Args:
        text: the Makefile, from `text_of`.
    """
    written = text.split("\n")
    head = re.compile(rf"{re.escape(target)}[ \t]*::?(?!=)")
    begin = next((at for at, line in enumerate(written, 1) if head.match(line)), len(written))
    body = takewhile(
        lambda line: line.startswith("\t") or _BETWEEN.fullmatch(line), written[begin:]
    )
    # No program is called `--option`: it is what a forgotten backslash has left of a line.
    lines = [line.strip().lstrip("@+").strip() for line in body]
    lines = [re.sub(r"^-[ \t]*(?!-)", "", line) for line in lines]
    given = dict(_GIVEN.findall(text))
    filled = tuple(_filled(line, given) for line in lines if line and line[0] not in "#-")
    is_whole = all("$(" not in line and "\0" not in line for line in filled)
    return filled if is_whole else ()


def prerequisites(text: str, target: str) -> tuple[str, ...]:
    """List what a target is made after."""
    found = re.findall(rf"(?m)^{re.escape(target)}[ \t]*::?(?!=)([^\n#]*)", text)
    return tuple(word for words in found for word in words.split())


def _filled(line: str, given: dict[str, str]) -> str:
    """Fill in the variables that the file gives; NUL stands for what it leaves open."""
    for _ in range(_DEEPEST):
        line = _USED.sub(lambda used: given.get(used[1], "\0").strip(), line)
    return line.replace("$$", "$")
