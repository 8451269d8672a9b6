"""Objects ask for what can be: of containers, scalers, certificates and fetched secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.amounts import gives_defaults
from tarmac.check.gates.views.objects.indexes import place_of
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of, title
from tarmac.check.gates.views.objects.references import target_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[Path, str]
#: Triggers of KEDA that ask the pods, of which none is there at zero.
_OF_PODS = {"cpu", "memory"}
#: A field of what is fetched, in a Go template; names of its own begin with `$`.
_FIELD = re.compile(r"\{\{-?[^}]*?(?<![\w$.)\]])\.([A-Za-z_]\w*)[^}]*\}\}")
_OWN = re.compile(r"\b(range|with|define|template|index|set|get|dict)\b|\$")


def check(files: Files) -> Iterator[Finding]:
    """Yield what an object asks for and never gets."""
    for artifact in _judged(files):
        for path, what in _JUDGES[kind_of(artifact)](files, artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def _judged(files: Files) -> list[Artifact]:
    return [one for one in files.objects(*_JUDGES) if group_of(one).endswith(_GROUPS[kind_of(one)])]


def _autoscaler(files: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield metrics of containers that its pods do not have, and shares of what none asks for."""
    own = _scaled(files, artifact)
    if own is None:
        return
    there = {str(one.name): one for one in own.containers}
    for number, metric in numbered(artifact.data, "spec", "metrics"):
        key = "containerResource" if "containerResource" in metric else "resource"
        asked = fields(metric, key)
        at: Path = ("spec", "metrics", number, key)
        name, of = string(asked, "container"), string(asked, "name")
        if key == "containerResource" and name and name not in there:
            what = f"scales by container {name}, which {title(own.artifact)} does not have"
            yield at, f"{what}, so it scales nothing; {did_you_mean(name, sorted(there))}"
            continue
        is_share = dig(asked, "target", "type") == "Utilization"
        among = [there[name]] if name else list(own.main_containers)
        lacks = [
            str(one.name)
            for one in among
            if one.amount("requests", of) is None and one.amount("limits", of) is None
        ]
        if is_share and of and lacks and not _is_given(files, own):
            what = f"scales by a share of the {of} that is asked for, and {', '.join(lacks)} of"
            yield at, f"{what} {title(own.artifact)} asks for none, so it scales nothing; write it"


def _scaled(files: Files, artifact: Artifact) -> Pods | None:
    """Find the pods of what is scaled, where there is one of that name."""
    (there,) = _workloads(files)
    target = target_of(artifact)
    named = there.get((target.kind or "Deployment", target.name or ""), ())
    found = [own for own in named if place_of(own.artifact) == place_of(artifact)]
    return found[0] if len(found) == 1 else None


@once
def _workloads(files: Files) -> Iterator[dict[tuple[str, str], list[Pods]]]:
    there: dict[tuple[str, str], list[Pods]] = {}
    for own in pods(files):
        there.setdefault((own.kind, own.name), []).append(own)
    yield there


@once
def _issuers(files: Files) -> Iterator[dict[tuple[str, str], list[Artifact]]]:
    there: dict[tuple[str, str], list[Artifact]] = {}
    for one in files.objects("Issuer", "ClusterIssuer"):
        there.setdefault((kind_of(one), name_of(one)), []).append(one)
    yield there


def _is_given(files: Files, own: Pods) -> bool:
    """Tell whether a namespace, or a sidecar's injector, may give containers what they lack."""
    spaces = {place_of(one)[0] for one in files.objects("LimitRange") if gives_defaults(one)}
    return bool(spaces & {"", place_of(own.artifact)[0]})


def _scaler(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield scalers that are to go down to zero, and could never go up again."""
    spec = fields(artifact.data, "spec")
    kinds = {string(one, "type") for one in items(spec, "triggers")}
    if kinds and kinds <= _OF_PODS and spec.get("minReplicaCount") == 0:
        what = "goes down to 0 and is asked by cpu or memory alone, which no pod has then"
        yield ("spec", "minReplicaCount"), f"{what}: it is refused; write 1, or another trigger"


def _certificate(files: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield certificates for all names of a domain by a proof that is for one."""
    issuer = fields(artifact.data, "spec", "issuerRef")
    kind, name = string(issuer, "kind") or "Issuer", string(issuer, "name")
    (there,) = _issuers(files)
    found = [
        one
        for one in there.get((kind, name), ())
        if kind != "Issuer" or place_of(one)[0] in ("", place_of(artifact)[0])
    ]
    solvers = (
        [fields(one) for one in items(found[0].data, "spec", "acme", "solvers")] if found else []
    )
    if len(found) != 1 or not solvers or any("dns01" in one for one in solvers):
        return
    for number, host in enumerate(texts(dig(artifact.data, "spec", "dnsNames"))):
        if host.startswith("*."):
            what = f"is for {host}, and {title(found[0])} proves names by HTTP-01, which takes none"
            at: Path = ("spec", "dnsNames", number)
            yield at, f"{what} of that kind: it is never issued; add a solver dns01"


def _secret(_: Files, artifact: Artifact) -> Iterator[Fault]:
    """Yield fields in the template of a Secret that nothing fetches."""
    spec = fields(artifact.data, "spec")
    fetched = {string(one, "secretKey") for one in items(spec, "data")}
    template = fields(spec, "target", "template")
    if items(spec, "dataFrom") or not fetched or str(template.get("engineVersion", "v2")) != "v2":
        return
    for key, text in fields(template, "data").items():
        if not isinstance(text, str) or _OWN.search(text):
            continue
        for name in dict.fromkeys(_FIELD.findall(text)):
            if name not in fetched:
                what = f"writes {key} of .{name}, which it does not fetch, so no Secret is made"
                at: Path = ("spec", "target", "template", "data", str(key))
                yield at, f"{what}; {did_you_mean(name, sorted(fetched))}"


_JUDGES: Mapping[str, Callable[[Files, Artifact], Iterator[Fault]]] = {
    "HorizontalPodAutoscaler": _autoscaler,
    "ScaledObject": _scaler,
    "Certificate": _certificate,
    "ExternalSecret": _secret,
}
_GROUPS = {
    "HorizontalPodAutoscaler": "autoscaling", "ScaledObject": "keda.sh",
    "Certificate": "cert-manager.io", "ExternalSecret": "external-secrets.io",
}  # fmt: skip

GATE = Gate(
    id="OBJ021",
    title="Objects ask for what can be",
    phase="kubernetes",
    source="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale: a share of "
    "what a container does not ask for is unknown, and the autoscaler does nothing",
    check=check,
    of_files=check,
    scope=counted_in_files("autoscalers, certificates and fetched secrets", _judged),
    targets=(),
    reads="metrics of HorizontalPodAutoscalers beside the containers that they scale, ScaledObjects"
    " of KEDA, Certificates beside their issuers, templates of ExternalSecrets. Judges files "
    "without a plan only.",
)
