"""What an edit of a rendered tree breaks, by the gates that judge files without a plan.

Called by `system`. Most gates of files are not asked beside a plan, since a renderer writes no such
mistake; a hand does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding, Result
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.inputs import Original
from tarmac.check.gates.subject import Folder, Subject
from tarmac.check.gates.views.examples import applied
from tarmac.check.verify.certainty import severity
from tarmac.check.verify.folder import both
from tarmac.check.verify.forms import BESIDE
from tarmac.check.verify.running import Suppressions, leave, run_files


def judged(
    subject: Subject,
    made: Iterable[Artifact],
    results: Iterable[Result],
    gates: Iterable[Gate],
    own: Suppressions,
) -> Iterator[Result]:
    """Yield results, with what gates of files say of the tree and not of what is rendered.

    Args:
        made: what the model renders, without edits that are kept.
        results: what came of each gate beside the plan.
        own: the system's suppressions, which hide these findings, too.
    """
    found = {result.what: result for result in results}
    original = subject.given(Original)
    if not original.command or subject.plan.settings.target == "repository":
        yield from found.values()  # of a repository only a part is read
        return
    as_rendered = (
        *(one for one in original.artifacts if one.path not in original.kept),
        *(one for one in made if one.path in original.kept),
    )
    # A file that is as rendered is the same object in both.
    if {*map(id, applied(as_rendered))} != {*map(id, subject.raw)}:
        asked = [gate for gate in gates if is_asked(gate, subject)]
        rendered = Folder(as_rendered, subject.today, subject.folder)
        before = {
            _key(finding)
            for result in run_files(rendered, asked, Suppressions())
            for finding in result.findings
        }
        lines = {one.position[:2] for one in _of_gates(found.values()) if one.position[1]}
        of_gates = {(one.gate, one.position[0]) for one in _of_gates(found.values())}
        ours = {one.path for one in as_rendered}
        tree = Folder(subject.raw, subject.today, subject.folder)
        for result in run_files(tree, asked, own):
            new = [
                one if one.position[0] in ours else _graded(one)
                for one in result.findings
                if _key(one) not in before
                and one.position[:2] not in lines
                and (one.gate, one.position[0]) not in of_gates
            ]
            if new:
                of_plan = replace(result, target="tree", environment=subject.plan.environment)
                more = leave(of_plan, new)
                known = found.get(result.what)
                found[result.what] = both(known, more) if known else more
    yield from found.values()


def is_asked(gate: Gate, subject: Subject) -> bool:
    """Tell whether a gate says more of files than it says beside their plan."""
    is_beside = subject.plan.settings.target in gate.targets
    return gate.of_files is not None and not (
        gate.program or (is_beside and gate.of_files is gate.check)
    )


def _graded(finding: Finding) -> Finding:
    """Make a warning of what a file of the tree's owner does not prove by itself."""
    sure = severity(finding, PurePath(finding.position[0]))
    return replace(finding, warning=finding.warning or sure == "warning")


def _of_gates(results: Iterable[Result]) -> Iterator[Finding]:
    for result in results:
        if result.what.removeprefix("gate:") not in BESIDE:
            yield from result.findings


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.gate, finding.position[0], finding.what
