"""A compose file: its services, the images that are stores, and the variables."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from tarmac.adopt import _dotenv
from tarmac.adopt._compose_containers import Container, added
from tarmac.adopt._compose_file import NAMES, read_project
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

_LISTED = [[name] for name in NAMES]
#: Folders whose compose files run what was built elsewhere.
_DEPLOYS = frozenset({"deploy", "deployment", "docker", "scripts", "examples", "example", "docs"})


def _system(root: Folder, kinds: frozenset[str]) -> Survey | None:
    """Read the project of the root, or the only one that is a folder below it."""
    found = _project(root, kinds)
    own_files = tuple(file for file in root.files if "/" not in file)
    if found is not None or is_project(replace(root, files=own_files)):
        return found
    folders = {file.partition("/")[0] for file in root.files if file.split("/")[1:][:1] in _LISTED}
    own = [folder for folder in folders if not folder.startswith(".") and folder not in _DEPLOYS]
    found = _project(root.below(own[0]), kinds) if len(own) == 1 else None
    if found is None:
        return None
    services = (
        replace(service, folder=posixpath.normpath(posixpath.join(own[0], service.folder)))
        for service in found.services
    )
    stores = (
        replace(store, init=tuple(posixpath.join(own[0], file) for file in store.init))
        for store in found.stores
    )
    origins = (posixpath.join(own[0], origin) for origin in found.origins)
    return replace(found, services=tuple(services), stores=tuple(stores), origins=tuple(origins))


def _project(folder: Folder, kinds: frozenset[str]) -> Survey | None:
    name = folder.has(*NAMES)
    project = read_project(folder, name) if name else None
    if project is None:
        return None
    services = project.services
    values, values_of = _dotenv.of_file(folder)
    example = values_of if values_of != ".env" else ""
    found = Survey(origins=tuple(filter(None, (*project.origins, example))))
    for own, spec in services.items():
        found = added(found, Container(own, shaped(spec), folder, kinds, values))
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
