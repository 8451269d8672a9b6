"""Dockerfiles as gates read them: their stages and instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import from_json
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.image_names import plain
from tarmac.check.gates.views.images.instructions import Instruction, instructions
from tarmac.check.gates.views.once import once

#: Endings of what is beside a Dockerfile, or becomes one by a program.
OTHERS = (".dockerignore", ".njk", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb")


def words(command: str) -> list[str]:
    """Split a command: a list of words as it is, and a line of a shell at its spaces."""
    try:
        read = from_json(command)
    except ValueError:
        return command.split()
    return [str(word) for word in read] if isinstance(read, list) else []


_FROM = re.compile(r"--from=(\S+)")


@dataclass(frozen=True)
class Stage:
    """A FROM and what follows it."""

    name: str
    #: What it begins from, its ARGs put in, through other stages: an image by its maker's name.
    image: str
    instructions: tuple[Instruction, ...]
    #: What the stages do that it begins from.
    before: tuple[Instruction, ...] = ()

    @property
    def whole(self) -> tuple[Instruction, ...]:
        """All that is done in this file until its end, in order."""
        return (*self.before, *self.instructions)


def is_dockerfile(path: str) -> bool:
    """Tell whether a path is that of a Dockerfile, and not of a template of one."""
    name = path.rpartition("/")[2]
    own = name.startswith(("Dockerfile", "Containerfile")) or name.endswith(".Dockerfile")
    return own and not name.endswith(OTHERS)


@once
def dockerfiles(files: Files) -> Iterator[Artifact]:
    """Yield the files that are Dockerfiles."""
    for artifact in files.artifacts:
        if is_dockerfile(artifact.path) and isinstance(artifact.content, str):
            yield artifact


def stages(text: str) -> list[Stage]:
    """Read the stages of a Dockerfile; the last one is what runs."""
    given: dict[str, str] = {}
    found: list[tuple[str, str, list[Instruction], tuple[Instruction, ...]]] = []
    images: dict[str, str] = {}
    done: dict[str, tuple[Instruction, ...]] = {}
    for instruction in instructions(text):
        if instruction.word == "ARG" and not found:
            name, _, value = instruction.rest.partition("=")
            given[name] = value.strip("\"'")
        elif instruction.word == "FROM":
            words = instruction.operands or [""]
            image = filled(words[0], given)
            name = words[2] if len(words) == 3 else str(len(found))
            images[name] = images.get(image) or plain(image)
            if found:
                done[found[-1][0]] = (*found[-1][3], *found[-1][2])
            found.append((name, images[name], [], done.get(image, ())))
        if found:
            found[-1][2].append(instruction)
    return [Stage(name, image, tuple(own), before) for name, image, own, before in found]


def unshipped(text: str) -> frozenset[int]:
    """List the lines of stages that the last one does not begin from: it has no setting of them."""
    found = stages(text)
    by_name = {one.name: one for one in found}
    kept, stage = set[str](), found[-1] if found else None
    while stage is not None:
        kept.add(stage.name)
        words = stage.instructions[0].rest.split()
        stage = next((by_name[w] for w in words if w in by_name and w not in kept), None)
    left = (one for stage in found if stage.name not in kept for one in stage.instructions)
    return frozenset(one.line for one in left)


def copies(found: list[Stage]) -> Iterator[tuple[Stage, Instruction, Stage]]:
    """Yield the copies from other stages: that one, the instruction, and the stage that has it."""
    by_name = {stage.name: stage for stage in found}
    for last in found[1:]:
        for one in last.instructions:
            source = _FROM.search(one.rest) if one.word == "COPY" else None
            other = by_name.get(source[1]) if source else None
            if other is None and source and source[1].isdecimal():
                other = dict(enumerate(found)).get(int(source[1]))
            if other is not None:
                yield other, one, last


def filled(text: str, given: dict[str, str]) -> str:
    """Put the values of ARGs in; what has none is empty."""
    return re.sub(
        r"\$\{?(\w+)(?::-([^}]*))?\}?", lambda found: given.get(found[1]) or found[2] or "", text
    )
