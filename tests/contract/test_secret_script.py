"""`scripts/secrets.sh` as it is run, against a kubectl that keeps objects in a folder."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from demo_system import DEMO, demo
from rendered import KINDS, artifact_of, plan_of

from tarmac.base.artifact import Artifact, write
from tarmac.base.launch import reveal
from tarmac.plan.cluster import secrets_of
from tarmac.plan.deploy import deploy
from tarmac.render.kubernetes import secrets
from tarmac.render.kubernetes.parts import configs

#: A stand-in for kubectl and the API server behind it: `get secret` and `apply`, and a log of what
#: it was called with.
KUBECTL = """#!{python}
import base64, json, os, pathlib, sys, yaml
home = pathlib.Path(os.environ["OBJECTS"])
with open(home / "argv", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if (home / "away").exists():
    sys.exit("The connection to the server was refused")
assert sys.argv[1:3] == ["--namespace", os.environ["NAMESPACE"]], sys.argv
if sys.argv[3] == "get":
    kept = home / sys.argv[5]
    assert sys.argv[4] == "secret" and "--ignore-not-found" in sys.argv
    if kept.exists():
        for key, value in sorted(yaml.safe_load(kept.read_text())["data"].items()):
            print(key, value)
else:
    assert sys.argv[3:] == ["apply", "--server-side", "--field-manager=tarmac", "--filename", "-"]
    text = sys.stdin.read()
    name = yaml.safe_load(text)["metadata"]["name"]
    (home / name).write_text(text)
    print(f"secret/{{name}} serverside-applied")
"""


@dataclass
class Cluster:
    """A folder of Secrets, and the script that fills it."""

    folder: Path
    artifact: Artifact
    namespace: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        script = self.folder / "secrets.sh"
        script.write_text(write(self.artifact, "made by a test"))
        env = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "OBJECTS": str(self.folder / "objects"),
            "NAMESPACE": self.namespace,
            "TMPDIR": str(self.folder / "tmp"),
        }
        return subprocess.run(
            ["bash", script, *arguments], env=env, capture_output=True, text=True, check=False
        )

    def secret(self, name: str) -> dict[str, str]:
        data = yaml.safe_load((self.folder / "objects" / name).read_text())["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    @property
    def argv(self) -> str:
        return (self.folder / "objects" / "argv").read_text()


def cluster_in(folder: Path, artifact: Artifact, namespace: str) -> Cluster:
    for name in ("bin", "objects", "tmp"):
        (folder / name).mkdir()
    program = folder / "bin" / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(0o755)
    return Cluster(folder, artifact, namespace)


@pytest.fixture
def shop(tmp_path: Path) -> Cluster:
    return cluster_in(tmp_path, artifact_of("shop", "kind", "scripts/secrets.sh"), "shop")


def test_run_twice_it_makes_each_part_up_once_and_composes_every_secret(shop: Cluster):
    first = shop.run()
    assert first.returncode == 0, first.stderr
    kept = shop.secret("tarmac-generated")
    plan = plan_of("shop", "kind")
    values = {key.replace(".", "/"): value for key, value in kept.items()}
    for workload in plan.workloads:
        if held := configs.secrets_in(workload):
            wanted = {key: reveal(value, values) for key, value in held.items()}
            assert shop.secret(configs.secret_name(workload.name)) == wanted
    assert len(set(kept.values())) == len(kept) > 10
    parts = {part.path: part for workload in plan.workloads for part in secrets_of(workload)}
    assert values.keys() == parts.keys()
    for path, value in values.items():
        assert len(bytes.fromhex(value)) == parts[path].size_bytes
    before = {
        p.name: p.read_text() for p in (shop.folder / "objects").iterdir() if p.name != "argv"
    }
    again = shop.run()
    assert again.returncode == 0
    assert "new:" not in again.stdout
    assert before == {
        p.name: p.read_text() for p in (shop.folder / "objects").iterdir() if p.name != "argv"
    }


def test_no_value_is_printed_or_given_as_an_argument_or_left_behind(shop: Cluster):
    done = shop.run()
    values = shop.secret("tarmac-generated").values()
    assert values
    said = done.stdout + done.stderr + shop.argv
    assert [value for value in values if value in said] == []
    encoded = [base64.b64encode(value.encode()).decode() for value in values]
    assert [value for value in encoded if value in said] == []
    assert list((shop.folder / "tmp").iterdir()) == []


def test_a_cluster_that_cannot_be_asked_is_not_taken_for_an_empty_one(shop: Cluster):
    assert shop.run().returncode == 0
    kept = shop.secret("tarmac-generated")
    (shop.folder / "objects" / "away").touch()
    failed = shop.run()
    assert failed.returncode != 0
    assert "new:" not in failed.stdout
    (shop.folder / "objects" / "away").unlink()
    assert shop.run().returncode == 0
    assert shop.secret("tarmac-generated") == kept


def test_a_part_whose_key_is_deleted_is_made_up_anew_and_the_others_stay(shop: Cluster):
    assert shop.run().returncode == 0
    kept = shop.secret("tarmac-generated")
    path = shop.folder / "objects" / "tarmac-generated"
    made = yaml.safe_load(path.read_text())
    del made["data"]["stores.orders-db.order-service"]
    path.write_text(yaml.safe_dump(made))
    assert "new: stores.orders-db.order-service\n" in shop.run().stdout
    now = shop.secret("tarmac-generated")
    assert {key for key in kept if kept[key] != now[key]} == {"stores.orders-db.order-service"}
    assert (
        now["stores.orders-db.order-service"]
        in shop.secret("order-service-secrets")["database-url"]
    )


def test_what_a_server_elsewhere_has_must_be_given_and_may_hold_anything(tmp_path: Path):
    more = "\n    environments: {kind: {secrets: script, servers: {rds: [orders-db]}}}\n"
    (script,) = secrets.render(deploy(demo(DEMO + more), "kind", KINDS))
    cluster = cluster_in(tmp_path, script, "demo")
    refused = cluster.run()
    assert refused.returncode == 1
    assert "missing: stores.orders-db.web.url; write it to a file" in refused.stderr
    assert not (tmp_path / "objects" / "tarmac-generated").exists(), "nothing is half done"
    given = tmp_path / "given"
    given.mkdir()
    url = "postgresql://web:p$w'\"\\ &*@db/orders"
    for user in ("web", "order-service"):
        (given / f"stores.orders-db.{user}.url").write_text(f"{url}\n")  # as an editor leaves it
    assert cluster.run(str(given)).returncode == 0
    assert cluster.secret("web-secrets")["store"] == url
    assert cluster.run().returncode == 0
    assert cluster.secret("web-secrets")["store"] == url


def test_shellcheck_finds_nothing(shop: Cluster):
    if (shellcheck := shutil.which("shellcheck")) is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    shop.run()
    done = subprocess.run(
        [shellcheck, shop.folder / "secrets.sh"], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
