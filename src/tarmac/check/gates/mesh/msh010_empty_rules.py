"""Policies without rules, or with an empty one, do what their names say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import group_of, name_of, space_of, title
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.scope import counted_in_files

_API = "security.istio.io"
#: Names that say what is let through.
_DENYING = re.compile(r"(?i)deny|nothing|(^|[-_])none([-_]|$)|lock-?down|block-?all")
_OPERATION = ("methods", "paths", "ports")
#: What callers of all kinds are let ask for.
_FOR_ALL = re.compile(
    r"(?i)health|live|ready|metrics|status|ping|public|login|well-known|favicon|^/?$"
)
_ALLOWING = re.compile(r"(?i)(^|[-_])allow[-_](all|any|every)")


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that let everything through, or nothing, against what is meant."""
    open_ones: dict[str, list[Artifact]] = {}
    for policy in _policies(files):
        for path, what in _faults(policy):
            either = "either is enough" in what
            yield Finding(policy.at(*path), f"{title(policy)} {what}", warning=either)
        if _action(policy) == "ALLOW" and _is_open(policy) and not _is_denying(policy):
            open_ones.setdefault(space_of(policy), []).append(policy)
    for policy in _policies(files) if open_ones else ():
        if _action(policy) != "ALLOW" or not _rules(policy) or _is_open(policy):
            continue
        for other in open_ones.get(space_of(policy), ()):
            both = str((other.data, policy.data))
            if _asked(other).items() <= _asked(policy).items() and "targetRef" not in both:
                what = (
                    f"{title(policy)} allows nothing more: {title(other)} allows every request to"
                )
                where = policy.at("spec", "rules")
                advice = "the same pods by its empty rule; remove one of the two"
                yield Finding(where, f"{what} {advice}", warning=True)
                break


def _faults(policy: Artifact) -> Iterator[tuple[Path, str]]:
    rules, action = _rules(policy), _action(policy)
    empty = next((n for n, rule in enumerate(rules) if _is_open(policy) and not rule), None)
    if action == "ALLOW" and empty is not None and _is_denying(policy):
        what = "has an empty rule, which every request fits, so it allows all that it is to deny"
        yield ("spec", "rules", empty), f"{what}; write `spec: {{}}`, without rules"
    elif action == "DENY" and not rules:
        what = "has the action DENY and no rules, which no request fits, so it denies nothing"
        yield ("spec", "action"), f"{what}; write `rules: [{{}}]` to deny all"
    elif action == "ALLOW" and (apart := _apart(rules)) is not None:
        told = ", ".join(map(str, apart[1]))
        what = f"has the callers in one rule and {told} in another, and either is enough: every"
        advice = "caller may ask for that; write `from` and `to` in one rule"
        yield ("spec", "rules", apart[0]), f"{what} {advice}"
    elif action == "ALLOW" and not rules and _ALLOWING.search(name_of(policy)):
        what = "has no rules, which no request fits, so it denies all that it is to allow"
        yield ("spec",), f"{what}; write `rules: [{{}}]`"


def _apart(rules: tuple[object, ...]) -> tuple[int, list[object]] | None:
    """Find a rule of operations alone beside one of callers alone, and list its operations."""
    keys = [{key for key in fields(rule) if fields(rule)[key]} for rule in rules]
    if {"from"} not in keys:
        return None
    for number, rule in enumerate(rules):
        operations = [fields(one, "operation") for one in items(rule, "to")]
        asked = [one for found in operations for key in _OPERATION for one in items(found, key)]
        if keys[number] == {"to"} and asked and not any(_FOR_ALL.search(str(one)) for one in asked):
            return number, asked
    return None


def _is_denying(policy: Artifact) -> bool:
    return _DENYING.search(name_of(policy)) is not None


def _is_open(policy: Artifact) -> bool:
    return any(isinstance(rule, dict) and not rule for rule in _rules(policy))


def _action(policy: Artifact) -> str:
    return string(policy.data, "spec", "action") or "ALLOW"


def _rules(policy: Artifact) -> tuple[object, ...]:
    return items(policy.data, "spec", "rules")


def _asked(policy: Artifact) -> dict[str, object]:
    return dict(labels_of(fields(policy.data, "spec", "selector")))


def _policies(files: Files) -> list[Artifact]:
    return [one for one in files.objects("AuthorizationPolicy") if group_of(one) == _API]


GATE = Gate(
    id="MSH010",
    title="Policies of the mesh without rules, or with an empty one, do what they are for",
    phase="mesh",
    source="https://istio.io/latest/docs/reference/config/security/authorization-policy: without "
    "rules nothing matches, and an empty rule matches every request",
    check=check,
    of_files=check,
    scope=counted_in_files("AuthorizationPolicies", _policies),
    targets=("cluster",),
    reads="actions, rules, selectors and names of AuthorizationPolicies of one namespace.",
)
