"""Modules get only inputs that their version has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Files, Gate
from tarmac.gates._hcl import settings, unreadable
from tarmac.gates._published import published
from tarmac.report import Finding

_FIRST = re.compile(r"\d+")


def check(files: Files) -> Iterator[Finding]:
    """Yield inputs that a published module had once, and files that are no HCL."""
    yield from unreadable(files)
    found = [each for each in settings(files) if each.path[0] == "module" and len(each.path) == 3]
    sources, versions = dict[tuple[str, str], str](), dict[tuple[str, str], str]()
    for each in found:
        key = (each.file, each.path[1])
        if each.name == "source":
            sources[key] = each.value or ""
        elif each.name == "version":
            versions[key] = each.value or ""
    for each in found:
        key = (each.file, each.path[1])
        version = _FIRST.search(versions.get(key, ""))
        for gone in published("terraform_inputs").get(sources.get(key, ""), ()):
            # Without a version the newest is taken.
            late = version is None or int(version[0]) >= gone["gone"]
            if late and re.fullmatch(gone["pattern"], each.name):
                yield Finding(
                    each.where,
                    f"module {each.path[1]} has no input {each.name}: {sources[key]} "
                    f"{versions.get(key, '') or '(the newest)'} lost it in {gone['gone']}.0 "
                    f"({gone['source']}); write a {gone['instead']}",
                )


GATE = Gate(
    id="INF001",
    title="Terraform's files are HCL, and modules get inputs that their version has",
    phase="infrastructure",
    source="`terraform plan` says so, but only where a provider and a state can be reached",
    check=check,
    of_files=check,
    targets=(),  # nothing of its kind is rendered: a pass there would say nothing
    looks_at="*.tf and *.tfvars, beside the inputs that assets/published.yaml knows to be gone. A "
    "module that is not listed there is not judged.",
)
