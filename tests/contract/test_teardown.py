"""What `tarmac teardown` prints, run with programs that write down how they were called."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from packed import tool
from rendered import ENVIRONMENTS, plan_of

from tarmac.base.errors import BadInput
from tarmac.cli.output.teardown import teardown
from tarmac.render.infrastructure.parts.teardown import held_data, script

SYSTEMS = Path(__file__).parents[2] / "systems"
IN_AWS = [(s, e) for s, e in ENVIRONMENTS if plan_of(s, e).cloud is not None]
#: What AWS says: one account, both clusters, a bucket whose states are given.
AWS = """
case "$*" in
  "sts get-caller-identity"*) echo "${ACCOUNT:-123456789012}" ;;
  "eks list-clusters"*) echo "${CLUSTERS-other starter-production starter-production-dr}" ;;
  *list-objects-v2*) echo "${STATES:-None}" ;;
  *list-object-versions*) echo '{"Objects": null}' ;;
esac
"""
#: What the cluster says: Argo CD is there, one Service has a load balancer, one disk is left.
KUBECTL = """
case "$*" in
  "get crd"*) echo customresourcedefinition/applications.argoproj.io ;;
  "get services"*) echo "istio-ingress gateway" ;;
  "get statefulsets"*) echo "monitoring prometheus" ;;
  "get deployments"*) echo "kube-system ebs-csi-controller" ;;
  *'ReclaimPolicy "Delete"'*) echo pv-1 ;;
  "get persistentvolumes"*) echo "disk left, it is to be kept: vol-1" ;;
  *"delete service"*) exit "${STUCK:-0}" ;;
