"""A compose file: its services, the images that are stores, and the variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tarmac.adopt import _code, _dotenv, _first_sql, _servers
from tarmac.adopt._compose_file import NAMES, read_project
from tarmac.adopt._compose_parts import (
    LEFT_OUT,
    commands_of,
    environment_of,
    listed,
    mounts_of,
    needs_of,
    path_inside,
    ports_of,
    probe_of,
    shaped,
    volumes_of,
)
from tarmac.adopt._container import base_image, read_dockerfile, script_of
from tarmac.adopt._found import (
    Folder,
    Recogniser,
    Service,
    Store,
    Survey,
    has_program_file,
    is_project,
    valid_name,
)
from tarmac.base.foreign.data import from_json

#: Images and services that try others out.
_RUNS_TESTS = re.compile(r"(?i)\b(playwright|cypress|selenium|k6|locust)\b")
#: Where debuggers of Node, Java and Python and a reloading browser listen.
_LISTED = [[name] for name in NAMES]
#: Folders whose compose files run what was built elsewhere.
_DEPLOYS = frozenset({"deploy", "deployment", "docker", "scripts", "examples", "example", "docs"})
DEBUGGERS = frozenset({9229, 5005, 5678, 35729})


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
        found = _add(found, own, shaped(spec), folder, kinds, values)
    completed = {
        target
        for spec in services.values()
        if isinstance(spec.get("depends_on"), dict)
        for target, how in spec["depends_on"].items()
        if isinstance(how, dict) and how.get("condition") == "service_completed_successfully"
    }
    return _with_tasks(found, {valid_name(name) for name in completed})


class _Origin(NamedTuple):
    """What a container is made of."""

    #: The image that it is, or that it is made of; "" where nothing tells.
    image: str
    #: What it runs is a program of this repository.
    is_ours: bool = False
    #: What it is, for a reader.
    about: str = ""


def _add(
    found: Survey,
    own: str,
    spec: Mapping[str, Any],
    folder: Folder,
    kinds: frozenset[str],
    values: Mapping[str, str],
) -> Survey:
    if spec.get("profiles"):
        profiles = ", ".join(listed(spec["profiles"]))
        return _left_out(found, f"{own}: only in the profile {profiles}; add it if you need it")
    image = str(spec.get("image") or "")
    origin = _Origin(image, about=image or "no image and no build")
    if spec.get("build"):
        origin = _built(spec, folder)
    if _RUNS_TESTS.search(f"{own} {origin.image}"):
        return _left_out(found, f"{own}: it tests the other services; start it by hand")
    server = _servers.of_image(origin.image)
    about, place, dockerfile = "", "", ""
    if server is None and not spec.get("build"):  # one that this repository makes of a server's
        base, place = _made_here(image, folder)
        server, dockerfile = _servers.of_image(base), folder.read(f"{place}/Dockerfile")
        about = f"{place}/Dockerfile adds files to {base.split('@')[0]}, which are not carried over"
        origin = _Origin(base) if server else origin
    if server is not None and server.kind in kinds:
        store = _store(own, spec, server, origin.image, values)
        if spec.get("build"):
            place, dockerfile = _place(spec, folder, None)
        copied = _first_sql.of_image(dockerfile, place, folder)
        mounted_there = _first_sql.of_mounts(mounts_of(spec, _first_sql.PLACE), folder)
        store = _first_sql.loaded(store, (*copied, *mounted_there), folder)
        if about and not store.init:
            store = replace(store, remarks=(*store.remarks, about))
        if server.broker:
            return replace(found, broker=store)
        return replace(found, stores=(*found.stores, store))
    mounted, guesses = None, list[str]()
    if not spec.get("build"):
        mounted = _mounted_program(spec, folder)
        if mounted is None and (place := _folder_of(image, own, folder)):
            spec = {**spec, "build": place}
            guesses.append(f"{place} is the program of the image {image}")
    if not (origin.is_ours or mounted or guesses):
        host = {own: next((str(p) for p, _ in ports_of(spec)), "")}
        found = replace(found, unknown_hosts={**found.unknown_hosts, **host})
        what = f"{origin.about} is not started here; its users expect it on localhost"
        return _left_out(found, f"{own}: {what}")
    service = _service(own, valid_name(own), spec, folder, mounted, values)
    service = replace(service, guesses=(*service.guesses, *guesses))
    keys = (f"{own}: {key} ({why})" for key, why in LEFT_OUT.items() if spec.get(key))
    return _left_out(replace(found, services=(*found.services, service)), *keys)


def _left_out(found: Survey, *lines: str) -> Survey:
    return replace(found, left_out=(*found.left_out, *lines))


def _built(spec: Mapping[str, Any], folder: Folder) -> _Origin:
    """Tell what the build of a container makes: a program of its own, or a server's image."""
    place, dockerfile = _place(spec, folder, None)
    image, has_steps = base_image(dockerfile)
    # One that is made of another image may still be a known server, by what it starts.
    started = "".join(read_dockerfile(dockerfile, "", "").container_command[:1])
    if not _servers.of_image(image) and _servers.of_image(started):
        image = started
    file = _dockerfile_of(spec)
    if file != "Dockerfile" and not dockerfile and not place.startswith(("..", "/")):
        return _Origin(image, about=f"its {file} is not in this repository, and it")
    has_program = file == "Dockerfile" and has_program_file(folder.below(place))
    is_ours = bool(has_steps or has_program or not image or spec.get("command"))
    is_ours = is_ours or next(mounts_of(spec), None) is not None
    return _Origin(image, is_ours, f"{image} alone ({file})")


