"""What a service of Compose needs is started with it: both are in one profile, or in none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from tarmac.base.foreign.reading import Path, dig, fields, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.env_texts import text_of
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.shell import commands
from tarmac.check.gates.views.scope import counted_in_files

#: Where a command chooses profiles.
_CHOSEN = re.compile(r"--profile[= ][\"']?([\w*.-]+)|COMPOSE_PROFILES=[\"']?([\w*.,-]+)")


def check(files: Files) -> Iterator[Finding]:
    """Yield services that need one which is only in a profile, so that Compose refuses them."""
    for beside in compose_files(files):
        profiles = _profiles(beside)
        for service in beside.services:
            for path, other in _needed(service):
                own, its = profiles[service.name], profiles.get(other)
                if not its or own is None or (own and own & its):
                    continue
                names = ", ".join(sorted(its))
                what = f"service {service.name} needs {other}, which is only in the profile {names}"
                said = f"{what}: without that, Compose refuses the whole file"
                where = service.at(*path)
                is_used = len(its) > 1 or bool(own) or its <= _chosen(files, beside)
                advice = f"give both the same profiles, or write `required: false` for {other}"
                yield Finding(where, f"{said}; {advice}", warning=is_used)


def _profiles(beside: ComposeFiles) -> dict[str, set[str] | None]:
    """List the profiles of each service; None: they are not known, or of several files."""
    found: dict[str, set[str] | None] = {}
    for service in beside.services:
        own = {str(one) for one in items(service.data, "profiles")}
        is_open = any("$" in one for one in own) or "extends" in fields(service.data)
        is_second = service.name in found and found[service.name] != own
        found[service.name] = None if is_open or is_second else own
    return found


def _needed(service: ComposeService) -> Iterator[tuple[Path, str]]:
    """Yield the services without which Compose does not take this one."""
    is_list = bool(items(service.data, "depends_on"))
    for number, (name, how) in enumerate(service.waited_for.items()):
        if dig(how, "required") is not False:
            yield ("depends_on", number if is_list else name), name
    kind, _, other = str(dig(service.data, "network_mode") or "").partition(":")
    if kind == "service":
        yield ("network_mode",), other


def _chosen(files: Files, beside: ComposeFiles) -> set[str]:
    """List the profiles that commands choose, or the file `.env` beside."""
    folders = {dirname(artifact.path) for artifact in beside.artifacts}
    texts = [text_of(files, normpath(join(folder, ".env"))) or "" for folder in sorted(folders)]
    return {name for text in texts for name in _read(text)} | {*_told(files)}


@once
def _told(files: Files) -> Iterator[str]:
    for command in commands(files):
        yield from _read(command.text)


def _read(text: str) -> Iterator[str]:
    for one, several in _CHOSEN.findall(text):
        yield from (one or several).split(",")


def _judged(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        yield from (one for one in beside.services if any(_needed(one)))


GATE = Gate(
    id="IMG045",
    title="What a service of Compose needs is started with it",
    phase="containers",
    source="https://docs.docker.com/compose/how-tos/profiles: a service and what it depends on "
    "share a profile, or the other one is always started",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that need others", _judged),
    targets=("compose",),
    reads="`profiles` of services beside those in `depends_on` and network_mode. A profile that a "
    "command of the same files or `.env` chooses makes it a warning.",
)
