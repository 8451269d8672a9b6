"""The scripts for a cluster by Kind, run with programs that only write down what they are asked.

No cluster is at hand where this runs: what is shown is which calls are made, in which order, and
that a second run makes no second cluster.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from packed import tool, written
from rendered import ENVIRONMENTS, artifact_of, artifacts_of, plan_of

KINDS = [system for system, environment in ENVIRONMENTS if environment == "kind"]
ORDINARY = ("bash", "cat", "dirname", "env", "git", "grep", "mktemp", "rm", "sed", "sleep")
FAKES = {
    "docker": """
        case $1-$2 in
        image-inspect) [ -e "$STATE/built" ] && cat "$STATE/built" || exit 1 ;;
        build-*) cat "$STATE/next" >"$STATE/built" ;;
        esac""",
    "kind": """
        case $1-$2 in
        get-clusters) cat "$STATE/clusters" ;;
        create-cluster) echo "$4" >>"$STATE/clusters" ;;
        esac""",
    "kubectl": """
        case "$*" in
        api-versions) printf '%s\\n' v1 apps/v1 batch/v1 networking.k8s.io/v1 ;;
        *port-forward*) echo 'Forwarding from 127.0.0.1:45678 -> 8081'; exec sleep 60 ;;
        esac""",
    "curl": """[ ! -e "$STATE/ill" ] && printf '{"status":"ok"}'""",
}
MONITOR = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\n"
JOB = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n"


class Machine:
    """A rendered tree, and a PATH of fakes that note each call."""

    def __init__(self, folder: Path, system: str) -> None:
        self.tree = written(artifacts_of(system, "kind"), folder / "tree")
        self.bin, self.state = folder / "bin", folder / "state"
        self.bin.mkdir()
        self.state.mkdir()
        (self.state / "clusters").touch()
        (self.state / "next").write_text("sha256:1")
        for name in ORDINARY:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, body in FAKES.items():
            note = f'echo "{name} $*" >>"$STATE/calls"; echo "$KUBECONFIG" >>"$STATE/configs"'
            (self.bin / name).write_text(f"#!/bin/bash\n{note}\n{body}\nexit $?\n")
            (self.bin / name).chmod(0o755)

        # What it does is its own tests' to show.
        secrets = self.tree / "scripts/secrets.sh"
        secrets.write_text('#!/bin/bash\necho "secrets.sh" >>"$STATE/calls"\n')
        secrets.chmod(0o755)

    def run(self, script: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """Run a script; give what it said and the calls that it made."""
        calls = self.state / "calls"
        calls.write_text("")
        env = {"PATH": str(self.bin), "STATE": str(self.state), "SOURCE": "/repository"}
        env |= {"KUBECONFIG": "/mine"}
        argv = [str(self.tree / f"scripts/{script}.sh")]
        done = subprocess.run(
            argv, env=env, text=True, capture_output=True, check=False, timeout=60
        )
        return done, calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path, "hello-dd")


def first(calls, *words):
    return next(n for n, call in enumerate(calls) if all(word in call for word in words))


def test_hello_dd_has_the_scripts_of_its_roadmap():
    scripts = {a.path for a in artifacts_of("hello-dd", "kind") if a.executable}
    named = {f"scripts/{name}.sh" for name in ("setup", "deploy-inventory", "deploy-pricing")}
    assert named | {"scripts/deploy-gateway.sh"} <= scripts
    assert not any(a.path.startswith("kind/") for a in artifacts_of("hello-dd", "production"))


@pytest.mark.parametrize("system", KINDS)
def test_shellcheck_finds_no_fault(system, tmp_path):
    written(artifacts_of(system, "kind"), tmp_path)
    program = tool("shellcheck")
    files = sorted(str(path) for path in tmp_path.glob("scripts/*.sh"))
    assert len(files) >= len(plan_of(system, "kind").services) + 2
    done = subprocess.run([program, *files], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_cluster_has_a_worker_in_each_of_three_zones():
    config = yaml.safe_load(str(artifact_of("shop", "kind", "kind/cluster.yaml").content))
    roles = [node["role"] for node in config["nodes"]]
    assert roles == ["control-plane", "worker", "worker", "worker"]
    workers = [node["labels"] for node in config["nodes"][1:]]
    assert len({worker["topology.kubernetes.io/zone"] for worker in workers}) == 3
    assert {worker["role"] for worker in workers} == {"general"}
    assert [mapping["hostPort"] for mapping in config["nodes"][0]["extraPortMappings"]] == [80, 443]


def test_setup_makes_one_cluster_however_often_it_runs(machine):
    done, calls = machine.run("setup")
    assert done.returncode == 0, done.stderr
    assert sum(call.startswith("kind create cluster --name hello-dd") for call in calls) == 1
    assert any(call == "kubectl get --raw /readyz" for call in calls)
    assert first(calls, "secrets.sh") > first(calls, "kind create cluster")
    again, calls = machine.run("setup")
    assert again.returncode == 0, again.stderr
    assert "there already" in again.stdout
    assert not any(call.startswith("kind create") for call in calls)


def test_a_service_is_built_handed_over_applied_and_asked_for_its_health(machine):
    machine.run("setup")
    folder = machine.tree / "k8s/inventory-service"
    (folder / "job-migration.yaml").write_text(JOB)
    for _ in range(2):
        done, calls = machine.run("deploy-inventory")
        assert done.returncode == 0, done.stderr
        order = [
            first(calls, "docker build --tag hello-dd/inventory-service:0.1.0", "/repository/."),
            first(calls, "kind load docker-image hello-dd/inventory-service:0.1.0"),
            first(calls, "apply", "configmap-config.yaml", "service.yaml"),
            first(calls, "apply", "job-migration.yaml"),
            first(calls, "wait --for=condition=complete", "job-migration.yaml"),
            first(calls, "apply", "deployment.yaml"),
            first(calls, "rollout status", "deployment.yaml"),
            first(calls, "port-forward service/inventory-service :8081"),
            first(calls, "curl", "http://127.0.0.1:45678/health/ready"),
        ]
        assert order == sorted(order)
        assert not any("rollout restart" in call for call in calls)
        assert '{"status":"ok"}' in done.stdout
        assert done.stdout.splitlines()[-1] == "==> inventory-service answers on /health/ready"


def test_pods_are_replaced_when_the_image_of_their_name_is_another(machine):
    machine.run("setup")
    machine.run("deploy-pricing")
    (machine.state / "next").write_text("sha256:2")
    _, calls = machine.run("deploy-pricing")
    assert any("rollout restart deployment pricing-service" in call for call in calls)


def test_the_cluster_that_kubectl_speaks_to_otherwise_is_left_alone(machine):
    machine.run("setup")
    machine.run("deploy-gateway")
    asked = set((machine.state / "configs").read_text().split())
    assert asked
    assert "/mine" not in asked


def test_a_kind_that_the_cluster_does_not_know_is_left_out_and_named(machine):
    machine.run("setup")
    (machine.tree / "k8s/api-gateway/servicemonitor.yaml").write_text(MONITOR)
    done, calls = machine.run("deploy-gateway")
    assert done.returncode == 0, done.stderr
    left = "left out: k8s/api-gateway/servicemonitor.yaml (the cluster has no monitoring"
    assert left in done.stdout
    assert not any("apply" in call and "servicemonitor" in call for call in calls)


def test_a_service_that_does_not_answer_fails_its_script(machine):
    machine.run("setup")
    (machine.state / "ill").touch()
    done, _ = machine.run("deploy-gateway")
    assert done.returncode == 1
    assert "api-gateway: /health/ready did not answer well; see: kubectl" in done.stderr


def test_before_the_setup_a_service_has_nowhere_to_go(machine):
    done, calls = machine.run("deploy-gateway")
    assert done.returncode == 1
    assert "cluster hello-dd: not there; run scripts/setup.sh first" in done.stderr
    assert not any(call.startswith("docker build") for call in calls)


@pytest.mark.parametrize("name", FAKES)
def test_a_missing_program_is_named_with_how_to_get_it(name, machine):
    (machine.bin / name).unlink()
    done, calls = machine.run("setup")
    assert done.returncode == 3
    assert done.stderr.startswith(f"{name}: not found on PATH; install ")
    assert not any(call.startswith("kind create") for call in calls)
