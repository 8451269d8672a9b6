"""Policy statements of AWS allow something: actions fit resources, and conditions can hold."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.alike_services import alike
from tarmac.check.gates.views.terraform.filled import open_ended
from tarmac.check.gates.views.terraform.policies import statements
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement
from tarmac.check.gates.views.terraform.secret_arns import secret_arns
from tarmac.check.gates.views.terraform.trusts import wrong_trust

#: Resources that are all written: ARNs, and those of resources of Terraform, read word by word.
_ONLY_ARNS = re.compile(
    r"(?:(?:(?:data )?aws_\w+ [\w-]+ arn|arn:(?!\$)\S+"
    r"|\$\{(?:data\.)?aws_[\w.-]+\.arn\}\S*)(?: |$))+"
)
_ARN = re.compile(r"arn:[\w-]+:([\w-]+):([\w-]*):([\w*]*):(.+)")
_ARN_OF_BUCKET = re.compile(
    r"arn:[\w-]+:s3:::(?P<path>.+)"
    r"|\$\{(?:data\.)?aws_s3_bucket\.\w+(?:\[[^\]]*\])?\.arn\}(?P<rest>.*)"
)
#: The ARN of a bucket by its name in Terraform, which is read word by word.
_NAMED = re.compile(r"(?:data )?aws_s3_bucket (\S+) arn")
#: A value that a text ends with.
_END = re.compile(r"\$\{((?:local|var)\.[\w-]+)\}$")
#: What is computed within a text.
_EXPRESSION = re.compile(r"\$\{[^{}]*\}")
_PLAIN_TEST = ("StringEquals", "StringEqualsIgnoreCase")
_GITHUB = "token.actions.githubusercontent.com:sub"
#: What the subject of a token of GitHub is made of: an organisation and repository, and what ran.
_SUBJECT = re.compile(
    r"repo:[^/:]+/[^:]+:(ref:refs/(heads|tags)/.+|environment:.+|pull_request|.*\*.*)"
)
#: The same where its end may be anything, a colon as well.
_ANY_END = re.compile(r"repo:[^/:*]*(/[^/:*]*)?\*")
#: The key of a condition by the ARN of a provider, whose own keys begin with its host.
_KEY_OF_ARN = re.compile(
    r"(\$\{(?:[\w.\[\]-]+\.arn|[\w.]+\.oidc_provider_arn)\}|arn:aws[\w-]*:iam:\S+):(sub|aud)"
)
_ACCOUNT = re.compile(r"system:serviceaccount:[^:]+:[^:]+")


def check(files: Files) -> Iterator[Finding]:
    """Yield statements by which nothing can be done."""
    named: dict[str, set[str]] = {}
    found, wide = list(statements(files)), set(open_ended(files))
    for statement in found:
        file = statement.where.rpartition(":")[0]
        named.setdefault(file, set()).update(map(_bucket, statement.parts.get("Resource", ())))
    for statement in found:
        for what in (
            *wrong_trust(statement),
            *_of_all(statement),
            *_resources(statement, wide),
            *_conditions(statement),
            *secret_arns(statement),
        ):
            yield Finding(statement.where, what)
        for bucket in _alone(statement, named[statement.where.rpartition(":")[0]]):
            what = f"allows s3:* on the bucket {bucket} and not on what is in it, so no object is"
            yield Finding(statement.where, f"{what} read or written; add {bucket}/*", warning=True)


def _bucket(written: str) -> str:
    """Cut what a resource names inside of a bucket down to `BUCKET/`."""
    head, parted, _ = written.partition("/")
    return head + parted


def _alone(statement: PolicyStatement, named: set[str]) -> list[str]:
    """List buckets of which all is allowed, and of whose objects no statement says anything."""
    written = statement.parts.get("Resource", ())
    is_all = statement.parts.get("Action", ()) == ("s3:*",) and statement.allows
    if not is_all or statement.partial or not all(map(_ARN_OF_BUCKET.fullmatch, written)):
        return []
    return [one for one in written if not {"*", "/"} & {*one} and f"{one}/" not in named]


def _resources(statement: PolicyStatement, wide: set[tuple[str, str]]) -> Iterator[str]:
    """Yield actions that none of the resources is a thing of.

    Args:
        wide: by folder, the names of values that end with anything, as what is in a bucket.
    """
    actions, written = statement.parts.get("Action", ()), _named(statement)
    if not written or statement.partial or not all(map(_is_whole, written)):
        return
    # A slash of an expression is none of the name: `${split("/", var.place)[0]}`.
    written = tuple(_EXPRESSION.sub(lambda one: one[0].replace("/", ""), name) for name in written)
    buckets = [
        str(match["path"] or match["rest"])
        for one in written
        if (match := _ARN_OF_BUCKET.fullmatch(one))
    ]
    if len(buckets) == len(written):
        folder = posixpath.dirname(statement.where)
        ends = ((folder, found[1]) for one in buckets if (found := _END.search(one)))
        is_open = any("/" in one or "*" in one for one in buckets) or not wide.isdisjoint(ends)
        for action in actions:
            if action in published("iam")["of_object"] and not is_open:
                yield f"allows {action} on a bucket, and objects are below it; write {written[0]}/*"
            if action in published("iam")["of_bucket"] and not any(
                "/" not in one for one in buckets
            ):
                what = f"allows {action} on objects, and it is asked of their bucket"
                yield f"{what}; write {written[0].partition('/')[0]}"
    if all(_ARN.fullmatch(one) for one in written):
        services = {match[1] for one in written if (match := _ARN.fullmatch(one))}
        for action in actions:
            service = action.partition(":")[0]
            if ":" in action and "*" not in service and service not in alike(services):
                what = f"allows {action} on resources of {', '.join(sorted(services))} only"
                yield f"{what}, so it allows nothing; name resources of {service}"


def _of_all(statement: PolicyStatement) -> Iterator[str]:
    """Yield actions that are asked of every resource at once, and allowed on some."""
    written = " ".join(statement.parts.get("Resource", ()))
    if statement.partial or not statement.allows or not _ONLY_ARNS.fullmatch(written):
        return
    for action in statement.parts.get("Action", ()):
        if action in published("iam")["of_all"]:
            yield f'allows {action} on some resources, and it is asked of all; write "*"'


def _named(statement: PolicyStatement) -> tuple[str, ...]:
    """List the resources of a statement; the ARN of a bucket of Terraform as in a text."""
    texts = statement.parts.get("Resource", ())
    whole = _NAMED.sub(r"${aws_s3_bucket.\1.arn}", " ".join(texts))
    return tuple(whole.split(" ")) if whole != " ".join(texts) else texts


def _is_whole(written: str) -> bool:
    """Tell whether a resource is written, not computed; `${...}` inside of a part is no matter."""
    if written.startswith("${") and _ARN_OF_BUCKET.fullmatch(written):
        return True
    return written.startswith("arn:") and not written.startswith("arn:${")


def _conditions(statement: PolicyStatement) -> Iterator[str]:
    said = statement.parts.get("Condition", ())
    for key in (one.key for one in statement.conditions):
        if _KEY_OF_ARN.fullmatch(key):
            what = f"asks for {key}, and keys begin with the provider's host and not with its ARN:"
            yield f"{what} no token meets it; write its url without https://"
    for test in _PLAIN_TEST:
        if test in said and not any("Like" in one for one in said):
            for value in said:
                if "*" in value and value != "*" and ":" in value and "${" not in value:
                    what = f"compares with {value} by {test}, which takes * as it stands"
                    yield f"{what}, so nothing matches; write StringLike"
    if any(fnmatchcase(one, f"*{_GITHUB}") for one in said):
        is_pattern = any("Like" in one for one in said)
        for value in said:
            is_met = _SUBJECT.fullmatch(value) or (is_pattern and _ANY_END.fullmatch(value))
            if value.startswith("repo:") and "${" not in value and not is_met:
                what = f"trusts the subject {value}, which no token of GitHub has"
                name = value.partition(":ref")[0].rstrip(":")
                yield f"{what}; write e.g. {name}:ref:refs/heads/main"
    for value in said:
        is_plain = value.startswith("system:serviceaccount") and not set("$*") & set(value)
        if is_plain and not _ACCOUNT.fullmatch(value):
            what = f"trusts the subject {value}, which no token of a cluster has"
            yield f"{what}; write system:serviceaccount:NAMESPACE:NAME"


GATE = Gate(
    id="INF016",
    title="Policy statements can allow what they say",
    phase="security",
    source="https://docs.aws.amazon.com/service-authorization/latest/reference: an action on a "
    "resource of another form, and a condition that no token meets, are valid and allow nothing",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("policy statements", statements),
    targets=("cluster",),
    reads="blocks `statement` of aws_iam_policy_document, and objects with Effect and Action; "
    "resources and conditions as far as they are written. Statements with loops are not judged.",
)
