"""Which compose files make one system, where a repository has several.

`compose` asks. Compose itself is told so by COMPOSE_FILE; people are by a script that names them,
and by a network that one file makes, or they themselves, and another joins.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from tarmac.adopt.containers.compose_file import (
    DEEPEST,
    NAMES,
    Project,
    ProjectLoader,
    included,
    merged,
    read_project,
)
from tarmac.adopt.containers.compose_parts import environment_lines
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import dotenv_files
from tarmac.base.errors import BadInput
from tarmac.base.foreign.data import from_yaml

#: Images that hold connections to PostgreSQL open for others.
_POOLERS = frozenset({"pgbouncer", "pgpool", "pgpool-ii", "pgcat", "odyssey", "supavisor"})
#: Files of the root that say how people start it.
_SCRIPTS = re.compile(r"(?:Makefile|[Jj]ustfile|Taskfile\.ya?ml|package\.json|[\w.-]+\.sh)")


def told_files(folder: Folder) -> tuple[str, ...]:
    """List the files that Compose is told to read in a folder, each laid over those before it."""
    values = dotenv_files.of_file(folder)[0]
    separator = values.get("COMPOSE_PATH_SEPARATOR") or ":"
    names = [posixpath.normpath(n) for n in values.get("COMPOSE_FILE", "").split(separator) if n]
    return tuple(names) if all(name in folder.files for name in names) else ()


def laid(root: Folder, files: Sequence[str]) -> Project | None:
    """Read files that are laid over each other in their order; None where one has no services."""
    project = Project()
    for file in files:
        one = read_project(root, file)
        if one is None:
            return None
        project.services = merged(project.services, one.services)
        project.origins += [origin for origin in one.origins if origin not in project.origins]
    return project


def together(root: Folder, files: Sequence[str], *, is_told: bool = False) -> list[Project]:
    """Read the files of several folders that are one system; none where nothing says that they are.

    Services of the same name are of systems beside each other, unless none of its own file asks for
    it by that name: then each is called as its container, or with its folder.

    Args:
        is_told: only a script that names them says so.
    """
    scripts = "\n".join(root.read(f) for f in root.files if _SCRIPTS.fullmatch(f))
    are_named = sum(file in scripts for file in files) > 1
    if is_told and not are_named:
        return []
    try:
        projects = [one for file in files if (one := read_project(root, file)) is not None]
    except BadInput:
        return []
    if not (are_named or _share_a_network(root, files) or all(map(_has_servers_alone, projects))):
        return []
    names = Counter(name for one in projects for name in one.services)
    again = {name for name, times in names.items() if times > 1}
    if any(
        _asks_for(one, again) or _is_of_one(name, projects) for one in projects for name in again
    ):
        return []
    renamed = [_renamed(one, again) for one in projects]
    names = Counter(name for one in renamed for name in one.services)
    return renamed if len(names) == names.total() else []


def _asks_for(project: Project, names: set[str]) -> bool:
    """Tell whether a service of a file has the name of one of these, which is another of it."""
    own = "|".join(re.escape(name) for name in names & project.services.keys())
    asks = re.compile(rf"(?<![\w.-])(?:{own})(?![\w.-])") if own else None
    said = (str(spec) for one, spec in project.services.items() if one not in names)
    return asks is not None and any(map(asks.search, said))


def _is_of_one(name: str, projects: Sequence[Project]) -> bool:
    """Tell whether the services of a name are one program, which several files start."""
    specs = [one.services[name] for one in projects if name in one.services]
    made = [spec.get("build") or spec.get("image") for spec in specs]
    places = [str(one.get("context") if isinstance(one, Mapping) else one) for one in made]
    return len({*places}) < len(places)


def _renamed(project: Project, names: set[str]) -> Project:
    """Call services of these names as their containers are called, else with their folder."""
    folder = posixpath.basename(posixpath.dirname(project.origins[0]))
    said = {
        own: str(spec.get("container_name") or f"{folder}-{own}") if own in names else own
        for own, spec in project.services.items()
    }
    return Project({said[own]: spec for own, spec in project.services.items()}, project.origins)


def over_its_base(root: Folder, chosen: str, project: Project) -> Project:
    """Lay a file that leaves out where a service's program is from over the plain one beside it."""
    place, name = posixpath.split(chosen)
    base = root.below(place).has(*NAMES)
    alone = all(spec.keys() & {"image", "build", "extends"} for spec in project.services.values())
    if not base or name in NAMES or alone:
        return project
    return read_project(root, posixpath.join(place, base), chosen) or project


