"""A shipped system in a namespace of its own, up for the tests of its pages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARMAC = str(Path(sys.executable).with_name("tarmac"))
#: Runs a verb of the command on it.
Tarmac = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def brought_up(system: str, *args: str) -> Iterator[tuple[Tarmac, dict[str, Any]]]:
    """Bring a system up in a namespace of its own; give the command for it, and what `up` says."""
    namespace = f"pages-{os.getpid()}"

    def tarmac(verb: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TARMAC, verb, str(ROOT / "systems" / system), *more, "-n", namespace],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    up = tarmac("up", "-d", "--json", *args)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield tarmac, json.loads(up.stdout)
    finally:
        down = tarmac("down", "--delete-data")
    assert down.returncode == 0, down.stdout + down.stderr


def page_of(status: dict[str, Any], service: str) -> str:
    """Return the address of a service's pages."""
    nodes = status["nodes"]
    (page,) = {node["page"] for node in nodes if node["page"] and service in node["name"]}
    return page.rstrip("/")
