"""Exceptions of Kyverno are for all rules that check what they match."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import (
    Fields,
    Path,
    dig,
    fields,
    items,
    numbered,
    numbered_texts,
    texts,
)
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds for which Kyverno derives a rule of one that is for Pods, and what its name begins with.
_DERIVED = {
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController"),
        "autogen-",
    ),
    "CronJob": "autogen-cronjob-",
}
_CONTROLLERS = "pod-policies.kyverno.io/autogen-controllers"
#: A rule with one of these is for objects that are known by more than their kind.
_NARROW = ("name", "names", "selector", "annotations")
_LONGEST = 63


class LeftOut(NamedTuple):
    """A policy of which an exception leaves rules out."""

    exception: Artifact
    path: Path
    policy: Artifact
    #: Names of rules, with their numbers.
    names: tuple[tuple[int, str], ...]
    kinds: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield exceptions that name no derived rule, or one that their policy does not have."""
    for one in _left_out(files):
        rules = [str(rule.get("name")) for _, rule in numbered(one.policy.data, "spec", "rules")]
        of_pods = _derives(one.policy)
        made = [_made(prefix, rule) for rule in rules for prefix in set(_DERIVED.values())]
        unknown = [
            (number, asked) for number, asked in one.names if not _is_rule(asked, rules, made)
        ]
        for number, asked in unknown:
            # Beside one that is there, a name of an older version does no harm.
            if len(unknown) == len(one.names) or only_near(asked, rules):
                what = f"{title(one.exception)} is to leave out the rule {asked}, which"
                said = f"{what} {title(one.policy)} does not have, so nothing is; there are:"
                where = one.exception.at(*one.path, number)
                yield Finding(where, f"{said} {', '.join(rules)}")
        for rule in of_pods:
            own = [number for number, asked in one.names if _takes(asked, rule)]
            lacking = [
                (kind, name)
                for kind in one.kinds
                if kind in _controllers(one.policy)
                for name in [_made(_DERIVED[kind], rule)]
                if not any(_takes(asked, name) for _, asked in one.names)
            ]
            if lacking and own:
                kind, name = lacking[0]
                what = f"{title(one.exception)} leaves out {rule} of {title(one.policy)}, and a"
                said = f"{what} {kind} is checked by {name}, which Kyverno derives of it: that is"
                names = ", ".join(dict.fromkeys(name for _, name in lacking))
                where = one.exception.at(*one.path, own[0])
                yield Finding(where, f"{said} still refused or reported; add {names} to ruleNames")


def _is_rule(asked: str, *known: list[str]) -> bool:
    return is_mark(asked) or any(_takes(asked, rule) for rules in known for rule in rules)


def _takes(pattern: str, name: str) -> bool:
    """Tell whether a name with wildcards is for a rule."""
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), name) is not None


def _made(prefix: str, rule: str) -> str:
    return f"{prefix}{rule}"[:_LONGEST]


def _blocks(rule: Fields, *keys: str) -> Iterator[Fields]:
    """Yield what a rule says of objects, in each of its blocks."""
    for key in keys:
        own = fields(rule, key)
        yield fields(own, "resources")
        for which in ("any", "all"):
            yield from (fields(one, "resources") for _, one in numbered(own, which))


def _derives(policy: Artifact) -> list[str]:
    """List the rules of a policy of which Kyverno derives one for what keeps pods."""
    found = []
    for _, rule in numbered(policy.data, "spec", "rules"):
        blocks = list(_blocks(rule, "match", "exclude"))
        kinds = [list(texts(one.get("kinds"))) for one in blocks]
        is_wide = any("Pod" in own and len(own) > 1 for own in kinds)
        is_narrow = any(key in one for one in blocks for key in _NARROW)
        is_patch = "patchesJson6902" in str(dig(rule, "mutate"))
        if is_wide or is_narrow or is_patch or "generate" in rule:
            return []
        asked = [own for one in _blocks(rule, "match") if (own := list(texts(one.get("kinds"))))]
        if asked and all(own == ["Pod"] for own in asked):
            found.append(str(rule.get("name")))
    return found


def _controllers(policy: Artifact) -> frozenset[str]:
    noted = metadata(policy).annotations.get(_CONTROLLERS)
    every = re.split(r"\s*,\s*", str(noted)) if noted is not None else list(_DERIVED)
    return frozenset(_DERIVED) if every == ["all"] else frozenset(every) & _DERIVED.keys()


def _folder(artifact: Artifact) -> str:
    return posixpath.dirname(artifact.path)


@once
def _left_out(files: Files) -> Iterator[LeftOut]:
    policies: dict[str, list[Artifact]] = {}
    for one in files.objects("ClusterPolicy", "Policy"):
        if str(one.data["apiVersion"]).startswith("kyverno.io/"):
            above = f"{space_of(one)}/" if one.data["kind"] == "Policy" else ""
            policies.setdefault(f"{above}{name_of(one)}", []).append(one)
    for exception in files.objects("PolicyException"):
        if not str(exception.data["apiVersion"]).startswith("kyverno.io/"):
            continue
        spec = fields(exception.data, "spec")
        kinds = [kind for one in _blocks(spec, "match") for kind in texts(one.get("kinds"))]
        known = tuple(dict.fromkeys(one.rpartition("/")[2] for one in kinds))
        for number, asked in numbered(spec, "exceptions"):
            found = policies.get(str(asked.get("policyName")), [])
            beside = [own for own in found if _folder(own) == _folder(exception)]
            found = beside or found
            names = tuple(numbered_texts(dig(asked, "ruleNames")))
            if len(found) == 1 and names and items(found[0].data, "spec", "rules"):
                path: Path = ("spec", "exceptions", number, "ruleNames")
                yield LeftOut(exception, path, found[0], names, known)


GATE = Gate(
    id="POL006",
    title="Exceptions of Kyverno are for all rules that check what they match",
    phase="security",
    source="https://kyverno.io/docs/policy-types/cluster-policy/autogen: of a rule for Pods "
    "Kyverno derives one for what keeps them, whose name begins with autogen-, and an exception is "
    "for the rules that it names",
    check=check,
    of_files=check,
    scope=counted_in_files("policies with exceptions", _left_out),
    targets=("cluster",),
    reads="ruleNames and kinds of PolicyExceptions beside the rules of the one policy of that name "
    "in these files, or in their folder.",
)
