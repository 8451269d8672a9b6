"""A Kustomization of Flux that has encrypted Secrets decrypts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of
from tarmac.check.gates.views.overlays.flux_parts import applying, flux_parts
from tarmac.check.gates.views.overlays.flux_patches import flux_kustomizations
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.scope import counted_in_files

#: What in a patch decrypts for others: of Kustomizations, or for all by the controller.
_ELSEWHERE = ("decryption", "sops-age-secret")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")


class FluxFolder(NamedTuple):
    """A Kustomization of Flux, and an encrypted Secret that it applies."""

    artifact: Artifact
    path: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield Kustomizations that apply encrypted Secrets and decrypt none."""
    found = list(_encrypted(files))
    lacking = [one for one in found if not fields(one.artifact.data, "spec", "decryption")]
    if not lacking or any(_is_elsewhere(files)):
        return
    for one in {found.artifact.at(): found for found in reversed(lacking)}.values():
        name = name_of(one.artifact)
        what = f"Kustomization {name} applies Secret {one.name} ({one.path}), which SOPS encrypts,"
        said = f"{what} and has no decryption, which no other gives it: Flux refuses the Secret"
        advice = "and applies nothing of it; write decryption with provider: sops"
        yield Finding(one.artifact.at("spec"), f"{said} {advice}")


def _encrypted(files: Files) -> Iterator[FluxFolder]:
    for artifact, path, data in flux_parts(files):
        if data.get("kind") == "Secret" and _is_encrypted(data):
            yield FluxFolder(artifact, path, string(data, "metadata", "name"))


def _is_encrypted(data: Mapping[str, Any]) -> bool:
    return bool(string(data, "sops", "mac"))


def _is_elsewhere(files: Files) -> Iterator[bool]:
    """Yield whether a patch may decrypt, for Kustomizations that do not say so themselves."""
    for data in flux_kustomizations(files):
        spec = fields(data, "spec")
        is_patch = "path" not in spec and "sourceRef" not in spec and "decryption" in spec
        said = str(spec.get("patches"))
        yield is_patch or any(one in said for one in _ELSEWHERE)
    for artifact in kustomization_files(files):
        said = str([items(artifact.data, key) for key in _PATCHES])
        yield any(one in said for one in _ELSEWHERE)


GATE = Gate(
    id="GIT018",
    title="A Kustomization of Flux that has encrypted Secrets decrypts them",
    phase="gitops",
    source="https://fluxcd.io/flux/components/kustomize/kustomizations/#decryption: it is of each "
    "Kustomization, and none takes it from the one that applies it",
    check=check,
    of_files=check,
    scope=counted_in_files("Kustomizations of Flux", applying),
    targets=("cluster",),
    reads="Kustomizations of Flux beside the Secrets with a sops part in their path. Where a patch "
    "here says something of decryption, nothing is told.",
)
