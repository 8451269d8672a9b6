"""A script that starts what it is given is given something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, normpath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words as compose_words
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, stages, words
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.images.scripts import Scripts, script_beside, scripts_of
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: The last line of a script that becomes what it is given.
_BECOMES = re.compile(r"exec\s+((gosu|su-exec|tini|dumb-init|setpriv|env)\b[^\n]*\s)?\"?\$@\"?")
#: What gives it something where it is given nothing, or asks whether it is.
_ASKS = re.compile(r"\bset +--|\$#|\$\{?[1*]|\$\{@|\bcase\b|\$\{#")


#: A folder that is not in this repository: by a variable, or by an address.
_ELSEWHERE = re.compile(r"\$|\w:/|git@")


class GivenNothing(NamedTuple):
    """An image whose script is started without a word, where its base has a command."""

    dockerfile: Artifact
    line: int
    script: str
    base: str


def check(files: Files) -> Iterator[Finding]:
    """Yield scripts that end with `exec "$@"` and are given nothing."""
    yield from _composed(files)
    yield from _of_pods(files)
    told = {_path(one) for one, _ in _services(files)}
    for one in _images(files):
        if one.dockerfile.path not in told:
            what = (
                f"ENTRYPOINT takes away the CMD of {one.base}, and {one.script} ends with exec of"
            )
            said = f"{what} what it is given, which is nothing: the container ends at once; write"
            where = f"{one.dockerfile.path}:{one.line}"
            yield Finding(where, f"{said} the CMD again, below ENTRYPOINT", warning=True)


def _composed(files: Files) -> Iterator[Finding]:
    scripts = scripts_of(files)
    for service, beside in _services(files):
        entry = compose_words(service, "entrypoint")
        # What is mounted there takes the place of what was built.
        mounted = {inside: path for path, inside in mounted_files(service, beside)}
        name = basename(mounted.get(entry[-1], entry[-1])) if entry else ""
        folder = dirname(_path(service))
        script = script_beside(scripts, folder, name) if name.endswith(".sh") else None
        if script is not None and not _has(service, "command") and _becomes(script):
            what = f"service {service.name} has an entrypoint, which takes away the CMD of its"
            said = f"{what} image, and no command: {name} ends with exec of what it is given,"
            advice = "which is nothing, so the container ends at once; write the command"
            yield Finding(service.at("entrypoint"), f"{said} {advice}")


def _of_pods(files: Files) -> Iterator[Finding]:
    """Yield the same of containers of pods, whose command takes the CMD of the image away, too."""
    scripts = scripts_of(files)
    for own in pods(files):
        for container in own.containers:
            told = [str(word) for word in items(container.data, "command")]
            name = basename(told[-1]) if told else ""
            script = script_beside(scripts, "", name) if name.endswith(".sh") else None
            is_alone = script is not None and not items(container.data, "args")
            if script is not None and is_alone and _becomes(script):
                what = (
                    f"{title(own.artifact)} has a command, which takes away the CMD of its image,"
                )
                said = f"{what} and no args: {name} ends with exec of what it is given, which is"
                where = container.at("command")
                yield Finding(where, f"{said} nothing; write the args", warning=True)


def _services(files: Files) -> Iterator[tuple[ComposeService, ComposeFiles]]:
    """Yield the services that are built here and are all of themselves."""
    for beside in compose_files(files):
        names = [one.name for one in beside.services]
        for service in beside.services:
            is_whole = names.count(service.name) == 1 and not _has(service, "extends")
            is_here = service.dockerfile and not _ELSEWHERE.search(service.dockerfile)
            if is_whole and is_here and service.name not in beside.above:
                yield service, beside


def _has(service: ComposeService, key: str) -> bool:
    return dig(service.data, key) is not None


def _path(service: ComposeService) -> str:
    return normpath(service.dockerfile or "")


def _images(files: Files) -> Iterator[GivenNothing]:
    scripts = scripts_of(files)
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        entry = _entry(found[-1]) if found else None
        if entry is None or not (base := _base(found)):
            continue
        name = basename((words(entry.rest) or [""])[-1])
        script = _script(scripts, dockerfile, name)
        if script is not None and _becomes(script):
            yield GivenNothing(dockerfile, entry.line, name, base)


def _entry(stage: Stage) -> Instruction | None:
    """Return the ENTRYPOINT of a stage without a CMD."""
    own = [one for one in stage.instructions if one.word in ("ENTRYPOINT", "CMD")]
    is_alone = own and all(one.word == "ENTRYPOINT" for one in own)
    return own[-1] if is_alone and own[-1].rest.startswith("[") else None


def _base(found: list[Stage]) -> str:
    """Name what the last stage begins from, where that has a command of a server; "" otherwise."""
    begun = [w for w in found[-1].instructions[0].rest.split() if not w.startswith("--")]
    below = next((one for one in found[:-1] if begun and one.name == begun[0]), None)
    if below is not None and any(one.word == "CMD" for one in below.instructions):
        return f"the stage {below.name}"
    image = found[-1].image
    return image if re.fullmatch(published("commands")["images"], image) else ""


def _script(scripts: Scripts, dockerfile: Artifact, name: str) -> Artifact | None:
    return script_beside(scripts, dirname(dockerfile.path), name) if name.endswith(".sh") else None


def _becomes(script: Artifact) -> bool:
    text = str(script.content)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    is_last = bool(lines) and _BECOMES.fullmatch(lines[-1]) is not None
    return is_last and not _ASKS.search("\n".join(lines))


def _judged(files: Files) -> Iterator[object]:
    yield from _images(files)
    yield from (one for one, _ in _services(files) if _has(one, "entrypoint"))
    for own in pods(files):
        yield from (one for one in own.containers if items(one.data, "command"))


GATE = Gate(
    id="IMG083",
    title="A script that starts what it is given is given something",
    phase="containers",
    source="https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-"
    "interact: an ENTRYPOINT of one's own sets the CMD of the base to nothing, and Compose's "
    "entrypoint that of the image",
    check=check,
    of_files=check,
    scope=counted_in_files("images and services with an entry point of their own", _judged),
    targets=("compose",),
    reads='scripts that end with `exec "$@"`, beside the entrypoint and command of Compose '
    "services and pods, and the ENTRYPOINT and CMD of Dockerfiles whose base is a "
    "server. What a person or a pod starts an image with is not known, so the latter are warnings.",
)
