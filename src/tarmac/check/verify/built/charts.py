"""Templates the releases of charts, side by side; no cluster is asked, and nothing is fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml

from tarmac.base import content_cache
from tarmac.base.artifact import Artifact, Format, dump, keyed
from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.base.foreign import files
from tarmac.base.foreign.data import from_yaml
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.views import programs
from tarmac.check.gates.views.program_answers import LONGEST_S
from tarmac.check.verify.built.dependencies import missing, without
from tarmac.check.verify.built.marks import MarkedValues, merged, placed
from tarmac.check.verify.built.paths import Key
from tarmac.check.verify.built.releases import Release
from tarmac.check.verify.built.sources import Document, Sources

_SOURCE = re.compile(r"^# Source: [^/\n]+/(\S+)$", re.MULTILINE)
_KEY = re.compile(r"\s*(?:- )*[\"']?([\w./-]+)[\"']?:")
_NO_YAML = re.compile(r"YAML parse error on [^/\s]+/(templates/[^\s:]+)")
#: The namespace of a release of which none is known; objects do not keep it.
UNKNOWN = "unknown-namespace"
_MARKED = ("--skip-schema-validation",)
#: Seconds for a chart with marks: one that counts up to a number would write all that it counts.
MARKED_S = 10.0
#: What every cluster serves, and helm does not know without one: charts ask for it, for some of
#: these by the kind.
_SERVED = (
    "apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1/APIService",
    "apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet",
    "autoscaling/v2/HorizontalPodAutoscaler", "batch/v1/CronJob", "batch/v1/Job",
    "networking.k8s.io/v1/Ingress", "networking.k8s.io/v1/IngressClass",
    "networking.k8s.io/v1/NetworkPolicy", "policy/v1/PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1/ClusterRole", "rbac.authorization.k8s.io/v1/RoleBinding",
    "storage.k8s.io/v1/CSIDriver", "storage.k8s.io/v1/StorageClass",
    "scheduling.k8s.io/v1/PriorityClass", "coordination.k8s.io/v1/Lease",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration",
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call of helm: the chart's files that it reads, and its values."""

    program: str
    release: Release
    read: tuple[str | bytes, ...]
    files: tuple[Path, ...]
    texts: tuple[str, ...]
    flags: tuple[str, ...] = ()
    #: Where the chart is read: a copy, where it lacks charts that it depends on.
    chart: Path = Path()
    #: That it has.
    seconds: float = LONGEST_S


def template(
    releases: Iterable[Release], sources: Sources, gate: str
) -> list[tuple[Release, tuple[Artifact, ...] | Finding]]:
    """Template releases.

    Args:
        gate: what the finding of one that cannot be templated is of.
    """
    listed = list(releases)

    absent = {chart: missing(chart, sources) for chart in {one.chart for one in listed}}

    @cache
    def contents(chart: Path) -> tuple[str | bytes, ...]:
        return tuple(_contents(sorted(chart.rglob("*")), chart, sources))

    def one(release: Release) -> tuple[Artifact, ...] | Finding:
        where = release.chart / "templates"
        try:
            return tuple(_objects(release, sources, absent[release.chart], contents))
        except Skip as error:
            said = str(error)
        except (TarmacError, yaml.YAMLError) as error:
            said, where = str(error), release.values[-1] if release.values else where
        what = f"is a chart, and its objects were not judged: {' '.join(said.split())}"
        # By its own values a template that makes no YAML makes none at all.
        broken = _NO_YAML.search(said) if not release.values else None
        if broken and (file := release.chart / broken[1]).is_file():
            return Finding(sources.shown(file), what, gate)
        return Finding(sources.shown(where), what, gate, warning=True)

    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        found = list(zip(listed, pool.map(one, listed), strict=True))
    alone = [
        (release, _alone(release, absent[release.chart], sources, gate))
        for release, given in found
        if absent[release.chart] and not isinstance(given, Finding)
    ]
    return [*found, *alone]


def _alone(release: Release, absent: Iterable[str], sources: Sources, gate: str) -> Finding:
    what = f"depends on {', '.join(absent)}, which charts/ has not: its own templates were judged"
    where = sources.shown(release.chart / "Chart.yaml")
    return Finding(where, f"{what} alone; run `helm dependency build`", gate, warning=True)


