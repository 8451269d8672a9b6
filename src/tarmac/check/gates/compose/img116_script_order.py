"""Scripts with which a database begins are run in the order in which they need each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.first_scripts import FirstScript, first_scripts
from tarmac.check.gates.views.scope import counted_in_files

_NUMBERED = re.compile(r"(\d+)(?![\d.])")
_NAME = r"((?:[`\"\[]?\w+[`\"\]]?\.)?[`\"\[]?\w+[`\"\]]?)"
_MAKES = re.compile(
    rf"\bcreate\s+(?:(?:unlogged|temp|temporary)\s+)?table\s+(?:if\s+not\s+exists\s+)?{_NAME}",
    re.IGNORECASE,
)
_USES = re.compile(
    rf"\b(?:insert\s+into|alter\s+table(?:\s+only)?|references)\s+{_NAME}", re.IGNORECASE
)
#: Comments, and what a function does when it is called.
_LEFT_OUT = re.compile(r"--[^\n]*|/\*(?!!).*?\*/|(\$\w*\$).*?\1", re.DOTALL)
#: With this, keys to other tables are not looked at.
_UNCHECKED = re.compile(r"foreign_key_checks\s*=\s*0", re.IGNORECASE)


def check(files: Files) -> Iterator[Finding]:
    """Yield scripts that are run before what they follow."""
    for one in first_scripts(files):
        ordered = sorted(one.scripts, key=lambda script: script.name)
        yield from _numbers(one.owner, ordered) or _tables(one.owner, ordered)


def _numbers(owner: str, ordered: list[FirstScript]) -> list[Finding]:
    """Find a script whose number is larger than that of one that is run after it."""
    counted = [(script, found) for script in ordered if (found := _NUMBERED.match(script.name))]
    for number, (script, found) in enumerate(counted):
        for other, its in counted[number + 1 :]:
            if int(found[1]) > int(its[1]) and _is_before(script.name, other.name):
                wide = f"{int(its[1]):0{len(found[1])}d}{other.name[its.end() :]}"
                what = f"{owner} runs {script.name} before {other.name}, as it takes scripts by the"
                said = f"{what} order of their names, sign by sign; write {wide}"
                return [Finding(script.where, said)]
    return []


def _tables(owner: str, ordered: list[FirstScript]) -> Iterator[Finding]:
    """Yield a script that writes to a table which a later one makes."""
    texts = [_LEFT_OUT.sub("", script.text or "") for script in ordered]
    texts = ["" if _UNCHECKED.search(text) else text for text in texts]
    made = [{_plain(name) for name in _MAKES.findall(text)} for text in texts]
    for number, script in enumerate(ordered):
        there = set[str]().union(*made[: number + 1])
        used = {_plain(name) for name in _USES.findall(texts[number])} - there
        # What is not here may make it before.
        if any(one.text is None for one in ordered[:number]) or not script.name.endswith(".sql"):
            continue
        for other, names in zip(ordered[number + 1 :], made[number + 1 :], strict=True):
            if (late := sorted(used & names)) and _is_before(script.name, other.name):
                what = f"{owner} runs {script.name} before {other.name}, by their names, and that"
                said = f"{what} makes the table {late[0]}, which is not there yet: the database is"
                yield Finding(script.where, f"{said} left half made; number them")
                return


def _plain(name: str) -> str:
    return re.sub(r"[`\"\[\]]", "", name).lower().removeprefix("public.")


def _is_before(one: str, other: str) -> bool:
    """Tell whether a name is before another one in any language's order."""
    left, right = (re.sub(r"[^0-9a-z]", "", name.lower()) for name in (one, other))
    return one < other and left < right


GATE = Gate(
    id="IMG116",
    title="Scripts with which a database begins are run in the order in which they need each other",
    phase="containers",
    source="https://hub.docker.com/_/postgres, Initialization scripts: they are run in sorted name "
    "order, as the images of MySQL, MariaDB and MongoDB do",
    check=check,
    of_files=check,
    scope=counted_in_files("databases with scripts", first_scripts),
    targets=("compose",),
    reads="what Compose services and pods mount in /docker-entrypoint-initdb.d, and a Dockerfile "
    "copies there: numbers before the names, and tables that the files in SQL make and write to.",
)
