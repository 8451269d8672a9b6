"""Rendered YAML has no repeated keys and one layout: yamllint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.programs import config, find, rendered, run, tree
from tarmac.check.gates.views.scope import paths

LINE = re.compile(r"^(.+?:\d+:\d+): \[\w+\] (.+)$")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what yamllint says of the tree's YAML; a chart's templates are not YAML."""
    folder, program = tree(subject), find("yamllint")
    paths = [
        path for path in rendered(subject, folder, "*.yaml", "*.yml") if "/templates/" not in path
    ]
    if not paths:
        return
    said = run(
        [program, "--strict", "-f", "parsable", "-c", str(config("yamllint.yaml")), *paths],
        folder,
        (0, 1, 2),
        paths,
    )
    for line in said.splitlines():
        if match := LINE.match(line):
            yield Finding(match[1], f"{match[2]}; see yamllint's rules", GATE.id)


GATE = Gate(
    id="VAL002",
    title="yamllint accepts every YAML file",
    phase="kubernetes",
    source="https://yamllint.readthedocs.io: a key that is there twice silently wins.",
    check=check,
    program="yamllint",
    scope=paths("YAML files", "*.yaml", "*.yml"),
    level=Level.VALID,
    targets=("cluster", "compose", "repository"),
)
