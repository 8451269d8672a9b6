"""What a machine has of what Tarmac, or one system, needs: tools, stores, ports, disk, limits.

Used by `tarmac doctor`. It asks programs for their versions, all at once and each for a short time,
and changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import MissingTool
from tarmac.base.installed import find_program
from tarmac.base.tools import TOOLS, Tool, find, is_below, version_in
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreKind
from tarmac.catalog.stores.setup.docker import GET_DOCKER
from tarmac.model.system import System
from tarmac.plan import launches, ports
from tarmac.plan.facts import RunShape
from tarmac.run.local.diagnostics import programs
from tarmac.run.local.host import gather, listeners, offers, privileges, providers, toolchains
from tarmac.run.local.host.sockets import is_free
from tarmac.run.local.state import vault
from tarmac.run.local.supervisor import client

#: How long a program has to print its version.
ANSWER_S = 5.0
#: Below the first nothing starts, below the second it gets tight.
DISK_BYTES = (200_000_000, 2_000_000_000)
FILES = (256, 1024)
WATCHES = 8192

OK = "ok"
ABSENT = "absent"
TOO_OLD = "too old"
OTHER = "other version"
LOW = "low"
TAKEN = "taken"
SILENT = "no answer"

_PACKAGES = (
    "import importlib.util as u, json, platform, sys; print(json.dumps([platform.python_version(), "
    "[p for p in sys.argv[1:] if u.find_spec(p) is None]]))"
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str
    found: str = ""
    #: The oldest version that is accepted, or the requested one.
    floor: str = ""
    #: What wants it.
    feature: str = ""
    #: What to do; empty if nothing is to be done.
    advice: str = ""
    #: Something that is needed does not work without it.
    fails: bool = False


def of_everything() -> list[Check]:
    """Look at every tool that any part of Tarmac calls, and at the machine."""
    return [*_together([_of(tool) for tool in TOOLS]), *of_machine(Path.cwd())]


def of_system(system: System) -> list[Check]:
    """Look at what one system needs to run here, and at the machine."""
    found = _together(
        [
            lambda: [_python()],
            lambda: _of_stores(system),
            *(_runner(system, name) for name in system.file.services if not system.is_kit(name)),
            *_interpreters(system),
            lambda: list(_versions(system)),
        ]
    )
    return [*dict.fromkeys(found), *of_machine(Path(system.folder))]


def of_machine(folder: Path) -> list[Check]:
    """Look at disk, limits and privileges."""
    return [_disk(folder), _files(), *_privileges(), *_inotify()]


def _together(looks: Iterable[Callable[[], list[Check]]]) -> Iterator[Check]:
    looks = list(looks)
    with ThreadPoolExecutor(max_workers=max(1, len(looks))) as pool:
        for found in pool.map(lambda look: look(), looks):
            yield from found


def _of(tool: Tool) -> Callable[[], list[Check]]:
    if tool.name == "python3":
        return lambda: [_python()]
    return lambda: [check(tool)]


def check(tool: Tool, path: str | None = None, *, feature: str = "") -> Check:
    """Ask a program for its version and compare it with the floor.

    Args:
        path: the program's path, if it is not to be looked for on PATH.
    """
    feature = feature or tool.feature
    program = path or find_program(tool.name)
    if program is None:
        return Check(tool.name, ABSENT, "", tool.floor, feature, tool.advice, fails=True)
    try:
        done = subprocess.run(
            [program, *tool.ask],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=False,
        )
        version = version_in((done.stdout + done.stderr).decode("utf-8", "replace"))
    except (OSError, subprocess.TimeoutExpired):
        version = ""
    if not version:
        said = f"{program} does not print its version; {tool.advice or 'install it again'}"
        return Check(tool.name, SILENT, "", tool.floor, feature, said, fails=True)
    if is_below(version, tool.floor):
        return Check(tool.name, TOO_OLD, version, tool.floor, feature, tool.advice, fails=True)
    if tool.name == "docker" and not offers.Machine().docker:
        # The version is right, and starting a container would still fail.
        return Check("docker", SILENT, version, tool.floor, feature, GET_DOCKER)
    return Check(tool.name, OK, version, tool.floor, feature)


def _python() -> Check:
    tool = next(tool for tool in TOOLS if tool.name == "python3")
    version = platform.python_version()
    old = is_below(version, tool.floor)
    state, advice = (TOO_OLD, tool.advice) if old else (OK, "")
    return Check("python3", state, version, tool.floor, tool.feature, advice, fails=old)


def _of_stores(system: System) -> list[Check]:
    kinds: Mapping[str, StoreKind] = registry.load(stores, "STORE")
    dotenv = vault.read_dotenv(Path(system.folder) / ".env")
    try:
        chosen = providers.choose(system, kinds, (), dotenv)
    except MissingTool as error:
        lines = [line.partition(": ") for line in str(error).splitlines()]
        return [
            Check(name, ABSENT, feature="store", advice=advice, fails=True)
            for name, _, advice in lines
        ]
    found = []
    for name, candidate in chosen.offers.items():
        broker = name == ports.BROKER
        spec = system.file.broker if broker else system.file.stores[name]
        asked = (spec.version if spec else None) or ""
        about = f"{kinds[candidate.kind].title} {candidate.version} ({candidate.provider})"
        fits, state = candidate.fits(asked or None), OK
        if spec and candidate.kind != spec.kind:
            about += f", as a substitute for {kinds[spec.kind].title}"
            fits = True  # another program's versions say nothing
        elif not fits:
            state = OTHER
        advice = candidate.note or ("" if fits else f"version {asked} is required; install it")
        found.append(Check(name, state, about, asked, "broker" if broker else "store", advice))
    answering = {name: kinds[candidate.kind] for name, candidate in chosen.offers.items()}
    return found + list(_ports(system, answering))


def _ports(system: System, kinds: Mapping[str, StoreKind]) -> Iterator[Check]:
    """Look at the ports that people know; the others are any that are free."""
    own = _own_ports(Path(system.document.file))
    for need in ports.needs(system, kinds, RunShape()):
        if need.preferred is None:
            continue
        name, feature = f"port {need.preferred}", need.store or " ".join(need.key.split("/")[1:])
        if need.preferred in own:
            yield Check(name, OK, "used by this system", feature=feature)
        elif is_free(need.preferred):
            yield Check(name, OK, "free", feature=feature)
        else:
            advice = "another port is used instead; stop that program to use this one"
            if need.fixed:
                advice = "stop that program: the service has `listen: fixed`"
            if need.store:
                advice = f"stop that program: programs look for {need.store} there"
            found = f"by {listeners.holder(need.preferred)}"
            yield Check(name, TAKEN, found, "", feature, advice, fails=need.fixed)


def _own_ports(file: Path) -> set[int]:
    """List the ports of this very system, where it runs."""
    found: set[int] = set()
    for home in client.find_homes(file):
        with contextlib.suppress(OSError, ValueError, LookupError):
            if client.is_running(home):
                found.update(json.loads(home.facts.read_text())["ports"].values())
    return found


def _runner(system: System, name: str) -> Callable[[], list[Check]]:
    """Look for the program that a service is run by."""

    def look() -> list[Check]:
        service, parts = system.file.services[name], system.parts[name]
        argv = service.run or (parts[0].part.run if parts else None) or ("",)
        is_line = launches.is_line(argv)
        program = argv[0].split()[0] if is_line else argv[0]
        folder = Path(parts[0].folder if parts else system.folder)
        cwd = Path(system.folder) / service.cwd if service.cwd else folder
        path = service.env.get("PATH", os.environ.get("PATH", ""))
        feature = f"service {name}"
        is_word = program.replace("/", "").replace(".", "").replace("-", "").isalnum()
        if is_line and not is_word:  # a variable, an assignment: the shell's to understand
            return []
        if said := programs.why_not((program,), cwd, str(path)):
            return [Check(program, ABSENT, "", "", feature, said, fails=True)]
        known = find(Path(program).name)
        if known is None:
            where = find_program(program, str(path)) if "/" not in program else program
            return [Check(program, OK, where or "", "", feature)]
        return [check(Tool(known.name, "", feature, known.get, known.ask))]

    return look


def _versions(system: System) -> Iterator[Check]:
    """Compare what services' own files ask for with the versions that are installed."""
    for choice in toolchains.choices(system):
        name, floor = choice.toolchain.title, choice.wish.text
        feature = f"service {choice.service} ({choice.wish.place})"
        if choice.chosen:
            yield Check(name, OK, f"{choice.chosen}, beside {choice.found}", floor, feature)
        elif choice.found:
            advice = choice.lacks.rpartition("; ")[2]
            yield Check(name, OTHER, choice.found, floor, feature, advice, fails=bool(advice))


