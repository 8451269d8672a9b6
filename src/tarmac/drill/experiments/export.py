"""Writes a drill as the experiments of one tool, or says which of its steps cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.foreign import files
from tarmac.drill import experiments
from tarmac.drill.experiments.experiment import ClusterDrill, NoCounterpart, Tool
from tarmac.drill.file.drill_file import DrillFile, file_model
from tarmac.model.loader import read_as
from tarmac.plan.cluster import ClusterPlan


def tool_named(name: str, others: Iterable[str] = ()) -> Tool:
    """Find a tool. Raises BadInput.

    Args:
        others: tools for which a drill is written otherwise.
    """
    known: dict[str, Tool] = registry.load(experiments, "TOOL")
    if name not in known:
        hint = did_you_mean(name, [*known, *others])
        raise BadInput([Problem("--export", f"no tool '{name}'; {hint}")])
    return known[name]


def export(tool: Tool, path: Path, file: DrillFile, plan: ClusterPlan) -> str:
    """Write the experiments of all steps.

    Args:
        path: the drill's file, for the places of what is wrong.

    Raises:
        BadInput: every step that the tool or the environment has nothing for.
    """
    _, document = read_as(file_model(), str(path), files.content(str(path)))
    drill = ClusterDrill(path.stem, file, plan)
    problems, made = [], []
    if plan.settings.target != "cluster":
        what = f"{plan.environment} is for {plan.settings.target}; name one of a cluster"
        raise BadInput([Problem("--env", what)])
    for number, step in enumerate(file.method, 1):
        try:
            made += [(step, one) for one in tool.experiments(drill, number, step)]
        except NoCounterpart as error:
            problems.append(Problem(str(document.locate(("method", number - 1))), str(error)))
    if not file.method:
        problems.append(Problem(str(path), f"a drill of kind {file.kind} without faults"))
    if problems:
        raise BadInput(problems)
    return tool.text(drill, made)
