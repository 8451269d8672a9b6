"""Texts that look as if they were evaluated, and are given to a program as they stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.overlays.parts import is_part
from tarmac.check.gates.views.pods.containers import Container
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: What the kubelet fills in; `$$(NAME)` is that text itself.
_OWN = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
#: Variables that the kubelet sets for each Service of the namespace, by its name.
_LINK = re.compile(r"(\w+?)_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_\w+)?)?)")
#: What a shell, or Compose, fills in; without a default.
_SHELL = re.compile(r"(?<!\$)\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
#: Programs that evaluate their arguments themselves.
_SHELLS = re.compile(
    r"(.*/)?((ba|da|z|k|a)?sh|busybox|env|envsubst|eval|pwsh|perl|python\d*|node|ruby)"
)
#: Settings of Java, in whose values Spring and others fill in variables.
_FILLED_BY_JAVA = re.compile(r"-D|--[\w-]+(\.[\w-]+)+=")
#: Calls of a shell, not variables.
_CALLS = frozenset({
    "pwd", "hostname", "date", "id", "whoami", "cat", "nproc", "uname", "which", "ls", "git",
})  # fmt: skip
#: Variables that every container, or every shell, has.
_GIVEN = frozenset({"HOSTNAME", "HOME", "PATH", "PWD", "USER", "SHELL"})
#: Where a container has commands that the kubelet runs in it.
_RUN: tuple[Path, ...] = (
    ("startupProbe",), ("readinessProbe",), ("livenessProbe",),
    ("lifecycle", "postStart"), ("lifecycle", "preStop"),
)  # fmt: skip
#: Texts of a Compose file that its container evaluates.
_INSIDE = ("healthcheck", "command", "entrypoint")


def check(files: Files) -> Iterator[Finding]:
    """Yield texts whose variable nothing fills in, or something else does."""
    services = {name_of(one).upper().replace("-", "_") for one in files.objects("Service")}
    for own in pods(files):
        is_linked = dig(own.spec.data, "enableServiceLinks") is not False
        linked = {"KUBERNETES", *(services if is_linked else ())}
        for container in own.containers:
            yield from _container(own, container, linked)
    for beside in compose_files(files):
        filled = _dotenv(files, beside.artifacts[0].path)
        for service in beside.services:
            for path, what in _service(service, filled):
                yield Finding(service.at(*path), f"service {service.name} {what}")


def _container(own: Pods, container: Container, linked: set[str]) -> Iterator[Finding]:
    given = own.variables.names(container)
    # A Template of OpenShift has its parameters filled in before there is an object.
    filled = {str(dig(one, "name")) for one in items(own.artifact.data, "parameters")}
    # A patch has the arguments, and what it is for the variables.
    is_known = own.variables.are_known(container) and not is_part(own.artifact)
    called = str(next(iter(items(container.data, "command")), ""))
    for key in ("command", "args"):
        for number, word in enumerate(items(container.data, key)):
            if not isinstance(word, str):
                continue
            where, whose = container.at(key, number), f"{title(own.artifact)}: container "
            whose += str(container.name)
            for name in _OWN.findall(word) if is_known and "\n" not in word else ():
                # In a script it is a command.
                link = _LINK.fullmatch(name)
                is_there = name in given | _CALLS or (link is not None and link[1] in linked)
                if not is_there and not _is_script(container):
                    what = f"{whose} is given $({name}) as it stands: it has no variable {name}"
                    yield Finding(where, f"{what}; {did_you_mean(name, sorted(given))}")
            for pair in _SHELL.findall(word) if not _is_script(container) else ():
                name = next(filter(None, pair))
                if name in given - filled and not (_FILLED_BY_JAVA.match(word) and not called):
                    what = f"{whose} is given the text of the variable {name}, not its value: "
                    said = f"{what}no shell reads it; write $({name})"
                    # What the image begins with may be a shell.
                    yield Finding(where, said, warning=not called)
    for number, mount in numbered(container.data, "volumeMounts"):
        if found := _OWN.search(str(mount.get("subPath", ""))):
            what = f"{title(own.artifact)}: container {container.name} mounts the folder {found[0]}"
            why = "as it stands, and all pods have one: subPath has no variables; write subPathExpr"
            yield Finding(container.at("volumeMounts", number, "subPath"), f"{what} {why}")
    for where, what in _asked(container, given - filled):
        yield Finding(where, f"{title(own.artifact)}: container {container.name} {what}")


def _asked(container: Container, given: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield variables in commands of probes and hooks, which run without a shell."""
    for path in _RUN:
        told = items(container.data, *path, "exec", "command")
        for number, word in enumerate(told):
            before = [one for one in told[:number] if isinstance(one, str)]
            if not isinstance(word, str) or "\n" in word or any(map(_is_read, before)):
                break
            # In probes the kubelet fills in $(NAME), and in hooks it does not.
            is_hook = path[0] == "lifecycle"
            found = [next(filter(None, pair)) for pair in _SHELL.findall(word)]
            # Of what a Secret or a ConfigMap gives it does not know the value then.
            filled = {one.name for one in container.variables if one.has_value and not is_hook}
            found += [name for name in _OWN.findall(word) if name not in filled]
            if lost := [name for name in found if name in given]:
                what = f"runs {told[0]} by {path[-1]} with the text of the variable {lost[0]}, not"
                advice = "write the value, or sh -c with the whole command"
                at = container.at(*path, "exec", "command", number)
                yield at, f"{what} its value: no shell reads it; {advice}"