esac
"""


@dataclass(frozen=True)
class Machine:
    """A folder with the script of an environment, and programs that do nothing."""

    folder: Path

    def run(self, *arguments: str, **env: str) -> tuple[subprocess.CompletedProcess[str], list]:
        """Run the script; return its end and the calls, in their order."""
        log = self.folder / "calls"
        log.unlink(missing_ok=True)
        path = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "LOG": str(log)}
        place = {"INFRASTRUCTURE": str(self.folder / "infrastructure")}
        command = ["bash", str(self.folder / "teardown.sh"), *arguments]
        done = subprocess.run(
            command, env={**path, **place, **env}, capture_output=True, text=True, check=False
        )
        return done, log.read_text().splitlines() if log.exists() else []


def text_of(system, environment):
    plan = plan_of(system, environment)
    return script(plan, plan.cloud, f"systems/{system}/deploy/{environment}/infrastructure")


def machine_of(system, environment, folder):
    (folder / "bin").mkdir()
    (folder / "infrastructure").mkdir()
    (folder / "infrastructure/backend.hcl").touch()
    workspaces = "echo '* default  eu-west-1'" + "\n"
    for name, body in (("aws", AWS), ("kubectl", KUBECTL), ("terraform", workspaces)):
        program = folder / "bin" / name
        # One write for each call, so that calls of pipes stay whole.
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>"$LOG"\n{body}')
        program.chmod(0o755)
    (folder / "teardown.sh").write_text(text_of(system, environment))
    return Machine(folder)


def place_of(calls, *words):
    [found] = [n for n, call in enumerate(calls) if all(word in call for word in words)]
    return found


@pytest.fixture
def shop(tmp_path):
    return machine_of("shop", "production", tmp_path)


CLUSTERS = "ecommerce-production ecommerce-production-dr"


def test_what_would_come_again_goes_first_and_what_terraform_made_last(shop):
    done, calls = shop.run("ecommerce-production", CLUSTERS=CLUSTERS)
    assert done.returncode == 0, done.stderr
    per_cluster = (
        ("delete applications.argoproj.io shop-root",),
        ("delete namespace ecommerce-prod",),
        ("delete service gateway", "--namespace istio-ingress"),
        ("delete statefulsets prometheus",),
        ("delete persistentvolumeclaims --all",),
        ("wait --for=delete persistentvolume/pv-1",),
    )
    first = place_of(calls, "update-kubeconfig", "ecommerce-production-dr", "eu-west-1")
    second = place_of(calls, "update-kubeconfig", "us-east-1")
    assert first < second
    for begin, end in ((first, second), (second, len(calls))):
        order = [place_of(calls[begin:end], *words) for words in per_cluster]
        assert order == sorted(order)
    terraform = [call for call in calls if call.startswith("terraform")]
    assert calls.index(terraform[0]) > second + max(order)
    verbs = [call.split(" ", 2)[2] for call in terraform]
    assert verbs == [
        "init -backend-config=backend.hcl",
        "workspace list",
        "workspace select eu-west-1",
        "apply -var-file=secondary.tfvars -var=protected=false",
        "destroy -var-file=secondary.tfvars -var=protected=false",
        "workspace list",
        "workspace select default",
        "apply -var=protected=false",
        "destroy -var=protected=false",
    ]
    assert "ecommerce-terraform-state-123456789012 stays: the state of staging" in done.stdout
    assert "disk left, it is to be kept: vol-1" in done.stdout
    # What deletes disks is needed until they are.
    assert not any("delete deployments" in call for call in calls)


def test_the_bucket_of_the_state_is_the_last_that_goes(tmp_path):
    starter = machine_of("starter", "production", tmp_path)
    cloud = plan_of("starter", "production").cloud
    done, calls = starter.run(f"{cloud.project}-production", ACCOUNT=cloud.account)
    assert done.returncode == 0, done.stderr
    deleted = place_of(calls, f"delete-bucket --bucket {cloud.state_bucket}")
    assert deleted > place_of(calls, "destroy -var=protected=false")
    assert not any("delete" in call or "destroy" in call for call in calls[deleted + 1 :])


def test_a_bucket_with_a_state_that_the_model_does_not_know_stays(tmp_path):
    starter = machine_of("starter", "production", tmp_path)
    cloud = plan_of("starter", "production").cloud
    done, calls = starter.run(
        f"{cloud.project}-production", ACCOUNT=cloud.account, STATES="lab/terraform.tfstate"
    )
    assert done.returncode == 1
    assert "stays, other states are in it: lab/terraform.tfstate" in done.stderr
    assert not any("delete-bucket" in call for call in calls)


@pytest.mark.parametrize(
    ("arguments", "env", "code", "said"),
    [
        ((), {}, 2, "name what is removed"),
        (("ecommerce-staging",), {}, 2, "ecommerce-production"),
        (("ecommerce-production",), {"ACCOUNT": "999999999999"}, 1, "sign in to that one"),
        (("ecommerce-production",), {"INFRASTRUCTURE": "/none"}, 1, "not rendered"),
    ],
)
def test_nothing_is_removed_in_a_wrong_place(shop, arguments, env, code, said):
    done, calls = shop.run(*arguments, **env)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not any("delete" in call or "destroy" in call for call in calls)


def test_a_load_balancer_that_does_not_go_ends_it_before_terraform(shop):
    done, calls = shop.run("ecommerce-production", CLUSTERS=CLUSTERS, STUCK="1")
    assert done.returncode == 1
    assert not any(call.startswith("terraform") for call in calls)


def test_a_cluster_that_is_gone_is_passed_over(shop):
    done, calls = shop.run("ecommerce-production", CLUSTERS="ecommerce-production")
    assert done.returncode == 0, done.stderr
    assert "no cluster ecommerce-production-dr in eu-west-1" in done.stdout
    assert len([call for call in calls if "delete namespace" in call]) == 1


@pytest.mark.parametrize(("system", "environment"), IN_AWS)
def test_shellcheck_finds_nothing(system, environment, tmp_path):
    file = tmp_path / "teardown.sh"
    file.write_text(text_of(system, environment))
    done = subprocess.run(
        [tool("shellcheck"), str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_what_has_data_is_refused_and_named(capsys, tmp_path):
    out = tmp_path / "teardown.sh"
    model = SYSTEMS / "shop/tarmac.yaml"
    assert teardown(model, "production", out, with_data=False, as_json=False) == 1
    said = capsys.readouterr()
    assert (said.out, out.exists()) == ("", False)
    for line in (
        "server aurora: users-db, products-db, orders-db, payments-db",
        "disk of broker: 50Gi",
        "7 image repositories: staging start pods from them",
    ):
        assert f"  {line}\n" in said.err
    assert teardown(model, "production", out, with_data=True, as_json=False) == 0
    assert os.access(out, os.X_OK)
    assert out.read_text() == text_of("shop", "production").replace(
        "systems/shop", str(SYSTEMS / "shop")
    )


def test_every_server_disk_bucket_and_vault_of_an_environment_is_data():
    plan = plan_of("travel", "prod")
    found = {one.what for one in held_data(plan, plan.cloud)}
    disks = {f"disk of {w.name}" for w in plan.workloads if w.volumes}
    assert len(disks) == 6
    buckets = {f"bucket {name}" for name in plan.cloud.buckets}
    assert found == disks | buckets | {"vault of snapshots"}


def test_an_environment_that_terraform_did_not_make_is_reported():
    with pytest.raises(BadInput, match="kubectl delete namespace shop"):
        teardown(SYSTEMS / "shop/tarmac.yaml", "kind", None, with_data=True, as_json=False)
    with pytest.raises(BadInput, match="whose script removes both regions"):
        teardown(SYSTEMS / "shop/tarmac.yaml", "dr", None, with_data=True, as_json=False)