def _interpreters(system: System) -> Iterator[Callable[[], list[Check]]]:
    """Look at each interpreter of kit services once: does it have their packages?"""
    pythons = gather.pythons(system)
    packages: dict[tuple[str, str], set[str]] = {}
    for name, parts in system.parts.items():
        if system.is_kit(name):
            key = (pythons.get(name, pythons[""]), parts[0].folder)
            packages.setdefault(key, {"tarmac_kit"}).update(
                sourced.part.package for sourced in parts if sourced.part.package
            )
    wanted: dict[str, dict[str, str]] = {}
    for (python, folder), names in packages.items():
        for package in names:
            wanted.setdefault(python, {})[package] = folder
    for python, folders in wanted.items():
        yield lambda python=python, folders=folders: _packages(python, folders)  # type: ignore[misc]


def _packages(python: str, folders: Mapping[str, str]) -> list[Check]:
    names = sorted(folders)
    path = os.pathsep.join(sorted({str(Path(folder).resolve()) for folder in folders.values()}))
    feature = "kit services"
    try:
        done = subprocess.run(
            [python, "-c", _PACKAGES, *names],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_S,
            check=True,
        )
        version, absent = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return [Check(python, SILENT, "", "3.11", feature, "install it again", fails=True)]
    shown = "this Python" if python == sys.executable else python
    if absent:
        advice = f"{', '.join(absent)} missing; install there: {python} -m pip install ..."
        return [Check(shown, ABSENT, version, "3.11", feature, advice, fails=True)]
    return [Check(shown, OK, f"{version}, {len(names)} packages", "3.11", feature)]


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    shown = f"{free / 1e9:.1f} GB free"
    least, tight = DISK_BYTES
    advice = f"make room on the disk of {folder.resolve()}"
    if free < least:
        return Check("disk", "full", shown, "0.2 GB", "data of stores, logs", advice, fails=True)
    if free < tight:
        return Check("disk", LOW, shown, "2 GB", "data of stores, logs", advice)
    return Check("disk", OK, shown, "2 GB", "data of stores, logs")


