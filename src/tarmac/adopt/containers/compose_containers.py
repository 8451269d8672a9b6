"""What each container of a compose file is: a store, a program of this repository, or another host.

The rules of `RULES` are asked in their order; the first one that knows a container adds it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

from tarmac.adopt.containers.build_steps import made_from
from tarmac.adopt.containers.compose_arguments import named_package
from tarmac.adopt.containers.compose_links import files_of_one, linked_folders
from tarmac.adopt.containers.compose_parts import (
    commands_of,
    end_of,
    environment_of,
    hook_of,
    keys_left_out,
    listed,
    mounts_of,
    needs_of,
    on_a_volume,
    ports_of,
    probe_of,
    secrets_of,
    volume_folders,
    volumes_of,
)
from tarmac.adopt.containers.compose_places import (
    context_of,
    dockerfile_of,
    dockerfile_of_image,
    files_here,
    folder_of_flask,
    folder_of_image,
    folders_here,
    folders_inside,
    from_context,
    from_its_project,
    in_its_package,
    is_of_root,
    joined_path,
    mounted_program,
    options_here,
    paths_here,
    place_of,
    stage_of_image,
    working_folder,
)
from tarmac.adopt.containers.compose_ports import port_pairs
from tarmac.adopt.containers.compose_servers import (
    backs_up,
    emulated,
    installed,
    made_here,
    script_in,
    starts_another,
    store_of,
)
from tarmac.adopt.containers.container import (
    base_image,
    copied_files,
    entry_of,
    goes_on,
    prepared_by,
    python_path,
    read_dockerfile,
    supervised,
    unwatched,
    without_installs,
)
from tarmac.adopt.containers.dispatching_script import dispatched
from tarmac.adopt.containers.entry_script import apart, copies, exported, lines_of, placed
from tarmac.adopt.containers.goes_to import where_it_goes
from tarmac.adopt.containers.in_background import programs_of
from tarmac.adopt.containers.start_script import one_line
from tarmac.adopt.stores import first_sql, installed_servers, servers
from tarmac.adopt.survey.found import (
    RUNS_TESTS,
    Folder,
    Route,
    Service,
    Survey,
    has_program_file,
    port_number,
    valid_name,
)
from tarmac.adopt.survey.front import front_of

#: Why a secret of a container is not carried over.
NO_VARIABLE = (
    "no variable has the path of its file; have the code read one, and list that under `secrets` "
    "with `as: file`"
)
#: The build of an image whose entry point a container has, and whose files it does not.
ENTRY_OF = "x-entry-of"
#: What a container says of its first program alone, where it has several.
_OF_THE_FIRST = ("ports", "expose", "healthcheck")
#: What a container of our own is called that only runs the tests.
_FOR_TESTS = re.compile(r"(?:[\w-]+[-_])?tests?(?:[-_](?:runner|service))?")


class _Origin(NamedTuple):
    """What a container is made of."""

    #: The image that it is, or that it is made of; "" where nothing tells.
    image: str
    #: What it runs is a program of this repository.
    is_ours: bool = False
    #: What it is, for a reader.
    about: str = ""


@dataclass(frozen=True)
class Container:
    """One entry of a compose file, and where that lies."""

    own: str
    spec: Mapping[str, Any]
    folder: Folder
    kinds: frozenset[str]
    values: Mapping[str, str]
    #: The profiles that are switched on.
    profiles: frozenset[str] = frozenset()

    @property
    def is_built(self) -> bool:
        """Tell whether this repository builds it."""
        return bool(self.spec.get("build"))

    @property
    def image(self) -> str:
        """The image that it names."""
        return str(self.spec.get("image") or "")

    @cached_property
    def origin(self) -> _Origin:
        """What it is made of."""
        if self.is_built:
            return _built(self.spec, self.folder)
        return _Origin(self.image, about=self.image or "no image and no build")


def added(found: Survey, container: Container) -> Survey:
    """Add a container, by the first rule that knows it."""
    return next(filter(None, (rule(found, container) for rule in RULES)), found)


def _has_it(profile: str) -> str:
    return f"with COMPOSE_PROFILES={profile} in .env, a new `tarmac init` has it"


def _of_a_profile(found: Survey, container: Container) -> Survey | None:
    named = listed(container.spec.get("profiles"))
    if not named or container.profiles & {*named}:
        return None
    profiles = ", ".join(named)
    what = f"{container.own}: only in the profile {profiles}; {_has_it(named[0])}"
    alone = _of_a_server(Survey(), container) or Survey()  # for programs that ask for one
    found = replace(found, held=(*found.held, *alone.stores, *filter(None, (alone.broker,))))
    return _left_out(found, what)


def _of_tests(found: Survey, container: Container) -> Survey | None:
    is_named = container.origin.is_ours and _FOR_TESTS.fullmatch(container.own)
    if not is_named and not RUNS_TESTS.search(f"{container.own} {container.origin.image}"):
        return None
    return _left_out(found, f"{container.own}: it tests the other services; start it by hand")


def _of_a_server(found: Survey, container: Container) -> Survey | None:
    """A known server: its image, one that is built of it, or one that this repository makes."""
    spec, folder = container.spec, container.folder
    image, about = container.origin.image, ""
    server = servers.of_image(image) or servers.of_own_image(image, container.own)
    if server is None and (kind := emulated(spec, image, container.values)):
        server, image = servers.of_kind(kind), ""  # its version is another program's
    place, dockerfile = place_of(spec, folder, None) if container.is_built else ("", "")
    if server is None and not container.is_built:
        image, place = made_here(container.image, folder)
        server, dockerfile = servers.of_image(image), folder.read(f"{place}/Dockerfile")
        about = (
            f"{place}/Dockerfile adds files to {image.split('@')[0]}, which are not carried over"
        )
    if server is not None and backs_up(spec, container.values):
        return _left_out(
            found, f"{container.own}: it backs a server up; `tarmac snapshot` does here"
        )
    script = script_in(spec, container.values, folder) if server and not container.is_built else ""
    if script:
        what = f"{container.own}: it runs {script} beside a server; do that by a task of a service"
        return _left_out(found, what)
    if server is None or server.kind not in container.kinds or starts_another(dockerfile, server):
        return None
    store = store_of(container.own, spec, server, image, container.values, folder)
    copied = first_sql.of_image(dockerfile, place, folder)
    mounted = first_sql.of_mounts(mounts_of(spec, first_sql.PLACE), folder)
    store = first_sql.loaded(store, (*copied, *mounted), folder)
    if about and not store.init:
        store = replace(store, remarks=(*store.remarks, about))
    if server.broker and found.broker is not None and found.broker.kind == server.kind:
        what = f"{container.own}: one {server.kind} is there for all of them: {found.broker.name}"
        return _left_out(found, what)
    if server.broker and found.broker is not None:
        what = f"a second broker beside {found.broker.name}, where a system has one; it"
        return _elsewhere(found, container, what)
    if server.broker:
        return replace(found, broker=store)
    return replace(found, stores=(*found.stores, store))


def _of_an_installed_server(found: Survey, container: Container) -> Survey | None:
    """A server that no store kind is for, and that people have installed: a search engine."""
    server = None if container.is_built else installed_servers.of_image(container.image)
    if server is None:
        return None
    service = installed(container.own, server, container.spec, container.values)
    return replace(found, services=(*found.services, service))


def _of_a_program(found: Survey, container: Container) -> Survey | None:
    """A program of this repository: built, mounted into an image, or known by the image's name."""
    own, spec, folder = container.own, container.spec, container.folder
    mounted = None if container.is_built else mounted_program(spec, folder)
    place, stage, file = "", "", ""
    if mounted is None and not container.is_built:
        place = folder_of_image(container.image, own, folder)
        stage = "" if place else stage_of_image(container.image, own, folder)
        file = "" if place or stage else dockerfile_of_image(container.image, own, folder)
        if not (place or stage or file) and is_of_root(container.image, spec, folder):
            place = "."
    if not (container.origin.is_ours or mounted or place or stage or file):
        return None
    if file:
        spec, place = {**spec, "build": {"context": ".", "dockerfile": file}}, file
    elif place or stage:
        spec = {**spec, "build": {"context": place or ".", "target": stage}}
    service, *others = _programs(own, spec, folder, mounted, container.values)
    if place or stage:
        guess = f"{place or f'the stage {stage}'} is the program of the image {container.image}"
        service = replace(service, guesses=(*service.guesses, guess))
    keys = list(keys_left_out(own, spec))
    unread = {*secrets_of(spec).values()} - {*service.secret_files.values()}
    keys += [f"{own}: secret {name} ({NO_VARIABLE})" for name in sorted(unread)]
    return _left_out(replace(found, services=(*found.services, service, *others)), *keys)


