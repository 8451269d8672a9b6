"""Processors of a collector stand in an order in which each finds what it reads."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors
from tarmac.check.gates.views.scope import counted_in_files

#: What puts signals of several connections together, so that none of them is known behind it.
_JOINING = ("batch", "groupbytrace", "tail_sampling", "groupbyattrs")


def check(files: Files) -> Iterator[Finding]:
    """Yield processors that stand behind the one that takes away what they read."""
    for one in collectors(files):
        for name, pipeline in fields(one.data, "service", "pipelines").items():
            asked = list(map(str, items(pipeline, "processors")))
            kinds = [processor.partition("/")[0] for processor in asked]
            for number, what in _misplaced(one, asked, kinds):
                where = one.at("service", "pipelines", str(name), "processors", number)
                yield Finding(where, f"the pipeline {name} has {what}")


def _misplaced(one: Collector, asked: list[str], kinds: list[str]) -> Iterator[tuple[int, str]]:
    if "memory_limiter" in kinds[1:] and kinds[0] != "memory_limiter":
        what = f"{asked[0]} before memory_limiter, which refuses nothing until that is done"
        yield kinds.index("memory_limiter"), f"{what}; write memory_limiter first"
    if "k8sattributes" not in kinds:
        return
    place = kinds.index("k8sattributes")
    joining = next((at for at, kind in enumerate(kinds[:place]) if kind in _JOINING), None)
    if joining is not None and _is_by_connection(fields(one.data, "processors", asked[place])):
        what = (
            f"{asked[place]} behind {asked[joining]}, and it finds a pod by the connection, which"
        )
        advice = "is not known there: no signal gets its attributes"
        yield place, f"{what} {advice}; write {asked[place]} before {asked[joining]}"


def _is_by_connection(settings: Fields) -> bool:
    """Tell whether pods are found by their connection alone, as where nothing is said."""
    sources = [
        source
        for association in items(settings, "pod_association")
        for source in items(association, "sources")
    ]
    return all(string(source, "from") == "connection" for source in sources)


GATE = Gate(
    id="OBS063",
    title="Processors of a collector stand where they find what they read",
    phase="observability",
    source="https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor: "
    "memory_limiter is the first one, and what reads the connection stands before those that batch",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of collectors", collectors),
    targets=(),
    reads="processors of each pipeline, and how k8sattributes finds a pod. Judges files without a "
    "plan only.",
)
