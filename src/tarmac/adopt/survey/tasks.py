"""The tasks that a service has in the end: without those that harm, and none done twice.

The survey calls it once the services are known.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import replace

from tarmac.adopt.packages.node_packages import LIBRARY
from tarmac.adopt.survey.found import MIGRATE, Folder, Service, Survey, awaited
from tarmac.adopt.survey.harm import harm
from tarmac.base.foreign.data import from_json

_MAKES_TABLES = re.compile(r"migrat|\bupgrade\s+head\b|\bdb:(?:prepare|setup)|\bdb\s+upgrade\b")

_INSTALL = "install"
#: These have no file that they write last, and two at once break each other's environment.
_WITHOUT_MARK = {
    "poetry install": '"$(poetry env info -p 2>/dev/null)/.installed"',
    "pipenv sync": '"$(pipenv --venv 2>/dev/null)/.installed"',
}


def done_once(found: Survey) -> Survey:
    """Let one service install packages and create tables that several services share.

    Two at once would break each other's work.
    """
    first: dict[str, str] = {}
    shared = Counter((one.folder, one.tasks.get(_INSTALL, "")) for one in found.services)
    services = []
    migrating: set[str] = set()
    made: set[tuple[str, str]] = set()
    for service in found.services:
        own = {(service.folder, line) for line in service.tasks.values()}
        own = {(folder, line) for folder, line in own if _MAKES_TABLES.search(line)}
        tasks = {n: t for n, t in service.tasks.items() if (service.folder, t) not in made}
        made |= own
        place = _place(service, tasks.get(MIGRATE, ""))
        if MIGRATE in tasks and (place in migrating or _migrates(found, service)):
            del tasks[MIGRATE]
        elif MIGRATE in tasks:
            migrating.add(place)
        line = tasks.get(_INSTALL, "")
        tool = next((name for name in _WITHOUT_MARK if name in line), "")
        if tool and shared[service.folder, line] > 1:
            mark = _WITHOUT_MARK[tool]
            is_first = first.setdefault(f"{service.folder} {tool}", service.name) == service.name
            awaiting = f"until test -e {mark}; do sleep 1; done"
            tasks[_INSTALL] = f"{line} && touch {mark}" if is_first else awaiting
        for name, line in service.tasks.items():
            if not line.startswith("test -e ") or not name.startswith(("install", LIBRARY)):
                continue
            target = posixpath.normpath(posixpath.join(service.folder, line.split()[2]))
            if first.setdefault(target, service.name) != service.name:
                tasks[name] = awaited(line)
        services.append(replace(service, tasks=tasks))
    return replace(found, services=tuple(services))


def _place(service: Service, line: str) -> str:
    """Say where a task makes tables: its service's folder, or the one that its line goes to."""
    goes = re.match(r"\(cd (\S+) && ", line)
    return posixpath.normpath(posixpath.join(service.folder, goes[1])) if goes else service.folder


def _migrates(found: Survey, service: Service) -> bool:
    """Tell whether another line of the same folder makes the tables already."""
    lines = (
        line
        for other in found.services
        if other.folder == service.folder
        for line in (
            other.run,
            *(line for name, line in other.tasks.items() if name != MIGRATE),
        )
    )
    return any(_MAKES_TABLES.search(line) for line in lines)


def without_harm(service: Service, folder: Folder) -> tuple[Service, list[str]]:
    """Take out the tasks that would do more at a start than they may; say which, and why."""
    scripts = (folder.mapping("package.json", from_json) or {}).get("scripts")
    known = {k: str(v) for k, v in scripts.items()} if isinstance(scripts, dict) else {}
    # How packages are installed is ours, and so is the copy of an example.
    ours = ("install", "dotenv", "settings", "links")
    given = {
        name: line
        for name, line in service.tasks.items()
        if name not in (*ours, *service.by_hand) and not name.startswith(LIBRARY)
    }
    found = {
        name: why
        for name, line in given.items()
        if (why := harm(line, known) or _of_its_image(line, folder))
    }
    left = {name: line for name, line in service.tasks.items() if name not in found}
    # What makes tables between lines of a script that do harm is done all the same.
    parts = {name: service.tasks[name].split(" && ") for name in found if name == "prepare"}
    for name, lines in parts.items():
        if not any(line.count(mark) % 2 for line in lines for mark in "\"'"):
            makes = [line for line in lines if _MAKES_TABLES.search(line) and not harm(line, known)]
            left |= {name: " && ".join(makes)} if makes else {}
    return replace(service, tasks=left), [
        f"task {name} of {service.name}: `{service.tasks[name]}` would run at every start, "
        f"and {why}"
        for name, why in found.items()
    ]


#: A folder of steps that golang-migrate is told by its whole path.
_STEPS = re.compile(r"\"file://(/[\w./-]+)\"")


def _of_its_image(line: str, folder: Folder) -> str:
    """Say which steps a program of Go carries out that no folder here has; "" for none."""
    match = re.match(r"go run (?:-C (\S+) )?\.", line)
    place = folder.below(match[1] or "") if match else None
    texts = (place.read(f) for f in place.files if f.endswith(".go")) if place else ()
    found = (_STEPS.search(text) for text in texts if "golang-migrate/" in text)
    path = next((step[1] for step in found if step), "")
    return f"it carries out the steps in {path}, which only its image has" if path else ""
