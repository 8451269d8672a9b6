"""A compose file: its services, the images that are stores, and the variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from tarmac.adopt.containers.compose_called import called_so, other_names
from tarmac.adopt.containers.compose_containers import ENTRY_OF, Container, added
from tarmac.adopt.containers.compose_file import NAMES, Project, read_project, values_of
from tarmac.adopt.containers.compose_once import with_tasks
from tarmac.adopt.containers.compose_parts import listed, mounts_of, shaped
from tarmac.adopt.containers.compose_reached import named_profiles, with_ports
from tarmac.adopt.containers.compose_refused import in_vain, refused
from tarmac.adopt.containers.compose_sets import laid, over_its_base, poolers, together, told_files
from tarmac.adopt.stores import first_sql, servers
from tarmac.adopt.survey.found import (
    Folder,
    Recogniser,
    Survey,
    is_project,
    valid_name,
)
from tarmac.adopt.survey.front import of_one_each
from tarmac.base.errors import BadInput

#: Files beside those of NAMES: `docker-compose.local.yml`, `docker-compose-infra.yml`.
_OTHERS = re.compile(r"(?:docker-)?compose[.-]([\w.-]+)\.ya?ml")
#: Folders whose compose files run what was built elsewhere, or other systems.
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|tests?|e2e|hack|bench\w*|monitoring|observability|\..+)(/|$)|[{}]"
)
#: Words of files that are for another place than the one where people work.
_ELSEWHERE = re.compile(r"prod|stag|test|e2e|\bci\b|deploy|release|swarm|example|sample|override")
#: Files for work on the code; with servers alone, its programs run in no container.
_FOR_WORK = re.compile(r"(?:docker-)?compose[.-](?:dev|develop|development|local)\.ya?ml")
#: What a file says that builds beside its folder: it is of the repository, not of its folder.
_OF_ALL = re.compile(r"(?m)\b(?:build|context):[ \t]*[\"']?\.\.(?:[/\"'\s,}]|$)")
#: Projects that are called by where they are for, as cookiecutter-django has them.
_OF_A_PLACE = re.compile(r"(?:local|dev|develop|development)\.ya?ml")
#: Folders of compose files of any name.
_FOLDER_OF_THEM = re.compile(r"(?:docker[-_]?)?compose")
_HAS_SERVICES = re.compile(r"(?m)^services:[ \t]*$")
#: Where compose files are below the root; deeper ones count where there are none.
DEEPEST, STILL_DEEPER = 2, 3


def _system(root: Folder, kinds: frozenset[str]) -> Survey | None:
    """Read the project of the root, or the one in a folder below it that builds the most."""
    if told := told_files(root):
        return _project(root, laid(root, told), kinds)
    if name := root.has(*NAMES):
        _refuse(root, name)
        found = _project(root, _with_servers(root, _building(root, name), kinds), kinds)
        unread = [other for other in NAMES if other in root.files and other != name]
        said = [f"{other}: Compose reads {name}, which is beside it" for other in unread]
        whole = read_project(root, name)
        said += in_vain(whole.services) if whole and found and len(found.origins) == 1 else ()
        return replace(found, left_out=(*found.left_out, *said)) if found else None
    own_files = tuple(file for file in root.files if "/" not in file)
    is_one = is_project(replace(root, files=own_files))
    files = [file for file in root.files if _OTHERS.fullmatch(file)]
    files = files or [file for file in root.files if _is_of_a_place(root, file)]
    files = files or [file for file in root.files if _is_below(file, DEEPEST)]
    files = files or [file for file in root.files if _is_below(file, STILL_DEEPER)]
    files = files or [file for file in root.files if _is_in_a_folder_of_them(root, file)]
    # A file in a folder below that of a project is one more of it: docker/compose.release.yml.
    tops = {posixpath.dirname(file) for file in files if posixpath.basename(file) in NAMES} - {""}
    files = [
        file
        for file in files
        if not any(
            file.startswith(f"{top}/") and posixpath.dirname(file) not in tops for top in tops
        )
    ]
    places = {posixpath.dirname(file) for file in files}
    if len(places) > 1:
        for_here = [file for file in files if _rank(file)[0]]
        if parts := together(root, for_here, is_told=is_one):
            return _project(root, _joined(parts), kinds)
    if not is_one and len(places) > 1:  # each of them may be a system of its own
        files = [file for file in files if _OF_ALL.search(root.read(file))]
        if len({posixpath.dirname(file) for file in files}) != 1:
            return None
    for place in sorted({posixpath.dirname(file) for file in files}):
        if told := told_files(root.below(place)):
            return _project(root, laid(root, [posixpath.join(place, n) for n in told]), kinds)
    projects = {file: project for file in files if (project := _read(root, file)) is not None}
    chosen = max(projects, key=lambda file: (_builds(root, file), *_rank(file)), default="")
    projects |= {chosen: over_its_base(root, chosen, projects[chosen])} if chosen else {}
    found = _project(root, _joined(_beside(chosen, projects)), kinds) if chosen else None
    has_some = found is not None and bool(found.services or found.stores or found.broker)
    return found if has_some else None


def _refuse(root: Folder, name: str) -> None:
    """Refuse the file that Compose reads by its name where Compose would.

    Raises:
        BadInput: all that is wrong in it.
    """
    project = read_project(root, name)
    others = [file for file in root.files if _OTHERS.fullmatch(file)]
    services = project.services if project else {}
    if found := [*refused(root.read(name), name, services, is_whole=not others)]:
        raise BadInput(found)


def _is_of_a_place(root: Folder, file: str) -> bool:
    """Tell whether a file of the root is a project that is called by where it is for: local.yml."""
    return bool(_OF_A_PLACE.fullmatch(file) and _HAS_SERVICES.search(root.read(file)))


def _is_below(file: str, deepest: int) -> bool:
    """Tell whether a file is a compose file of a folder below the root."""
    folder, name = posixpath.split(file)
    is_named = name in NAMES or _OTHERS.fullmatch(name) is not None
    return is_named and bool(folder) and folder.count("/") < deepest and not _ASIDE.search(folder)


def _is_in_a_folder_of_them(root: Folder, file: str) -> bool:
    """Tell whether a file of any name is one of a folder of compose files: compose/infra.yml."""
    folder, name = posixpath.split(file)
    is_named = _FOLDER_OF_THEM.fullmatch(posixpath.basename(folder)) is not None
    is_yaml = name.endswith((".yml", ".yaml")) and folder.count("/") < DEEPEST
    if not (is_named and is_yaml) or _ASIDE.search(f"{folder}/{name.rpartition('.')[0]}"):
        return False
    return bool(_HAS_SERVICES.search(root.read(file)))


def _rank(file: str) -> tuple[bool, bool, bool, str]:
    """Put first what is for this place, has a plain name, or is called for work on the code."""
    name = posixpath.basename(file)
    is_for_work = _FOR_WORK.fullmatch(name) is not None
    return (not _ELSEWHERE.search(name), name in NAMES, is_for_work, file)


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
    alone, base = read_project(root, chosen), read_project(root, name)
    is_part = alone and base and alone.services.keys() < base.services.keys()
    if (
        alone
        and not is_part
        and all(spec.keys() & {"image", "build", "extends"} for spec in alone.services.values())
    ):
        return alone
    return read_project(root, name, chosen)


def _with_servers(root: Folder, project: Project | None, kinds: frozenset[str]) -> Project | None:
    """Join the file beside one that has no server, where it has servers: `compose-infra.yml`.

    Of a file with the servers for work on the code those of other kinds come to it.
    """
    if project is None:
        return project
    if kinds_here := _kinds_of(project.services, kinds):
        return _with_those_for_work(root, project, kinds, kinds_here)
    others = [file for file in root.files if _OTHERS.fullmatch(file) and _rank(file)[0]]
    for file in others:
        other = _read(root, file) if file not in project.origins else None
        is_apart = other is not None and not other.services.keys() & project.services.keys()
        if other is not None and is_apart and _servers_of(other, kinds) and not _builds(root, file):
            return _joined([project, other])
    return project


def _with_those_for_work(
    root: Folder, project: Project, kinds: frozenset[str], here: Mapping[str, str]
) -> Project:
    files = [file for file in root.files if _FOR_WORK.fullmatch(file) and not _builds(root, file)]
    for file in files:
        other = _read(root, file) if file not in project.origins else None
        known = (
            {kind: own for own, kind in _kinds_of(other.services, kinds).items()} if other else {}
        )
        more = [own for kind, own in known.items() if kind not in here.values()]
        if other is not None and more and not {*more} & project.services.keys():
            services = {own: other.services[own] for own in more}
            return _joined([project, Project(services, other.origins)])
    return project


def _kinds_of(services: Mapping[str, Mapping[str, Any]], kinds: frozenset[str]) -> dict[str, str]:
    """List the kinds of the servers among services, by the services' names."""
    known = {own: servers.of_image(str(spec.get("image") or "")) for own, spec in services.items()}
    return {own: one.kind for own, one in known.items() if one is not None and one.kind in kinds}