def _mounted_program(spec: Mapping[str, Any], folder: Folder) -> tuple[str, str] | None:
    """Find the folder of code that is mounted into an image and started there; not its data."""
    for source, target in mounts_of(spec) if spec.get("command") else ():
        if any(folder.below(_joined(source)).sources(*_code.ENDINGS)):
            return source, target
    return None


def _made_here(image: str, root: Folder) -> tuple[str, str]:
    """Find the server's image that one of this repository's is made of, and where; else ""."""
    name = _servers.name_of(image)
    found = _servers.built(root).items()
    return next((made for own, made in found if name == own or name.endswith(f"-{own}")), ("", ""))


def _store(
    own: str,
    spec: Mapping[str, Any],
    server: _servers.Server,
    image: str,
    values: Mapping[str, str],
) -> Store:
    env, _, _ = environment_of(spec, Folder("", (), lambda _: "", lambda _: False), values)
    remarks = []
    if server.shows.extended and re.search(server.shows.extended, image):
        remarks.append(f"a plain server answers here, without the extensions of {image}")
    return Store(
        valid_name(own),
        server.kind,
        _servers.version_of(image),
        tuple(remarks),
        user=_servers.told(server, env, "USER") or server.shows.user,
        password=_servers.told(server, env, "PASSWORD", "PASS"),
        database=_servers.told(server, env, "DB", "DATABASE"),
    )