def _files() -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = soft in (-1, resource.RLIM_INFINITY)
    shown = "no limit" if many else str(soft)
    least, tight = FILES
    state = OK if many or soft >= tight else LOW
    advice = "" if state == OK else f"ulimit -n {4 * tight}"
    fails = not many and soft < least
    return Check("open files", state, shown, str(tight), "connections", advice, fails=fails)


def _privileges() -> list[Check]:
    how = privileges.drop()
    if said := privileges.refused():
        uid = str(os.geteuid())
        return [Check("user", ABSENT, uid, "", "PostgreSQL", said.partition(": ")[2], fails=True)]
    if how is None:
        return []
    feature = "stores, when root or a user without a name runs them"
    if how == "userns":
        return [Check("user namespaces", OK, "there", "", feature)]
    advice = "without them, stores run as another user from copies in /var/tmp; nothing to do"
    return [Check("user namespaces", LOW, "none", "", feature, advice)]


def _inotify() -> list[Check]:
    limit = Path("/proc/sys/fs/inotify/max_user_watches")
    if not limit.exists():
        return []
    number = int(limit.read_text())
    state = OK if number >= WATCHES else LOW
    advice = "" if state == OK else "sysctl fs.inotify.max_user_watches=524288"
    return [Check("watched files", state, str(number), str(WATCHES), "up --watch", advice)]