def _servers_of(project: Project, kinds: frozenset[str]) -> bool:
    return bool(_kinds_of(project.services, kinds))


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
    if any(not own.startswith("x-") for own in services):  # what others are made of by an anchor
        services = {own: spec for own, spec in services.items() if not own.startswith("x-")}
    values, file = values_of(root, name)
    example = file if posixpath.basename(file) != ".env" else ""
    found = Survey(origins=tuple(filter(None, (*origins, example))))
    shapes = _with_builds({own: shaped(spec) for own, spec in services.items()})
    called = called_so(shapes, root)
    shapes = {called.get(own, own): spec for own, spec in shapes.items()}
    pooled = poolers(shapes)
    shapes = {own: spec for own, spec in shapes.items() if own not in pooled}
    fronts = of_one_each(shapes, root)
    pooled |= {own: target for own, (target, *_) in fronts.items()}
    shapes = _without_fronts(shapes, fronts)
    profiles = _active(shapes, values) | named_profiles(shapes, root)
    for own, spec in shapes.items():
        found = added(found, Container(own, spec, root, kinds, values, profiles))
    at = {f"{own}:{here}": f"{to}:{port}" for own, (to, port, here) in fronts.items() if port}
    names = {**_other_names(shapes), **called, **at, **pooled, **_members(shapes, found)}
    found = _by_own_names(found, names, _of_servers(shapes))
    said = tuple(f"{own}: programs reach {target} without it" for own, target in pooled.items())
    found = replace(found, left_out=(*found.left_out, *said))
    routes = (replace(r, service=valid_name(names.get(r.service, r.service))) for r in found.routes)
    found = replace(found, routes=tuple(routes))
    return with_ports(first_sql.of_clients(with_tasks(found, shapes), root))


