"""Writes a workflow of GitHub that runs a drill again and again, and fails with its verdict."""

from __future__ import annotations

from datetime import UTC, datetime

from tarmac.base.artifact import Artifact, write
from tarmac.base.cron import runs
from tarmac.base.errors import BadInput, Problem
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import stages as st

FILES = {"--journal": "drill.json", "--junit": "drill.xml", "--report": "drill.html"}
#: A drill takes minutes; what first has to be downloaded may take as long.
MINUTES = 30
HEADER = "Written by `tarmac drill --schedule`; keep it as .github/workflows/{name}.yml."
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def workflow(system: str, drill: str, cron: str) -> str:
    """Write the workflow.

    Args:
        system: as it is named on the command line, from the repository's root.
        cron: minute, hour, day, month and weekday, in UTC.

    Raises:
        BadInput: the line is invalid.
    """
    try:
        runs(cron.replace("@", "word "), _ANY_TIME)  # GitHub takes none
    except ValueError as error:
        what = f"not a schedule ({error}); write minute, hour, day, month, weekday"
        raise BadInput([Problem(f"--schedule '{cron}'", f'{what}, e.g. "17 3 * * 1"')]) from None
    options = " ".join(f"{option} {file}" for option, file in FILES.items())
    steps = [
        g.checkout(),
        g.action("Python", "actions/setup-python", {"python-version": p.PYTHON}),
        g.step("uv", f"pip install uv=={p.UV}"),
        g.step("Run the drill", f"{' '.join(st.TARMAC)} drill {system} {drill} {options}"),
        g.action(
            "Keep what it showed",
            "actions/upload-artifact",
            {"name": f"drill-{drill}", "path": "\n".join(FILES.values()) + "\n"},
            "always()",
        ),
    ]
    content = {
        "name": f"Drill {drill}",
        "on": {"schedule": [{"cron": cron}], "workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        "concurrency": {"group": f"drill-{drill}", "cancel-in-progress": False},
        "jobs": {"drill": g.job(steps, minutes=MINUTES)},
    }
    name = f"drill-{drill}"
    made = Artifact(f".github/workflows/{name}.yml", content, remarks=g.remarks())
    return write(made, HEADER.format(name=name))
