"""A password that Terraform makes is of characters that its place takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

_MAKERS = ("random_password", "random_string")
_MADE = re.compile(r"\b(random_password|random_string)\.(\w+)(?:\[[^\]]*\])?\.result\b")
_LOCAL = re.compile(r"\blocal\.(\w+)")
#: A password in an URL, as it is.
_IN_URL = re.compile(
    r"\w://[^\s\"@/]*:\$\{\s*(random_password|random_string)\.(\w+)(?:\[[^\]]*\])?\.result\s*\}@"
)
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


class PasswordUse(NamedTuple):
    """A place that is given a password which the same folder makes."""

    block: TerraformBlock
    line: int
    maker: TerraformBlock
    #: What is refused there, or is not read as it is, and what it is given to.
    bad: str
    what: str


def check(files: Files) -> Iterator[Finding]:
    """Yield passwords that may have a character which is not taken."""
    for root in resources_of(files):
        told = set[tuple[str, ...]]()
        for use in _uses(root):
            key = (use.maker.file, *use.maker.names, use.bad)
            if use.bad and key not in told:
                told.add(key)
                line = argument(use.maker, "override_special")[0] or use.maker.lines[0][0]
                shown = " ".join(use.bad[:3])
                what = f"{'.'.join(use.maker.names[1:3])} may have {shown}, which {use.what}, so it"
                advice = "works by chance; write override_special without them"
                yield Finding(f"{use.maker.file}:{line}", f"{what} {advice}", warning=True)


def _uses(root: Resources) -> Iterator[PasswordUse]:
    known = published("password_forms")
    for rule in known["kinds"]:
        for kind in rule["of"]:
            for block in root.of(kind):
                yield from _given(root, block, rule, f"{kind}.{block.names[2]} does not take")
    for rule in known["modules"]:
        for block in root.modules:
            if rule["source"] in argument(block, "source")[1]:
                yield from _given(root, block, rule, f"module {block.names[1]} does not take")
    for block in (*root.found, *root.modules, *root.locals, *root.outputs):
        for line, text in block.lines:
            for kind, name in _IN_URL.findall(text):
                if (maker := root.by_name.get((kind, name))) is not None:
                    special = _special(root, maker)
                    bad = "".join(one for one in special or "" if one not in known["plain"])
                    what = f"does not stand for itself in the URL of line {line} of {block.file}"
                    yield PasswordUse(block, line, maker, bad, what)


def _given(root: Resources, block: TerraformBlock, rule: Any, what: str) -> Iterator[PasswordUse]:
    line, text = argument(block, rule["key"])
    if re.search(rf"ignore_changes\s*=\s*(?:all|\[[^\]]*\b{rule['key']}\b)", block.text):
        return  # it is one that was set before
    if (found := _MADE.fullmatch(_followed(root, text))) is None:
        return
    maker = root.by_name.get((found[1], found[2]))
    special = _special(root, maker) if maker else None
    if maker is not None and special is not None:
        only, refused = rule.get("only"), rule.get("refuses", "")
        bad = [one for one in special if (one not in only if only else one in refused)]
        yield PasswordUse(block, line, maker, "".join(bad), what)


def _followed(root: Resources, text: str) -> str:
    """Put in what a local value is."""
    if (named := _LOCAL.fullmatch(text)) is None:
        return text
    return next(filter(None, (argument(one, named[1])[1] for one in root.locals)), text)


def _special(root: Resources, maker: TerraformBlock) -> str | None:
    """List the special characters that a password may have; None where they are computed."""
    special = _followed(root, argument(maker, "special")[1])
    if special == "false":
        return ""
    own = _followed(root, argument(maker, "override_special")[1])
    if special not in ("", "true") or (own and not _TEXT.fullmatch(own)):
        return None
    known = str(published("password_forms")["special"])
    found = _TEXT.fullmatch(own)
    return found[1].replace('\\"', '"').replace("\\\\", "\\") if found and found[1] else known


def _judged(files: Files) -> Iterator[object]:
    for root in resources_of(files):
        yield from _uses(root)


GATE = Gate(
    id="INF086",
    title="A password that Terraform makes is of characters that its place takes",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html: "
    'MasterUserPassword has no /, ", @ or space; https://datatracker.ietf.org/doc/html/rfc3986'
    "#section-2.2: characters that end a part of an URL are escaped in it",
    check=check,
    of_files=check,
    scope=counted_in_files("passwords that are made", _judged),
    of_objects=False,
    targets=(),
    reads="special and override_special of random_password and random_string, beside databases, "
    "caches and brokers of AWS, and URLs that are put together, in one folder. All are warnings, "
    "as it is chance. Judges files without a plan only.",
)