def _without_fronts(
    shapes: Mapping[str, dict[str, Any]], fronts: Mapping[str, tuple[str, int, int]]
) -> dict[str, dict[str, Any]]:
    """Leave out what stands in front of one program, which people then reach by itself."""
    found = {own: spec for own, spec in shapes.items() if own not in fronts}
    for target, port, here in fronts.values():
        if port and not found[target].get("ports"):
            found[target] = {**found[target], "ports": [f"{here}:{port}"]}
    return found


#: Profiles of those who work on the programs, and the one for all others.
_PROFILES_HERE = ("development", "develop", "dev", "local", "default")
#: Profiles of what works at the programs, or for another place.
_PROFILES_ASIDE = re.compile(
    r"(?i)test|e2e|\bci\b|docs?\b|tool|util|debug|migrat|seed|prod|stag|monitor|observ|bench|lint"
)
#: Profiles that stand for the whole system, where part of it starts without one.
_PROFILES_WHOLE = frozenset({"full", "all", "everything", "complete", "whole", "full-stack"})


def _active(shapes: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> frozenset[str]:
    """List the profiles that count: those that the variables name, or some where each has one.

    That each program has one is enough: its servers may start without. Of these, the one for work
    here; all where none is called so. One that is called the whole system counts, too.
    """
    if named := values.get("COMPOSE_PROFILES", ""):
        return frozenset(name.strip() for name in named.split(","))
    said = [listed(spec.get("profiles")) for spec in shapes.values()]
    built = [listed(spec.get("profiles")) for spec in shapes.values() if spec.get("build")]
    every: frozenset[str] = frozenset()
    if all(said):
        every = frozenset(name for names in said for name in names)
    elif all(built):
        every = frozenset(n for names in built for n in names if not _PROFILES_ASIDE.search(n))
    else:
        every = _PROFILES_WHOLE.intersection(name for names in built for name in names)
    here = [name for name in _PROFILES_HERE if name in every]
    return frozenset(here[:1]) or every


def _other_names(shapes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """List the other names that containers are found by: their own ones, aliases and links."""
    found: dict[str, str] = {}
    for own, spec in shapes.items():
        for name in other_names(spec):
            found.setdefault(name, own)
        for target, sign, alias in (link.partition(":") for link in listed(spec.get("links"))):
            if sign:
                found.setdefault(alias, target)
    return {name: own for name, own in found.items() if name and name not in shapes}


def _members(shapes: Mapping[str, Mapping[str, Any]], found: Survey) -> dict[str, str]:
    """List the servers of a cluster whose first one stands for all: their names -> its own."""
    broker = found.broker
    known = {own: servers.of_image(str(spec.get("image") or "")) for own, spec in shapes.items()}
    alike = [own for own, one in known.items() if one and broker and one.kind == broker.kind]
    return dict.fromkeys(alike[1:], alike[0]) if alike else {}


def _of_servers(shapes: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """List the services that are servers: a word alone in a command may be the name of one."""
    images = {own: str(spec.get("image") or "") for own, spec in shapes.items()}
    return frozenset(own for own, image in images.items() if servers.of_image(image))


def _by_own_names(
    found: Survey, names: Mapping[str, str], of_servers: Collection[str] = ()
) -> Survey:
    """Write containers by their services' names where variables and commands use another one."""
    if not names:
        return found
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    pattern = re.compile(rf"(^|//|[@,;=])({known})(?=$|:(?!//)|[/,;?\s])")

    def plain(text: str) -> str:
        return pattern.sub(lambda match: match[1] + names[match[2]], text)

    def word(text: str) -> str:
        return plain(text) if names.get(text, "") in ("", *of_servers) else text

    def renamed(env: Mapping[str, str]) -> dict[str, str]:
        asked = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|UR[LI]|DSN|BROKER|://|\w:\d{2,5}$")
        return {n: plain(v) if asked.search(f"{n.upper()} {v}") else v for n, v in env.items()}

    services = tuple(
        replace(
            service,
            env=renamed(service.env),
            # The first word is a program, which may be called as a container is.
            container_command=(
                *service.container_command[:1],
                *map(word, service.container_command[1:]),
            ),
            calls=tuple(valid_name(names.get(call, call)) for call in service.calls),
        )
        for service in found.services
    )
    return replace(found, services=services)


def _with_builds(shapes: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give a service of an image that another one builds the same build.

    One with a command and folders of its own in that image is what lies in them. One that is only
    there to build what others run is left out.
    """
    built = {
        spec["image"]: spec["build"]
        for spec in shapes.values()
        if spec.get("build") and spec.get("image")
    }
    used = {spec.get("image") for spec in shapes.values() if spec.get("command")}
    found = {}
    for own, spec in shapes.items():
        if _only_builds(spec, used):
            continue
        found[own] = spec
        if not spec.get("build") and spec.get("image") in built:
            is_of_its_folders = spec.get("command") and any(map(_is_folder, mounts_of(spec)))
            key = ENTRY_OF if is_of_its_folders else "build"
            found[own] = {**spec, key: built[spec["image"]]}
    return found


def _only_builds(spec: Mapping[str, Any], used: Collection[Any]) -> bool:
    """Tell whether a service has an image that others start, and nothing to start itself."""
    starts = any(
        spec.get(key) for key in ("command", "entrypoint", "ports", "expose", "depends_on")
    )
    return bool(spec.get("build") and spec.get("image")) and spec["image"] in used and not starts


def _is_folder(mount: tuple[str, str]) -> bool:
    return not posixpath.splitext(mount[0].strip("."))[1]


RECOGNISER = Recogniser(id="compose", rank=0, system=_system)
