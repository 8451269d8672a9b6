"""A service's environment: every variable, its value, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tarmac.base.errors import Problem
from tarmac.base.launch import Text, is_leased, text
from tarmac.model import conventions
from tarmac.plan import callers, leases, ports, secret_files, secret_variables, spans
from tarmac.plan.references import Outputs, substitute

if TYPE_CHECKING:
    from tarmac.model.location import Path
    from tarmac.model.reference import Reference
    from tarmac.model.system import System
    from tarmac.model.value import EnvValue
    from tarmac.plan.bindings import Bindings

#: Where a variable comes from that is the user's own and only passed on.
SHELL_ORIGIN = "your shell"
TOOLCHAIN_ORIGIN = "the version that its files ask for"


@dataclass(frozen=True)
class EnvVariable:
    """One variable's value, and the place (`file:line:col`) or the rule that it comes from."""

    value: Text
    origin: str


def settings(
    bindings: Bindings, service: str, number: int
) -> tuple[dict[str, EnvVariable], tuple[Problem, ...]]:
    """Compute the environment of one instance, later entries winning: ours, shared, its own."""
    system, facts = bindings.system, bindings.facts
    spec = system.file.services[service]
    env = {name: _passed_on(value) for name, value in facts.environ.items()}
    env.update(
        (name, EnvVariable(text(value), TOOLCHAIN_ORIGIN))
        for name, value in facts.toolchains.get(service, {}).items()
    )
    env.update(_ours(bindings, service, number))
    env.update(_calls(bindings, service))
    env.update(
        (variable, EnvVariable(value, callers.ORIGIN))
        for variable, value in callers.variables(bindings, service)
    )
    env.update(_stores(bindings, service))
    for held in secret_variables.of_service(bindings, service):
        path_in_its_place = secret_files.path_of(bindings, service, held.name)
        value: Text = text(path_in_its_place) if held.is_file else (held.secret,)
        env[held.name] = EnvVariable(value, held.origin)
    problems: list[Problem] = []
    shared: list[tuple[Path, str, EnvValue]] = [
        (("env", key), key, value) for key, value in system.file.env.items()
    ]
    own: list[tuple[Path, str, EnvValue]] = [
        (("services", service, "env", key), key, value) for key, value in spec.env.items()
    ]
    for path, variable, given in [*shared, *own, *_of_environment(bindings, service)]:
        origin = str(system.locate(path))
        value, wrong = substitute(
            given,
            lambda reference: outputs(bindings, reference, service, number),
            lambda origin=origin: origin,  # type: ignore[misc]
        )
        env[variable] = EnvVariable(value, origin)
        problems.extend(wrong)
    return env, tuple(problems)


@lru_cache(maxsize=256)  # the same ones are passed on to each service
def _passed_on(value: str) -> EnvVariable:
    return EnvVariable(text(value), SHELL_ORIGIN)


def outputs(bindings: Bindings, reference: Reference, service: str, number: int) -> Outputs:
    """Compute what the target of a reference offers to the service that refers to it."""
    system, facts = bindings.system, bindings.facts
    if reference.root == "services":
        return bindings.service_outputs(reference.name, service, number)
    if reference.root in ("stores", "broker"):
        offered = bindings.store_outputs(reference.name, service)
        return secret_files.with_files(bindings, service, reference.name, offered)
    if reference.root == "volumes":
        return {"path": text(volume(bindings, service, reference.name))}
    return {
        "name": text(system.name),
        "domain": text(domain(bindings)),
        "folder": text(facts.folder),
        "namespace": text(facts.namespace),
    }


def domain(bindings: Bindings) -> str:
    """Find the domain of this environment."""
    file, environment = bindings.system.file, bindings.facts.environment
    own = file.environments[environment].domain if environment else None
    return own or file.domain or ""


def volume(bindings: Bindings, service: str, name: str) -> str:
    """Name the folder that a volume is here: one for each copy of the system."""
    return f"{bindings.facts.home}/volumes/{service}/{name}"


def _of_environment(bindings: Bindings, service: str) -> list[tuple[Path, str, EnvValue]]:
    """List what an environment says of a service's variables."""
    name = bindings.facts.environment
    if not name:
        return []
    given = bindings.system.file.environments[name].env.get(service, {})
    return [(("environments", name, "env", service, key), key, given[key]) for key in given]


