"""A policy's globs match what they are written for: an empty list of delimiters means the dot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.rego import regos
from tarmac.check.gates.views.scope import counted_in_files

_GLOB = re.compile(r"glob\.match\(\s*([^,()]+),\s*\[\s*\]\s*,\s*([^()]+)\)")


def check(files: Files) -> Iterator[Finding]:
    """Yield globs without delimiters; with an example of what they miss, where there is one."""
    written = [pattern for pattern in constraint_texts(files) if "*" in pattern]
    for rego in regos(files):
        for found in _GLOB.finditer(rego.text):
            example = f": {written[0]} does not match {_missed(written[0])}" if written else ""
            yield Finding(
                rego.at(found.start()),
                f'`{found[0]}` has an empty list of delimiters, which means ["."], so that * stops '
                f'at a dot{example}; write null for none, or ["/"] for the parts of an image\'s '
                f'name: glob.match({found[1].strip()}, ["/"], {found[2].strip()})',
            )


def _missed(pattern: str) -> str:
    return pattern.replace("*", "1.20.0", 1)


def _globs(files: Files) -> list[str]:
    return [call for rego in regos(files) for call in re.findall(r"\bglob\.match\(", rego.text)]


def constraint_texts(files: Files) -> Iterator[str]:
    """Yield the texts in the lists that constraints give to their policies."""
    for artifact in files.objects():
        if str(artifact.data["apiVersion"]).startswith("constraints.gatekeeper.sh/"):
            for value in fields(artifact.data, "spec", "parameters").values():
                yield from texts(value) if isinstance(value, list) else ()


GATE = Gate(
    id="POL001",
    title="Globs of a policy state their delimiters",
    phase="security",
    source="www.openpolicyagent.org/docs/policy-reference/builtins/glob: delimiters default "
    'to ["."]; null is none',
    check=check,
    scope=counted_in_files("globs", _globs),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="glob.match in Gatekeeper's ConstraintTemplates and in *.rego.",
)
