"""GitLab and Renovate would accept what is rendered for them: their JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding, Level
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.programs import find, read, run, tree
from tarmac.check.gates.views.scope import paths

#: File -> the schema that the program brings along, and what is done to the file before.
SCHEMAS = {
    ".gitlab-ci.yml": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "renovate.json": ("vendor.renovate",),
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what a file's schema does not allow."""
    folder, program = tree(subject), find("check-jsonschema")
    for name, (schema, *more) in SCHEMAS.items():
        if not (folder / name).is_file():
            continue
        argv = [program, "--builtin-schema", schema, *more, "-o", "json", name]
        said = read(run(argv, folder))
        for error in (*said.get("errors", ()), *said.get("parse_errors", ())):
            where = f"{name}:{error['path']}" if error.get("path") else name
            what = f"{error.get('message', 'cannot be read')}; the schema of {schema} forbids it"
            yield Finding(where, what, GATE.id)


GATE = Gate(
    id="VAL021",
    title="Pipelines of GitLab and Renovate satisfy their schemas",
    phase="delivery",
    source="https://github.com/python-jsonschema/check-jsonschema",
    check=check,
    program="check-jsonschema",
    scope=paths("files", *SCHEMAS),
    reads=f"{' and '.join(SCHEMAS)}. The scripts of GitLab jobs are not judged.",
    level=Level.VALID,
    targets=("repository",),
)
