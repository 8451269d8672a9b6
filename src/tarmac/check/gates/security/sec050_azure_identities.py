"""Pods that are to have an identity of Azure have the label by which they get it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_CLIENT = "azure.workload.identity/client-id"
_LABEL = "azure.workload.identity/use"
_STORES = ("SecretStore", "ClusterSecretStore")


class AzurePods(NamedTuple):
    """Pods that run as an account with an identity of Azure."""

    title: str
    where: str
    has_label: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield pods to which no token is given."""
    for one in _judged(files):
        if not one.has_label:
            what = f"{one.title} runs as an account with {_CLIENT}, and its pods lack the label"
            said = f"{what} {_LABEL}: they are given no token, so Azure refuses them; add it"
            yield Finding(one.where, f'{said} as "true"')


@once
def _judged(files: Files) -> Iterator[AzurePods]:
    known = {
        (space_of(one), name_of(one))
        for one in files.objects("ServiceAccount")
        if _CLIENT in metadata(one).annotations
    }
    for own in pods(files, *SERVING) if known else ():
        account = string(own.spec.data, "serviceAccountName")
        if (space_of(own.artifact), account) in known and not _reads_by_driver(own):
            where = own.at("serviceAccountName")
            yield AzurePods(title(own.artifact), where, str(own.labels.get(_LABEL)) == "true")
    yield from _released(files)


def _reads_by_driver(own: Pods) -> bool:
    """Tell whether a driver of volumes asks Azure in place of the pods."""
    volumes = items(own.spec.data, "volumes")
    return any(string(one, "csi", "driver") == "secrets-store.csi.k8s.io" for one in volumes)


def _released(files: Files) -> Iterator[AzurePods]:
    for given in given_values(files, frozenset(published("azure_labels")["charts"])):
        values = fields(given.artifact.data, *given.path)
        account: Path = ("serviceAccount", "annotations")
        is_asked = _CLIENT in fields(values, *account)
        if given.chart == "external-secrets":
            is_asked = is_asked and any(map(_asks_itself, files.objects(*_STORES)))
        if is_asked and not _has_others(given.artifact, given.path):
            where = given.artifact.at(*given.path, *account, _CLIENT)
            told = _LABEL in str(_without_account(values))
            yield AzurePods(title(given.artifact), where, told)


def _without_account(values: Any) -> Any:
    """Leave out the account, whose labels are not read."""
    return {key: value for key, value in values.items() if key != "serviceAccount"}


def _has_others(release: Artifact, path: Path) -> bool:
    """Tell whether a release takes values from elsewhere, too."""
    places = (("spec", "valuesFrom"), ("spec", "postRenderers"), (*path[:-1], "valueFiles"))
    return any(dig(release.data, *place) for place in places)


def _asks_itself(store: Artifact) -> bool:
    """Tell whether a store asks Azure as the pods of the operator, and not as another account."""
    provider = fields(store.data, "spec", "provider", "azurekv")
    return provider.get("authType") == "WorkloadIdentity" and not provider.get("serviceAccountRef")


GATE = Gate(
    id="SEC050",
    title="Pods with an identity of Azure have the label by which they get it",
    phase="security",
    source="https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-"
    "annotations.html: only pods with the label azure.workload.identity/use are changed",
    check=check,
    of_files=check,
    scope=counted_in_files("pods with an identity of Azure", _judged),
    targets=(),
    reads="ServiceAccounts beside the pods that run as them, and values of the charts in "
    "`azure_labels` of assets/published.yaml. Judges files without a plan only.",
)
