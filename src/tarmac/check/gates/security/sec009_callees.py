"""Callees: each service accepts its declared callers alone, and can verify their tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tarmac.base.cluster_names import CA_CONFIG_MAP, CA_NAME, KEYS_URL
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.network.caller_edges import CallerEdges
from tarmac.check.gates.views.network.peers import Peer, peers_of
from tarmac.check.gates.views.network.policies import Policies
from tarmac.check.gates.views.pods.pods import Pods
from tarmac.check.gates.views.pods.tokens import PodAuthority, authorities, tokens, variables
from tarmac.check.gates.views.scope import counted
from tarmac.model import conventions

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload


def check(subject: Subject) -> Iterator[Finding]:
    """Yield callees that accept others than the model says, or cannot verify their callers."""
    tree = CallerEdges(subject)
    policies, peers = Policies(subject.objects("NetworkPolicy")), peers_of(subject)
    for workload in tree.verifying():
        if (kept := tree.keeping.get(workload.name)) is None:
            continue
        env = variables(kept, tree.configs)
        yield from _accepted(tree, workload, kept, env)
        if not env.get(conventions.CALLER_JWKS_FILE):
            yield from _keys(tree, workload, kept, env)
            yield from _reaches(tree, workload, policies, peers)


def _accepted(
    tree: CallerEdges, workload: Workload, own: Pods, env: Mapping[str, str]
) -> Iterator[Finding]:
    path, name = own.artifact.path, workload.name
    declared = {tree.identity(source) for source in tree.callers(name)}
    given = {one for one in env.get(conventions.CALLERS, "").split(",") if one}
    for one in sorted(declared - given):
        yield Finding(
            path, f"{name} refuses {one}, a declared caller; add it to {conventions.CALLERS}"
        )
    for one in sorted(given - declared):
        what = f"{name} takes changes from {one}, which no edge declares"
        yield Finding(path, f"{what}; remove it from {conventions.CALLERS}")
    public = tree.subject.system.file.services[name].public
    opened = {one for one in env.get(conventions.PUBLIC_PATHS, "").split(",") if one}
    for one in sorted(opened - {*(public.paths if public else ())}):
        what = f"{name} needs no token below {one}, which its `public` does not declare"
        yield Finding(path, f"{what}; remove it from {conventions.PUBLIC_PATHS}")


def _keys(
    tree: CallerEdges, workload: Workload, own: Pods, env: Mapping[str, str]
) -> Iterator[Finding]:
    path, name = own.artifact.path, workload.name
    if env.get(conventions.CALLER_JWKS_URL) != KEYS_URL:
        yield Finding(
            path,
            f"{name} verifies no caller: {conventions.CALLER_JWKS_URL} is "
            f"'{env.get(conventions.CALLER_JWKS_URL, '')}'; write {KEYS_URL}",
        )
    if not tree.callers(name):
        return
    file = env.get(conventions.CALLER_JWKS_CA_FILE, "")
    if PodAuthority(file, CA_CONFIG_MAP, CA_NAME) not in authorities(own):
        yield Finding(
            path,
            f"{name} cannot verify the API server: no {CA_NAME} of {CA_CONFIG_MAP} is at "
            f"'{file}'; mount it there",
        )
    file = env.get(conventions.CALLER_JWKS_TOKEN_FILE, "")
    if ("", file) not in {(token.audience, token.path) for token in tokens(own)}:
        yield Finding(
            path,
            f"{name} is not known to the API server, which then gives it no keys: no token without "
            f"an audience is at '{file}'; project a serviceAccountToken there",
        )


def _reaches(
    tree: CallerEdges, workload: Workload, policies: Policies, peers: Mapping[str, Peer]
) -> Iterator[Finding]:
    settings = tree.subject.plan.settings
    if not tree.callers(workload.name):
        return
    network = settings.api_network
    server = Peer("the API server", address=network.partition("/")[0])
    port = settings.api_server.port
    if held := policies.holds(peers[workload.name], server, port):
        yield Finding(
            workload.place,
            f"{workload.name} needs the keys of its callers' tokens, and the policies of {held} "
            f"block the way to the API server ({network}, port {port}); add the rule",
        )


def _judged(subject: Subject) -> list[Workload]:
    tree = CallerEdges(subject)
    return [workload for workload in tree.verifying() if workload.name in tree.keeping]


GATE = Gate(
    id="SEC009",
    title="Each callee accepts its declared callers alone, and has the keys to verify them",
    phase="security",
    source="OWASP API5:2023, broken function level authorization: a route that changes something "
    "is for the callers that the model declares",
    check=check,
    scope=counted("callees", _judged),
    targets=("cluster",),
    reads="of each callee of the kit its accepted subjects, open paths, key source and the "
    "policies towards the API server. Whether a service of another framework verifies tokens is "
    "not seen.",
)