def _programs(
    own: str,
    spec: Mapping[str, Any],
    root: Folder,
    mounted: tuple[str, str] | None,
    values: Mapping[str, str],
) -> list[Service]:
    """Read what a container runs: one program, or those that supervisord starts in it.

    The first of several has the container's name and ports.
    """
    spec = where_it_goes(spec, values, root)
    service = _service(own, valid_name(own), spec, root, mounted, values)
    programs = supervised(service.container_command, root.below(service.folder))
    if len(programs) < 2:
        return programs_of(service, root.below(service.folder))
    found: list[Service] = []
    for name, program in programs.items():
        place = {"working_dir": program.directory} if program.directory else {}
        line = [word.replace("$", "$$") for word in program.words]  # as Compose reads it
        said = {**spec, **place, "entrypoint": line, "command": None}
        said = {key: said[key] for key in said if not found or key not in _OF_THE_FIRST}
        title = f"{own}-{name}" if found else own
        found.append(_service(title, valid_name(title), said, root, mounted, values))
    return found


def _elsewhere(found: Survey, container: Container, about: str = "") -> Survey:
    """Something else: what uses it expects it on this machine."""
    own = container.own
    published = {str(inside): str(here) for here, inside in ports_of(container.spec)}
    found = replace(found, unknown_hosts={**found.unknown_hosts, own: published})
    what = about or container.origin.about
    where = f"localhost:{', '.join(published.values())}" if published else "localhost"
    advice = f"its users expect it on {where}: start it there if they need it"
    return _left_out(found, f"{own}: {what} is not started here; {advice}")


