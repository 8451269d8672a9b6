"""A template of Terraform is given each variable that it reads."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import did_you_mean
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import written_blocks

_CALL = re.compile(
    r"\btemplatefile\(\s*\"\$\{path\.(?:module|root)\}/([\w./-]+)\"\s*,\s*\{([^{}]*)\}\s*\)"
)
_KEY = re.compile(r"(?:^|,|\n)\s*\"?([A-Za-z_][\w-]*)\"?\s*[=:]")
#: A variable that is written alone, with its parts: `${name}`, `${name.part}`.
_READ = re.compile(r"(?<!\$)\$\{~?\s*([A-Za-z_]\w*)(?:\.[\w.]+|\[[^\]]*\])*\s*~?\}")
#: What a loop of the template gives.
_LOOP = re.compile(r"%\{~?\s*for\s+([\w,\s]+?)\s+in\b")
_MOST = 500_000
#: Words that stand for themselves.
_OWN = frozenset({"true", "false", "null"})


class FilledTemplate(NamedTuple):
    """A template, its text, and the names that it is given."""

    path: str
    text: str
    given: frozenset[str]
    #: Where it is asked for.
    where: str


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that a template reads, and that nothing gives it."""
    for one in _filled(files):
        known = one.given | _OWN
        known |= {name for names in _LOOP.findall(one.text) for name in re.split(r"[,\s]+", names)}
        for found in _READ.finditer(one.text):
            if found[1] not in known:
                line = one.text.count("\n", 0, found.start()) + 1
                what = f"the template reads ${{{found[1]}}}, which {one.where} does not give: each"
                advice = did_you_mean(found[1], sorted(one.given)).rstrip("?")
                said = f"{what} plan fails; {advice}, or write $${{{found[1]}}} for the shell's"
                yield Finding(f"{one.path}:{line}", said)
                break


@once
def _filled(files: Files) -> Iterator[FilledTemplate]:
    for block in written_blocks(files):
        if "templatefile(" not in block.text:
            continue
        folder = posixpath.dirname(block.file)
        for found in _CALL.finditer(block.text):
            path = posixpath.normpath(posixpath.join(folder, found[1]))
            if (text := text_on_disk(files, path, _MOST)) is None:
                continue
            line = block.lines[0][0] + block.text.count("\n", 0, found.start())
            names = frozenset(_KEY.findall(f"\n{found[2]}"))
            yield FilledTemplate(path, text, names, f"{block.file}:{line}")


GATE = Gate(
    id="INF058",
    title="A template of Terraform is given each variable that it reads",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/functions/templatefile: the vars "
    "map has each name that the template reads, and $${ is a ${ of the text",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("templates with their variables", _filled),
    targets=("cloud",),
    reads="templatefile of a path in the module and a map that is written out, and ${NAME} in that "
    "file; not expressions.",
)
