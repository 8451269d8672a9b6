"""What a Compose file mounts does not cover what its image has installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import join, normpath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.services import ComposeService, compose_services
from tarmac.check.gates.views.images.dockerfiles import Stage, is_dockerfile, stages
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files

#: What installs packages below the folder that it runs in, and where.
_INSTALLS = (
    (re.compile(r"\b(npm (ci|install|i)|yarn( install)?|pnpm (install|i)|bun install)\b"
                r"(?! (-g|--global)\b)(?!.*\s(-g|--global|--prefix)\b)"), "node_modules"),
    (re.compile(r"\bcomposer(\.phar)? install\b"), "vendor"),
    (re.compile(r"\bpython[\d.]* -m venv \.?venv\b|\buv sync\b|\buv venv\b(?! /)"), ".venv"),
)  # fmt: skip
_FOLDER = re.compile(r"(\.{1,2}|\.{0,2}/[\w./-]*|\.{1,2}/?[\w./-]*):(/[\w./-]+)(:[\w,]+)?")


def check(files: Files) -> Iterator[Finding]:
    """Yield mounts of a folder over packages that only the image has."""
    by_path = {one.path: one for one in files.artifacts if is_dockerfile(one.path)}
    for service in compose_services(files):
        made = by_path.get(normpath(service.dockerfile or "."))
        if made is not None:
            installed = _installed(service, made)
            for number, source, target in _mounts(service):
                for folder, how in installed.items():
                    if _is_covered(files, service, folder, source, target):
                        what = f"service {service.name} mounts {source} over {target}, where its"
                        why = f"image has {folder} by `{how}`, so that is not found"
                        advice = f"mount a volume at {folder} as well"
                        where = service.at("volumes", number)
                        yield Finding(where, f"{what} {why}; {advice}", warning=True)


def _installed(service: ComposeService, made: Artifact) -> dict[str, str]:
    """Find the folders that the image's last stage, or the one that is asked for, installs into."""
    found = stages(str(made.content))
    target = str(dig(service.data, "build", "target") or "")
    stage = next((one for one in found if one.name == target), found[-1] if found else None)
    here, installed = "/", dict[str, str]()
    for one in _whole(stage, found):
        if one.word == "WORKDIR":
            here = normpath(join(here, one.rest.strip("\"'")))
        for pattern, name in _INSTALLS if one.word == "RUN" and "$" not in here else ():
            if found_in := pattern.search(one.rest):
                installed[join(here, name)] = found_in[0]
    return installed


def _whole(stage: Stage | None, found: list[Stage]) -> list[Any]:
    """List the instructions of a stage, those of the stages that it begins from first."""
    by_name = {one.name: one for one in found}
    own: list[Any] = []
    seen = set[str]()
    while stage is not None and stage.name not in seen:
        seen.add(stage.name)
        own = [*stage.instructions, *own]
        words = [w for w in stage.instructions[0].rest.split() if not w.startswith("--")] or [""]
        stage = by_name.get(words[0])
    return own


def _mounts(service: ComposeService) -> Iterator[tuple[int, str, str]]:
    for number, entry in enumerate(listed(dig(service.data, "volumes"))):
        if isinstance(entry, Mapping):
            if entry.get("type") == "bind":
                yield number, str(entry.get("source")), normpath(str(entry.get("target")))
        elif found := _FOLDER.fullmatch(str(entry)):
            yield number, found[1], normpath(found[2])


def _is_covered(
    files: Files, service: ComposeService, folder: str, source: str, target: str
) -> bool:
    """Tell whether a mount hides a folder, which nothing else brings back."""
    if not folder.startswith(f"{target}/"):
        return False
    kept = {normpath(one) for one in service.mounted if one}
    above = (one for one in kept if one != target and one.startswith(f"{target}/"))
    if any(folder == one or folder.startswith(f"{one}/") for one in above):
        return False
    told = f"{dig(service.data, 'command')} {dig(service.data, 'entrypoint')}"
    if any(pattern.search(told.replace("', '", " ")) for pattern, _ in _INSTALLS):
        return False
    if ".sh" in told:  # a script may install
        return False
    beside = service.artifact.path.rpartition("/")[0]
    inside = join(beside, source, folder.removeprefix(f"{target}/"))
    place = on_disk(files, normpath(inside))
    return place is None or not place.exists()


def _judged(files: Files) -> Iterator[object]:
    for service in compose_services(files):
        if service.dockerfile:
            yield from _mounts(service)


GATE = Gate(
    id="IMG019",
    title="What a Compose file mounts covers nothing that its image installs",
    phase="containers",
    source="https://docs.docker.com/engine/storage/bind-mounts: what the image has below a mount "
    "is hidden by it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("mounts of folders", _judged),
    targets=("compose",),
    reads="volumes of services that are built here beside the package managers that their "
    "Dockerfile runs. Where the folder of the host has these packages, nothing is covered.",
)
