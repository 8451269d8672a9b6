"""Policies of admission ask about something, and may be evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")
_ASKED = ("apiGroups", "apiVersions", "operations", "resources")
_VARIABLE = re.compile(r"\bvariables\.([A-Za-z_]\w*)")
#: A text that begins an expression, and what makes a condition of it.
_TEXT = re.compile(r"\s*(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')\s*(?:\+|$)")
_CONDITION = re.compile(r"==|!=|[<>]|\bin\b|&&|\|\||\.(?:matches|contains|startsWith|endsWith)\(")
#: Where expressions are, and in which of their keys.
_PLACES = (
    ("validations", "expression"),
    ("validations", "messageExpression"),
    ("auditAnnotations", "valueExpression"),
)


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that an API server refuses for what they ask."""
    for policy in _policies(files):
        for path, what in (*_unasked(policy), *_unknown(policy), *_texts(policy)):
            where = policy.at(*path)
            yield Finding(where, f"{title(policy)} {what}: the API server refuses it")


def _unasked(policy: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield policies and rules that name no request."""
    place = ("spec", "matchConstraints")
    rules = list(numbered(policy.data, *place, "resourceRules"))
    if not rules:
        yield place, "has no resourceRules in its matchConstraints, so it is asked of no request"
    for number, rule in rules:
        for key in _ASKED:
            if not items(rule, key) and not rule.get(key):
                yield (*place, "resourceRules", number), f"has a rule without {key}"


def _unknown(policy: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield variables that are read before they are declared, or are nowhere."""
    known = set[str]()
    for number, variable in numbered(policy.data, "spec", "variables"):
        path: Path = ("spec", "variables", number, "expression")
        yield from _read(string(variable, "expression"), known, path)
        known.add(string(variable, "name"))
    for key, part in _PLACES:
        for number, one in numbered(policy.data, "spec", key):
            yield from _read(string(one, part), known, ("spec", key, number, part))


def _read(expression: str, known: set[str], path: Path) -> Iterator[tuple[Path, str]]:
    for name in dict.fromkeys(_VARIABLE.findall(expression)):
        if name not in known:
            yield path, f"reads variables.{name}, which is not declared before"


def _texts(policy: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield conditions that are texts."""
    for number, one in numbered(policy.data, "spec", "validations"):
        expression = string(one, "expression")
        outside = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", "", expression)
        if _TEXT.match(expression) and not _CONDITION.search(outside):
            path: Path = ("spec", "validations", number, "expression")
            yield path, "has a text for a condition, which has to be true or false"


@once
def _policies(files: Files) -> Iterator[Artifact]:
    yield from files.objects(*_KINDS)


GATE = Gate(
    id="POL008",
    title="Policies of admission ask about something, and may be evaluated",
    phase="security",
    source="https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("policies of admission", _policies),
    targets=("cluster",),
    reads="resourceRules, variables and validations of ValidatingAdmissionPolicies, and those of "
    "MutatingAdmissionPolicies that are alike.",
)
