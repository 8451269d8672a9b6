"""Separates differences of rendered files that follow from differences of the plan.

What is rendered comes from the plan alone, and every difference of the plan is told. So a file's
difference that shows the same thing (its name, its old and new value) tells nothing new; what is
left is what a renderer decided by itself, and it is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.change.compare import implied
from tarmac.change.compare.change import Difference
from tarmac.change.compare.facts import TRUST, Side, StoreFacts
from tarmac.change.compare.objects import LINE, WRITING, FileDifference
from tarmac.change.compare.wording import text
from tarmac.model import conventions
from tarmac.plan.callers import KEYS_VOLUME, TOKENS_VOLUME

#: Keys of rendered files that show a kind of fact, in lower case; one of them is in the path.
KEYS = {
    "scale": ("replicas", "minreplicas", "maxreplicas", "metrics", "minavailable"),
    "resources": ("resources", "requests", "limits", "cpus", "mem_limit"),
    "probe": ("livenessprobe", "readinessprobe", "startupprobe", "healthcheck"),
    "user": ("runasuser", "runasgroup", "fsgroup", "user"),
    "shutdown": ("terminationgraceperiodseconds", "prestop", "stop_grace_period"),
    "hook": ("poststart", "prestop", "post_start", "pre_stop"),
    "command": ("command", "args", "entrypoint"),
    "source": ("build", "args"),
    "quota": ("hard",),
    "schedule": ("schedule",),
    "zones": ("topologyspreadconstraints",),
    "nodes": ("nodeselector",),
    "mesh": ("istio-injection",),
    "owner": ("team",),
    "monitoring": ("kubernetes.io/metadata.name",),
}

#: Annotations that are digests of a workload's variables and files, which are reported one by one.
DIGESTS = ("tarmac.dev/config", "tarmac.dev/sealed")

#: Variables and volumes of caller tokens, and the facts that they follow from.
CALLER_KEYS = {
    name.lower()
    for name in (
        conventions.CALLER_TOKEN_FILE,
        conventions.CALLEES,
        conventions.CALLERS,
        conventions.PUBLIC_PATHS,
        conventions.CALLER_JWKS_URL,
        conventions.CALLER_JWKS_CA_FILE,
        conventions.CALLER_JWKS_TOKEN_FILE,
        TOKENS_VOLUME,
        KEYS_VOLUME,
    )
}
CALLER_FACTS = {"edge", "route", "service", "port", TRUST, "namespace"}

#: Kinds that say nothing but how many there are and stay; where there is one only, they go.
SCALERS = ("HorizontalPodAutoscaler", "PodDisruptionBudget")

#: Kinds of ingress, and those of their keys that follow from the routes.
INGRESS_KINDS = ("Ingress", "HTTPRoute", "GRPCRoute", "Gateway", "VirtualService", "EnvoyFilter")
INGRESS_KEYS = re.compile(
    r"hosts?$|hostnames?$|sectionName$|rules|configPatches|listeners\[[^]]*\]$"
)


@dataclass(frozen=True)
class _Trace:
    """The traces by which a difference is recognised in a file."""

    #: All of them are there: as the file's owner, in its keys or in its values.
    subjects: tuple[str, ...]
    keys: tuple[str, ...]
    old: tuple[str, ...]
    new: tuple[str, ...]
    #: It is about ingress, which one object may define for all services.
    is_ingress: bool = False
    #: The exact old and new value, of any subject: a port in a policy names no workload.
    exactly: tuple[str, str] | None = None


def unexplained(
    shifts: Iterable[FileDifference], differences: Iterable[Difference], before: Side, after: Side
) -> list[FileDifference]:
    """Leave out what follows from the plan's differences."""
    sides, differences = (before, after), tuple(differences)
    namespaces = tuple({side.plan.settings.ingress.namespace for side in sides})
    traces = _Traces(
        _trace(difference, after.system.name, namespaces) for difference in differences
    )
    traces.of_callers = any(
        CALLER_FACTS & {difference.key.what, difference.key.name} for difference in differences
    )
    traces.of_cloud = any(
        difference.key.what in ("cloud", "permission") for difference in differences
    )
    known = before.names | after.names | {m.name for side in sides for m in side.plan.managed}
    known |= {name for side in sides for name in side.plan.externals}
    # All files of a workload that is on one side only came or went with it.
    gone = (before.names ^ after.names) | implied.replaced(differences)
    return [
        shift for shift in shifts if not _is_explained(_FileEvidence(shift, known), traces, gone)
    ]


class _Traces:
    """Finds the traces that a difference of a file may show, without asking each of them."""

    def __init__(self, every: Iterable[_Trace]) -> None:
        self.ingress: list[_Trace] = []
        self.subjects: set[str] = set()
        self._by_token: dict[str, list[_Trace]] = {}
        self.of_all = False
        self.of_callers = False
        self.of_cloud = False
        for trace in every:
            self.ingress += [trace] if trace.is_ingress else []
            self.subjects.update(trace.subjects)
            self.of_all |= not trace.subjects
            words = {*trace.keys, *trace.old, *trace.new}
            for token in {max(_tokens(word), key=len, default="") for word in words}:
                self._by_token.setdefault(token, []).append(trace)

    def of(self, seen: _FileEvidence) -> Iterator[_Trace]:
        """Yield those of which a word or a key is there."""
        yield from self.ingress
        written = " ".join((seen.where, seen.old or "", seen.new or ""))
        for token in {"", *_tokens(written)}:
            yield from self._by_token.get(token, ())