def _objects(
    release: Release,
    sources: Sources,
    absent: Sequence[str],
    contents: Callable[[Path], Iterable[str | bytes]],
) -> Iterator[Artifact]:
    """Yield what a release gives, with the value or the line of the template that says a part.

    Args:
        contents: reads the files of its chart, which others may be of, too.
    """
    values = merged(_layers(release, sources))
    helm = programs.find("helm")
    read = (*contents(release.chart), *_contents(release.values, release.chart, sources))
    inline = tuple(dump(document.data) for document in release.inline)
    with ExitStack() as stack:
        chart = stack.enter_context(without(release.chart, absent)) if absent else release.chart
        plain = _run(Call(helm, release, read, release.values, inline, chart=chart))
        marked = Call(helm, release, read, (), (), _MARKED, chart=chart, seconds=MARKED_S)
        twins = _twins(marked, values)
    for source, found in plain.items():
        path, others = sources.shown(release.chart / source), twins.get(source, [])
        lines = _lines(_text(release.chart / source, sources))
        own = sources.shown(release.values[-1]) if release.values else path
        for number, data in enumerate(found):
            twin = others[number] if len(others) == len(found) else None
            places = {place: f"{path}:{line}" for place, line in _written(data, lines)}
            places |= placed(data, twin, values)
            yield Artifact(own, data, format=Format.OBJECT, built_by=path, places=places)


def _twins(call: Call, values: MarkedValues) -> dict[str, list[dict[str, Any]]]:
    """Template with marks; with those of texts alone where the chart computes with its numbers."""
    for numbers in (True, False):
        with suppress(TarmacError, yaml.YAMLError):
            return _run(replace(call, texts=(dump(values.marked(numbers=numbers)),)))
    return {}  # the chart refuses marked values, or helm is older: places in templates alone


def _written(data: Any, lines: Mapping[str, int], at: Key = ()) -> Iterator[tuple[Key, int]]:
    """Yield the parts whose key is in one line of the template alone, with that."""
    if isinstance(data, Mapping):
        for key, part in data.items():
            if line := lines.get(str(key)):
                yield (*at, key), line
            yield from _written(part, lines, (*at, key))
    elif isinstance(data, list):
        for number, part in enumerate(data):
            yield from _written(part, lines, (*at, number))


def _lines(text: str) -> dict[str, int]:
    """Find the line of each key of a template; of none that is in several."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if key := _KEY.match(line):
            found[key[1]] = 0 if key[1] in found else number
    return found


def _layers(release: Release, sources: Sources) -> Iterator[Document]:
    """Yield the values of a release, from the chart's own to those that override them."""
    own = release.chart / "values.yaml"
    for path in (*((own,) if os.path.lexists(own) else ()), *release.values):
        yield from sources.documents(path)[:1]
    yield from release.inline


def _contents(paths: Iterable[Path], chart: Path, sources: Sources) -> Iterator[str | bytes]:
    """Read files of a release. Raises BadInput for one that helm must not read."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            continue
        yield os.path.relpath(path, chart)
        try:
            yield files.content(path, root=sources.root)
        except OSError as error:
            raise BadInput([Problem(sources.shown(path), files.unread(error))]) from None


def _run(call: Call) -> dict[str, list[dict[str, Any]]]:
    """Template once: the objects of each template, in their order. Raises TarmacError."""
    release = call.release
    # Helm itself takes `default` where none is named, which no object was meant to say.
    space = release.namespace or UNKNOWN
    argv = [call.program, "template", release.name, ".", "--namespace", space]
    argv += ["--api-versions", ",".join(_SERVED), *call.flags]

    def run() -> str:
        with ExitStack() as stack:
            paths = [str(path.resolve()) for path in call.files]
            for text in call.texts:
                file = NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8")  # noqa: SIM115
                stack.enter_context(file)
                file.write(text)
                file.flush()
                paths.append(file.name)
            options = [option for path in paths for option in ("--values", path)]
            return programs.run(
                [*argv, *options], call.chart, (0,), seconds=call.seconds, keep=False
            )

    found: dict[str, list[dict[str, Any]]] = {}
    text = content_cache.kept([*argv, *call.read, *call.texts], run)
    for document in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        source = _SOURCE.search(document)
        data = next(iter(from_yaml(document)), None)
        if source and isinstance(data, dict) and data.get("kind"):
            if dig(data, "metadata", "namespace") == UNKNOWN:
                del data["metadata"]["namespace"]
            found.setdefault(source[1], []).append(keyed(data))
    return found


def _text(path: Path, sources: Sources) -> str:
    try:
        return sources.text(path)
    except BadInput:  # a part of another chart
        return ""
