"""The nodes of a service: its instances, one of a new version among them, and its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.launch import text
from tarmac.plan import launches, ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import NewVersion
from tarmac.plan.plan import Node
from tarmac.plan.settings import settings
from tarmac.plan.timing import timing

#: Three zones, as a region has; the first instance of everything is in the first.
ZONES = "abc"
NEW_ORIGIN = "the new version that a drill tries"
OVERRIDE_ORIGIN = "a drill"


def of_service(bindings: Bindings, name: str) -> tuple[list[Node], list[Problem]]:
    """Plan a service's instances, and its tasks."""
    system, facts = bindings.system, bindings.facts
    service = system.file.services[name]
    stores, calls = _stores(bindings, name), _calls(bindings, name)
    nodes: list[Node] = []
    problems: list[Problem] = []
    for number in range(1, ports.instances(system, name, facts.shape) + 1):
        node, wrong = _instance(bindings, name, number)
        problems += wrong if number == 1 else ()
        nodes.append(node)
    for task in _tasks(bindings, name):
        scheduled = {*stores, *calls, name} - facts.shape.absent
        first = {_task_name(name, other) for other in service.directly_before(task)}
        after_task = scheduled if service.tasks[task].schedule else {*stores, *first}
        nodes.append(_task(bindings, nodes[0], task, after_task))
    return nodes, problems


def _tasks(bindings: Bindings, name: str) -> list[str]:
    """List the tasks of a service that are done here.

    Of one that is started elsewhere, what only installs and builds is its own business, unless
    another program of its folder waits for that.
    """
    services, shape = bindings.system.file.services, bindings.facts.shape
    own = services[name]
    if name in shape.stopped:
        return []
    if name not in shape.without or not all(task.here for task in own.tasks.values()):
        return [*own.tasks]
    beside = [
        other
        for key, other in services.items()
        if key not in shape.absent and other.cwd == own.cwd and other.tasks.keys() & own.tasks
    ]
    return [*own.tasks] if beside else []


def of_new_version(bindings: Bindings, name: str) -> Node:
    """Plan one more instance of a service, of its new version.

    It is planned by the system's own file or by another (in a checkout of a branch), and differs
    from the other instances by its launch alone.

    Raises:
        TarmacError: it needs what this system does not have.
    """
    system, facts = bindings.system, bindings.facts
    version = facts.shape.versions[name]
    other = version.system or system
    if more := other.file.stores.keys() - system.file.stores.keys():
        raise _unfit(name, version, ", ".join(sorted(more)))
    number = ports.instances(system, name, facts.shape) + 1
    try:
        if version.system is not None:
            there = replace(facts, folder=version.folder)
            bindings = Bindings(other, there, bindings.catalogue)
        node, problems = _instance(bindings, name, number)
    except KeyError as error:
        raise _unfit(name, version, str(error)) from None
    if problems:
        raise BadInput(problems)
    launch = replace(
        node.launch, env={**node.launch.env, **{k: text(v) for k, v in version.env.items()}}
    )
    if version.system is not None:  # a fork would have the modules of the others
        launch = replace(launch, forked=None)
    origins = {**node.origins, **dict.fromkeys(version.env, NEW_ORIGIN)}
    return replace(node, name=new_version_of(name), launch=launch, origins=origins)


def new_version_of(service: str) -> str:
    """Name the instance of a service's new version."""
    return f"{service}.new"


def overridden(node: Node, overrides: Mapping[str, Mapping[str, str]]) -> Node:
    """Return a node with the variables that a drill gives its service."""
    env = overrides.get(node.service) if node.role == "service" else None
    if not env:
        return node
    given = {name: text(value) for name, value in env.items()}
    # A forked process has what its interpreter read when that started.
    launch = replace(node.launch, env={**node.launch.env, **given}, forked=None)
    return replace(
        node, launch=launch, origins={**node.origins, **dict.fromkeys(env, OVERRIDE_ORIGIN)}
    )


def _unfit(service: str, version: NewVersion, what: str) -> TarmacError:
    file = version.system.document.file if version.system else ""
    return TarmacError(
        f"{file}: the new version of {service} cannot run in this system, which has no "
        f"{what}; a canary drill compares versions that differ in code and settings only"
    )