def _of_a_front(found: Survey, container: Container) -> Survey | None:
    """A server in front of the others: its paths go to the entry."""
    front = front_of(container.spec, container.origin.image, container.folder)
    if front is None:
        return None
    routes = (*found.routes, *(Route(path, host, port) for path, host, port in front.routes))
    own = container.own
    has = "the entry has the paths" if front.routes else "the entry has nothing"
    done = f"{own}: {front.title} is not started here; {has} of {front.file}"
    lines = [f"{own}: not at the entry: {what} ({front.file})" for what in front.left]
    found = replace(found, routes=routes, front_port=found.front_port or front.port)
    return _left_out(found, done, *lines)


RULES = (
    *(_of_a_profile, _of_tests, _of_a_server, _of_an_installed_server, _of_a_front),
    *(_of_a_program, _elsewhere),
)


def _left_out(found: Survey, *lines: str) -> Survey:
    return replace(found, left_out=(*found.left_out, *lines))


def _built(spec: Mapping[str, Any], folder: Folder) -> _Origin:
    """Tell what the build of a container makes: a program of its own, or a server's image."""
    place, dockerfile = place_of(spec, folder, None)
    image, has_steps = base_image(dockerfile)
    # One that is made of another image may still be a known server, by what it starts.
    started = "".join(read_dockerfile(dockerfile, "", "").container_command[:1])
    if not servers.of_image(image) and servers.of_image(started):
        image = started
    file = dockerfile_of(spec)
    if file != "Dockerfile" and not dockerfile and not place.startswith(("..", "/")):
        return _Origin(image, about=f"its {file} is not in this repository, and it")
    if _only_gives_files(spec, folder, file, dockerfile):
        return _Origin(image, about=f"{image} with files of its own ({file})")
    has_program = file == "Dockerfile" and has_program_file(folder.below(place))
    is_ours = bool(has_steps or has_program or not image or spec.get("command"))
    is_ours = is_ours or next(mounts_of(spec), None) is not None
    return _Origin(image, is_ours, f"{image} alone ({file})")


