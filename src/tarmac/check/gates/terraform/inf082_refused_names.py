"""Names are of the form that a cloud takes, and no variable of a function is the platform's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings

_FUNCTION = ("resource", "aws_lambda_function")
_INSIDE = ("environment", "variables")
#: What makes a queue or a topic keep the order.
_IN_ORDER = {"aws_sqs_queue": "fifo_queue", "aws_sns_topic": "fifo_topic"}
_OF_MODULE = "environment_variables"
_FRAMEWORK = ("serverless.yml", "serverless.yaml")


class FunctionVariable(NamedTuple):
    """A variable that a function of Lambda is given."""

    where: str
    function: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield names and variables with which nothing is made."""
    for setting, rule in _named(files):
        if not re.fullmatch(rule["form"], str(setting.value)):
            what = (
                f"{setting.name} of {setting.path[1]}.{setting.path[2]} is '{setting.value}', and"
            )
            yield Finding(setting.where, f"{what} {rule['says']}: it is refused")
    for setting in _in_order(files):
        if str(setting.value).endswith(".fifo"):
            continue
        what = f"{setting.path[1]}.{setting.path[2]} is FIFO, and its name does not end in .fifo:"
        yield Finding(setting.where, f"{what} it is refused; write {setting.value}.fifo")
    known = published("lambda_variables")
    for one in _variables(files):
        what = f"the function {one.function} is given {one.name}"
        if one.name in known["reserved"]:
            said = f"{what}, which Lambda sets itself: it is refused; read it, or write"
            yield Finding(one.where, f"{said} another name")
        elif not re.fullmatch(known["form"], one.name):
            said = f"{what}; such a name begins with a letter, and has two or more letters, digits"
            yield Finding(one.where, f"{said} or _: it is refused; write another name")


def _named(files: Files) -> Iterator[tuple[Setting, dict[str, str]]]:
    """Yield names that are written as they stand, with what is asked of them."""
    rules: dict[tuple[str, str], dict[str, str]] = {
        (kind, rule["key"]): rule
        for rule in published("resource_names")["names"]
        for kind in rule["kinds"]
    }
    for one in settings(files):
        if len(one.path) == 4 and one.path[0] == "resource" and one.value:
            rule = rules.get((one.path[1], one.name))
            is_known = "$" not in one.value and "%" not in one.value and not is_mark(one.value)
            if rule is not None and is_known:
                yield one, rule


def _in_order(files: Files) -> Iterator[Setting]:
    """Yield names of queues and topics that keep the order, where their end is known."""
    every = [one for one in settings(files) if len(one.path) == 4 and one.path[1] in _IN_ORDER]
    fifo = {
        (one.file, one.path[:3])
        for one in every
        if one.name == _IN_ORDER[one.path[1]] and str(one.value).lower() == "true"
    }
    for one in every:
        value = str(one.value or "")
        is_known = bool(value) and not value.endswith("}") and not is_mark(value)
        if one.name == "name" and (one.file, one.path[:3]) in fifo and is_known:
            yield one


def _variables(files: Files) -> Iterator[FunctionVariable]:
    every = list(settings(files))
    modules = {
        (one.file, one.path[1])
        for one in every
        if one.path[0] == "module" and one.path[2:] == ("source",) and "lambda" in str(one.value)
    }
    for one in every:
        if one.path[:2] == _FUNCTION and one.path[3:5] == _INSIDE and len(one.path) == 6:
            yield FunctionVariable(one.where, one.path[2], one.name)
        is_given = one.path[0] == "module" and one.path[2:3] == (_OF_MODULE,) and len(one.path) == 4
        if is_given and (one.file, one.path[1]) in modules:
            yield FunctionVariable(one.where, one.path[1], one.name)
    for artifact in files.artifacts:
        data = artifact.data
        if basename(artifact.path) in _FRAMEWORK and string(data, "provider", "name") == "aws":
            for name in fields(data, "provider", "environment"):
                where = artifact.at("provider", "environment", name)
                yield FunctionVariable(where, "of each", str(name))
            for function in fields(data, "functions"):
                for name in fields(data, "functions", function, "environment"):
                    where = artifact.at("functions", function, "environment", name)
                    yield FunctionVariable(where, str(function), str(name))


def _judged(files: Files) -> Iterator[object]:
    yield from _named(files)
    yield from _in_order(files)
    yield from _variables(files)


GATE = Gate(
    id="INF082",
    title="Names are of a form that a cloud takes, and no function is given Lambda's own variables",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: the keys of "
    "the runtime are reserved; https://docs.aws.amazon.com/elasticloadbalancing/latest/"
    "APIReference/API_CreateLoadBalancer.html, and the same page of each of the others",
    check=check,
    of_files=check,
    scope=counted_in_files("names of resources and variables of functions", _judged),
    of_objects=False,
    targets=(),
    reads="names of balancers, buckets, databases, registries and roles that are written as they "
    "stand, and keys of environments of functions in Terraform and serverless.yml. Judges files "
    "without a plan only.",
)