def _service(
    own: str,
    name: str,
    spec: Mapping[str, Any],
    root: Folder,
    mounted: tuple[str, str] | None,
    values: Mapping[str, str],
) -> Service:
    folder, dockerfile = _place(spec, root, mounted)
    base = read_dockerfile(dockerfile, name, folder)
    command = commands_of(spec, values)
    before, last = script_of(command or base.container_command, root.below(folder))
    if last:
        command = last
    # Another command than the image's own need not listen where the image says.
    exposed = () if command else base.ports.values()
    pairs = [pair for pair in ports_of(spec) if pair[1] not in DEBUGGERS]
    pairs += [(p, p) for p in exposed if p not in {inside for _, inside in pairs}]
    names = ["http", *(f"port-{target}" for _, target in pairs[1:])]
    here = root.below(folder)
    scripts = (word.removeprefix("./") for word in command)
    env, missing, private = environment_of(spec, root, values)
    inside = (re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile) or [mounted[1] if mounted else ""])[
        -1
    ]
    outside = folder.startswith(("..", "/"))
    mounts = dict(volumes_of(spec))
    return replace(
        base,
        files=tuple(word for word in scripts if word in here.files) or _of_one(spec, here),
        container_command=command or base.container_command,
        why=f"{own}'s command" if command else base.why,
        tasks={"prepare": " && ".join(before)} if before else {},
        ports={n: number for n, (number, _) in zip(names, pairs, strict=False)},
        known_as={target: n for n, (_, target) in zip(names, pairs, strict=False)},
        env={**base.env, **env},
        private=private,
        missing=dict.fromkeys(missing, "compose takes it from the shell or .env"),
        calls=tuple(map(valid_name, needs_of(spec))),
        probe=probe_of(spec),
        volumes={volume: path_inside(path, inside or "/app") for volume, path in mounts.items()},
        mounts=mounts,
        remarks=(f"its folder {folder} is outside this repository",) if outside else (),
    )


def _place(
    spec: Mapping[str, Any], root: Folder, mounted: tuple[str, str] | None
) -> tuple[str, str]:
    """Find the folder that a service's program is in, and the text of its Dockerfile."""
    build = spec.get("build") or {}
    build = {"context": build} if isinstance(build, str) else build
    folder = _joined(str(build.get("context") or (mounted[0] if mounted else ".")))
    if not build:
        return folder, ""
    file = _dockerfile_of(spec)
    text = root.below(folder).read(file)
    beside = posixpath.dirname(file)
    own = root.below(_joined(folder, beside))
    has_sources = any("/" not in f for f in own.sources(*_code.ENDINGS))
    if beside and (
        has_program_file(own) or (has_sources and not has_program_file(root.below(folder)))
    ):
        folder = _joined(folder, beside)
    workdirs = re.findall(r"(?im)^WORKDIR\s+(\S+)", text)
    asked = str(spec.get("working_dir") or "")
    if workdirs and asked.startswith(f"{workdirs[-1]}/"):
        folder = _joined(folder, asked.removeprefix(f"{workdirs[-1]}/"))
    return folder, text


def _dockerfile_of(spec: Mapping[str, Any]) -> str:
    build = spec.get("build")
    file = build.get("dockerfile") if isinstance(build, dict) else ""
    return posixpath.normpath(str(file or "Dockerfile"))


def _folder_of(image: str, own: str, root: Folder) -> str:
    """Find the program of this repository that an image is made of, by its name; "" if none is."""
    last = _servers.name_of(image)
    module = re.search(r"(?m)^module\s+\S*?([\w.-]+)\s*$", root.read("go.mod"))
    package = root.mapping("package.json", from_json) or {}
    if last and last in (module[1] if module else "", package.get("name")):
        return "."
    places = {posixpath.dirname(file) for file in root.files if posixpath.dirname(file)}
    fitting = [
        place
        for place in sorted(places, key=lambda place: (place.count("/"), place))
        if (base := posixpath.basename(place)) in (last, own) or last.endswith(f"-{base}")
        if has_program_file(root.below(place))
    ]
    return fitting[0] if last and fitting else ""


def _of_one(spec: Mapping[str, Any], folder: Folder) -> tuple[str, ...]:
    """Leave out the programs beside one whose Dockerfile is in a folder of its own: apps/one/."""
    build = spec.get("build")
    file = str(build.get("dockerfile") or "") if isinstance(build, dict) else ""
    own = posixpath.dirname(posixpath.normpath(file)) if file else ""
    shelf = posixpath.dirname(own)
    if not shelf:
        return ()
    return tuple(
        f for f in folder.files if f.startswith(f"{own}/") or not f.startswith(f"{shelf}/")
    )


def _joined(*parts: str) -> str:
    path = posixpath.normpath(posixpath.join(*parts))
    return "" if path == "." else path


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
