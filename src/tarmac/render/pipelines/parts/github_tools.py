"""Steps of GitHub's workflow that bring what a language needs."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import service_checks
from tarmac.render.pipelines.parts.github_steps import action, step

#: Each keeps what it downloads by itself.
_SETUPS: dict[str, tuple[str, dict[str, str]]] = {
    "node": ("actions/setup-node", {"node-version": "22"}),
    "go": ("actions/setup-go", {"go-version": "stable"}),
    "java": (
        "actions/setup-java",
        {"distribution": "temurin", "java-version": "21", "cache": "maven"},
    ),
}


def tools(plan: ClusterPlan, *, only: str = "") -> list[dict[str, Any]]:
    """Bring what a service's language needs, with what was downloaded last time.

    Args:
        only: a language, of a job that is of no service.
    """
    found: list[dict[str, Any]] = []
    for name in [only] if only else service_checks.languages(plan):
        when = "" if only else f"matrix.language == '{name}'"
        if name == "python":
            path = {"path": "~/.cache/uv", "key": "uv-${{ runner.os }}-${{ hashFiles('uv.lock') }}"}
            found += [
                action("Python", "actions/setup-python", {"python-version": p.PYTHON}, when),
                action("What uv has downloaded", "actions/cache", path, when),
                step("uv", f"pip install uv=={p.UV}", **({"when": when} if when else {})),
            ]
        elif name in _SETUPS:
            of, given = _SETUPS[name]
            found.append(action(name.capitalize(), of, given, when))
    return found
