"""What the cheat sheet has of kubectl and helm, typed from top to bottom on a real API server."""

from __future__ import annotations

import subprocess
import time

import pytest
from kube_trees import fetched
from packed import tool
from sheet import laid_out, typed

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
#: What asks a node, or an add-on; tests/docs tries their syntax and names.
BEYOND = {"logs", "top", "port-forward"}
#: Nothing runs without nodes: nobody waits for what does.
ADDED = {
    ("kubectl", "rollout", "status"): "--watch=false",
    **{("helm", verb): "--no-hooks" for verb in ("upgrade", "rollback", "uninstall")},
}
#: The mesh's namespace is there before the shop, as its gateway reads the certificate in it, and
#: so is Velero's, which its chart makes.
OTHERS = ("istio-ingress", "velero")
#: Kinds of the whole cluster that the shop has objects of: another test applies its own.
WIDE = (
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "ec2nodeclasses.karpenter.k8s.aws",
    "nodepools.karpenter.sh",
)
#: What controllers and the authorizer have not heard of yet is a moment away.
WITHIN_S = 20.0


@pytest.fixture
def type_in(controlled, tmp_path):
    """Give a way to type commands at a server that knows the kinds of others."""
    root = laid_out(tmp_path / "root")
    programs = {"kubectl": controlled.home / "kubectl", "helm": tool("helm")}
    env = {"HOME": str(tmp_path), "KUBECONFIG": str(controlled.kubeconfig), "PATH": "/usr/bin:/bin"}

    def once(argv, folder="."):
        return subprocess.run(
            [programs[argv[0]], *argv[1:]],
            cwd=root / folder,
            env=env,
            text=True,
            capture_output=True,
            check=False,
        )

    gone = ("kubectl", "delete", "namespace", "ecommerce-prod", *OTHERS, "--ignore-not-found")
    assert once(gone).returncode == 0
    for space in OTHERS:
        assert once(("kubectl", "create", "namespace", space)).returncode == 0
    for file in fetched():
        once(("kubectl", "create", "-f", str(file)))  # another test's may be there
    yield once
    assert once(gone).returncode == 0
    assert once(("kubectl", "delete", ",".join(WIDE), "--all")).returncode == 0


def test_the_page_can_be_typed_from_top_to_bottom(type_in):
    for command in typed():
        if command.argv[0] not in ("kubectl", "helm") or command.argv[1] in BEYOND:
            continue
        more = [flag for start, flag in ADDED.items() if command.argv[: len(start)] == start]
        no = command.argv[:3] == ("kubectl", "auth", "can-i") and command.remark == "no"
        end = time.monotonic() + WITHIN_S
        while (done := type_in([*command.argv, *more], command.folder)).returncode != no:
            assert time.monotonic() < end, f"{command.line}\n{done.stdout}{done.stderr}"
            time.sleep(0.2)
        if command.remark in ("yes", "no"):
            assert done.stdout.strip() == command.remark, command.line
