"""Signatures of images: whose signature counts, and GitHub's steps that sign and verify.

cosign signs a digest by the job's own identity: there is no key that could leak. The signature
stands for the provenance and the list of packages, too, which are under the same digest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.aws import ISSUER

#: The version of the program; that of its action is in the catalogue.
COSIGN = "v3.1.3"
#: The forges whose identities Sigstore believes: the issuer, and the pipeline's file as identities
#: name it behind the repository. Elsewhere, COSIGN_KEY names a key.
_FORGES = {
    "github.com": ("github", f"https://{ISSUER}", "/.github/workflows/ci.yml"),
    "gitlab.com": ("gitlab", "https://gitlab.com", "//.gitlab-ci.yml"),
}


def wanted(plan: ClusterPlan) -> bool:
    """Tell whether images are signed, and delivered with a signature alone."""
    return plan.delivery is not None and plan.delivery.signatures is not None


def signers(plan: ClusterPlan) -> list[dict[str, str]]:
    """List the identities whose signature counts: the pipeline's, on what it delivers."""
    delivery = plan.delivery
    if delivery is None or not wanted(plan):
        return []
    refs = [f"heads/{re.escape(delivery.branch)}"]
    if any(stage.by == "release" for stage in st.stages(plan)):
        refs.append("tags/v[^/]+")
    forge = _FORGES.get(urlsplit(delivery.repository).netloc)
    if forge is None or forge[0] not in delivery.pipelines:
        return []
    _, issuer, file = forge
    home = delivery.repository.rstrip("/").removesuffix(".git")
    identity = f"^{re.escape(home + file)}@refs/({'|'.join(refs)})$"
    return [{"identity": identity, "issuer": issuer}]


def signed(plan: ClusterPlan, registry: str) -> list[dict[str, Any]]:
    """Sign what was pushed."""
    line = 'scripts/ci sign "$SERVICE" "$REGISTRY"'
    return _steps(plan, "Sign it", (line,), {"SERVICE": g.SERVICE, "REGISTRY": registry})


def asked(plan: ClusterPlan, registry: str) -> list[dict[str, Any]]:
    """Refuse an image that the pipeline did not sign."""
    line = 'scripts/ci verify "$SERVICE" "$REGISTRY"'
    return _steps(plan, "Its signature", (line,), {"SERVICE": g.SERVICE, "REGISTRY": registry})


def asked_of_all(plan: ClusterPlan, registry: str, listed: str) -> list[dict[str, Any]]:
    """Refuse what a command lists, as `SERVICE DIGEST`, if the pipeline did not sign it."""
    verify = '    scripts/ci verify "$service" "$REGISTRY" "$digest"'
    lines = (f"{listed} |", "  while read -r service digest; do", verify, "  done")
    return _steps(plan, "Their signatures", lines, {"REGISTRY": registry})


def in_script(plan: ClusterPlan, does: str, name: str, registry: str) -> list[str]:
    """Write the line of a script that signs an image, or refuses one without a signature."""
    return [f"scripts/ci {does} {name} {shlex.quote(registry)}"] if wanted(plan) else []


def _steps(
    plan: ClusterPlan, name: str, lines: tuple[str, ...], env: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Bring cosign, and run a script of it, where images are signed."""
    if not wanted(plan):
        return []
    program = g.action("cosign", "sigstore/cosign-installer", {"cosign-release": COSIGN})
    return [program, g.step(name, *lines, env=dict(env))]
