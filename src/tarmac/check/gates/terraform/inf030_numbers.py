"""Numbers in expressions of Terraform are ones that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.comments import outside_texts
from tarmac.check.gates.views.terraform.folders import TerraformBlock, written_blocks

#: What is refused or decided in any expression, and why.
_FAULTS = (
    (
        re.compile(r"[\w\])]\[\s*-\s*\d+\s*\]"),
        "counts from the end, which Terraform refuses: an index begins with 0",
    ),
    (
        re.compile(r"\bslice\([^()]*(?:\([^()]*\)[^()]*)*,\s*-\s*\d+\s*[,)]"),
        "slices from a negative place, which Terraform refuses; begin with 0",
    ),
    (
        re.compile(r"\blength\([^()]*(?:\([^()]*\)[^()]*)*\)\s*(>=?|==|!=|<=?)\s*-\s*\d+"),
        "compares a length with a number below 0, so it always comes out the same; write 0",
    ),
    (
        re.compile(r"\blength\([^()]*(?:\([^()]*\)[^()]*)*\)\s*>=\s*0(?![.\d])"),
        "asks for a length of at least 0, which each has; write > 0",
    ),
    (
        re.compile(r"\?\s*-\s*\d+\s*:\s*\d|\?\s*\d+\s*:\s*-\s*\d"),
        "makes a negative number of a count, which Terraform refuses; write 0",
    ),
)
_LENGTH = re.compile(r"\blength\(([^()]*)\)")
#: A text without anything that is evaluated.
_TEXT = re.compile(r'"[^"$]*"')
#: Times by cron of EventBridge, Backup and Synthetics: six fields of numbers, names and signs.
_CRON = re.compile(r"\"cron\(([^)\"]*)\)\"")
_FIELD = re.compile(
    r"(\*|\?|[\dA-Za-z]+(?:-[\dA-Za-z]+)?)(?:/\d+)?|L(-\d+)?W?|(\d+|[A-Za-z]{3})(W|L|#[1-5])"
)
_SIX = 6
#: What is scaled by a schedule may have seconds first, and both days: its cron is Quartz's.
_OF_QUARTZ = ("resource", "aws_appautoscaling_scheduled_action")


def check(files: Files) -> Iterator[Finding]:
    """Yield numbers that Terraform or AWS refuses, where they are."""
    judged = list(_judged(files))
    has_quartz = any(block.names[:2] == _OF_QUARTZ for block in judged)
    for block in judged:
        # A value that stands elsewhere may be for it.
        is_elsewhere = block.names[0] in ("locals", "variable", "module")
        is_quartz = block.names[:2] == _OF_QUARTZ or (has_quartz and is_elsewhere)
        for number, line in outside_texts(block.lines):
            for what in (*_faults(line), *(() if is_quartz else _cron_faults(line))):
                # Beside another condition it says that none are enough, too.
                is_any = "at least 0" in what and ("&&" in line or _is_told_apart(line))
                said = f"`{line.strip()[:60]}` {what}"
                yield Finding(f"{block.file}:{number}", said, warning=is_any)


def _is_told_apart(line: str) -> bool:
    """Tell whether a line asks twice how long one list is: in one case, it may be any length."""
    lists = _LENGTH.findall(line)
    return "||" in line and len(lists) > len({*lists})


def _faults(line: str) -> Iterator[str]:
    is_count, plain = line.lstrip().startswith("count"), _TEXT.sub('""', line)
    for pattern, what in _FAULTS:
        if pattern.search(plain) and (is_count or "of a count" not in what):
            yield what


def _cron_faults(line: str) -> Iterator[str]:
    for found in _CRON.finditer(line):
        fields = found[1].split()
        wrong = [one for one in fields if not all(map(_FIELD.fullmatch, one.split(",")))]
        if "$" in found[1]:
            continue
        if len(fields) != _SIX:
            yield f"has {len(fields)} fields in its cron, and AWS takes {_SIX}: the last is a year"
        elif wrong:
            yield f"has {wrong[0]} in its cron, which AWS refuses; write a number, a name, * or ?"
        elif (fields[2] == "?") == (fields[4] == "?"):
            yield "names the days of its cron twice, or never; write ? for one of both"


@once
def _judged(files: Files) -> Iterator[TerraformBlock]:
    yield from written_blocks(files)


GATE = Gate(
    id="INF030",
    title="Numbers in expressions of Terraform are taken",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/expressions/references: an index "
    "is a number from 0; https://docs.aws.amazon.com/eventbridge/latest/userguide/"
    "eb-scheduled-rule-pattern: cron has six fields, with a ? for one of both days",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", _judged),
    targets=("cluster",),
    reads="indices, slices, comparisons of lengths, counts and times by cron, line by line.",
)
