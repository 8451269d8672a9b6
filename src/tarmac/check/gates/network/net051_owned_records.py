"""Two installations that keep the records of one zone own them by different names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_CHART, _IMAGE = "external-dns", "external-dns"
_OWNER = "--txt-owner-id"
#: Folders whose values are those of others as well.
_SHARED = re.compile(r"base|common|defaults?|shared|all|global|templates?|examples?")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/")
#: Which objects are looked at, as arguments and as values.
_CHOICES = (
    "source", "ingress-class", "annotation-filter", "label-filter", "namespace", "gateway-name",
    "service-type-filter", "gateway-namespace", "gateway-label-filter",
)  # fmt: skip
_CHOSEN = ("sources", "ingressClassFilters", "annotationFilter", "labelFilter", "namespace",
           "namespaced", "extraArgs")  # fmt: skip
_ZONES = ("zone-id-filter", "aws-zone-type", "aws-zone-tags", "google-project", "azure-config-file")
_PRIVATE = re.compile(r"zone-type=private|zoneType['\"]?: ['\"]?private|visibility=private")


class RecordKeeper(NamedTuple):
    """One installation of external-dns."""

    where: str
    path: str
    owner: str
    domains: frozenset[str]
    #: Which objects it makes records of.
    chosen: str
    #: Whether it deletes records that have no source.
    deletes: bool
    #: What tells its zones and records from those of another one with the same domains.
    apart: tuple[str, ...]
    is_private: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield installations that delete the records of another one."""
    by_owner: dict[tuple[str, tuple[str, ...]], list[RecordKeeper]] = {}
    for one in sorted(_keepers(files), key=lambda one: one.path):
        if one.owner and "{{" not in one.owner and "$" not in one.owner and not one.is_private:
            before = by_owner.setdefault((one.owner, one.apart), [])
            other = next((two for two in before if _are_two(two, one)), None)
            shared = sorted(one.domains & other.domains) if other else []
            if other and shared and (one.deletes or other.deletes):
                what = f"external-dns owns the records of {shared[0]} as {one.owner}, and so does"
                said = f"{what} that of {other.path}: with the policy sync each deletes the records"
                kind = "cluster" if _are_apart(other.path, one.path) else "installation"
                advice = f"that the other has made; give each {kind} an owner of its own"
                yield Finding(one.where, f"{said} {advice}", warning=True)
            before.append(one)


def _are_two(one: RecordKeeper, other: RecordKeeper) -> bool:
    """Tell whether two are of two clusters, or of one and make records of other objects."""
    beside = one.path.rpartition("/")[0] == other.path.rpartition("/")[0]
    return _are_apart(one.path, other.path) or (beside and one.chosen != other.chosen)


def _are_apart(one: str, other: str) -> bool:
    """Tell whether two paths differ in one folder, as those of two clusters do."""
    left, right = one.split("/"), other.split("/")
    if len(left) != len(right):
        return False
    differing = [pair for pair in zip(left, right, strict=True) if pair[0] != pair[1]]
    is_folder = left[-1] == right[-1] and len(differing) == 1
    return is_folder and not any(map(_SHARED.fullmatch, differing[0]))


@once
def _keepers(files: Files) -> Iterator[RecordKeeper]:
    for artifact in files.artifacts:
        if not artifact.is_object and artifact.path.endswith((".yaml", ".yml")):
            values = artifact.data
            if string(values, "txtOwnerId") and {"policy", "domainFilters"} & values.keys():
                yield _of_values(artifact, (), values)
    for given in given_values(files, frozenset({_CHART})):
        values = fields(given.artifact.data, *given.path)
        yield _of_values(given.artifact, given.path, values)
    for own in pods(files, "Deployment"):
        for container in own.main_containers:
            if container.image_name == _IMAGE:
                told = [n for n, one in enumerate(container.arguments) if _OWNER in str(one)]
                where = container.at("args", *told[:1])
                yield _of_arguments(own.artifact, where, container.arguments)


def _of_values(artifact: Artifact, path: Path, values: Fields) -> RecordKeeper:
    provider = dig(values, "provider")
    name = string(provider, "name") if isinstance(provider, Mapping) else str(provider or "")
    account = _ROLE.search(str(values))
    apart = (
        name,
        *(string(values, key) for key in ("txtPrefix", "txtSuffix", "registry")),
        account[1] if account else "",
        *(str(values.get(key)) for key in ("zoneIdFilters", "zoneIDFilters")),
        more if "zone" in (more := str(values.get("extraArgs"))) else "",
    )
    return RecordKeeper(
        where=artifact.at(*path, "txtOwnerId"),
        path=artifact.path,
        owner=str(values.get("txtOwnerId") or ""),
        domains=frozenset(texts(values.get("domainFilters"))),
        chosen=str([values.get(key) for key in _CHOSEN]),
        deletes=values.get("policy") == "sync",
        apart=apart,
        is_private=_PRIVATE.search(str(values)) is not None,
    )


def _of_arguments(artifact: Artifact, where: str, arguments: tuple[str, ...]) -> RecordKeeper:
    told: dict[str, list[str]] = {}
    for one in map(str, arguments):
        key, _, value = one.partition("=")
        told.setdefault(key, []).append(value)
    kinds = ("provider", "txt-prefix", "txt-suffix", *_ZONES)
    return RecordKeeper(
        where=where,
        path=artifact.path,
        owner=next(iter(told.get(_OWNER, ())), ""),
        domains=frozenset(told.get("--domain-filter", ())),
        chosen=str([sorted(told.get(f"--{key}", ())) for key in _CHOICES]),
        # By itself the program keeps all in step.
        deletes=told.get("--policy", ["sync"])[0] == "sync",
        apart=tuple(str(told.get(f"--{key}")) for key in kinds),
        is_private=_PRIVATE.search(" ".join(map(str, arguments))) is not None,
    )


GATE = Gate(
    id="NET051",
    title="Installations that keep the records of one zone own them by different names",
    phase="kubernetes",
    source="https://kubernetes-sigs.github.io/external-dns/latest/docs/faq/: each installation "
    "needs a txt-owner-id of its own, else it takes the records of the others for its own",
    check=check,
    of_files=check,
    scope=counted_in_files("installations of external-dns", _keepers),
    targets=(),
    reads="values of the chart external-dns and arguments of its pods, in two files of one name in "
    "folders beside each other, as those of two clusters are, or in one folder, where they look at "
    "other objects. Where their accounts, prefixes or "
    "zones differ, nothing is told. Judges files without a plan only.",
)
