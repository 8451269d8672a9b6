"""Looks through a repository with every recogniser and joins what they say to one system.

`tarmac init` calls `survey`. Nothing is read but through the folder that it is given.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from itertools import chain

from tarmac.adopt.containers import cluster_manifests
from tarmac.adopt.containers.container import read_dockerfile
from tarmac.adopt.packages import node_nest
from tarmac.adopt.packages.node_mode import for_work
from tarmac.adopt.packages.node_packages import builds
from tarmac.adopt.packages.node_tools import with_tools
from tarmac.adopt.packages.python_servers import with_servers
from tarmac.adopt.survey.beside import programs_beside
from tarmac.adopt.survey.debugger import without_debugger
from tarmac.adopt.survey.found import (
    RUNS_TESTS,
    SHELVES,
    Folder,
    Recogniser,
    Route,
    Service,
    Survey,
    has_program_file,
    is_project,
    valid_name,
    without,
)
from tarmac.adopt.survey.listening import FIRST_FREE, NAMES_ITS_PORT, listening
from tarmac.adopt.survey.own import files_of
from tarmac.adopt.survey.settle import settle
from tarmac.adopt.survey.starting import LAST_RANK, completed, startable
from tarmac.adopt.survey.tasks import done_once, without_harm
from tarmac.adopt.variables import code, dotenv_files, spring_settings
from tarmac.model.consistency import OURS, RESERVED

#: Folders of things that are shown, tried or built with, not run.
_ASIDE = re.compile(
    r"(^|/)(docs?|examples?|samples?|scripts?|tools?|tests?|e2e|etc|hack|infra|deploy\w*|bench\w*|\..+)(/|$)|[{}]"
)
#: Folders of Dockerfiles alone.
_FOR_BUILDS = frozenset({"docker", "dockerfiles", "build", "container", "containers", "image"})
DEEPEST = 3
MOST_PLACES = 10
#: Recognisers from this rank on guess from code.
GUESS_RANK = 20
#: Names that no service may have.
_RESERVED = RESERVED | OURS | {"broker"}


def survey(root: Folder, catalogue: Mapping[str, Recogniser], kinds: Collection[str]) -> Survey:
    """Find the services and stores of a repository; nothing found is an answer too.

    Args:
        kinds: the store kinds that there are.
    """
    recognisers = sorted(
        catalogue.values(), key=lambda recogniser: (recogniser.rank, recogniser.id)
    )
    if any("{{" in file.rpartition("/")[0] for file in root.files):
        what = "its folders are a template's: generate a project, and run `tarmac init` there"
        return Survey(left_out=(what,))
    found: Survey | None = None
    manifests: Mapping[str, cluster_manifests.Deployment] = {}
    for recogniser in recognisers:
        if found := recogniser.system(root, frozenset(kinds)):
            break
    if found is None:
        found = Survey(services=tuple(_search(root, recognisers)))
        manifests = cluster_manifests.deployed(root)
        found = cluster_manifests.with_stores(found, manifests, frozenset(kinds), root)
    else:
        searched = [*_search(root, recognisers)]
        more = programs_beside(found, root, searched, recognisers)
        if not found.services:
            manifests = cluster_manifests.deployed(root)
            found = replace(found, servers_alone=True)
        found = replace(found, services=(*found.services, *more))
        found = cluster_manifests.with_missing_stores(found, manifests, frozenset(kinds), root)
    started = _started(found, root, recognisers, manifests)
    if not started.services and found.services:  # a file of images that were made elsewhere
        programs = tuple(_search(root, recognisers))
        beside = _started(replace(found, services=programs), root, recognisers, manifests)
        started = replace(beside, unstarted=started.unstarted) if beside.services else started
    origins = tuple(dict.fromkeys(filter(None, map(_origin, started.services))))
    names = {service.name for service in started.services}  # one of them has taken its place
    lost = [one for one in started.unstarted[len(found.unstarted) :] if one.name not in names]
    found = replace(
        started,
        services=tuple(_apart(started.services)),
        origins=started.origins or origins,
        left_out=(*started.left_out, *_unstarted(lost)),
    )
    settled = settle(done_once(_with_routes(found)), root, frozenset(kinds))
    brought = (with_tools(one, root.below(one.folder)) for one in settled.services)
    return replace(settled, services=with_servers(tuple(brought), root))


def _with_routes(found: Survey) -> Survey:
    """Keep the routes that lead to the main port of a service; the entry has a port of its own."""
    ports = {service.name: service for service in found.services if service.ports}
    kept: list[Route] = []
    lost: list[Route] = []
    for route in found.routes:
        service = ports.get(route.service)
        names = service.known_as.get(route.port, "http") if service is not None else ""
        (kept if names == "http" else lost).append(route)
    said = (f"the path {route.path} leads to {route.service}, which is not here" for route in lost)
    taken = {port for service in found.services for port in service.ports.values()}
    first = found.front_port if found.front_port >= FIRST_FREE else 8000 + found.front_port
    port = next(number for number in range(first, first + len(taken) + 1) if number not in taken)
    return replace(
        found,
        routes=tuple(kept),
        front_port=port if kept else 0,
        left_out=(*found.left_out, *said),
    )


def _unstarted(services: Iterable[Service]) -> Iterable[str]:
    """Say of services that nothing shows how they start."""
    for service in services:
        said = " ".join(service.container_command)
        what = f", where its container runs `{said}`" if said else ""
        yield f"{service.name}: {service.folder or '.'} does not show how to start it here{what}"


def _started(
    found: Survey,
    root: Folder,
    recognisers: list[Recogniser],
    manifests: Mapping[str, cluster_manifests.Deployment],
) -> Survey:
    """Find out how each service starts; those whose start nothing shows are kept apart."""
    services, unstarted, left_out = [], [], [*found.left_out]
    given = dotenv_files.of_file(root)[0]
    folders = Counter(service.folder for service in found.services if not service.aside)
    places = frozenset(service.folder for service in found.services)
    hosts = cluster_manifests.hosts(found.services, manifests)
    handed = spring_settings.handed_out(root, places)
    for service in found.services:
        if service.of_others:
            services.append(service)
            continue
        is_shared = folders[service.folder] > 1
        folder = without(root.below(service.folder), places, service.folder)
        done = completed(service, folder, recognisers, is_shared=is_shared)
        done = startable(for_work(done, folder), folder)
        done = replace(done, files=_files_of(done, folder, found.services))
        if RUNS_TESTS.search(done.run):
            left_out.append(f"{done.name}: it tests the other services; start it by hand")
            continue
        if not done.files:
            listed = (recogniser.files(folder, done.run) for recogniser in recognisers)
            done = replace(done, files=next(filter(None, listed), ()))
        done, harmful = without_harm(done, folder)
        left_out += harmful
        if done.run:
            own = files_of(root, done, places, handed)
            done = spring_settings.at_its_port(
                replace(done, builds=builds(own, done.run)), own, handed
            )
            deployed = cluster_manifests.of_service(done, manifests)
            done = cluster_manifests.as_deployed(done, own, deployed, hosts)
            done = without_debugger(done, own)
            done = replace(listening(done, own, given), watch=_sources(done, own))
            done = _at_its_own_numbers(done)
            imaged = _image_port(service, folder)
            services.append(replace(_asked(done, own), image_port=imaged))
        else:
            unstarted.append(service)
    return replace(
        found,
        services=tuple(services),
        unstarted=(*found.unstarted, *unstarted),
        left_out=tuple(left_out),
    )


def _files_of(service: Service, folder: Folder, services: Iterable[Service]) -> tuple[str, ...]:
    """List a program's files where others share its folder: all but those that only they have.

    That one is started by a file of its own does not say what else it imports.
    """
    if not service.files:
        return ()
    beside = (s for s in services if s.folder == service.folder and s.name != service.name)
    others = {file for one in beside for file in one.files} - {*service.files}
    return tuple(f for f in folder.files if f not in others) if others else ()


def _at_its_own_numbers(service: Service) -> Service:
    """Leave to a program the numbers that its command names besides its main port."""
    first, *others = service.ports or ("",)
    own = [key for key in others if f"127.0.0.1:{service.ports[key]}" in service.run.split()]
    ports = {key: number for key, number in service.ports.items() if key not in own}
    return replace(service, ports=ports) if own and first else service


def _origin(service: Service) -> str:
    file = re.split(r"[:,]", service.why)[0]
    return posixpath.join(service.folder, file) if file else ""


def _search(root: Folder, recognisers: list[Recogniser]) -> Iterable[Service]:
    """Look in the folders, the deepest first: what belongs to one is not part of those above."""
    folders = {posixpath.dirname(file) for file in root.files}
    folders |= {parent for f in folders for parent in _parents(f)}
    owned: set[str] = set()

    @cache
    def is_own_project(path: str) -> bool:
        return is_project(root.below(path))

    found: list[Service] = []
    for path in sorted(folders, key=lambda path: (-path.count("/") - bool(path), path)):
        depth = path.count("/") + bool(path)
        on_shelf = depth == 2 and path.split("/")[0] in SHELVES
        folder = without(root.below(path), owned, path)
        # Without a project's file, a folder below a project is a part of that.
        alone = not any(map(is_own_project, _parents(path)))
        has_program = not path or on_shelf or is_project(folder)
        if depth > DEEPEST or not (has_program or (alone and depth == 1)):
            continue
        if _ASIDE.search(path) and not _is_run_beside(path, folder):
            continue
        if _is_of_above(root, path):
            continue
        for recogniser in recognisers:
            if services := recogniser.services(folder):
                found.extend(_as_contained(services, folder, recogniser, recognisers))
                owned.add(path)
                break
    return sorted(_once(_with_images(found, root)), key=lambda service: service.name)


def _is_run_beside(path: str, folder: Folder) -> bool:
    """Tell whether a folder of infrastructure has a program of its own: infra/config-server."""
    is_of_it = re.fullmatch(r"infra(?:structure)?/[\w-]+", path) is not None
    return is_of_it and "Dockerfile" in folder.files and has_program_file(folder)


def _is_of_above(root: Folder, path: str) -> bool:
    """Tell whether a folder has no more than the Dockerfile of what a folder above starts."""
    folder = root.below(path)
    if not path or has_program_file(folder):
        return False
    if any(path in node_nest.places(root.below(above)) for above in _parents(path)):
        return True
    endings = {"go.mod": ".go", "Cargo.toml": ".rs"}
    return any(
        root.exists(posixpath.join(above, file))
        for file, end in endings.items()
        if any(folder.sources(end))
        for above in _parents(path)
    )


def _with_images(found: list[Service], root: Folder) -> list[Service]:
    """Join a Dockerfile in a folder of its own with the one program of the folder it is built from.

    That folder may also have several images, each of another program.
    """
    # All that an image starts stands for what was guessed from the code.
    whole = {s.folder for s in found if not s.run and s.why.startswith("Dockerfile: ")}
    found = [s for s in found if s.folder not in whole or not s.run or s.aside]
    images = [s for s in found if s.container_command and _of_a_build(s, root)]
    for image in images:
        there = [s for s in found if s.folder == image.folder and not s.aside and s is not image]
        if len(there) == 1 and there[0].run and there[0] not in images:
            joined = replace(image, name=there[0].name)
            found = [joined if one is image else one for one in found if one is not there[0]]
    return found


def _of_a_build(image: Service, root: Folder) -> bool:
    """Tell whether a container is of a folder that is there for the build, as its name says."""
    is_apart = image.name in _FOR_BUILDS and posixpath.basename(image.folder) != image.name
    return is_apart and has_program_file(root.below(image.folder))


def _once(found: list[Service]) -> Iterable[Service]:
    """Leave out a container of a workspace's crate that was found in its own folder."""
    crates = {service.name for service in found if service.run.startswith("cargo run")}
    for service in found:
        words = service.container_command
        member = words[words.index("--bin") + 1] if "--bin" in words[:-1] else ""
        if service.run or member not in crates:
            yield service


