"""Modules are given only inputs that their version has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.settings import unreadable, written_settings

_FIRST = re.compile(r"\d+")


def check(files: Files) -> Iterator[Finding]:
    """Yield inputs that a published module no longer has, and files that are not HCL."""
    yield from unreadable(files)
    found = [
        setting
        for setting in written_settings(files)
        if setting.path[0] == "module" and len(setting.path) == 3
    ]
    sources, versions = dict[tuple[str, str], str](), dict[tuple[str, str], str]()
    for value in found:
        key = (value.file, value.path[1])
        if value.name == "source":
            sources[key] = value.value or ""
        elif value.name == "version":
            versions[key] = value.value or ""
    for value in found:
        key = (value.file, value.path[1])
        version = _FIRST.search(versions.get(key, ""))
        for gone in published("terraform_inputs").get(sources.get(key, ""), ()):
            # Without a version the newest is taken.
            late = version is None or int(version[0]) >= gone["gone"]
            if late and re.fullmatch(gone["pattern"], value.name):
                yield Finding(
                    value.where,
                    f"module {value.path[1]} has no input {value.name}: {sources[key]} "
                    f"{versions.get(key, '') or '(the newest)'} lost it in {gone['gone']}.0 "
                    f"({gone['source']}); write a {gone['instead']}",
                )


GATE = Gate(
    id="INF001",
    title="Terraform files are valid HCL, with inputs that their modules have",
    phase="infrastructure",
    source="`terraform plan` reports it, but only with access to a provider and a state",
    check=check,
    of_objects=False,
    scope=counted_in_files("Terraform files", sources),
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="*.tf and *.tfvars, beside the removed inputs of assets/published.yaml. A "
    "module that is not listed there is not judged.",
)
