"""A service's environment: every variable, its value, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.errors import Problem
from tarmac.launch import Secret, Text, text
from tarmac.model import conventions
from tarmac.model.location import Path
from tarmac.model.reference import Reference
from tarmac.model.value import EnvValue
from tarmac.plan import ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.references import Outputs, substitute

#: Where a variable comes from that is the user's own and only passed on.
SHELL_ORIGIN = "your shell"


#: Longer than a busy client leaves a connection idle, short enough not to be noticed.
DRAIN_DELAY_S = "0.2"


@dataclass(frozen=True)
class Setting:
    """One variable's value, and the place (`file:line:col`) or the rule that it comes from."""

    value: Text
    origin: str


def settings(
    bindings: Bindings, service: str, number: int
) -> tuple[dict[str, Setting], tuple[Problem, ...]]:
    """Compute the environment of one instance, later entries winning: ours, shared, its own."""
    system, facts = bindings.system, bindings.facts
    spec = system.file.services[service]
    env = {name: Setting(text(value), SHELL_ORIGIN) for name, value in facts.environ.items()}
    env.update(_ours(bindings, service, number))
    env.update(_calls(bindings, service))
    env.update(_stores(bindings, service))
    for sourced in system.parts[service]:
        for variable, secret in sourced.part.secrets.items():
            origin = str(sourced.document.locate(("secrets", variable), key=True))
            made_up = Secret(f"services/{service}/{variable}", secret.bytes)
            env[variable] = Setting((made_up,), origin)
    for index, variable in enumerate(spec.secrets):
        origin = str(system.locate(("services", service, "secrets", index)))
        owner = "shared" if variable in system.file.secrets else f"services/{service}"
        env[variable] = Setting((Secret(f"{owner}/{variable}"),), origin)
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
        env[variable] = Setting(value, origin)
        problems.extend(wrong)
    return env, tuple(problems)


def outputs(bindings: Bindings, reference: Reference, service: str, number: int) -> Outputs:
    """Compute what the target of a reference offers to the service that refers to it."""
    system, facts = bindings.system, bindings.facts
    if reference.root == "services":
        return bindings.service_outputs(reference.name, service, number)
    if reference.root in ("stores", "broker"):
        return bindings.store_outputs(reference.name, service)
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
    return "Tarmac: loopback only" if here else "Tarmac: its container's every address"


def _ours(bindings: Bindings, service: str, number: int) -> Iterator[tuple[str, Setting]]:
    spec = bindings.system.file.services[service]
    is_kit = bindings.system.is_kit(service)
    place = str(bindings.system.locate(("services", service), key=True))
    yield conventions.SERVICE_NAME, Setting(text(service), place)
    yield conventions.HOST, Setting(text(bindings.facts.listen), _listening(bindings))
    # A Python program keeps what it prints to itself otherwise; others do not read this.
    yield conventions.UNBUFFERED, Setting(text("1"), "Tarmac: lines are shown as they come")
    listening = bindings.listening(service, number)
    for index, (name, port) in enumerate(listening.items()):
        setting = Setting(text(str(port)), f"Tarmac: where it is to listen ({name})")
        if index == 0:
            yield conventions.PORT, setting
        if len(listening) > 1:
            yield f"{conventions.env_prefix(name)}_{conventions.PORT}", setting
    if is_kit:
        # New connections go to its successor at once; those that clients keep are closed with
        # their next answer meanwhile, not under a request that is just being sent.
        delay = "0" if bindings.facts.shape.direct else DRAIN_DELAY_S
        delay = bindings.facts.drain_delay_s or delay
        yield conventions.DRAIN_DELAY_S, Setting(text(delay), "Tarmac: how long it says good-bye")
    for variable, value in bindings.facts.spans.items():
        yield variable, Setting(text(value), "Tarmac: where the environment keeps traces")
    if not bindings.uses_broker(service):
        return
    for variable, key, topics in (
        (conventions.PUBLISHES, "publishes", spec.publishes),
        (conventions.CONSUMES, "consumes", spec.consumes),
    ):
        origin = str(bindings.system.locate(("services", service, key))) if topics else place
        yield variable, Setting(text(",".join(topics)), origin)


def _calls(bindings: Bindings, service: str) -> Iterator[tuple[str, Setting]]:
    """Compute the variables of each call, by the callee's name and by the roles it plays."""
    system = bindings.system
    wanted = {role for each in system.parts[service] for role in each.part.calls}
    for target, call in system.file.services[service].calls.items():
        origin = str(system.locate(("services", service, "calls", target)))
        url = bindings.service_outputs(target, service).get("url")
        names = [target, *(role for role in system.roles(target) if role in wanted)]
        for prefix in map(conventions.env_prefix, names):
            if url is not None:
                yield prefix + conventions.URL_SUFFIX, Setting(url, origin)
            timeout = Setting(text(f"{call.timeout:g}"), origin)
            yield prefix + conventions.TIMEOUT_SUFFIX, timeout
            yield prefix + conventions.RETRIES_SUFFIX, Setting(text(str(call.retries)), origin)


def _stores(bindings: Bindings, service: str) -> Iterator[tuple[str, Setting]]:
    system = bindings.system
    slots = {slot: spec for each in system.parts[service] for slot, spec in each.part.slots.items()}
    for slot, store in system.file.services[service].stores.items():
        if slot in slots:
            origin = str(system.locate(("services", service, "stores", slot)))
            yield slots[slot].env, Setting(bindings.store_outputs(store, service)["url"], origin)
    if bindings.uses_broker(service):
        url = bindings.store_outputs(ports.BROKER, service)["url"]
        yield conventions.BROKER_URL, Setting(url, str(system.locate(("broker",))))
