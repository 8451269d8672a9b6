"""A role that hands roles to services of AWS may do that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of
from tarmac.check.gates.views.terraform.roles import Role, roles

_ACTION = re.compile(r'"([a-z0-9-]+:[A-Za-z*]+)"')
#: By these a policy may say what is not written in it, or all.
_OPEN = re.compile(
    r'"(iam:\*|\*:\*|iam:Pass\w*\*)"|\bactions?"?\s*[=:]\s*\[?\s*"\*"|^[ \t]*"\*",?[ \t]*$'
    r"|\bvar\.\w*(polic|action|statement)|\blocal\.|\bmodule\.|\beach\.|(templatefile|file\w*)\("
    r"|\bdynamic\b|not_?actions?\b|\b(source|override)_(policy_document|json)|\bfor\s",
    re.IGNORECASE | re.MULTILINE,
)
_TASKS = "aws_ecs_task_definition"
_ROLE = re.compile(r"\baws_iam_role\.(\w+)")
#: What gives rights to roles that it lists.
_LISTS = ("aws_iam_policy_attachment", "aws_iam_role_policy_attachments_exclusive")


def check(files: Files) -> Iterator[Finding]:
    """Yield roles that may have AWS begin something and not give it its role."""
    for root in resources_of(files):
        elsewhere = {
            name
            for one in (*(a for kind in _LISTS for a in root.of(kind)), *root.modules)
            for name in _ROLE.findall(one.text)
        }
        for role in roles(root):
            asked = _asked(root, role)
            if not asked or role.name in elsewhere or _may_more(role):
                continue
            where = next(
                f"{block.file}:{number}"
                for block in role.given
                for number, line in block.lines
                if f'"{asked}"' in line
            )
            what = f"the role {role.name} may {asked}, and not iam:PassRole, by which AWS is given"
            said = f"{what} the role that this is to have: each call is refused; allow it on that"
            yield Finding(where, f"{said} role")


def _asked(root: Resources, role: Role) -> str:
    """Name an action that hands a role over; "" without one."""
    known = published("handed_roles")
    actions = set(_ACTION.findall(role.text))
    found = sorted(actions & {*known["always"]})
    if not found and any(_has_role(root, one.names[2]) for one in root.of(_TASKS)):
        found = sorted(actions & {*known["of_tasks"]})
    return found[0] if found and "Deny" not in role.text else ""


def _has_role(root: Resources, name: str) -> bool:
    task = root.by_name[(_TASKS, name)]
    return any(argument(task, key)[1] for key in ("execution_role_arn", "task_role_arn"))


def _may_more(role: Role) -> bool:
    """Tell whether a role may hand roles over, or that is not known."""
    without = published("lambda_policies")["without_network"]
    is_known = all(one.name in without for one in role.managed)
    return not is_known or "iam:PassRole" in role.text or _OPEN.search(role.text) is not None


def _judged(files: Files) -> Iterator[Role]:
    for root in resources_of(files):
        yield from (role for role in roles(root) if _asked(root, role))


GATE = Gate(
    id="INF079",
    title="A role that hands roles to AWS may do that",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html: to pass a "
    "role to a service a caller needs iam:PassRole for that role",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("roles that hand roles over", _judged),
    targets=(),
    reads="actions in the policies of roles, where all of these are written in the same folder, "
    "beside the definitions of tasks there. Judges files without a plan only.",
)
