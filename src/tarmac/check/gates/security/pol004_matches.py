"""Policies match objects that there are, and ask for what is known when they run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, numbered, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.whole import schemas_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: What a request says of its user; objects that are looked at later have no such thing.
_OF_USERS = ("subjects", "roles", "clusterRoles")
_KYVERNO = ("ClusterPolicy", "Policy")
_CONSTRAINTS = "constraints.gatekeeper.sh/"


def check(files: Files) -> Iterator[Finding]:
    """Yield policies that are refused, and constraints of kinds in another group."""
    for policy in _policies(files):
        if str(policy.data["apiVersion"]).startswith(_CONSTRAINTS):
            yield from _groups(files, policy)
        elif dig(policy.data, "spec", "background") in (None, True):
            for number, rule in numbered(fields(policy.data, "spec"), "rules"):
                if used := next(_users(rule), ""):
                    what = f"{title(policy)} asks for {used}, which are known of requests alone, in"
                    said = f"{what} the background as well: Kyverno refuses it"
                    where = policy.at("spec", "rules", number)
                    yield Finding(where, f"{said}; write background: false")


def _users(rule: Fields) -> Iterator[str]:
    """Yield what a rule asks of the user of a request."""
    for key in ("match", "exclude"):
        own = fields(rule, key)
        every = [own, *(one for key in ("any", "all") for _, one in numbered(own, key))]
        yield from (name for one in every for name in _OF_USERS if one.get(name))


def _groups(files: Files, policy: Artifact) -> Iterator[Finding]:
    """Yield kinds that a constraint asks for in groups which have none, and in no other."""
    schemas = schemas_of(files)
    matches = list(numbered(fields(policy.data, "spec", "match"), "kinds"))
    asked = defaultdict[str, set[str]](set)
    for _, match in matches:
        for kind in texts(match.get("kinds")):
            asked[kind].update(texts(match.get("apiGroups")))
    for number, match in matches:
        groups = set(texts(match.get("apiGroups")))
        # A group of others may have kinds that are not known here.
        is_known = bool(groups) and all(map(schemas.is_own, (f"{one}/v1" for one in groups)))
        for kind in texts(match.get("kinds")) if is_known and "*" not in groups else ():
            there = schemas.groups_of(kind)
            if there and not there & asked[kind] and "*" not in (*kind, *asked[kind]):
                named = " or ".join(sorted(one or '""' for one in there))
                what = f"{title(policy)} asks for {kind} in {', '.join(map(repr, sorted(groups)))},"
                said = f"{what} where there is none: nothing is checked; its group is {named}"
                yield Finding(policy.at("spec", "match", "kinds", number), said)


@once
def _policies(files: Files) -> Iterator[Artifact]:
    """Yield policies of Kyverno, and constraints of Gatekeeper."""
    for one in files.objects(*_KYVERNO):
        if str(one.data["apiVersion"]).startswith("kyverno.io/"):
            yield one
    for one in files.objects():
        if str(one.data["apiVersion"]).startswith(_CONSTRAINTS):
            yield one


GATE = Gate(
    id="POL004",
    title="Policies match kinds that there are",
    phase="security",
    source="https://kyverno.io/docs/policy-types/cluster-policy/policy-settings: background scans "
    "know no user; https://open-policy-agent.github.io/gatekeeper/website/docs/howto: a match is "
    "by group and kind",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("policies", _policies),
    targets=("cluster",),
    reads="rules of Kyverno's policies, and groups and kinds of Gatekeeper's constraints beside "
    "the kinds whose schemas are known.",
)
