"""Terraform exposes and loses nothing: public databases, missing backups, open ports."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.scope import counted_in_files
from tarmac.gates.views.terraform import sources
from tarmac.gates.views.terraform_numbers import networks, numbers
from tarmac.gates.views.terraform_rules import dangers, opened, undeclared
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield settings that expose or lose data, open ports, and undeclared variables."""
    for find in (dangers, opened):
        for where, what in find(files):
            yield Finding(where, what, warning=True)
    for find in (undeclared, numbers, networks):
        for where, what in find(files):
            yield Finding(where, what, warning="every address" in what)


GATE = Gate(
    id="INF004",
    title="Terraform exposes and loses nothing",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws: `apply` carries out what is "
    "written, and a database that was public for a minute has been scanned",
    check=check,
    of_files=check,
    scope=counted_in_files("Terraform files", sources),
    reads="settings and bounds of assets/terraform_rules.yaml, networks, ports and addresses of "
    "`ingress` blocks, and `var.` beside the variables of the folder. What a module makes of its "
    "inputs is not followed.",
)
