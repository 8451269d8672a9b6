"""Documents for a lead, made from evidence: a file for each kind, which `tarmac report` finds.

A kind is a pure function from `ReportInputs` to a `Document`, which the modules `as_FORM` write.
"""

from __future__ import annotations

#: Modules here that the kinds share: `registry.load` does not look for one in them.
SHARED = (
    "as_html",
    "as_json",
    "as_markdown",
    "claims",
    "cutover_steps",
    "document",
    "drill_records",
    "inputs",
    "kind",
    "plots",
    "recovery_goals",
    "recovery_steps",
    "site",
    "topics",
)
