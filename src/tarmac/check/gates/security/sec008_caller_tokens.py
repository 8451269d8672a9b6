"""Caller tokens: each declared call has its own in the tree, and no pod has another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.network.caller_edges import CallerEdges
from tarmac.check.gates.views.pods.pods import RUNNING, Pods, pods
from tarmac.check.gates.views.pods.tokens import tokens, variables
from tarmac.check.gates.views.scope import counted
from tarmac.model import conventions

COMPONENT = "app.kubernetes.io/component"
LONGEST_S = 86_400


def check(subject: Subject) -> Iterator[Finding]:
    """Yield calls without a token, and tokens without a call."""
    tree = CallerEdges(subject)
    verifying = {workload.name for workload in tree.verifying()}
    for own in pods(subject):
        env = variables(own, tree.configs)
        called = tree.callees(own.workload)
        # What only sets up or migrates calls no service.
        if own.kind in RUNNING or own.labels.get(COMPONENT) == "task":
            yield from _missing(own, env, called)
        asks = own.kind in RUNNING and own.workload in verifying
        yield from _needless(own, env, called, asks=asks)


def _missing(own: Pods, env: Mapping[str, str], called: set[str]) -> Iterator[Finding]:
    path, pod = own.artifact.path, f"{own.kind} {own.name}"
    held = {token.path: token for token in tokens(own)}
    pattern = env.get(conventions.CALLER_TOKEN_FILE, "")
    pairs = (one.partition("=") for one in env.get(conventions.CALLEES, "").split(",") if one)
    named_in = {name: urlsplit(url).hostname for name, _, url in pairs}
    for callee in sorted(called):
        file = pattern.replace("{callee}", callee)
        if not pattern or file not in held:
            yield Finding(
                path,
                f"{pod} calls {callee} and has no token for it at {file or 'any place'}; project "
                f"a serviceAccountToken with the audience {callee} there",
            )
        elif held[file].audience != callee:
            yield Finding(
                path,
                f"{pod} has a token with the audience '{held[file].audience}' for {callee}, which "
                f"refuses it; write audience: {callee}",
            )
        if named_in.get(callee) != callee:
            yield Finding(
                path,
                f"{pod} does not find {callee}'s address in {conventions.CALLEES} "
                f"({named_in.get(callee, 'not there')}), and presents no token there; add it",
            )


def _needless(
    own: Pods, env: Mapping[str, str], called: set[str], *, asks: bool
) -> Iterator[Finding]:
    path, pod = own.artifact.path, f"{own.kind} {own.name}"
    pattern = env.get(conventions.CALLER_TOKEN_FILE, "")
    expected = {pattern.replace("{callee}", callee) for callee in called if pattern}
    own_token = env.get(conventions.CALLER_JWKS_TOKEN_FILE) if asks else None
    for token in tokens(own):
        if (
            token.audience not in called
            and token.path not in expected
            and not (token.audience == "" and token.path == own_token)
        ):
            end = token.audience or "the API server"
            yield Finding(
                path,
                f"{pod} has a token for {end}, which it needs for no declared call; remove it",
            )
        elif token.life_s > LONGEST_S:
            what = f"{pod} has a token that is valid for {token.life_s} s"
            yield Finding(path, f"{what}; write expirationSeconds: 3600")


def _judged(subject: Subject) -> list[object]:
    tree = CallerEdges(subject)
    held = [token for own in pods(subject) for token in tokens(own)]
    return [*tree.calls, *held]


GATE = Gate(
    id="SEC008",
    title="Each declared call has its own caller token, and no pod has another",
    phase="security",
    source="OWASP API5:2023: a token without a call lets its pod do more than is declared; a call "
    "without one fails where it changes something",
    check=check,
    scope=counted("calls and tokens", _judged),
    targets=("cluster",),
    reads="projected service account tokens of all pods: their audiences, files and lives, beside "
    "the variables that say where they are. What callees make of them: SEC009.",
)
