"""Dashboards show what they ask: variables that are there, queries that parse, panels that draw."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.board_faults import faults
from tarmac.gates.views.board_files import asked_names, board_files, given_names
from tarmac.gates.views.leniency import lenient
from tarmac.gates.views.queries import recorded
from tarmac.gates.views.recorded_names import unrecorded
from tarmac.gates.views.scope import counted_in_files
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield what is wrong in dashboards, and what their queries read that is not there."""
    names = set(recorded(files))
    for board in board_files(files):
        for what in faults(board):
            yield Finding(board.path, what)
        known = given_names(board)
        for panel in board.panels:
            for query in panel.queries:
                for name in sorted(asked_names(query) - known):
                    what = f"panel '{panel.title}' reads ${name}, which is no variable of it"
                    yield Finding(board.path, f"{what}; add it to `templating`")
                for what in unrecorded(query, names):
                    yield Finding(board.path, f"panel '{panel.title}' {what}")


GATE = Gate(
    id="OBS023",
    title="Dashboards have what their panels read, and queries that parse",
    phase="observability",
    source="https://grafana.com/docs/grafana/latest/dashboards: a panel whose variable or "
    "recorded series is not there shows `No data`, which looks like a quiet system",
    check=check,
    #: What Grafana draws anyway, or may have from elsewhere.
    of_files=lenient(
        check, "^(?!is not a JSON object)(?!reads the datasource)(?!.* asks what is no PromQL)"
    ),
    scope=counted_in_files("dashboards", board_files),
    #: OBS001 and OBS020 hold a plan to more.
    targets=(),
    reads="files of JSON that are dashboards of Grafana 5 or newer; queries of panels that name "
    "Prometheus as their datasource. Asked of files alone: OBS001 and OBS020 hold a plan to more.",
)