def _as_contained(
    services: tuple[Service, ...],
    folder: Folder,
    by: Recogniser,
    recognisers: list[Recogniser],
) -> tuple[Service, ...]:
    """Believe the folder's own container about command and ports before a guess from its code."""
    contained = next((r.services(folder) for r in recognisers if r.rank >= LAST_RANK), ())
    main, beside = [s for s in services if not s.aside], [s for s in services if s.aside]
    if len(main) != 1 or not contained or by.rank < GUESS_RANK:
        return services
    if len(contained) > 1:  # all that its image starts, the workers among them
        return contained
    return (replace(contained[0], name=main[0].name), *beside)


def _parents(path: str) -> Iterable[str]:
    while path:
        path = posixpath.dirname(path)
        yield path


def _image_port(service: Service, folder: Folder) -> int:
    """Find where its image listens: as its compose file forwards to it, or as it exposes itself."""
    text = folder.read("Dockerfile")
    forwarded = (inside for inside, name in service.known_as.items() if name == "http")
    exposed = read_dockerfile(text, service.name, folder.path).ports.values()
    return next(forwarded, next(iter(exposed), 0)) if text or service.known_as else 0


#: Programs of libraries, which serve pages of their own and none of the app.
_OF_OTHERS = re.compile(r"\bcelery\s(?:\S+\s)*flower\b|\brq-dashboard\b|\bflower\s")