def _is_read(word: str) -> bool:
    """Tell whether what follows a word is read as a shell does, or by another program."""
    return _SHELLS.fullmatch(word) is not None or word in ("-c", "-ec", "-e", "--eval")


def _is_script(container: Container) -> bool:
    """Tell whether a container's program reads its arguments as a shell does, or may."""
    words = container.words
    return not words or any(
        _SHELLS.fullmatch(word) or word in ("-c", "-ec", "-e") or "\n" in word
        for word in (words[:3] if items(container.data, "command") else words[:2])
    )


def _service(service: ComposeService, filled: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield variables of a container that Compose fills in before the container has them."""
    if not isinstance(service.data, Mapping):
        return
    own = service.environment
    for key in _INSIDE:
        for path, text in places(dig(service.data, key), (key,)):
            for pair in _SHELL.findall(text):
                name = next(filter(None, pair))
                # A value that Compose itself fills in, or hands on, may be the same one.
                if name in own and name not in filled and own[name] and "$" not in own[name]:
                    what = f"reads {name}, which Compose fills in from its own environment and "
                    yield path, f"{what}.env, where it is not set; write $${{{name}}}"


def _dotenv(files: Files, path: str) -> dict[str, str]:
    """Read the names that the file .env beside a Compose file sets, or an example of it names."""
    folder = path.rpartition("/")[0]
    beside = f"{folder}/" if folder else ""
    found: dict[str, str] = {}
    for name in (".env", ".env.example", ".env.sample", ".env.dist", "env.example"):
        for line in (text_on_disk(files, f"{beside}{name}") or "").splitlines():
            key, _, value = line.lstrip("# ").removeprefix("export ").partition("=")
            found[key.strip()] = value
    return found


def _judged(files: Files) -> Iterator[Any]:
    for own in pods(files):
        for container in own.containers:
            yield from (word for key in ("command", "args") for word in items(container.data, key))
            for path in _RUN:
                yield from items(container.data, *path, "exec", "command")
    for beside in compose_files(files):
        for one in beside.services:
            yield from (key for key in _INSIDE if fields(one.data).get(key))


GATE = Gate(
    id="OBJ016",
    title="Variables in commands are those that are filled in there",
    phase="containers",
    source="https://kubernetes.io/docs/tasks/inject-data-application/"
    "define-command-argument-container: a kubelet fills in $(NAME) of the container's own "
    "variables, and nothing else; Compose fills in ${NAME} before the container is made",
    check=check,
    of_files=check,
    scope=counted_in_files("words of commands", _judged),
    targets=(),
    reads="`command` and `args`, and commands of probes and hooks, beside `env` where no shell "
    "reads them; `command`, `entrypoint` "
    "and `healthcheck` of Compose files beside `environment` and .env. Judges files without a "
    "plan only.",
)
