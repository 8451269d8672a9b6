"""Takes apart what one container starts side by side: `celery -A app worker & gunicorn app`.

`compose_containers` and `dockerfile` ask. What ends by itself is a preparation, and each of the
others a program.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from tarmac.adopt.packages.node_side_by_side import told_lines
from tarmac.adopt.survey.found import Folder, Service, valid_name

#: It only keeps the shell until the others end.
_WAITS = re.compile(r"(?:wait|fg|exec|tail -f /dev/null|sleep infinity)(?: .*)?")
#: It ends by itself, and the others need it.
_PREPARES = re.compile(
    r"\b(?:migrate|makemigrations|collectstatic|upgrade|createsuperuser|loaddata|seed|init|"
    r"db:\w+|create_\w+|wait_for_\w+)\b"
)
#: It answers people: the one of several that has the container's ports.
_SERVES = re.compile(
    r"\b(?:runserver|uvicorn|gunicorn|hypercorn|daphne|granian|flask|uwsgi|http-server|serve|"
    r"start|server|next|vite|puma|rails)\b"
)
#: What a program is called by a word of its command.
_ROLES = ("flower", "beat", "worker", "scheduler", "consumer", "listener", "bot")


def programs_of(service: Service, here: Folder) -> list[Service]:
    """Return the programs that a container's command starts side by side; itself if it is one.

    The one that serves comes first, and has the container's name, ports and preparations.

    Args:
        here: the folder of the service.
    """
    if together := _concurrent(service, here):
        return together
    parts = [*_parts(service.container_command)]
    if len(parts) < 2:
        return [service]
    first = [part for part in parts if _PREPARES.search(" ".join(part))]
    stay = [part for part in parts if part not in first]
    if not stay:
        return [service]
    main = next((part for part in stay if _SERVES.search(" ".join(part))), stay[-1])
    others = [part for part in stay if part is not main]
    before = "\0&&\0".join("\0".join(part) for part in first)
    own = "\0&&\0".join(filter(None, (service.tasks.get("prepare", ""), before)))
    tasks = {**service.tasks, "prepare": own} if own else service.tasks
    found = [replace(service, container_command=main, tasks=tasks)]
    taken = {service.name}
    for part in others:
        name = valid_name(f"{service.name}-{_role(part)}")
        name = name if name not in taken else valid_name(f"{name}-{len(taken)}")
        taken.add(name)
        found.append(_beside(service, name, part))
    return found


def _concurrent(service: Service, here: Folder) -> list[Service]:
    """Return the programs that an image has `concurrently` start, each in a folder of its own."""
    words = service.container_command
    at = next((n for n, w in enumerate(words) if posixpath.basename(w) == "concurrently"), -1)
    found: list[Service] = []
    for name, line in told_lines(words[at + 1 :]) if at >= 0 else ():
        match = re.fullmatch(r"cd\s+(\S+)\s*(?:&&|;)\s*(?:exec\s+)?([^&|;]+)", line.strip())
        place = _place_of(match[1], here) if match else ""
        if match is None or not place:
            return []
        folder = posixpath.normpath(posixpath.join(service.folder, place))
        own = name or posixpath.basename(place)
        if not found:
            first = replace(service, container_command=tuple(match[2].split()), folder=folder)
            found.append(replace(first, name=valid_name(own), files=()))
        else:
            part = _beside(service, valid_name(own), tuple(match[2].split()))
            found.append(replace(part, folder=folder, files=(), calls=service.calls))
    return found if len(found) > 1 else []


def _place_of(path: str, here: Folder) -> str:
    """Find the folder that a path of the image is: `/data/apps/web` is apps/web."""
    parts = path.strip("/").split("/")
    ends = ("/".join(parts[begin:]) for begin in range(len(parts)))
    return next((end for end in ends if end and here.exists(f"{end}/package.json")), "")


def _beside(service: Service, name: str, part: tuple[str, ...]) -> Service:
    """Return a program beside the one that serves: it has no port, and waits for that one."""
    tasks = {key: task for key, task in service.tasks.items() if key != "prepare"}
    return replace(
        service,
        name=name,
        container_command=part,
        ports={},
        known_as={},
        probe="",
        tasks=tasks,
        calls=(*service.calls, service.name),
        volumes={},
        aside=True,
        after_start="",
        before_stop="",
    )


def _parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the commands between the signs that put one into the background."""
    if "&" not in words:
        yield words
        return
    for is_sign, part in groupby(words, lambda word: word == "&"):
        command = tuple(part)
        if not is_sign and not _WAITS.fullmatch(" ".join(command)):
            yield command


def _role(part: tuple[str, ...]) -> str:
    """Name a program by what it does, else by its file."""
    found = next((role for role in _ROLES if any(role in word for word in part)), "")
    files = [word for word in part if re.search(r"\.(?:py|[cm]?js|ts|sh|rb)$", word)]
    at = next((n for n, w in enumerate(part[:-1]) if w.endswith("manage.py")), -1)
    if at >= 0 and not found:  # `manage.py consume` is a consumer
        return part[at + 1]
    named = posixpath.splitext(posixpath.basename((files or [*part])[0]))[0]
    return found or named
