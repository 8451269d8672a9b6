"""Services of Knative have what its webhook takes: one port, and no variable of its own."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, name_of, title
from tarmac.check.gates.views.scope import counted_in_files

_API = "serving.knative.dev"
_KINDS = (f"Service.{_API}", "Configuration")
_CONTAINERS: Path = ("spec", "template", "spec", "containers")
_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
#: Names by which a port says its protocol.
_NAMES = ("", "http1", "h2c")
#: Ports of the container that Knative adds.
_TAKEN = frozenset({8008, 8012, 8013, 8022, 8112, 9090, 9091})
#: Variables that Knative sets.
_SET = frozenset({"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"})
#: Fields of a pod that the webhook takes where a feature allows it, in a ConfigMap of its own or in
#: what its operator reads; each is off until then.
_OFF = (
    *("affinity", "topologySpreadConstraints", "nodeSelector", "tolerations", "hostAliases"),
    *("runtimeClassName", "schedulerName", "priorityClassName", "dnsPolicy", "dnsConfig"),
)
_FEATURES = "config-features"
_ON = frozenset({"enabled", "allowed"})
#: What runs such a file without Knative's own container.
_CLOUD_RUN = "run.googleapis.com/"


def check(files: Files) -> Iterator[Finding]:
    """Yield what the webhook of Knative refuses."""
    settings = _features(files)
    for artifact in _services(files):
        for path, what in _faults(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
        spec = fields(artifact.data, "spec", "template", "spec")
        for key in (one for one in _OFF if spec.get(one) and not _is_cloud_run(artifact)):
            feature = f"kubernetes.podspec-{key.lower()}"
            if any(str(given.get(feature)).lower() in _ON for given in settings):
                continue
            where = artifact.at("spec", "template", "spec", key)
            what = f"{title(artifact)} sets {key}, which Knative takes where {feature} is enabled"
            if settings:
                said = f"{what} in {_FEATURES}, and here it is not: it is refused; enable it"
                yield Finding(where, f"{said}, or remove {key}")
            else:
                what = f"{what}, and it is off until then; enable it in {_FEATURES}"
                yield Finding(where, what, warning=True)


def _features(files: Files) -> list[Fields]:
    """List the settings of features that are here: each names those that are not as by default."""
    maps = [one for one in files.objects("ConfigMap") if name_of(one) == _FEATURES]
    found = [fields(one.data, "data") for one in maps]
    for one in files.objects("KnativeServing"):
        config = fields(one.data, "spec", "config")
        found += [fields(config, key) for key in ("features", _FEATURES) if config.get(key)]
    return found


def _faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    listed = numbered(artifact.data, *_CONTAINERS)
    first = ""
    for number, container in listed:
        at: Path = (*_CONTAINERS, number)
        ports = numbered(container, "ports")
        own = string(container, "name") or f"number {number + 1}"
        if len(ports) > 1:
            what = f"names {len(ports)} ports, and one is taken, so it is refused; keep that of"
            yield (*at, "ports", 1), f"{what} requests: a port for metrics needs no entry"
        elif ports and first:
            what = f"names a port of the container {own} as well as of {first}, and one container"
            yield (*at, "ports"), f"{what} alone may have one, so it is refused; remove it"
        if ports:
            first = first or own
        for place, port in ports[:1]:
            yield from _port(artifact, (*at, "ports", place), port)
            if not string(port, "name") and _answers_grpc(container, port):
                what = "is asked by gRPC whether it is ready, and its port has no name, so Knative"
                why = "speaks HTTP/1 to it: each call fails; write name: h2c"
                if not _is_cloud_run(artifact):
                    yield (*at, "ports", place, "containerPort"), f"{what} {why}"
        for place, variable in numbered(container, "env"):
            if (name := string(variable, "name")) in _SET:
                what = f"sets {name}, which is Knative's own, so it is refused; remove it"
                yield (*at, "env", place), what
    if len(listed) > 1 and not first:
        what = f"has {len(listed)} containers and no port, so it is refused: which one gets"
        yield _CONTAINERS, f"{what} requests is not known; write its containerPort"


def _port(artifact: Artifact, at: Path, port: object) -> Iterator[tuple[Path, str]]:
    name, number = string(port, "name"), dig(port, "containerPort")
    if name not in _NAMES:
        what = f"calls its port {name}, and http1 or h2c is taken, so it is refused"
        yield (*at, "name"), f"{what}; write one of the two, or no name"
    if number in _TAKEN and not _is_cloud_run(artifact):
        what = f"listens on {number}, which is a port of Knative's own container, so it is refused"
        yield (*at, "containerPort"), f"{what}; choose another"
    if dig(port, "hostPort"):
        yield (*at, "hostPort"), "asks for a port of its node, so it is refused; remove hostPort"


def _answers_grpc(container: Fields, port: Fields) -> bool:
    """Tell whether a probe speaks gRPC to the port that requests come to."""
    asked = [dig(container, probe, "grpc") for probe in _PROBES]
    given = [
        one.get("port") or dig(port, "containerPort") for one in asked if isinstance(one, dict)
    ]
    return bool(given) and dig(port, "containerPort") in given


def _is_cloud_run(artifact: Artifact) -> bool:
    return _CLOUD_RUN in str(fields(artifact.data, "metadata"))


def _services(files: Files) -> list[Artifact]:
    found = files.objects(*_KINDS)
    return [one for one in found if group_of(one) == _API and items(one.data, *_CONTAINERS)]


GATE = Gate(
    id="OBJ038",
    title="Services of Knative have what its webhook takes",
    phase="kubernetes",
    source="https://knative.dev/docs/serving/services/ and https://github.com/knative/specs: one "
    "port over all containers, called http1 or h2c, and PORT is set by Knative; "
    "https://knative.dev/docs/serving/samples/grpc-ping-go: gRPC needs h2c; "
    "https://knative.dev/docs/serving/configuration/feature-flags",
    check=check,
    of_files=check,
    scope=counted_in_files("Services of Knative", _services),
    targets=("cluster",),
    reads="ports and variables of the containers of Services and Configurations of "
    "serving.knative.dev, probes that speak gRPC to a port, fields of pods that features allow.",
)
