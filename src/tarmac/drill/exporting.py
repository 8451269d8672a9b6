"""Writes a drill for other tools: its faults for a cluster's, its load for load generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tarmac.drill import session
from tarmac.drill.experiments import export
from tarmac.drill.load.recorded import scripts
from tarmac.drill.load.recorded.recording import record
from tarmac.drill.read_drill import ReadDrill
from tarmac.model.system import System
from tarmac.render import in_memory
from tarmac.run.opening import Place


def text(
    system: System,
    file: Path,
    drill: ReadDrill,
    tool: str,
    environment: str | None,
    place: Place,
    say: session.Say,
) -> str:
    """Write it for one tool.

    Args:
        file: the system's.
        environment: for which cluster, where the tool is one of a cluster.
        place: where the copy is whose journey is recorded, where the tool makes a load.
        say: told what happens; the text itself is returned.

    Raises:
        TarmacError: the drill has nothing for the tool, or the journey cannot be recorded.
    """
    if tool not in scripts.FILES:
        found = export.tool_named(tool, scripts.FILES)
        plan = in_memory.make(file, environment, ()).plan
        return export.export(found, drill.path, drill.file, plan)
    with (
        session.system_to_drill(system, file, place, drill.file.copied_with, say) as running,
        running.target({}) as target,
    ):
        load = drill.file.load
        say(f"records the journey `{load.journey}`")
        journeys = Path(system.folder) / "journeys.py"
        recording = record(journeys, load.journey, target.urls(), load.timeout)
    if place.namespace == session.NEW_COPY:
        recording = replace(recording, urls=_as_up(system, recording.urls))
    return scripts.export(tool, system.name, drill.path.stem, drill.file, recording)


def _as_up(system: System, urls: Mapping[str, str]) -> dict[str, str]:
    """Return where `tarmac up` has the services: the copy of the recording has ended."""
    found = dict(urls)
    for key in urls:
        name, _, port = key.partition(":")
        service = system.file.services.get(name)
        if service is not None and (listening := service.listening):
            found[key] = f"http://127.0.0.1:{listening[port or next(iter(listening))]}"
    return found
