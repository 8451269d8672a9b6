"""The shapes of workflows, rulesets and the list of services."""

from __future__ import annotations

from tarmac.check.gates.views.shapes.shape import ANY, SCALAR, TEXT, TEXTS, ListOf, MapOf, Record

_WORKFLOW_STEP = Record(
    {
        "name": SCALAR, "id": TEXT, "uses": TEXT, "run": TEXT, "if": SCALAR,
        "working-directory": TEXT, "env": MapOf(ANY), "with": MapOf(ANY),
    }
)  # fmt: skip
WORKFLOW = Record(
    {
        "jobs": MapOf(
            Record(
                {
                    "name": SCALAR, "if": SCALAR, "steps": ListOf(_WORKFLOW_STEP),
                    "outputs": MapOf(SCALAR),
                    "strategy": Record({"matrix": ANY}),
                    "defaults": Record({"run": Record({"working-directory": TEXT})}),
                }
            )
        )
    }
)  # fmt: skip
#: `ci/services.json`, and GitHub's rulesets.
SERVICES = Record(
    {"services": MapOf(Record({"paths": TEXTS, "lint": ListOf(TEXTS), "test": ListOf(TEXTS)}))}
)
RULESET = Record(
    {
        "rules": ListOf(
            Record(
                {
                    "type": TEXT,
                    "parameters": Record(
                        {"required_status_checks": ListOf(Record({"context": TEXT}))}
                    ),
                }
            )
        )
    }
)
