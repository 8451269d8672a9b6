"""What calls a namespace that requires mutual TLS is not told to do without."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.mesh import policies_of_traffic
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import kinds

#: Of these each sends something that a strict namespace refuses.
OTHERS = {
    "DISABLE": "plain text",
    "SIMPLE": "TLS without a certificate of its own",
    "MUTUAL": "a certificate from files, which the mesh does not renew",
}


def check(files: Files) -> Iterator[Finding]:
    """Yield rules by which a strict namespace refuses the calls."""
    strict = {_space(one) for one in files.objects("PeerAuthentication") if _is_strict(one)}
    for rule in files.objects("DestinationRule") if strict else ():
        space = _of_host(rule)
        if not {space, None} & strict or space == "":
            continue
        for path, policy in policies_of_traffic(rule):
            for where, tls in _each(path, policy):
                if (mode := string(tls, "mode")) in OTHERS:
                    yield Finding(
                        rule.at(*where, "mode"),
                        f"{title(rule)} sends {OTHERS[mode]} ({mode}) to "
                        f"{string(rule.data, 'spec', 'host')}, whose namespace requires mutual "
                        "TLS: each call is refused; write ISTIO_MUTUAL",
                    )


def _is_strict(one: Artifact) -> bool:
    """Tell whether plain text is refused by all pods that it is of."""
    whole = not fields(one.data, "spec", "selector")
    return whole and dig(one.data, "spec", "mtls", "mode") == "STRICT"


def _space(one: Artifact) -> str | None:
    """Return the namespace that it is of; None stands for all."""
    root = published("istio")["control_plane"]["namespace"]
    return None if space_of(one) == root else space_of(one)


def _of_host(rule: Artifact) -> str:
    """Return the namespace of a rule's host; empty where it is not a Service."""
    name, _, rest = string(rule.data, "spec", "host").partition(".")
    if name.startswith("*"):
        return ""
    if not rest:
        return space_of(rule)
    space, _, service = rest.partition(".")
    return space if service.startswith("svc") else ""


def _each(path: Path, policy: Fields) -> Iterator[tuple[Path, Fields]]:
    yield (*path, "tls"), fields(policy, "tls")
    for number, port in numbered(policy, "portLevelSettings"):
        yield (*path, "portLevelSettings", number, "tls"), fields(port, "tls")


GATE = Gate(
    id="MSH004",
    title="Calls to a namespace that requires mutual TLS use it",
    phase="mesh",
    source="https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule",
    check=check,
    scope=kinds("rules of destinations", "DestinationRule"),
    of_files=check,
    targets=("cluster",),
    reads="the TLS modes of DestinationRule objects for Services, in the whole, by port and by "
    "subset, beside PeerAuthentication objects of whole namespaces. Those of single pods are not "
    "judged.",
)