def _has_servers_alone(project: Project) -> bool:
    """Tell whether a file only starts servers, beside which people start the programs by hand."""
    specs = [*project.services.values()]
    known = [servers.of_image(str(spec.get("image") or "")) for spec in specs]
    return any(known) and not any(spec.get("build") for spec in specs)


def _share_a_network(root: Folder, files: Sequence[str]) -> bool:
    """Tell whether a file joins a network that another one makes, or that another one joins."""
    made: set[str] = set()
    joined: Counter[str] = Counter()
    for file in files:
        folder = posixpath.basename(posixpath.dirname(file))
        made |= {f"{folder}_default"}
        outside: set[str] = set()
        for own, network in _networks(root, file, DEEPEST):
            said = network if isinstance(network, Mapping) else {}
            name = str(said.get("name") or own)
            if str(said.get("external") or "false").lower() != "false":
                outside.add(name)
            else:
                made |= {name, f"{folder}_{own}"}
        joined.update(outside)
    return any(name in made or times > 1 for name, times in joined.items())


def _networks(root: Folder, file: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the networks of a file, and of those that it includes."""
    try:
        content = next(iter(from_yaml(root.read(file), ProjectLoader)), None)
    except yaml.YAMLError:
        return
    if not isinstance(content, dict):
        return
    found = content.get("networks")
    yield from found.items() if isinstance(found, dict) else ()
    for path, _ in included(content.get("include")) if depth else ():
        there = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
        yield from _networks(root, there, depth - 1)


#: What a server's command says that begins as a copy of another one.
_COPIES = re.compile(r"\bpg_basebackup\b")
#: What a member of a set is told which only copies the others: `MONGODB_REPLICA_SET_MODE`.
_MODE = re.compile(r"(?m)^\w+_REPLICA(?:_SET|TION)_MODE[=: ]+(\w+)")
_COPIES_OTHERS = frozenset({"secondary", "arbiter", "hidden", "slave", "replica", "standby"})
#: What the servers of one set of MongoDB's are told, each of them.
_SET = re.compile(r"--replSet[= '\",]+([\w-]+)")


def poolers(services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """List the services that only hold connections open, or copy one, with the database of each."""
    databases = [own for own, spec in services.items() if _is_database(spec)]
    found = {}
    for own, spec in services.items():
        if servers.name_of(str(spec.get("image") or "")) in _POOLERS:
            said = {*_words(spec.get("environment")), *_words(spec.get("depends_on"))}
            target = [name for name in databases if name in said]
            if len(target) == 1:
                found[own] = target[0]
        elif _COPIES.search(str(spec.get("command") or "")):
            said = {*_words(spec.get("environment")), *_words(spec.get("depends_on"))}
            target = [name for name in said & services.keys() if _is_alike(services[name], spec)]
            if target:
                found[own] = target[0]
    return found | _members(services)


def _members(services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """List the servers of a set that copy another one, with the one that people write to."""
    found, first = dict[str, str](), dict[str, str]()
    for own, spec in services.items():
        named = _SET.search(str(spec.get("command") or ""))
        if _copies_others(spec):
            alike = (name for name, one in services.items() if _is_alike(one, spec))
            target = next((n for n in alike if not _copies_others(services[n])), "")
            found |= {own: target} if target else {}
        elif named is not None and first.setdefault(named[1], own) != own:
            found[own] = first[named[1]]
    return found


def _copies_others(spec: Mapping[str, Any]) -> bool:
    mode = _MODE.search("\n".join(environment_lines(spec.get("environment"))))
    return mode is not None and mode[1].lower() in _COPIES_OTHERS


def _is_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two services are of one image."""
    return any(one.get(key) and one.get(key) == other.get(key) for key in ("image", "build"))


def _is_database(spec: Mapping[str, Any]) -> bool:
    server = servers.of_image(str(spec.get("image") or ""))
    return server is not None and server.databases and server.seeds


def _words(value: Any) -> Iterator[str]:
    listed = [*value, *value.values()] if isinstance(value, dict) else value
    for text in listed if isinstance(listed, list) else ():
        yield from re.findall(r"[\w.-]+", str(text))
