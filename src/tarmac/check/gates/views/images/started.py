"""What containers start: by Dockerfiles, services of Compose and pods."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.dockerfiles import words as words_of
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, pods

_SHELL = re.compile(r"^(exec +)?(/usr)?(/bin/)?(ba|da|a|z|k)?sh +(-[a-z]+ +)*-[a-z]*c +")
_BEFORE = re.compile(r"^(exec|sudo|nohup|env|tini|dumb-init|--|\w+=\S*) +")
_BETWEEN = re.compile(r"&&|;|\n|(?<!&)&(?!&)")


#: What the command of a Dockerfile is of.
IMAGE = "the image"


class StartedProgram(NamedTuple):
    """The command of a container that runs as long as its program does."""

    where: str
    #: What it is of, as a finding says it.
    title: str
    line: str
    image: str
    #: Where the files are that its image is made of; "" where that is not known.
    folder: str
    #: It has ports that others are to reach.
    is_reached: bool
    #: These words start the program; an entrypoint that is not known may read them otherwise.
    is_whole: bool
    #: A shell reads its line: `&` and `;` are not words for the program.
    is_of_shell: bool

    @property
    def commands(self) -> list[str]:
        """The commands of its line, in order, without what is written before each."""
        line = self.line.strip()
        inner = _SHELL.sub("", line)
        if inner != line:
            inner = inner.strip().strip("\"'")
        return [_plain(one) for one in _BETWEEN.split(inner) if one.strip()]


@once
def started(files: Files) -> Iterator[StartedProgram]:
    """Yield what images, services and pods start that are to go on."""
    for dockerfile in dockerfiles(files):
        yield from _image(dockerfile)
    by_path = {one.path: one for one in dockerfiles(files)}
    for service in compose_services(files):
        entry, command = words(service, "entrypoint"), words(service)
        if not entry and not command:
            continue
        made = by_path.get(posixpath.normpath(service.dockerfile or ""))
        # The official images run what they are given.
        is_given = "/" not in official(service) if made is None else True
        has_entry = made is not None and "ENTRYPOINT" in str(made.content)
        line = " ".join([*entry, *command])
        yield StartedProgram(
            service.at("command" if command else "entrypoint"),
            f"service {service.name}",
            line,
            service.image or "",
            posixpath.dirname(made.path) if made else "",
            bool(items(service.data, "ports")) and dig(service.data, "network_mode") is None,
            bool(entry) or (is_given and not has_entry) or _SHELL.match(line) is not None,
            _SHELL.match(line) is not None,
        )
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            if container.words:
                line = " ".join(container.words)
                has_command = bool(container.data.get("command"))
                yield StartedProgram(
                    container.at("command" if has_command else "args"),
                    f"{title(own.artifact)}: {container.title}",
                    line,
                    container.image,
                    "",
                    bool(container.ports),
                    has_command,
                    _SHELL.match(line) is not None,
                )


def _image(dockerfile: Artifact) -> Iterator[StartedProgram]:
    found = stages(str(dockerfile.content))
    own = found[-1].whole if found else ()
    given = {one.word: one for one in own if one.word in ("ENTRYPOINT", "CMD")}
    if not given:
        return
    entry, command = given.get("ENTRYPOINT"), given.get("CMD")
    line = " ".join(word for one in (entry, command) if one for word in words_of(one.rest))
    last = command or entry
    yield StartedProgram(
        f"{dockerfile.path}:{last.line if last else 1}",
        IMAGE,
        line,
        found[-1].image,
        posixpath.dirname(dockerfile.path),
        any(one.word == "EXPOSE" for one in own),
        True,
        _SHELL.match(line) is not None or (last is not None and not last.rest.startswith("[")),
    )


def _plain(command: str) -> str:
    text = command.strip().strip("\"'")
    while (shorter := _BEFORE.sub("", text)) != text:
        text = shorter
    return text
