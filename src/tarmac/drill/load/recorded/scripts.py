"""Writes the load of a drill as a script of a load generator: `--export locust` and `k6`."""

from __future__ import annotations

import json
from typing import Any

from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.load.recorded.correlation import script
from tarmac.drill.load.recorded.exchange import Recording
from tarmac.render.assets import asset

#: Tool -> the file below `assets/load/` that has the data of a load put into it.
FILES = {"k6": "k6.js", "locust": "locustfile.py"}
PLACE = "RECORDED_LOAD"


def export(tool: str, system: str, name: str, file: DrillFile, recording: Recording) -> str:
    """Write a script.

    Args:
        tool: one of FILES.
        system: its name.
        name: the drill's.
    """
    data = _of_drill(file) | script(recording)
    title = f"The load of the drill {name} of {system}"
    return asset(f"load/{FILES[tool]}").replace("LOAD_TITLE", title).replace(PLACE, _as_json(data))


def _as_json(data: dict[str, Any]) -> str:
    """Write one request in each line: that is what people edit."""
    lines = [f"  {json.dumps(key)}: {_item(value, '  ')}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _item(value: Any, indent: str) -> str:
    if isinstance(value, list) and value:
        inner = f"{indent}  "
        items = ",\n".join(f"{inner}{_item(item, inner)}" for item in value)
        return f"[\n{items}\n{indent}]"
    return json.dumps(value)


def _of_drill(file: DrillFile) -> dict[str, Any]:
    hypothesis = file.hypothesis
    return {
        "journey": file.load.journey,
        "timeout_s": file.load.timeout,
        "stages": [{"rate": rate, "seconds": seconds} for rate, seconds in file.stages if seconds],
        "success_percent": hypothesis.success,
        "p99_s": hypothesis.p99,
    }
