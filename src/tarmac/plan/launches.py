"""How a service's process, or one of its tasks, is started, probed and stopped."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TypedDict

from tarmac.base.launch import (
    AliveProbe,
    CommandProbe,
    ForkedStart,
    GrpcProbe,
    Hook,
    HttpProbe,
    Launch,
    LogProbe,
    Probe,
    TcpProbe,
)
from tarmac.model import conventions
from tarmac.model.edge import references
from tarmac.model.service import Service, ServiceHook, Task
from tarmac.plan import names, secret_files
from tarmac.plan.bindings import Bindings
from tarmac.plan.settings import volume

SHELL = "/bin/sh"
#: Has the shell stay until its command has ended; it would leave it alone on SIGTERM.
TRAP = "trap 'exit 143' TERM\n"
FOREIGN_STEADY_S = 5.0
#: Longer than a day: what a task needs is not for us to say.
TASK_WITHIN_S = 7 * 86400.0


def of_service(bindings: Bindings, name: str, number: int) -> Launch:
    """Return how one instance of a service is started; its environment comes from `settings`."""
    if bindings.system.is_kit(name):
        return _of_kit(bindings, name, number)
    service = bindings.system.file.services[name]
    folder, sources = _place(bindings, name)
    parts = bindings.system.parts[name]
    argv = service.run or (parts[0].part.run if parts else ()) or ()
    listening = bindings.listening(name, number)
    port = next(iter(listening.values()), None)
    ready, within_s = _probe(service, listening)
    return Launch(
        argv=_command(argv, trap=True),
        signal_group=_command(argv)[0] == SHELL,
        **_around(service),
        booted=TcpProbe(port) if port else None,
        ready=ready,
        booted_within_s=within_s,
        ready_within_s=within_s,
        # A line in its access log for each: its reader is after others.
        steady_s=FOREIGN_STEADY_S if isinstance(ready, HttpProbe) else 1.0,
        cwd=folder,
        files=secret_files.of_service(bindings, name),
        folders=_volumes(bindings, name, folder),
        hosts=names.of_service(bindings, name),
        writable=_writable(bindings, service, folder) if bindings.facts.shape.read_only else None,
        sources=sources,
    )


def of_task(bindings: Bindings, name: str, task: Task) -> Launch:
    """Return how a task of a service is started."""
    folder, sources = _place(bindings, name)
    return Launch(
        argv=_command(task.run, trap=True),
        signal_group=_command(task.run)[0] == SHELL,
        ready=AliveProbe(0.0),
        ready_within_s=TASK_WITHIN_S,
        cwd=folder,
        files=secret_files.of_service(bindings, name),
        folders=_volumes(bindings, name, folder),
        hosts=names.of_service(bindings, name),
        sources=sources,
    )


def _of_kit(bindings: Bindings, name: str, number: int) -> Launch:
    facts, parts = bindings.facts, bindings.system.parts[name]
    port = next(iter(bindings.listening(name, number).values()))
    python = facts.pythons.get(name, facts.pythons[""])
    packages = tuple(sourced.part.package for sourced in parts if sourced.part.package)
    service = bindings.system.file.services[name]
    # What Python reads as it starts cannot be given to one that is forked.
    own = {*bindings.system.file.env, *service.env}
    separate = service.isolated or any(key.startswith("PYTHON") for key in own)
    return Launch(
        argv=(python, "-m", conventions.SERVE_MODULE, *packages),
        forked=None if separate else ForkedStart(python, packages),
        **_around(service),
        booted=HttpProbe(port, conventions.LIVE_PATH),
        ready=HttpProbe(port, conventions.READY_PATH),
        cwd=parts[0].folder,
        files=secret_files.of_service(bindings, name),
        folders=_volumes(bindings, name, parts[0].folder),
        sources=(*(sourced.folder for sourced in parts), *facts.kit_sources),
    )


class _Around(TypedDict, total=False):
    """The fields of a launch that say what runs around its program, and how that ends."""

    after_start: Hook | None
    before_stop: Hook | None
    stop_command: Hook | None
    stop_signal: str
    grace_s: float


def _around(service: Service) -> _Around:
    """Return what the model says of it; the rest stays as it is for every program."""
    own = service.stop.command
    found = _Around(
        after_start=_hook("after_start", service.after_start),
        before_stop=_hook("before_stop", service.before_stop),
        stop_command=Hook("stop.command", _command(own), 3600.0) if own else None,
        stop_signal=f"SIG{service.stop.signal}",
    )
    if service.stop.grace is not None:
        found["grace_s"] = service.stop.grace
    return found


def _hook(name: str, given: ServiceHook | None) -> Hook | None:
    return Hook(name, _command(given.run), given.within) if given else None


def _place(bindings: Bindings, name: str) -> tuple[str, tuple[str, ...]]:
    """Find where a foreign service starts, and the folders and files whose edits concern it.

    Its folder as a whole is none of them: what it builds or writes there would restart it.
    """
    facts, parts = bindings.facts, bindings.system.parts[name]
    service = bindings.system.file.services[name]
    folder = parts[0].folder if parts else facts.folder
    if service.cwd:
        folder = posixpath.normpath(posixpath.join(facts.folder, service.cwd))
    watched = (posixpath.normpath(posixpath.join(folder, path)) for path in service.watch)
    return folder, (*(sourced.folder for sourced in parts), *watched)


def _writable(bindings: Bindings, service: Service, folder: str) -> tuple[str, ...]:
    """List what it may write to: what this copy keeps, its volumes, and what the model names."""
    paths = (*service.volumes.values(), *service.writable)
    return (bindings.facts.home, *(posixpath.normpath(posixpath.join(folder, p)) for p in paths))


def _volumes(bindings: Bindings, name: str, folder: str) -> tuple[str, ...]:
    """List a service's volumes: both where a reference finds one, and where its own path says."""
    volumes = bindings.system.file.services[name].volumes
    referred = {
        reference.name
        for value in bindings.system.file.services[name].env.values()
        for reference in references(value)
        if reference.root == "volumes"
    }
    return tuple(
        volume(bindings, name, volume_name)
        if volume_name in referred
        else posixpath.join(folder, path)
        for volume_name, path in volumes.items()
    )


def is_line(argv: tuple[str, ...]) -> bool:
    """Tell whether a command is one line for the shell: one string with blanks."""
    return len(argv) == 1 and " " in argv[0]


def _command(argv: tuple[str, ...], *, trap: bool = False) -> tuple[str, ...]:
    """One string with blanks is a line for the shell; all else a program and its arguments.

    Args:
        trap: have the shell stay until its command has ended.
    """
    if not is_line(argv):
        return argv
    return (SHELL, "-c", f"{TRAP}{argv[0]}" if trap else argv[0])


def as_typed(launch: Launch) -> tuple[str, ...]:
    """Return what a person would start, without what only stopping it needs."""
    return tuple(part.removeprefix(TRAP) for part in launch.argv)


def _probe(service: Service, listening: Mapping[str, int]) -> tuple[Probe, float]:
    spec = service.probe
    within_s = spec.within if spec else 60.0
    first = next(iter(listening.values()), None)
    if spec is not None and spec.http and first:
        return HttpProbe(listening.get("http", first), spec.http), within_s
    if spec is not None and spec.grpc and first:
        asked = spec.grpc if isinstance(spec.grpc, str) else ""
        return GrpcProbe(listening.get("grpc", first), asked), within_s
    if spec is not None and spec.command:
        return CommandProbe(_command(spec.command)), within_s
    if spec is not None and spec.log:
        return LogProbe(spec.log), within_s
    return (TcpProbe(first) if first else AliveProbe()), within_s
