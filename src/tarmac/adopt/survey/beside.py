"""Adds to the services of a compose file what the repository has beside it.

The survey asks. Front ends run in no container while they are worked on, a file may have but the
first few modules of a build, and a Procfile has the workers that no container is made for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from tarmac.adopt.survey.found import Folder, Recogniser, Service, Survey
from tarmac.adopt.survey.starting import LAST_RANK
from tarmac.base.foreign.data import from_json

#: What a line of a Procfile is called that compilers and watchers of pages have.
_OF_PAGES = re.compile(r"(?i)css|js|assets?|vite|webpack|tailwind|esbuild|pages?|client|ui")
#: The package that a package manager is told to start something of.
_PACKAGE = re.compile(
    r"(?<=\s)(?:-w|--workspace|--prefix|--cwd|-C|--dir|--filter|-F|workspace)[= ]([\w./@-]+)"
)


def programs_beside(
    found: Survey, root: Folder, searched: list[Service], recognisers: list[Recogniser]
) -> Iterable[Service]:
    """Yield the programs beside those of a file: all where it has none, else what it leaves out.

    A front end is known by its own server.

    Args:
        searched: the programs that the folders show.
    """
    taken = {service.folder for service in found.services}
    modules = _modules(root, taken, searched)
    lines = (" ".join(service.container_command) for service in found.services)
    packages = {name for line in lines for name in _PACKAGE.findall(line)}
    for service in searched:
        if service.folder and packages and _is_package(service.folder, packages, root):
            continue
        above = {service.folder, *_above(service.folder)} - {""}
        is_apart = not above & taken
        is_front_end = _is_front_end(service, root.below(service.folder), recognisers)
        is_module = service.folder in modules or _is_started_by_hand(service, root)
        if not taken or (is_apart and service.folder and (is_front_end or is_module)):
            yield replace(service, guesses=(*service.guesses, *_guess(found)))
    listed = [*_of_a_procfile(found, root, recognisers)]
    yield from listed or _of_queues(found, searched)


def _is_started_by_hand(service: Service, root: Folder) -> bool:
    """Tell whether a Makefile starts a program of Go without a container: `cd ../web && ./app`."""
    if not service.folder or not root.exists(f"{service.folder}/go.mod"):
        return False
    place = re.escape(service.folder)
    starts = re.compile(
        rf"(?m)^\t@?cd[ ]+(?:\.{{1,2}}/)*{place}/?[ ]*(?:&&|;)[ ]*(?:\./|go run\b|nohup )"
    )
    return any(starts.search(root.read(f)) for f in root.files if _MAKEFILE.fullmatch(f))


#: A Makefile of the root, or of a folder of it.
_MAKEFILE = re.compile(r"(?:[\w.-]+/)?Makefile")
#: Commands of programs that take jobs from a queue.
_TAKES_JOBS = re.compile(
    r"\bcelery\b.*\sworker\b|\b(?:arq|dramatiq|taskiq|saq|rq|huey_consumer|rundramatiq|rqworker)\b|"
    r"\s-m [\w.]*(?:listener|consumer|subscriber)s?$"
)


#: A script of Node that is named as one, and what a container's command has of another.
_WORKS = re.compile(r"(?:npm|pnpm|yarn|bun) run \S*(?:worker|consumer)s?(?:[:-]\S*)?")
_NAMES_ONE = re.compile(r"worker|consumer")


def _of_queues(found: Survey, searched: list[Service]) -> Iterable[Service]:
    """Yield what takes the jobs that a program of a file puts in a queue, where none there does.

    Its developers start it beside the containers.
    """
    lines = [" ".join(one.container_command) for one in found.services]
    if any(map(_TAKES_JOBS.search, lines)) or any(".sh" in line for line in lines):
        return
    for service in searched:
        beside = [one for one in found.services if one.folder == service.folder]
        is_one = _TAKES_JOBS.search(service.run) or (
            _WORKS.fullmatch(service.run) and not any(map(_NAMES_ONE.search, lines))
        )
        if service.aside and is_one and len(beside) == 1:
            yield _with_settings_of(beside[0], service, found)


def _with_settings_of(main: Service, service: Service, found: Survey) -> Service:
    """Give a program beside another one of the same code what that is given."""
    return replace(
        service,
        env=main.env,
        private=main.private,
        secret_files=main.secret_files,
        missing=main.missing,
        mounts=main.mounts,
        calls=tuple(name for name in main.calls if name != service.name),
        guesses=(*service.guesses, *_guess(found)),
        aside=True,
    )


def _is_package(path: str, packages: Collection[str], root: Folder) -> bool:
    """Tell whether a container starts the package of a folder: `npm run -w packages/web dev`."""
    package = root.mapping(posixpath.join(path, "package.json"), from_json) or {}
    return any(name in packages for name in (path, f"./{path}", package.get("name")))


def _guess(found: Survey) -> tuple[str, ...]:
    return (f"it is not in {found.origins[0]}",) if found.services and found.origins else ()


def _of_a_procfile(found: Survey, root: Folder, recognisers: list[Recogniser]) -> Iterable[Service]:
    """Yield the workers of a Procfile beside the one program that a file has of that folder."""
    listed = next((s for r in recognisers if r.id == "procfile" for s in [r.services(root)]), ())
    ours = [service for service in found.services if service.folder == ""]
    if len(ours) != 1 or len(found.services) > 1:
        return
    (main,) = ours
    for service in listed:
        is_main = service.reads_port or service.name == main.name
        if not is_main and not _OF_PAGES.fullmatch(service.name):
            yield _with_settings_of(main, service, found)


def _modules(root: Folder, taken: Collection[str], searched: list[Service]) -> set[str]:
    """List the modules of a build that a file leaves out: all where it has fewer, else servers.

    A module lies beside those that the file has, whether or not Maven's build above lists it.
    """
    pom = re.sub(r"<!--[\s\S]{0,9999}?-->", "", root.read("pom.xml"))
    listed = set(re.findall(r"<module>([\w./-]+)</module>", pom))
    poms = {module: root.read(f"{module}/pom.xml").partition("<dependencies>") for module in listed}
    wanted = "".join(rest for *_, rest in poms.values())
    libraries = {
        module
        for module, (head, *_) in poms.items()
        if any(f"<artifactId>{name}<" in wanted for name in _artifacts(head))
    }
    programs = {s.folder for s in searched if s.why in ("pom.xml", "Dockerfile")}
    missing = (programs & listed) - {*taken} - libraries
    if listed & {*taken} and len(missing) > len(listed & {*taken}):
        return missing
    beside = {posixpath.dirname(one) for one in taken if _is_module(one, root)}
    return {
        service.folder
        for service in searched
        if service.folder not in taken
        and posixpath.dirname(service.folder) in beside
        and _is_module(service.folder, root)
        and not _ASIDE.search(service.folder)
        and _SERVES.search(_build_file(service.folder, root))
    }


#: What a build brings in for programs that answer or listen for as long as they run.
_SERVES = re.compile(
    r"starter-(?:web(?:flux|mvc)?|rsocket|gateway(?:-\w+)*|netflix-eureka-server)\b|"
    r"grpc-(?:server-)?spring-boot-starter|spring-grpc|spring-cloud-config-server|spring-kafka\b|"
    r"starter-amqp|quarkus-(?:rest|resteasy|grpc|messaging|smallrye)|micronaut-http-server|ktor-server"
)
#: Modules that measure, try or show the others.
_ASIDE = re.compile(
    r"(?i)(?:^|[-_/])(?:bench\w*|\w*test\w*|jmh|demo|examples?|samples?|mocks?)(?:$|[-_/])"
)


def _build_file(path: str, root: Folder) -> str:
    names = ("pom.xml", "build.gradle.kts", "build.gradle")
    texts = (root.read(posixpath.join(path, name)) for name in names)
    return re.sub(r"<!--[\s\S]{0,9999}?-->", "", next(filter(None, texts), ""))


def _is_module(path: str, root: Folder) -> bool:
    """Tell whether a folder below has a build of Java or Kotlin of its own."""
    return bool(path) and bool(_build_file(path, root))


def _artifacts(head: str) -> list[str]:
    own = re.sub(r"<parent>[\s\S]{0,999}?</parent>", "", head)
    return re.findall(r"<artifactId>([\w.-]+)</artifactId>", own)[:1]


def _is_front_end(service: Service, folder: Folder, recognisers: list[Recogniser]) -> bool:
    """Tell whether a program has a development server; its image serves what that was built to."""
    known = (s for r in recognisers if r.rank < LAST_RANK for s in r.services(folder) if s.run)
    own = service if service.run else next(known, service)
    return own.why.startswith("package.json") and own.reads_port


def _above(path: str) -> Iterable[str]:
    while path:
        path = posixpath.dirname(path)
        yield path
