"""A function in a network of one's own may make its network interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of
from tarmac.check.gates.views.terraform.roles import Role, roles

_NEEDED = "ec2:createnetworkinterface"
_IN_NETWORK = re.compile(r"^[ \t]*vpc_config\s*\{", re.MULTILINE)
#: An action that is a text, and what may be any action.
_ACTION = re.compile(r'"(ec2:[\w*?]+|\*:\*)"', re.IGNORECASE)
_ALL = re.compile(r'(?i)\bactions?"?\s*[=:]\s*\[?\s*"\*"|^[ \t]*"\*",?\s*$', re.MULTILINE)
#: By these a policy may say what is not written in it.
_OPEN = re.compile(
    r"\bvar\.|\blocal\.|\bmodule\.|\beach\.|(templatefile|file|file\w+)\(|\bdynamic\b|not_?actions?\b|"
    r"\b(source|override)_(policy_document|json)|\bfor\s",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\baws_iam_role\.(\w+)")
#: What gives rights to roles that it lists.
_LISTS = ("aws_iam_policy_attachment", "aws_iam_role_policy_attachments_exclusive")


def check(files: Files) -> Iterator[Finding]:
    """Yield functions in a network whose roles may make no interface there."""
    for root in resources_of(files):
        if not (functions := list(_of_folder(root))):
            continue
        known = {role.name: role for role in roles(root)}
        lists = [one for kind in _LISTS for one in root.of(kind)]
        # A module or a list may give a role more here, and what is told of it elsewhere.
        given, shown = _named([*lists, *root.modules]), _named(root.outputs)
        for function in functions:
            own = root.named(function, "role", "aws_iam_role")
            role = known.get(own.names[2]) if own is not None else None
            if role is None or _may(role) or role.name in given:
                continue
            line = argument(function, "role")[0]
            where = role.managed[0].where if role.managed else f"{function.file}:{line}"
            what = f"{function.names[2]} is in a network, and its role {role.name} may not"
            said = f"{what} ec2:CreateNetworkInterface, so AWS refuses to make it; attach"
            advice = "AWSLambdaVPCAccessExecutionRole"
            yield Finding(where, f"{said} {advice}", warning=role.name in shown)


def _of_folder(root: Resources) -> Iterator[TerraformBlock]:
    for function in root.of("aws_lambda_function"):
        is_empty = argument(function, "subnet_ids")[1] == "[]"
        if _IN_NETWORK.search(function.text) and not is_empty:
            yield function


def _may(role: Role) -> bool:
    """Tell whether a role may make an interface, or that is not known."""
    without = published("lambda_policies")["without_network"]
    if any(one.name not in without for one in role.managed):
        return True
    text = role.text
    actions = (one.lower() for one in _ACTION.findall(text))
    is_allowed = any(fnmatchcase(_NEEDED, one) for one in actions)
    return is_allowed or _ALL.search(text) is not None or _OPEN.search(text) is not None


def _named(found: list[TerraformBlock]) -> set[str]:
    """List the roles that some blocks name."""
    return {name for one in found for name in _ROLE.findall(one.text)}


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        yield from _of_folder(root)


GATE = Gate(
    id="INF032",
    title="A function in a network may make its network interfaces",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-"
    "permissions: the role of the function needs ec2:CreateNetworkInterface",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("functions in a network", _judged),
    targets=(),
    reads="functions of Lambda with vpc_config beside the policies of their role, where all of "
    "these are written in the same folder or are AWS' own that give no such right. Judges files "
    "without a plan only.",
)
