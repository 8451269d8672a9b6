"""Does what `tarmac verify` is asked: judges a system, files without a plan, or both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tarmac.base.errors import BadInput, Problem
from tarmac.base.places import CHECKLIST_FILE
from tarmac.base.report import Report
from tarmac.check.verify import changed, folder
from tarmac.check.verify.options import VerifyOptions, known_gates, suppressions_of, wanted

__all__ = ["VerifyOptions", "verify"]


def verify(options: VerifyOptions) -> Report:
    """Run every gate that is asked for: on a system, on files without a plan, on both.

    Raises:
        BadInput: the model, checklist or suppressions are wrong, no such environment or phase.
    """
    # A revision that is not there is told before seconds of work.
    touched = _touched(options)
    all_gates = known_gates(options.file, options.files)
    planned = None
    if options.file is not None:
        from tarmac.check.verify import system  # noqa: PLC0415 - files alone need no model

        planned = system.of_system(options, options.file, all_gates)
    if options.ready and (planned is None or not planned.items):
        raise BadInput([_no_items(options)])
    if options.files is None:
        if planned is None:
            raise BadInput([Problem("verify", "no input is named; name a system, or --files")])
        return planned
    asked = wanted(all_gates, options.phase)
    own = folder.judge(
        options.files, options.today, asked, suppressions_of, all_gates, options.only
    )
    own = own if touched is None else changed.only(own, touched)
    if planned is None:
        return own
    return replace(
        planned,
        results=(*planned.results, *own.results),
        remarks=(*planned.remarks, *own.remarks),
        suppressed=(*planned.suppressed, *own.suppressed),
    )


def _touched(options: VerifyOptions) -> frozenset[Path] | None:
    """List the files that a change touches, where only those are asked for."""
    if options.changed is None:
        return None
    if options.files is None:
        raise BadInput([Problem("--changed", "applies to files without a model; add --files DIR")])
    return changed.paths(options.files, options.changed)


def _no_items(options: VerifyOptions) -> Problem:
    """Reject an empty checklist: no open items must not mean ready."""
    if options.file is None:
        return Problem("--ready", "needs a system's checklist; name a SYSTEM")
    of = f" of phase {options.phase}" if options.phase else ""
    where = str(options.file.with_name(CHECKLIST_FILE))
    return Problem(
        where,
        f"there is no checklist item{of}, so readiness cannot be judged; write the conditions",
    )
