"""No object has a setting that is known to weaken it: checkov."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._programs import exceptions, find, read, run, tree
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield what checkov says of the tree; it looks nothing up on the network."""
    folder, program = tree(subject), find("checkov")
    options = ["--directory", ".", "--output", "json", "--quiet", "--compact", "--skip-download"]
    options += ["--framework", "kubernetes", "dockerfile", "github_actions", "terraform"]
    # A base is not whole before its overlay, and built it is the plain tree (a test holds it so).
    options += ["--skip-path", "kustomize/"]
    options += ["--skip-check", ",".join(exceptions("checkov"))]
    said = read(run([program, *options], folder))
    for report in said if isinstance(said, list) else [said]:
        for each in report.get("results", {}).get("failed_checks", ()):
            where = f"{each['file_path'].lstrip('/')}:{each['file_line_range'][0]}"
            what = f"{each['resource']}: {each['check_name']} ({each['check_id']})"
            yield Finding(where, f"{what}; `checkov --list` tells why", GATE.id)


GATE = Gate(
    id="VAL009",
    title="checkov finds nothing in the tree",
    phase="security",
    source="https://www.checkov.io",
    check=check,
)
