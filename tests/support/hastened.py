"""Rules of Prometheus as they are rendered, with every time in them divided.

Five minutes are 1.5 s, an hour is 18, a scrape every 30 s is one every 150 ms. Thresholds, queries,
and how an alert is pending before it fires, stay as they are rendered.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from rendered import artifact_of

FASTER = 200
SCRAPE_S = 30
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def faster(written: str) -> str:
    """Divide a duration, as `1h` or `5m`."""
    found = re.findall(r"(\d+)([smhd])", written)
    assert "".join(f"{number}{unit}" for number, unit in found) == written
    seconds = sum(int(number) * SECONDS[unit] for number, unit in found)
    return f"{round(seconds * 1000 / FASTER)}ms"


def rules(system: str, environment: str, path: str) -> dict[str, Any]:
    """Take rules as rendered, and divide every time in them."""
    found: dict[str, Any] = copy.deepcopy(artifact_of(system, environment, path).data["spec"])
    for group in found["groups"]:
        if "interval" in group:
            group["interval"] = faster(group["interval"])
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\w+)\]", lambda match: f"[{faster(match[1])}]", rule["expr"])
            if "for" in rule:
                rule["for"] = faster(rule["for"])
    return found