def _tokens(written: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", written.lower())


def _is_explained(seen: _FileEvidence, traces: _Traces, gone: Iterable[str]) -> bool:
    shift = seen.shift
    if shift.path == WRITING:
        return False
    if shift.path and shift.path[-1] in DIGESTS:
        return True
    if traces.of_callers and CALLER_KEYS & seen.keys:
        return True
    # Terraform's values are these facts, one by one, some on lines that do not name them.
    if traces.of_cloud and shift.rendered.artifact.path.endswith(".tfvars"):
        return True
    if any(seen.holds(part) or seen.names_role_of(part) for part in gone):
        return True
    if shift.rendered.kind == "Job" and shift.path == ("metadata", "name"):
        # The digest in it is of what it runs, which is reported.
        return traces.of_all or seen.owner in traces.subjects
    return any(seen.shows(trace) for trace in traces.of(seen))


class _FileEvidence:
    """The searchable content of a file difference."""

    def __init__(self, shift: FileDifference, known: Iterable[str]) -> None:
        self.shift = shift
        self.old = None if shift.old is None else _flat(shift.old)
        self.new = None if shift.new is None else _flat(shift.new)
        self.where = " ".join((*shift.rendered.identity, *shift.path))
        self.owner = shift.rendered.owner
        self.keys = {step.lower().strip("[]") for step in shift.path}
        self.things = {
            self.owner,
            *_things(" ".join((self.where, self.old or "", self.new or "")), known),
        }

    def holds(self, thing: str) -> bool:
        """Tell whether a workload, store or external is named in it."""
        return thing in self.things

    def names_role_of(self, workload: str) -> bool:
        """Tell whether it is the line that gives a workload's role its name."""
        line = (self.new or self.old or "").strip()
        return line.startswith("role ") and line.endswith(f'-{workload}"')

    def shows(self, trace: _Trace) -> bool:
        """Tell whether it is what a difference of the plan looks like here."""
        is_ingress = trace.is_ingress and self.shift.rendered.kind in INGRESS_KINDS
        if is_ingress and INGRESS_KEYS.search(self.shift.keys):
            return True
        if trace.exactly == (self.old, self.new) and "port" in self.keys:
            return True
        if not all(self.holds(subject) for subject in trace.subjects):
            return False
        if trace.keys == KEYS["scale"] and self.shift.rendered.kind in SCALERS:
            return True
        is_line = self.shift.path == LINE
        if self.keys & set(trace.keys) or (is_line and _any(trace.keys, self.old, self.new)):
            return True
        words = trace.old + trace.new
        return bool(words) and all(
            value is None or _any(own or words, value, self.where)
            for own, value in ((trace.old, self.old), (trace.new, self.new))
        )


def _things(written: str, known: Iterable[str]) -> set[str]:
    """Find what is named in a text: `order-service` in `order-service-config`, `order_service`."""
    found = set()
    names = frozenset(known)
    for word in re.findall(r"[a-z0-9][a-z0-9-]*", written.replace("_", "-")):
        steps = word.split("-")
        while steps and "-".join(steps) not in names:
            steps.pop()
        if steps:
            found.add("-".join(steps))
    return found


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_flat(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_flat, value))
    return text(value)


def _in(word: str, written: str) -> bool:
    """Tell whether a word is there and no part of a longer one."""
    start = written.find(word)
    while start >= 0:
        end = start + len(word)
        if not (_joins(written[start - 1 : start]) or _joins(written[end : end + 1])):
            return True
        start = written.find(word, start + 1)
    return False


def _joins(sign: str) -> bool:
    return sign.isalnum() or sign in ("_", "-")


def _any(words: Iterable[str], *written: str | None) -> bool:
    return any(_in(word, content) for word in words for content in written if word and content)


def _trace(found: Difference, system: str, namespaces: tuple[str, ...]) -> _Trace:
    what, subject, name = found.key.what, found.key.subject, found.key.name
    old, new = found.values
    subjects = (subject,) if subject != system else ()
    keys = KEYS.get(what, ())
    match what:
        case "edge":
            ports = tuple(str(port) for edge in (old, new) if edge for port in edge[1])
            return _Trace((subject, name), (), (name, subject, *ports), (name, subject, *ports))
        case "egress":
            return _Trace((subject, name), (), (name,), (name,))
        case "variable":
            both = (name, name.lower().replace("_", "-"))
            return _Trace(subjects, (*keys, name.lower()), both, both)
        case "file":
            base = name.rpartition("/")[2]
            return _Trace(subjects, (*keys, base.lower()), (name, base), (name, base))
        case "task" | "volume" | "topic":
            last = name.rpartition(" ")[2]
            names = (last, f"{subject}-{last}")
            return _Trace(subjects, (*keys, last), names, names)
        case "port" if old and new:
            return _Trace(subjects, keys, _text(old), _text(new), exactly=(str(old), str(new)))
        case "image":
            return _Trace(subjects, keys, _image(old), _image(new))
        case "store":
            return _Trace(subjects, keys, _store(old), _store(new))
        case "route":
            was, now = ((route[0], *namespaces) if route else () for route in (old, new))
            return _Trace(subjects, keys, was, now, is_ingress=True)
        case "setting" | "ingress":
            keys = (*KEYS.get(name, ()), name)
    return _Trace(subjects, keys, _text(old), _text(new))


def _text(value: Any) -> tuple[str, ...]:
    return (text(value),) if value else ()


def _image(image: str | None) -> tuple[str, ...]:
    if not image:
        return ()
    name, _, tag = image.rpartition("@" if "@" in image else ":")
    return (image, name, tag)


def _store(store: StoreFacts | None) -> tuple[str, ...]:
    if store is None:
        return ()
    return tuple(name for name in (store.server, store.version, store.image) if name)