def _asked(service: Service, folder: Folder) -> Service:
    """Find out how to ask it: a port that listens says little, a server's does before its app."""
    serves, checks = code.speaks_grpc(folder)
    asks = service.ports and not checks and not _OF_OTHERS.search(service.run)
    probe = service.probe or (code.health_path(folder) if asks else "")
    return replace(service, probe=probe, grpc=serves, grpc_health=checks and not probe)


def _sources(service: Service, folder: Folder) -> tuple[str, ...]:
    """List where its edits happen, unless it looks for them itself; () for too many places."""
    if service.reloads:
        return ()
    sources = folder.sources(*code.ENDINGS)
    places = dict.fromkeys(f.split("/")[0] for f in sources if not f.startswith("."))
    return tuple(places) if len(places) <= MOST_PLACES else ()


def _apart(services: Iterable[Service]) -> Iterable[Service]:
    """Give every service a name and ports of its own; those that cannot move keep theirs."""
    owners: dict[int, str] = {}
    kept = [_kept(service, owners) for service in services]
    taken = {*owners}
    names: set[str] = set()
    for service in kept:
        name = _free_name(service, names)
        names.add(name)
        moved = service if service.fixed else _moved(service, taken)
        known = {inside: key for inside, key in moved.known_as.items() if key in moved.ports}
        yield replace(moved, name=name, known_as=known)


