"""Steps of the actions of a repository itself, which a workflow names by their folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, string
from tarmac.check.gates.views.pipelines.inlined_actions import action_of
from tarmac.check.gates.views.pipelines.steps import Step


def steps_of(by_path: Mapping[str, Artifact], root: str, uses: str) -> list[Step] | None:
    """List the steps of an action, and of those that it uses; None: not all are known.

    Args:
        root: the folder of the repository, as files are named.
    """
    seen = set[str]()

    def below(uses: str) -> Iterator[Step | None]:
        folder = posixpath.normpath(posixpath.join(root, uses))
        if folder in seen:
            return
        seen.add(folder)
        action = action_of(folder, by_path)
        if action is None or string(action.data, "runs", "using") != "composite":
            yield None
            return
        for data in items(action.data, "runs", "steps"):
            step = Step(fields(data))
            yield from below(step.uses) if step.uses.startswith("./") else (step,)

    found = list(below(uses))
    known = [step for step in found if step is not None]
    return known if len(known) == len(found) else None
