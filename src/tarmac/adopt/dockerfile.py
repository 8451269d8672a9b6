"""A Dockerfile alone: what its container runs, if that can be run here as well."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tarmac.adopt.containers.build_steps import made_from, of_its_package, with_paths
from tarmac.adopt.containers.container import (
    SupervisedProgram,
    copied_files,
    goes_on,
    made_folders,
    of_target,
    read_dockerfile,
    script_of,
    supervised,
    unwatched,
)
from tarmac.adopt.containers.in_background import programs_of
from tarmac.adopt.containers.start_script import one_line
from tarmac.adopt.survey.found import (
    Folder,
    Recogniser,
    Service,
    folder_name,
    has_program_file,
    valid_name,
)

#: Servers of others that supervisord may start beside the programs.
_OF_OTHERS = re.compile(r"(?:^|/)(?:nginx|apache2?|httpd|redis-server|postgres|sshd|cron)$")
#: The folders that an image makes at places of its own.
_MAKES = re.compile(r"\bmkdir\s+((?:-\S+\s+)*[^&|;<>\n]+)")
_NAMES = ("Dockerfile", "dockerfile", "Containerfile")


def _services(folder: Folder) -> tuple[Service, ...]:
    name = folder.has(*_NAMES)
    if not name:
        return ()
    text = with_paths(folder.read(name))
    place = _built_from(text, folder)
    found = read_dockerfile(of_target(text, ""), folder_name(folder), place)
    found = replace(
        found,
        container_command=made_from(text, found.container_command, place),
        tasks=made_folders(text, folder) if place == folder.path else {},
    )
    if place == folder.path and _is_its_own_package(text, found.container_command, folder):
        found = replace(found, env={**found.env, "PYTHONPATH": ".."}, tasks={})
    argv = found.container_command
    while len(argv) > 1 and goes_on(argv[0], folder):
        argv = argv[1:]
    before, last = script_of(argv, folder, copied_files(text), found.env)
    if last and place == folder.path:  # its own script says what it starts, and what comes first
        tasks = {"prepare": one_line(before)} if before else {}
        found = replace(found, container_command=last, tasks={**found.tasks, **tasks})
        argv = last
    programs = supervised(argv, folder)
    # Of a folder that only the image has, the code says another one by itself.
    made = {word for line in _MAKES.findall(text) for word in line.split()}
    found = replace(found, env={n: v for n, v in found.env.items() if v not in made})
    own = {
        name: one._replace(words=_on_own_path(unwatched(one.words, folder), text, folder))
        for name, one in programs.items()
        if not _OF_OTHERS.search(one.words[0])
    }
    if len(own) > 1:
        return tuple(_supervised(found, own))
    return tuple(programs_of(found, folder)) if found.container_command or found.ports else ()


def _on_own_path(argv: tuple[str, ...], text: str, folder: Folder) -> tuple[str, ...]:
    """Say a script that an image finds by its name as the file of the repository."""
    places = re.findall(r"(?im)^[ \t]*ENV\s+PATH[= ]\"?([^:\s\"]+)", text)
    inside = (f"{posixpath.basename(place.rstrip('/'))}/{argv[0]}" for place in places)
    found = next((file for file in inside if file in folder.files), "")
    return (found, *argv[1:]) if found else argv


def _supervised(image: Service, programs: Mapping[str, SupervisedProgram]) -> Iterator[Service]:
    """Yield the programs that supervisord starts in an image; the first one has its port."""
    for number, (name, one) in enumerate(programs.items()):
        ports = image.ports if not number else {}
        tasks = image.tasks if not number else {}
        yield replace(
            image,
            name=valid_name(name),
            container_command=one.words,
            why=f"{image.why}: {name}",
            ports=ports,
            tasks=tasks,
            aside=bool(number),
        )


def _is_its_own_package(text: str, command: tuple[str, ...], folder: Folder) -> bool:
    """Tell whether an image has a folder as a package of its name: `COPY app.py /app/posts/app.py`.

    Its command then starts a module of that: `uvicorn posts.app:app`.
    """
    name = posixpath.basename(folder.path)
    modules = [word.split(":")[0].split(".") for word in command[1:] if word.startswith(f"{name}.")]
    target = rf"(?im)^COPY\s+(?!--from)(?:--\S+\s+)*\S+\s+\S*\b{re.escape(name)}(?:/\S*)?[ \t]*$"
    here = any(f"{'/'.join(parts[1:])}.py" in folder.files for parts in modules if parts[1:])
    return bool(name) and here and not folder.exists(name) and bool(re.search(target, text))


def _built_from(text: str, folder: Folder) -> str:
    """Find the folder that an image is built from: the one above that has what it copies."""
    copies = re.findall(r"(?im)^COPY\s+(?!--from)(?:--\S+\s+)*(\S+)\s+\S+[ \t]*$", text)
    sources = [path for path in copies if not re.search(r"[*$\[]|^\.?/?$", path)]
    if package := of_its_package(text, folder):
        return package.removeprefix(".")
    if not sources or has_program_file(folder) or any(map(folder.exists, sources)):
        return folder.path
    steps = range(1, folder.path.count("/") + 2) if folder.path else ()
    above = ("../" * step for step in steps)
    found = next((up for up in above if all(folder.exists(f"{up}{p}") for p in sources)), "")
    place = posixpath.normpath(posixpath.join(folder.path, found))
    return "" if place == "." else place


RECOGNISER = Recogniser(id="dockerfile", rank=90, services=_services)
