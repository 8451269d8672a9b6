"""Where services of Compose files look for stores: in themselves, where these are beside them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.views.compose.env_texts import EnvValue
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.published import published

#: An address of the service itself, by a protocol that no browser speaks.
_ITSELF = re.compile(
    r"\b(?!https?:|wss?:)([a-z][\w+]*)://(?:[^\s/@]*@)?(?:localhost|127\.0\.0\.1):(\d+)"
)
#: A variable that names the host of a store, and what its name begins with.
_STORE_HOST = re.compile(
    r"(?i)((?:\w*_)?(?:db|database|pg|postgres\w*|mysql|mariadb|redis|valkey|rabbitmq|amqp|mongo\w*"
    r"|memcached?|elastic\w*|kafka)_?)(?:host|hostname|server)"
)
#: Which stores a name may mean; others mean any.
_KINDS = {
    r"pg|postgres": r"postgres",
    r"mysql|mariadb": r"mysql|mariadb",
    r"redis|valkey": r"redis|valkey",
    r"mongo": r"mongo",
    r"elastic": r"elasticsearch",
    r"rabbitmq|amqp": r"rabbitmq",
    r"memcache": r"memcached",
    r"kafka": r"kafka",
}
_STORES = r"cassandra|couchdb|elasticsearch|mariadb|mongo|mysql|neo4j|postgres|redis|valkey"
#: The service that is looked for, and what is wrong.
Lost = tuple[str, str]


def lookups(service: ComposeService, others: Collection[ComposeService]) -> Iterator[Finding]:
    """Yield variables of a service by which it looks for another one in itself.

    Those of a file of variables count where it waits for the other one: the file may be of several.
    """
    known = service.settings.given
    told = str([dig(service.data, key) for key in ("command", "entrypoint")])
    for name, one in known.items():
        for there, what in (*_calls(one, service, others), *_hosts(name, known, service, others)):
            if not one.where:
                yield Finding(service.at("environment", name), what)
            elif there in service.waited_for and name not in told and _is_own(service):
                yield Finding(one.where, what)


def _calls(
    one: EnvValue, service: ComposeService, others: Collection[ComposeService]
) -> Iterator[Lost]:
    for scheme, port in _ITSELF.findall(one.value):
        there = [other.name for other in others if int(port) in heard(other)]
        if there and int(port) not in heard(service):
            what = f"calls {scheme}://localhost:{port}, which is itself, and nothing listens"
            yield there[0], f"service {service.name} {what} there; write {there[0]}:{port}"


def _hosts(
    name: str,
    known: Mapping[str, EnvValue],
    service: ComposeService,
    others: Collection[ComposeService],
) -> Iterator[Lost]:
    found, value = _STORE_HOST.fullmatch(name), known[name].value
    if found is None or value not in ("localhost", "127.0.0.1"):
        return
    kind = next((own for how, own in _KINDS.items() if re.search(how, found[1].lower())), _STORES)
    stores = [one for one in others if re.fullmatch(kind, _alike(one).rpartition("/")[2])]
    asked = (known[key].value for key in known if key.upper() == f"{found[1]}PORT".upper())
    port = next(asked, "")
    there = [one.name for one in stores if not port or port in map(str, heard(one))]
    if len(there) == 1 and port not in map(str, heard(service)):
        what = f"looks for {there[0]} at {value} by {name}, which is the service itself"
        yield there[0], f"service {service.name} {what}; write {there[0]}"


def _is_own(service: ComposeService) -> bool:
    """Tell whether a service may read any variable: its image is none of the official ones."""
    return (
        "/" in str(service.image or "/") and official(service) not in published("compose")["images"]
    )


def heard(service: ComposeService) -> set[int]:
    """List the ports at which a service listens, as far as its ports and its image say."""
    known = published("compose")["images"].get(_alike(service), {}).get("ports", [])
    return {one for one in (*service.ports, *known) if isinstance(one, int)}


def _alike(service: ComposeService) -> str:
    """Name the official image that listens as that of a service does."""
    own, alike = official(service), published("compose")["alike"]
    return next((name for name, others in alike.items() if own in others), own)


def official(service: ComposeService) -> str:
    """Name the image of a service without its tag, and with its maker where that is not Docker."""
    image = str(service.image or "").partition("@")[0]
    head, _, last = image.rpartition("/")
    name = last.partition(":")[0]
    maker = head.removeprefix("docker.io").strip("/")
    return f"{maker}/{name}" if maker not in ("", "library") else name