def _only_gives_files(spec: Mapping[str, Any], folder: Folder, file: str, dockerfile: str) -> bool:
    """Tell whether an image is another's program with files of this repository, apart from ours."""
    steps = {step.upper() for step in re.findall(r"(?im)^[ \t]*([A-Z]+)\s", dockerfile)}
    beside = posixpath.dirname(file)
    is_apart = bool(beside) and not has_program_file(folder.below(beside))
    froms = len(re.findall(r"(?im)^[ \t]*FROM\s", dockerfile))
    starts = bool(steps & {"RUN", "CMD", "ENTRYPOINT"} or spec.get("command"))
    return is_apart and froms == 1 and not starts


def _service(
    own: str,
    name: str,
    spec: Mapping[str, Any],
    root: Folder,
    mounted: tuple[str, str] | None,
    values: Mapping[str, str],
) -> Service:
    place, dockerfile = place_of(spec, root, mounted)
    base = read_dockerfile(dockerfile, name, place)
    env, missing, private = environment_of(spec, root, values)
    entry, command = _entry_and_command(spec, values, dockerfile)
    started = command or base.container_command
    folder = working_folder(place, started, spec, dockerfile, root)
    is_all = bool(entry and command) and not goes_on(entry[0], root.below(folder))
    told = command
    if is_all:  # what follows a program is its arguments
        told, folder = from_its_project((*entry, *command), folder, spec, dockerfile, root)
    command = dispatched((*entry, *command), root.below(folder)) or told
    mounts_there = {target: joined_path(source) for source, target in mounts_of(spec)}
    own_files, given = {**copied_files(dockerfile), **mounts_there}, {**base.env, **env}
    before: tuple[str, ...] = ()
    # A script may be beside its Dockerfile, or where the image is built from.
    for context in dict.fromkeys((folder, place, context_of(spec))):
        argv = unwatched(command or base.container_command, root.below(context))
        while len(argv) > 1 and argv[1].endswith(".sh") and goes_on(argv[0], root.below(context)):
            argv = argv[1:]  # what is handed over to is a script, too
        before, last = prepared_by(argv, root.below(context), own_files, given)
        if last or argv != (command or base.container_command):
            command = last or argv
            folder = working_folder(folder, command, spec, dockerfile, root)
            break
    folder = folder_of_flask(folder, command, given.get("FLASK_APP", ""), root)
    base, command = in_its_package(replace(base, folder=folder), command, root)
    folder = base.folder
    set_by_it, before = apart(before, given)
    before = tuple(files_here(line, spec, dockerfile, folder) for line in before)
    given_by, settings = _set_up(entry, place, folder, spec, root, own_files)
    env = {**given_by(given), **set_by_it, **env}
    inside = (re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile) or [mounted[1] if mounted else ""])[
        -1
    ]
    volumes = volume_folders(spec, inside or "/app")
    started = made_from(dockerfile, command or base.container_command)
    started = (not command and named_package(spec, dockerfile, root.below(folder))) or started
    named = (on_a_volume(_mounted(w, own_files, spec, folder), spec, volumes) for w in started[1:])
    named = (options_here(word, spec, dockerfile, folder) for word in named)
    started = (*started[:1], *(from_context(word, folder, spec, root) for word in named))
    pairs = port_pairs(spec, base, command, dockerfile, port_number(env.get("PORT", "")))
    pairs.sort(key=lambda pair: pair[1] != port_number(env.get("PORT", "")))  # its own first
    names = ["http", *(f"port-{target}" for _, target in pairs[1:])]
    here = root.below(folder)
    scripts = (word.removeprefix("./") for word in command)
    paths = secrets_of(spec)
    secret_files = {name: paths[value] for name, value in env.items() if value in paths}
    outside = folder.startswith(("..", "/"))
    signal, grace_s = end_of(spec)
    env = {name: value for name, value in env.items() if name not in ("PATH", "HOME")}
    env = paths_here({**base.env, **env}, spec, dockerfile, folder, root)
    looked = {"PYTHONPATH": python_path(dockerfile)}
    there = paths_here(looked, spec, dockerfile, folder, root)
    env = {**(there if there != looked else {}), **env}  # another one leads nowhere here
    return replace(
        base,
        files=tuple(word for word in scripts if word in here.files) or files_of_one(spec, here),
        container_command=started,
        why=f"{own}'s command" if command else base.why,
        tasks={
            **folders_here(spec, dockerfile, folder, root),
            **linked_folders(spec, dockerfile, folder, root),
            **settings,
            **({"prepare": one_line(before)} if before else {}),
        },
        ports={n: number for n, (number, _) in zip(names, pairs, strict=False)},
        known_as={target: n for n, (_, target) in zip(names, pairs, strict=False)},
        env={n: value for n, value in env.items() if n not in secret_files},
        secret_files=secret_files,
        private=private,
        missing=dict.fromkeys(missing, "compose takes it from the shell or .env"),
        calls=tuple(map(valid_name, needs_of(spec))),
        probe=probe_of(spec),
        stop_signal=signal or base.stop_signal,
        stop_grace_s=grace_s,
        after_start=hook_of(spec, "post_start"),
        before_stop=hook_of(spec, "pre_stop"),
        volumes=volumes,
        mounts=dict(volumes_of(spec)),
        inside=folders_inside(spec, dockerfile, folder),
        remarks=(f"its folder {folder} is outside this repository",) if outside else (),
    )


