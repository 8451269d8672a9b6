"""Caller tokens: which service presents one to which, and what both must know for it.

On a machine the supervisor signs them and puts them where the variables point. In a cluster they
are tokens of service accounts, which the kubelet projects into the pods, and callees have the keys
from the API server.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.cluster_names import CA_NAME, KEYS_URL
from tarmac.base.launch import Text, redact, text
from tarmac.model import conventions
from tarmac.plan.plan import CallerEdge

if TYPE_CHECKING:
    from tarmac.model.environment import Environment
    from tarmac.model.system import System
    from tarmac.plan.bindings import Bindings
    from tarmac.plan.facts import MachineFacts

#: The subject of a person's own calls: no service can have this name.
DEVELOPER = "@developer"
#: The public keys, in the folder of the tokens; no service can have this name either.
JWKS_NAME = "jwks.json"

#: Where its variables come from, for a reader.
ORIGIN = "Tarmac: caller tokens"
#: In a pod: the tokens that it presents, by callee.
TOKENS_FOLDER = "/var/run/secrets/tarmac.dev/callers"
#: In a pod: what it takes to ask the API server, its certificate's authority and a token for it.
KEYS_FOLDER = "/var/run/secrets/tarmac.dev/keys"
TOKEN_NAME = "token"  # noqa: S105 - a file's name
#: Their volumes.
TOKENS_VOLUME, KEYS_VOLUME = "caller-tokens", "caller-keys"


def caller_edges(bindings: Bindings) -> tuple[CallerEdge, ...]:
    """List the pairs of services of which one presents a token to the other."""
    return tuple(
        CallerEdge(caller, callee)
        for caller in bindings.called
        for callee in callees(bindings, caller)
    )


def issued_in(settled: Environment) -> tuple[str, str]:
    """Return the folder of the tokens in an environment's pods, and the address of the keys.

    Both are empty where nothing issues tokens.
    """
    return (TOKENS_FOLDER, KEYS_URL) if settled.target == "cluster" else ("", "")


def takes_part(system: System, service: str) -> bool:
    """Tell whether a service presents and checks caller tokens."""
    return system.file.services[service].trust == "tokens"


def issuer(facts: MachineFacts, system: System) -> str:
    """Name the issuer of one copy of a system: tokens of another copy are not its own."""
    return f"{system.name}/{facts.namespace}"


def checks(system: System, service: str) -> bool:
    """Tell whether a service is known to verify the tokens of its callers."""
    spec = system.file.services[service]
    # Of code that is not the kit's this is known only where its author wrote it.
    return spec.trust == "tokens" and (system.is_kit(service) or "trust" in spec.model_fields_set)


def callees(bindings: Bindings, service: str) -> tuple[str, ...]:
    """List the services to which a service presents a token."""
    return _taking_part(bindings, service, bindings.called.get(service, []))


def callers(bindings: Bindings, service: str) -> tuple[str, ...]:
    """List the services that present a token to a service."""
    return tuple(sorted(_taking_part(bindings, service, bindings.calling.get(service, []))))


def _taking_part(bindings: Bindings, service: str, others: list[str]) -> tuple[str, ...]:
    if not bindings.facts.caller_tokens or not takes_part(bindings.system, service):
        return ()
    return tuple(other for other in others if takes_part(bindings.system, other))


def asks_for_keys(bindings: Bindings, service: str) -> bool:
    """Tell whether a service asks a cluster for keys: not if there is no token to verify."""
    return (
        bool(bindings.facts.caller_keys_url)
        and checks(bindings.system, service)
        and bool(bindings.listening(service, 1))
        and bool(callers(bindings, service))
    )


def subject(facts: MachineFacts, service: str) -> str:
    """Name a service as its tokens do."""
    in_cluster = f"system:serviceaccount:{facts.namespace}:{service}"
    return in_cluster if facts.caller_keys_url else service


def variables(bindings: Bindings, service: str) -> Iterator[tuple[str, Text]]:
    """Compute a service's variables, as caller and as callee; none where no tokens are issued."""
    facts, system = bindings.facts, bindings.system
    if not facts.caller_tokens or not takes_part(system, service):
        return
    if called := callees(bindings, service):
        own = facts.caller_tokens if facts.caller_keys_url else f"{facts.caller_tokens}/{service}"
        yield conventions.CALLER_TOKEN_FILE, text(posixpath.join(own, "{callee}"))
        pairs = sorted(pair for callee in called for pair in _addresses(bindings, service, callee))
        yield conventions.CALLEES, text(",".join(pairs))
    if not bindings.listening(service, 1):
        return
    if facts.caller_keys_url and not checks(system, service):
        return
    subjects = [subject(facts, caller) for caller in callers(bindings, service)]
    # A cluster gives no token to a person.
    declared = subjects if facts.caller_keys_url else [*subjects, DEVELOPER]
    yield conventions.CALLERS, text(",".join(declared))
    if facts.caller_keys_url:
        yield conventions.CALLER_JWKS_URL, text(facts.caller_keys_url)
        if subjects:
            yield conventions.CALLER_JWKS_CA_FILE, text(f"{KEYS_FOLDER}/{CA_NAME}")
            yield conventions.CALLER_JWKS_TOKEN_FILE, text(f"{KEYS_FOLDER}/{TOKEN_NAME}")
    else:
        yield conventions.CALLER_ISSUER, text(issuer(facts, system))
        yield conventions.CALLER_JWKS_FILE, text(posixpath.join(facts.caller_tokens, JWKS_NAME))
    public = system.file.services[service].public
    yield conventions.PUBLIC_PATHS, text(",".join(public.paths) if public is not None else "")


def _addresses(bindings: Bindings, caller: str, callee: str) -> set[str]:
    """Write `NAME=URL` for each port of a callee."""
    offered = bindings.service_outputs(callee, caller)
    urls = (
        value for name, value in offered.items() if name.endswith("url") and "public" not in name
    )
    return {f"{callee}={redact(url)}" for url in urls}