def _listening(bindings: Bindings) -> str:
    here = bindings.facts.listen == bindings.facts.host
    return "Tarmac: loopback only" if here else "Tarmac: all addresses of its container"


def _ours(bindings: Bindings, service: str, number: int) -> Iterator[tuple[str, EnvVariable]]:
    spec = bindings.system.file.services[service]
    is_kit = bindings.system.is_kit(service)
    place = str(bindings.system.locate(("services", service), key=True))
    yield conventions.SERVICE_NAME, EnvVariable(text(service), place)
    yield conventions.HOST, EnvVariable(text(bindings.facts.listen), _listening(bindings))
    # A Python program keeps what it prints to itself otherwise; others do not read this.
    yield conventions.UNBUFFERED, EnvVariable(text("1"), "Tarmac: unbuffered output")
    listening = bindings.listening(service, number)
    for index, (name, port) in enumerate(listening.items()):
        setting = EnvVariable(text(str(port)), f"Tarmac: the port to listen on ({name})")
        if index == 0:
            yield conventions.PORT, setting
        if len(listening) > 1:
            yield f"{conventions.env_prefix(name)}_{conventions.PORT}", setting
    if is_kit:
        # New connections go to its successor at once; those that clients keep are closed with
        # their next answer meanwhile, not under a request that is just being sent.
        default = f"{conventions.DRAIN_DELAY_DEFAULT_S:g}"
        delay = "0" if bindings.facts.shape.direct else default
        delay = bindings.facts.drain_delay_s or delay
        yield (
            conventions.DRAIN_DELAY_S,
            EnvVariable(text(delay), "Tarmac: drain delay after SIGTERM"),
        )
    for variable, value in bindings.facts.spans.items():
        yield variable, EnvVariable(text(value), "Tarmac: the environment's trace receiver")
    for variable, found in spans.of_instance(bindings.facts, bindings.system, service, number):
        yield variable, EnvVariable(found, "Tarmac: the telemetry process")
    if not bindings.uses_broker(service):
        return
    for variable, key, topics in (
        (conventions.PUBLISHES, "publishes", spec.publishes),
        (conventions.CONSUMES, "consumes", spec.consumes),
    ):
        origin = str(bindings.system.locate(("services", service, key))) if topics else place
        yield variable, EnvVariable(text(",".join(topics)), origin)


def _calls(bindings: Bindings, service: str) -> Iterator[tuple[str, EnvVariable]]:
    """Compute the variables of each call, by the callee's name and by the roles it plays."""
    system = bindings.system
    for target, call in system.file.services[service].calls.items():
        origin = str(system.locate(("services", service, "calls", target)))
        url = bindings.service_outputs(target, service).get("url")
        own = conventions.env_prefix(target)
        for prefix in dict.fromkeys((own, *client_names(system, service, target))):
            if url is not None:
                yield prefix + conventions.URL_SUFFIX, EnvVariable(url, origin)
            timeout = EnvVariable(text(f"{call.timeout:g}"), origin)
            yield prefix + conventions.TIMEOUT_SUFFIX, timeout
            yield prefix + conventions.RETRIES_SUFFIX, EnvVariable(text(str(call.retries)), origin)


def client_names(system: System, service: str, target: str) -> tuple[str, ...]:
    """List how the variables of a call begin that its clients read: by role, else by service."""
    wanted = {role for part in system.parts[service] for role in part.part.calls}
    names = [role for role in system.roles(target) if role in wanted] or [target]
    return tuple(map(conventions.env_prefix, names))


def _stores(bindings: Bindings, service: str) -> Iterator[tuple[str, EnvVariable]]:
    system = bindings.system
    for name, (slot, store) in system.bound_slots(service).items():
        origin = str(system.locate(("services", service, "stores", name)))
        url = bindings.store_outputs(store, service)["url"]
        if is_leased(url):
            path = text(secret_files.url_file(bindings, service, store, url))
            yield slot.env + conventions.FILE_SUFFIX, EnvVariable(path, origin)
            age = min(leases.renewed_every(bindings.facts.lease_s), conventions.MAX_AGE_DEFAULT_S)
            yield conventions.MAX_AGE, EnvVariable(text(f"{age:g}"), "Tarmac: a user's lease")
        else:
            yield slot.env, EnvVariable(url, origin)
    if bindings.uses_broker(service):
        url = bindings.store_outputs(ports.BROKER, service)["url"]
        yield conventions.BROKER_URL, EnvVariable(url, str(system.locate(("broker",))))
