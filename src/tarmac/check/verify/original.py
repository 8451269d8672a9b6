"""Finds out how a tree on disk differs from what its model renders, as `tarmac render` would.

Called by `system`. Edits that are kept as patches, and files that are ejected, are not difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput
from tarmac.base.report import Finding
from tarmac.check.gates.inputs import Original
from tarmac.check.verify.disk_tree import JudgedTree, content_of
from tarmac.check.verify.folder import READING
from tarmac.render import in_memory
from tarmac.render.collect import in_order
from tarmac.render.tree import folder

if TYPE_CHECKING:
    from tarmac.plan.cluster import ClusterPlan


def original(
    file: Path, plan: ClusterPlan, made: Mapping[str, tuple[Artifact, ...]], judged: JudgedTree
) -> tuple[Original, tuple[Finding, ...]]:
    """Render beside a tree on disk; return it, or an empty one and why that is not possible.

    Args:
        file: the model.
        made: what the model renders today, by the renderers' ids.
    """
    if judged.folder is None:
        return Original(), ()
    source = in_memory.source_of(file, plan)
    try:
        outcome = folder.check(judged.folder, source, made)
    except BadInput as error:
        what = "the tree was not compared with its model"
        unread = (
            Finding(problem.where, f"{problem.what}; {what}", READING, warning=True)
            for problem in error.problems
        )
        return Original(), tuple(unread)
    decision = outcome.decision
    edited = {*decision.added, *decision.edited, *decision.in_the_way}
    edited &= outcome.wanted.keys()
    rendered = {one.path: one for one in in_order(made)}
    there: dict[str, list[Artifact]] = {}
    for artifact in judged.artifacts:
        there.setdefault(artifact.path, []).append(artifact)
    found: list[Artifact] = []
    differing = {*decision.changed, *decision.removed}
    for path in sorted(outcome.wanted.keys() - set(decision.ejected)):
        wanted, present = there.get(path, []), there.get(path, [])
        if path in edited:
            text = outcome.wanted[path].content.decode()
            wanted = content_of(path, text, rendered.get(path))
            if _is_same(wanted, present, source.header):
                wanted = present
            else:
                differing.add(path)
        found += wanted
    outdated = frozenset((*decision.changed, *decision.removed))
    patched = (path for path, want in outcome.wanted.items() if want.patch)
    kept = frozenset((*decision.ejected, *patched))
    return Original(tuple(found), source.command, outdated, kept, len(differing)), ()


def _is_same(wanted: list[Artifact], found: list[Artifact], header: str) -> bool:
    """Tell whether files say the same: data whatever its layout, text but for its first lines."""
    if [one.content for one in wanted] == [one.content for one in found]:
        return True
    texts = [one.content for one in (*wanted, *found) if isinstance(one.content, str)]
    if len(texts) != 2 or header not in texts[0]:
        return False
    # The model may have been called otherwise when it was rendered.
    return texts[1].endswith(texts[0].partition(f"{header}\n")[2])
