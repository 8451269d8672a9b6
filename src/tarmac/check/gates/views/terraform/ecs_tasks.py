"""Definitions of tasks for ECS: in Terraform, and in files of JSON for its command line."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.listed_objects import listed_objects
from tarmac.check.gates.views.terraform.settings import Setting, settings_of

_KIND = "aws_ecs_task_definition"
#: Where the list of containers begins, of Terraform's own values, of JSON in a text, and in a file.
_LIST = re.compile(
    r"^[ \t]*container_definitions[ \t]*=[ \t]*(?:jsonencode\([ \t]*\n?[ \t]*\[|<<-?\w+\s*\n\s*\[)",
    re.MULTILINE,
)
_JSON_LIST = re.compile(r'"containerDefinitions"\s*:\s*\[')
_NEEDS = re.compile(r'"?requires_?[cC]ompatibilities"?\s*[=:]\s*\[([^\]]*)\]')
#: The same in the words of each.
_WORDS = {"networkMode": "network_mode", "executionRoleArn": "execution_role_arn"}
_LARGEST = 100_000


class EcsContainer(NamedTuple):
    """A container of a task."""

    name: str
    where: str
    #: What is said of it, each by its path from the container on.
    values: tuple[Setting, ...]

    def of(self, *path: str) -> list[Setting]:
        """List what is written at a path, in each element of the lists on the way."""
        return [one for one in self.values if one.path[1:] == path]


class EcsTask(NamedTuple):
    """A definition of a task."""

    #: As others name it: `aws_ecs_task_definition.web`, or a path.
    name: str
    where: str
    folder: str
    #: What is said of the task itself, by Terraform's words; of blocks and lists nothing.
    values: Mapping[str, Setting]
    #: The kinds of machines that it is for; None: not known.
    needs: tuple[str, ...] | None
    #: Its containers; None: not all of them are known.
    containers: tuple[EcsContainer, ...] | None
    text: str


@once
def ecs_tasks(files: Files) -> Iterator[EcsTask]:
    """Yield the definitions of tasks."""
    for block in blocks(files):
        if block.names[:2] == ("resource", _KIND) and len(block.names) > 2:
            yield _of_block(block)
    for artifact in files.artifacts:
        text = artifact.content
        if not artifact.path.endswith(".json") or not isinstance(text, str):
            continue
        if len(text) < _LARGEST and '"containerDefinitions"' in text:
            values = settings_of(artifact.path, f"task = {text}")
            yield _task(artifact.path, (artifact.path, 1), text, values, _JSON_LIST)


def _of_block(block: TerraformBlock) -> EcsTask:
    first = block.lines[0][0]
    by_line = dict(block.lines)
    text = "\n".join(by_line.get(n, "") for n in range(1, block.lines[-1][0] + 1))
    own = tuple(
        Setting(one.file, one.line, one.path[2:], one.value)
        for one in settings_of(block.file, text)
        if one.path[2:]
    )
    name = ".".join(block.names[1:3])
    return _task(name, (block.file, first), text, own, _LIST)


def _task(
    name: str,
    place: tuple[str, int],
    text: str,
    values: tuple[Setting, ...],
    begins: re.Pattern[str],
) -> EcsTask:
    file, line = place
    own = {_WORDS.get(one.name, one.name): one for one in values if len(one.path) == 2}
    kinds = _NEEDS.search(text)
    found = begins.search(text)
    containers = _containers(file, text, found.end()) if found else None
    is_plain = kinds is not None and re.fullmatch(r'[\s,]*("\w+"[\s,]*)*', kinds[1])
    needs = None if kinds and not is_plain else tuple(re.findall(r"\w+", kinds[1] if kinds else ""))
    where = f"{file}:{line}"
    return EcsTask(name, where, posixpath.dirname(file), own, needs, containers, text)


def _containers(file: str, text: str, start: int) -> tuple[EcsContainer, ...] | None:
    """Read the objects of a list; None where one is computed, or has no name as it stands."""
    found = []
    place = start
    for element in listed_objects(text, start):
        if element is None:
            return None
        place, body = element
        line = text.count("\n", 0, place) + 1
        values = settings_of(file, "\n" * (line - 1) + f"c = {body}")
        names = [one.value for one in values if one.path == ("c", "name")]
        if len(names) != 1 or names[0] is None:
            return None
        found.append(EcsContainer(names[0], f"{file}:{line}", values))
    return tuple(found) if found else None
