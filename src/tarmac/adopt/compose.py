"""A compose file: its services, the images that are stores, and the variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace

from tarmac.adopt import _dotenv
from tarmac.adopt._compose_containers import Container, added
from tarmac.adopt._compose_file import NAMES, Project, read_project
from tarmac.adopt._compose_parts import (
    shaped,
)
from tarmac.adopt._found import (
    Folder,
    Recogniser,
    Survey,
    is_project,
    valid_name,
)
from tarmac.base.errors import BadInput

#: Files beside those of NAMES: `docker-compose.local.yml`.
_OTHERS = re.compile(r"(?:docker-)?compose\.([\w.-]+)\.ya?ml")
#: Folders whose compose files run what was built elsewhere, or other systems.
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|tests?|e2e|hack|bench\w*|monitoring|observability|\..+)(/|$)|[{}]"
)
#: Words of files that are for another place than the one where people work.
_ELSEWHERE = re.compile(r"prod|stag|test|e2e|\bci\b|deploy|release|swarm|example|sample|override")
DEEPEST = 2


def _system(root: Folder, kinds: frozenset[str]) -> Survey | None:
    """Read the project of the root, or the one in a folder below it that builds the most."""
    if name := root.has(*NAMES):
        return _project(root, _building(root, name), kinds)
    own_files = tuple(file for file in root.files if "/" not in file)
    is_one = is_project(replace(root, files=own_files))
    files = [file for file in root.files if _is_below(file)]
    places = {posixpath.dirname(file) for file in files}
    if not is_one and len(places) > 1:  # each of them may be a system of its own
        return None
    projects = {file: project for file in files if (project := _read(root, file)) is not None}
    chosen = max(projects, key=lambda file: (_builds(root, file), *_rank(file)), default="")
    found = _project(root, _joined(_beside(chosen, projects)), kinds) if chosen else None
    has_some = found is not None and bool(found.services or found.stores or found.broker)
    return found if has_some else None


def _is_below(file: str) -> bool:
    """Tell whether a file is a compose file of a folder below the root."""
    folder, name = posixpath.split(file)
    is_named = name in NAMES or _OTHERS.fullmatch(name) is not None
    return is_named and bool(folder) and folder.count("/") < DEEPEST and not _ASIDE.search(folder)


def _rank(file: str) -> tuple[bool, bool, str]:
    """Put first what is for this place, and has a plain name."""
    name = posixpath.basename(file)
    return (not _ELSEWHERE.search(name), name in NAMES, file)


def _builds(root: Folder, file: str) -> int:
    """Count what a file builds."""
    return len(re.findall(r"(?m)(?:^[ \t]+|[{,][ \t]*)build:", root.read(file)))


def _building(root: Folder, name: str) -> Project | None:
    """Take the file beside one that builds nothing, where it builds what that one has as images.

    One that leaves out what the other says of a service is laid over it.
    """
    others = [file for file in root.files if _OTHERS.fullmatch(file)]
    others = [file for file in others if not _ELSEWHERE.search(file)]
    chosen = max(others, key=lambda file: _builds(root, file), default=name)
    if _builds(root, name) or not _builds(root, chosen):
        return read_project(root, name)
    alone = read_project(root, chosen)
    if alone and all(
        spec.keys() & {"image", "build", "extends"} for spec in alone.services.values()
    ):
        return alone
    return read_project(root, name, chosen)


def _beside(chosen: str, projects: Mapping[str, Project]) -> list[Project]:
    """List the files that make a system together: `compose.api.yml` beside `compose.db.yml`."""
    found = [projects[chosen]]
    if posixpath.basename(chosen) in NAMES:
        return found
    taken = set(projects[chosen].services)
    for file, project in projects.items():
        is_beside = posixpath.dirname(file) == posixpath.dirname(chosen) and _rank(file)[0]
        if is_beside and not project.services.keys() & taken:
            found.append(project)
            taken |= project.services.keys()
    return found


def _read(root: Folder, file: str) -> Project | None:
    """Read a file below the root; None for one without services, or that is not a project."""
    try:
        project = read_project(root, file)
    except BadInput as error:  # it may be another tool's, or a template
        root.skip(file, error.problems[0].what)
        return None
    return project if project and project.services else None


def _joined(projects: list[Project]) -> Project:
    """Join files that name different services."""
    services = {own: spec for one in reversed(projects) for own, spec in one.services.items()}
    return Project(services, [origin for one in projects for origin in one.origins])


def _project(root: Folder, project: Project | None, kinds: frozenset[str]) -> Survey | None:
    if project is None or not project.origins:
        return None
    name, services, origins = project.origins[0], project.services, project.origins
    values, values_of = _dotenv.of_file(root.below(posixpath.dirname(name)))
    values = _dotenv.resolved(values)
    example = values_of if values_of != ".env" else ""
    example = posixpath.join(posixpath.dirname(name), example) if example else ""
    found = Survey(origins=tuple(filter(None, (*origins, example))))
    for own, spec in services.items():
        found = added(found, Container(own, shaped(spec), root, kinds, values))
    completed = {
        target
        for spec in services.values()
        if isinstance(spec.get("depends_on"), dict)
        for target, how in spec["depends_on"].items()
        if isinstance(how, dict) and how.get("condition") == "service_completed_successfully"
    }
    return _with_tasks(found, {valid_name(name) for name in completed})


def _with_tasks(found: Survey, completed: set[str]) -> Survey:
    """Make what runs to its end a task of those who wait for it, where it is of the same folder."""
    services = {service.name: service for service in found.services}
    for name in sorted(completed & services.keys()):
        once = services[name]
        waiting = [s for s in services.values() if name in s.calls and s.folder == once.folder]
        if not waiting or not once.container_command:
            continue
        del services[name]
        line = "\0".join(once.container_command)  # the survey says it for here
        for service in services.values():
            tasks = {**service.tasks, name: line} if service is waiting[0] else service.tasks
            calls = tuple(call for call in service.calls if call != name)
            services[service.name] = replace(service, calls=calls, tasks=tasks)
    folders = [service.folder for service in services.values()]
    return replace(
        found,
        services=tuple(
            # The whole folder is its own where no other service shares it.
            replace(service, files=service.files if folders.count(service.folder) > 1 else ())
            for service in services.values()
        ),
    )


RECOGNISER = Recogniser(id="compose", rank=0, system=_system)