def _entry_and_command(
    spec: Mapping[str, Any], values: Mapping[str, str], dockerfile: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read what a container begins with, and what it is told; the program once, if both name it."""
    command = without_installs(commands_of(spec, values))
    entry = () if spec.get("entrypoint") else entry_of(dockerfile)
    names = [posixpath.basename(argv[0]) for argv in (entry, command) if argv]
    if len(entry) == 1 and names[1:] == names[:1] and command[0].startswith(("/", "./")):
        command = command[1:]
    return entry, command


def _set_up(
    entry: tuple[str, ...],
    place: str,
    folder: str,
    spec: Mapping[str, Any],
    root: Folder,
    own_files: Mapping[str, str],
) -> tuple[Callable[[Mapping[str, str]], dict[str, str]], dict[str, str]]:
    """Read what the script that an image begins with sets up for the program.

    Returns:
        What gives the variables that it makes of known ones, and the task for its files.
    """
    if spec.get(ENTRY_OF):
        place, dockerfile = place_of({"build": spec[ENTRY_OF]}, root, None)
        entry = entry_of(dockerfile)
    script = lines_of(entry[0], root.below(place), own_files) if entry else []

    def in_folder(path: str) -> str:
        there = _here(path, own_files, spec)
        return posixpath.relpath(there or ".", folder or ".") if there != path else path

    place, dockerfile = place_of(spec, root, None)
    context = {path: in_folder(path) for path in copied_files(dockerfile)}
    put = copies(script, in_folder, root.below(folder))
    return partial(exported, script), put or placed(dockerfile, context, root.below(folder))


def _mounted(word: str, copied: Mapping[str, str], spec: Mapping[str, Any], folder: str) -> str:
    """Say the path of a file in a container from the program's own folder."""
    there = _here(word, copied, spec)
    is_moved = there != word and word not in copied
    return posixpath.relpath(there or ".", folder or ".") if is_moved else there


def _here(word: str, copied: Mapping[str, str], spec: Mapping[str, Any]) -> str:
    """Say the path of a file in a container as the one that is copied or mounted there."""
    if word in copied:
        return copied[word]
    for source, target in mounts_of(spec):
        inside = target.rstrip("/")
        if len(inside) > 1 and (word == inside or word.startswith(f"{inside}/")):
            return joined_path(source, word.removeprefix(inside).lstrip("/"))
    return word
