"""What Karpenter looks for by a tag has that tag in Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, fields, numbered
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import group_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import blocks

#: Where a class of nodes says what it looks for: its terms, or one mapping of tags.
_TERMS = {"subnetSelectorTerms": "subnet", "securityGroupSelectorTerms": "security_group"}
_OLD = {"subnetSelector": "subnet", "securityGroupSelector": "security_group"}
_KINDS = {"EC2NodeClass": "karpenter.k8s.aws", "AWSNodeTemplate": "karpenter.k8s.aws"}
_TAG = re.compile(r'^[ \t]*"([\w.-]+/[\w./-]+)"\s*=\s*(.+?)\s*,?\s*$')
_OPENED = re.compile(r"^[ \t]*(\w+)\s*=\s*(?:merge\s*\()?.*[{(]\s*$")
_LITERAL = re.compile(r'"([^"$]*)"')
#: Tags that AWS and controllers write themselves.
_WRITTEN = ("aws:", "kubernetes.io/cluster/")


class SoughtTag(NamedTuple):
    """A tag by which a class of nodes looks for its network."""

    artifact: Artifact
    path: Path
    #: What is looked for: `subnet` or `security_group`.
    thing: str
    key: str
    value: str


class GivenTag(NamedTuple):
    """A tag in Terraform; None: its value is computed."""

    #: The arguments and names around it.
    within: str
    value: str | None


def check(files: Files) -> Iterator[Finding]:
    """Yield tags that Terraform gives to no subnet or security group."""
    sought = list(_sought(files))
    given = _given(files) if sought else {}
    found: dict[tuple[int, str], list[SoughtTag]] = {}
    for one in sought:
        found.setdefault((id(one.artifact), one.thing), []).append(one)
    for terms in found.values():
        lacks = [(one, _lack(given.get(one.key, ()), one)) for one in terms]
        # One term that finds some is enough.
        if all(there for _, there in lacks):
            one, there = lacks[0]
            things = "subnets" if one.thing == "subnet" else "security groups"
            what = f"{title(one.artifact)} looks for {things} with {one.key} = {one.value}, and"
            said = f"{what} Terraform gives that tag other values: it finds none and makes no node"
            where = one.artifact.at(*one.path)
            yield Finding(where, f"{said}; {did_you_mean(one.value, there)}", warning=True)


def _lack(given: tuple[GivenTag, ...] | list[GivenTag], one: SoughtTag) -> list[str]:
    """List the values that Terraform gives a tag; none where it may give the one sought."""
    values = {tag.value for tag in given}
    if None in values or one.value in values:
        return []
    # What is given in a place of its own is for one of both.
    of_other = {"subnet": "security_group", "security_group": "subnet"}[one.thing]
    own = {tag.value or "" for tag in given if of_other not in tag.within}
    return sorted(own)


def _given(files: Files) -> dict[str, list[GivenTag]]:
    found: dict[str, list[GivenTag]] = {}
    for block in blocks(files):
        within = ""
        for _, line in block.lines:
            if opened := _OPENED.match(line):
                within = opened[1]
            if tag := _TAG.match(line):
                literal = _LITERAL.fullmatch(tag[2])
                place = f"{'.'.join(block.names)} {within}"
                value = literal[1] if literal else None
                found.setdefault(tag[1], []).append(GivenTag(place, value))
    return found


@once
def _sought(files: Files) -> Iterator[SoughtTag]:
    """Yield the tags of all terms, where each of them has one that may be compared."""
    for artifact in files.objects(*_KINDS):
        if group_of(artifact) != _KINDS[str(artifact.data.get("kind"))]:
            continue
        for key, thing in _OLD.items():
            tags = fields(artifact.data, "spec", key)
            yield from _terms(artifact, thing, [(("spec", key), tags)])
        for key, thing in _TERMS.items():
            terms = numbered(artifact.data, "spec", key)
            places: list[tuple[Path, Fields]] = [
                (("spec", key, n, "tags"), fields(one, "tags")) for n, one in terms
            ]
            yield from _terms(artifact, thing, places)


def _terms(
    artifact: Artifact, thing: str, places: list[tuple[Path, Fields]]
) -> Iterator[SoughtTag]:
    found = []
    for path, tags in places:
        own = [
            SoughtTag(artifact, (*path, str(key)), thing, str(key), str(value))
            for key, value in tags.items()
            if "/" in str(key) and not str(key).startswith(_WRITTEN)
            if not is_mark(value) and "*" not in str(value)
        ]
        if not own:
            return
        found.append(own[0])
    yield from found


GATE = Gate(
    id="INF060",
    title="What Karpenter looks for by a tag has it in Terraform",
    phase="infrastructure",
    source="https://karpenter.sh/docs/concepts/nodeclasses/#specsubnetselectorterms: a class whose "
    "terms find no subnet is not ready, and no node is made with it",
    check=check,
    of_files=check,
    scope=counted_in_files("tags that classes of nodes look for", _sought),
    targets=("cluster",),
    reads="tags with a domain in the terms of EC2NodeClasses and AWSNodeTemplates, beside the same "
    "keys in Terraform, where all of their values are written as they stand. Networks may be made "
    "elsewhere, so all are warnings.",
)
