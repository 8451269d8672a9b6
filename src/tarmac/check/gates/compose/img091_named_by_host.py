"""A server that keeps its data by its host's name has a name that stays."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_DATA = "/var/lib/rabbitmq"


def check(files: Files) -> Iterator[Finding]:
    """Yield brokers that begin empty in each new container, although a volume is there."""
    names = published("member_names")["variables"]
    for service in _judged(files):
        if not any(name in service.variables for name in names):
            what = f"service {service.name} has no hostname, and RabbitMQ keeps its data by that:"
            said = f"{what} the next container has another one, and begins empty beside what the"
            yield Finding(service.at(), f"{said} volume holds; write hostname", warning=True)


@once
def _judged(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        for service in beside.services:
            is_kept = any(path.rstrip("/").startswith(_DATA) for path in service.mounted)
            same = [one.data for one in beside.services if one.name == service.name]
            is_named = any(dig(data, key) for data in same for key in ("hostname", "network_mode"))
            if official(service) == "rabbitmq" and is_kept and not is_named:
                yield service


GATE = Gate(
    id="IMG091",
    title="A broker that keeps its data by its host's name has a lasting one",
    phase="containers",
    source="https://www.rabbitmq.com/docs/clustering#node-names and "
    "https://hub.docker.com/_/rabbitmq: data is stored by the node's name, which is the hostname's",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("brokers in Compose files with a volume", _judged),
    targets=("compose",),
    reads="services of RabbitMQ's image with a volume for its data.",
)
