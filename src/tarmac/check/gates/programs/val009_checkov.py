"""No object has a setting that is known to be insecure: checkov."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.examples import examples
from tarmac.check.gates.views.images.dockerfiles import dockerfiles
from tarmac.check.gates.views.pipelines.workflows import workflows
from tarmac.check.gates.views.programs import exceptions, find, objects_of, read, run, tree
from tarmac.check.gates.views.scope import counted
from tarmac.check.gates.views.terraform.filled import sources


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what checkov says of the tree; it looks nothing up on the network."""
    folder, program = tree(subject), find("checkov")
    options = ["--directory", ".", "--output", "json", "--quiet", "--compact", "--skip-download"]
    options += ["--framework", "kubernetes", "dockerfile", "github_actions", "terraform"]
    # A base is not whole before its overlay, and built it is the plain tree (a test holds it so).
    options += ["--skip-path", "kustomize/"]
    for path in sorted(examples(subject.artifacts)):
        options += ["--skip-path", path]
    options += ["--skip-check", ",".join(exceptions("checkov"))]
    said = read(run([program, *options], folder))
    for report in said if isinstance(said, list) else [said]:
        for failed in report.get("results", {}).get("failed_checks", ()):
            where = f"{failed['file_path'].lstrip('/')}:{failed['file_line_range'][0]}"
            what = f"{failed['resource']}: {failed['check_name']} ({failed['check_id']})"
            yield Finding(where, f"{what}; `checkov --list` explains it", GATE.id)


def _judged(subject: Subject) -> set[str]:
    """List what its frameworks read: objects, Dockerfiles, workflows, Terraform."""
    found = {artifact.path for artifact in (*objects_of(subject), *dockerfiles(subject))}
    found |= {workflow.path for workflow in workflows(subject)}
    return found | {artifact.path for artifact in sources(subject)}


GATE = Gate(
    id="VAL009",
    title="checkov finds no problem in the tree",
    phase="security",
    source="https://www.checkov.io",
    check=check,
    program="checkov",
    scope=counted("files that it reads", _judged),
)
