"""Scripts with which a database begins are run in the order in which they need each other."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.on_disk import on_disk, text_on_disk
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_FOLDER = "/docker-entrypoint-initdb.d"
_ENDINGS = (".sql", ".sh", ".js")
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
_LARGEST = 500_000


class FirstScript(NamedTuple):
    """A script that an image runs on an empty volume."""

    where: str
    name: str
    #: None: it is not here.
    text: str | None


class FirstScripts(NamedTuple):
    """All scripts of one server."""

    owner: str
    scripts: tuple[FirstScript, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield scripts that are run before what they follow."""
    for one in _sets(files):
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


def _sets(files: Files) -> Iterator[FirstScripts]:
    for beside in compose_files(files):
        for service in beside.services:
            same = [one for one in beside.services if one.name == service.name]
            if len(same) == 1 and (found := tuple(_of_service(files, service))):
                yield FirstScripts(f"service {service.name}", found)
    for own in pods(files):
        texts = mounted_texts(files, own)
        found = tuple(
            FirstScript(own.at(), posixpath.basename(path), text)
            for path, text in texts.items()
            if posixpath.dirname(path) == _FOLDER and path.endswith(_ENDINGS)
        )
        if found:
            yield FirstScripts(title(own.artifact), found)
    for artifact in dockerfiles(files):
        if _FOLDER in str(artifact.content):
            for stage in stages(str(artifact.content))[-1:]:
                found = tuple(
                    script
                    for one in stage.instructions
                    if one.copies_context
                    for script in _copied(files, artifact.path, one)
                )
                if found:
                    yield FirstScripts("the image", found)


def _of_service(files: Files, service: ComposeService) -> Iterator[FirstScript]:
    folder = posixpath.dirname(service.artifact.path)
    for number, entry in enumerate(listed(dig(service.data, "volumes"))):
        source, _, target = mount(entry).partition(":")
        target = target.partition(":")[0].rstrip("/")
        path = posixpath.normpath(posixpath.join(folder, source))
        where = service.at("volumes", number)
        if target == _FOLDER:
            yield from _in_folder(files, path, where)
        elif posixpath.dirname(target) == _FOLDER and target.endswith(_ENDINGS):
            yield FirstScript(where, posixpath.basename(target), _text(files, path))


def _copied(files: Files, dockerfile: str, one: Instruction) -> Iterator[FirstScript]:
    """Yield what an instruction copies into the folder, where its context is that of the file."""
    *sources, target = one.operands or [""]
    where = f"{dockerfile}:{one.line}"
    if target.rstrip("/") != _FOLDER and posixpath.dirname(target) != _FOLDER:
        return
    for source in sources:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(dockerfile), source))
        if target.rstrip("/") == _FOLDER and not source.endswith(_ENDINGS):
            yield from _in_folder(files, path.removesuffix("/*"), where)
        elif "*" not in source:
            name = source if target.rstrip("/") == _FOLDER else target
            yield FirstScript(where, posixpath.basename(name), _text(files, path))


def _in_folder(files: Files, path: str, where: str) -> Iterator[FirstScript]:
    place = on_disk(files, path)
    for one in sorted(place.iterdir()) if place is not None and place.is_dir() else ():
        if one.name.endswith(_ENDINGS) and one.is_file():
            yield FirstScript(where, one.name, _text(files, posixpath.join(path, one.name)))


def _text(files: Files, path: str) -> str | None:
    return text_on_disk(files, path, _LARGEST)


GATE = Gate(
    id="IMG116",
    title="Scripts with which a database begins are run in the order in which they need each other",
    phase="containers",
    source="https://hub.docker.com/_/postgres, Initialization scripts: they are run in sorted name "
    "order, as the images of MySQL, MariaDB and MongoDB do",
    check=check,
    of_files=check,
    scope=counted_in_files("databases with scripts", _sets),
    targets=("compose",),
    reads="what Compose services and pods mount in /docker-entrypoint-initdb.d, and a Dockerfile "
    "copies there: numbers before the names, and tables that the files in SQL make and write to.",
)
