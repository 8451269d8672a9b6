"""What takes a published version of a function alone is given one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

_FUNCTION, _ALIAS = "aws_lambda_function", "aws_lambda_alias"
#: The version of a function of the folder, as another resource reads it.
_VERSION = re.compile(
    rf"\b{_FUNCTION}\.(\w+)(?:\[[^\]]*\])?\.(version|qualified_arn|qualified_invoke_arn)\b"
)
_OF_ALIAS = re.compile(rf"\b{_ALIAS}\.(\w+)(?:\[[^\]]*\])?\.(name|arn)\b")
_LATEST = '"$LATEST"'
#: Weights that are written, and not those of a variable, which may be empty.
_WEIGHTS = re.compile(r"\badditional_version_weights\s*=\s*\{\s*[^\s}]")
_AT_EDGE = re.compile(r"\blambda_function_association\b")


class VersionUse(NamedTuple):
    """A resource that takes a version, and may not take the unpublished one."""

    block: TerraformBlock
    line: int
    #: What is written there.
    text: str
    #: Of which kind the resource is, and what AWS does.
    what: str


def check(files: Files) -> Iterator[Finding]:
    """Yield resources that are refused, as the function has no version but the latest."""
    for root in resources_of(files):
        for use in _uses(root):
            if (function := _unpublished(root, use.text)) is None:
                continue
            said = f"{use.what}, and {function}: the apply is refused; write publish = true"
            yield Finding(f"{use.block.file}:{use.line}", said)


def _uses(root: Resources) -> Iterator[VersionUse]:
    for alias in root.of(_ALIAS):
        line, text = argument(alias, "function_version")
        if line and _WEIGHTS.search(alias.text):
            what = f"{alias.names[2]} has weights, which an alias of a published version may have"
            yield VersionUse(alias, line, text, what)
    for kept in root.of("aws_lambda_provisioned_concurrency_config"):
        line, text = argument(kept, "qualifier")
        if named := _OF_ALIAS.search(text):
            asked = root.by_name.get((_ALIAS, named[1]))
            text = argument(asked, "function_version")[1] if asked else ""
        if line:
            what = f"{kept.names[2]} keeps instances of a version, which has to be published"
            yield VersionUse(kept, line, text, what)
    for permission in root.of("aws_lambda_permission"):
        line, text = argument(permission, "qualifier")
        if line and not _OF_ALIAS.search(text):
            what = f"{permission.names[2]} is for one version, which has to be published"
            yield VersionUse(permission, line, text, what)
    for served in root.of("aws_cloudfront_distribution"):
        line, text = argument(served, "lambda_arn")
        if line and _AT_EDGE.search(served.text):
            what = f"{served.names[2]} takes a function for the edge by a published version"
            yield VersionUse(served, line, text, what)


def _unpublished(root: Resources, text: str) -> str | None:
    """Say of which function only the latest version is there; None where that is not known."""
    if text == _LATEST:
        return "$LATEST is none"
    found = _VERSION.search(text)
    function = root.by_name.get((_FUNCTION, found[1])) if found else None
    if function is None or argument(function, "publish")[1] not in ("", "false"):
        return None
    return f"{function.names[2]} publishes none, so its version is $LATEST"


def _judged(files: Files) -> Iterator[object]:
    for root in resources_of(files):
        yield from _uses(root)


GATE = Gate(
    id="INF085",
    title="What takes a published version of a function alone is given one",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html: both "
    "versions are published, and $LATEST is not; https://docs.aws.amazon.com/lambda/latest/dg/"
    "provisioned-concurrency.html; https://docs.aws.amazon.com/AmazonCloudFront/latest/"
    "DeveloperGuide/lambda-at-edge-function-restrictions.html: a numbered version",
    check=check,
    of_files=check,
    scope=counted_in_files("uses of versions of functions", _judged),
    of_objects=False,
    targets=(),
    reads="aliases with weights, provisioned concurrency, permissions with a qualifier and "
    "functions at the edge, beside `publish` of aws_lambda_function in the same folder. Judges "
    "files without a plan only.",
)