def _calls(bindings: Bindings, name: str) -> list[str]:
    """List what a service calls here.

    A service that is not started here is not waited for; its proxy is there for when it is.
    """
    return [call for call in bindings.calls_of(name) if call not in bindings.facts.shape.absent]


def _stores(bindings: Bindings, name: str) -> set[str]:
    """List the stores of a service that run here."""
    return bindings.stores_of(name) - bindings.facts.shape.off


def _instance(bindings: Bindings, name: str, number: int) -> tuple[Node, list[Problem]]:
    """Plan one instance of a service, from 1."""
    system, facts = bindings.system, bindings.facts
    tasks = system.file.services[name].tasks
    stores, calls = _stores(bindings, name), _calls(bindings, name)
    done = _tasks(bindings, name) if name in facts.shape.without else tasks
    before = {_task_name(name, task) for task in done if not tasks[task].schedule}
    # A kit service waits for what it calls by itself, so it may start at once: its imports are
    # most of its start. A foreign one may give up when what it calls is not there.
    after = {*stores, *before} if system.is_kit(name) else {*stores, *before, *calls}
    url, page = _addresses(bindings, name) if number == 1 else ("", "")
    env, wrong = settings(bindings, name, number)
    launch = launches.of_service(bindings, name, number)
    zone, machine = zone_and_machine(number)
    node = Node(
        name=name if number == 1 else f"{name}.{number}",
        role="service",
        about=_about(bindings, name),
        launch=replace(launch, env={key: setting.value for key, setting in env.items()}),
        service=name,
        number=number,
        after=tuple(sorted(after)),
        needs=tuple(sorted({*stores, *calls})),
        ports={k: v for k, v in bindings.listening(name, number).items() if k != ports.HEALTH},
        url=url,
        page=page,
        zone=zone,
        machine=machine,
        outside=name in facts.shape.without | facts.shape.stopped,
        stopped=name in facts.shape.stopped,
        origins={key: setting.origin for key, setting in env.items()},
    )
    return node, [*wrong, *timing(system, name, env)[1]]


def _addresses(bindings: Bindings, name: str) -> tuple[str, str]:
    """Compute a service's URL and the page for a browser; empty where there is none."""
    system, service = bindings.system, bindings.system.file.services[name]
    main = ports.main_port(system, name)
    if not main:
        return "", ""
    address = f"{bindings.facts.public_host}:{bindings.public_port(name, main)}"
    # A gRPC port is an address for programs; every other port may serve pages.
    if service.probe is not None and service.probe.grpc and main in ("grpc", "http"):
        return address, ""
    page = ""
    if service.public is not None:
        page = bindings.public_url(name, main)
        if system.entrance(name) is not None:
            # Of the services that share a host, the one with its front page.
            page = f"{page}/" if "/" in service.public.paths else ""
    return f"http://{address}", page


def _task(bindings: Bindings, instance: Node, task_name: str, after: set[str]) -> Node:
    """Plan a task of a service, with the environment of the service's first instance."""
    name = instance.service
    task = bindings.system.file.services[name].tasks[task_name]
    launch = launches.of_task(bindings, name, task)
    return replace(
        instance,
        name=_task_name(name, task_name),
        role="task",
        about=" ".join(task.run),
        launch=replace(launch, env=instance.launch.env),
        after=tuple(sorted(after)),
        needs=(),
        ports={},
        url="",
        page="",
        outside=False,
        schedule=task.schedule or "",
    )


def _task_name(service: str, task: str) -> str:
    return f"{service}.{task}"


def zone_and_machine(number: int) -> tuple[str, str]:
    """Spread instances over zones and machines, as a cluster's scheduler would."""
    zone = ZONES[(number - 1) % len(ZONES)]
    return f"zone-{zone}", f"node-{zone}{(number - 1) // len(ZONES) + 1}"


def _about(bindings: Bindings, name: str) -> str:
    parts = bindings.system.parts[name]
    packages = [sourced.part.package or sourced.part.part for sourced in parts]
    return " + ".join(packages) or " ".join(bindings.system.file.services[name].run or ())