def _kept(service: Service, owners: dict[int, str]) -> Service:
    """Let a service that cannot move keep its ports, unless another has one of them."""
    if not service.fixed:
        return service
    if shared := [number for number in service.ports.values() if number in owners]:
        said = [line for line in service.remarks if line.endswith(NAMES_ITS_PORT)]
        place = said[0].removesuffix(NAMES_ITS_PORT) if said else "it"
        to_do = (
            f"{place} has port {shared[0]}, and so has {owners[shared[0]]}, so that one of them "
            "ends: have its code read PORT"
        )
        remarks = tuple(line for line in service.remarks if line not in said)
        return replace(service, fixed=False, remarks=remarks, to_do=(*service.to_do, to_do))
    owners |= dict.fromkeys(service.ports.values(), service.name)
    return service


def _moved(service: Service, taken: set[int]) -> Service:
    """Give a service the next ports that no other one has."""
    ports, guesses = dict(service.ports), service.guesses
    for key, number in service.ports.items():
        likely = chain(range(number, 65536), range(1024, 65536))
        free = next((port for port in likely if port not in taken), number)
        if free != number:
            others = (guess for guess in guesses if not guess.startswith("port "))
            guesses = (*others, f"port {free}, because {number} is another's")
        ports[key] = free
        taken.add(free)
    return replace(service, ports=ports, guesses=guesses)


def _free_name(service: Service, names: Collection[str]) -> str:
    name = service.name
    if name in names:
        own = service.folder.rpartition("/")[2]
        name = valid_name(service.folder if own == name else f"{service.folder}-{name}")
    elif name in _RESERVED:
        name = f"{name}-app"
    number = 2
    while name in names:
        name, number = f"{name}-{number}", number + 1
    return name
