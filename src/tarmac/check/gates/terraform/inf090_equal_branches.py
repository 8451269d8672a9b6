"""A condition of Terraform has two results."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.comments import evaluated
from tarmac.check.gates.views.terraform.filled import sources

_VALUE = r"[\w.-]+(?:\[[\w.*-]+\])?(?:\.[\w.]+)?"
#: What is behind the second one must end it: `a ? b : b + 1` has two results.
_BOTH = re.compile(rf"\?\s*({_VALUE})\s*:\s*({_VALUE})\s*(?=[,)\]}}]|$)")
#: A length is never below zero.
_LENGTH = re.compile(r"\blength\([^()]*\)\s*(>=\s*0|>\s*-\s*\d+)(?![\d.])")


def check(files: Files) -> Iterator[Finding]:
    """Yield conditions that give the same either way."""
    for source in sources(files):
        for number, line in enumerate(evaluated(str(source.content)), 1):
            where = f"{source.path}:{number}"
            for first, second in _BOTH.findall(line):
                if first == second:
                    what = f"its condition gives {first} either way, so it decides nothing"
                    advice = f"write the other value, or {first} alone"
                    yield Finding(where, f"{what}; {advice}", warning=True)
            for compared in _LENGTH.findall(line):
                what = f"a length is always {compared}, so this condition always holds"
                yield Finding(where, f"{what}; write > 0", warning=True)


GATE = Gate(
    id="INF090",
    title="Conditions of Terraform have two results",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/expressions/conditionals",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of Terraform", sources),
    targets=("repository",),
    reads="conditions whose two values stand in one line, and lengths that are compared with 0.",
)
