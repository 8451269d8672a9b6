"""A rendered Pulumi program, run against mocks: what it would ask AWS to make.

`.ci/pulumi` brings the Python that runs it; no program `pulumi` and no account is needed.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from rendered import artifacts_of

from tarmac.base.artifact import write

GET = "no Pulumi here: have .ci/pulumi bring it"
#: How a secret is marked on its way to the provider.
SEALED, SEALED_AS = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
#: Runs the program of the folder that it is in, and prints every resource with its inputs.
RUNNING = """
import json, runpy, sys
import pulumi
made, exported = [], {}
ARN = "arn:aws:x:us-east-1:123456789012:"
class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        made.append({"type": args.typ, "name": args.name, "inputs": args.inputs})
        state = {"arn": ARN + args.name, "url": "https://oidc.example/1", **args.inputs}
        if args.typ == "aws:eks/cluster:Cluster":
            state["identities"] = [{"oidcs": [{"issuer": "https://oidc.example/1"}]}]
            state["vpcConfig"] = {**state["vpcConfig"], "clusterSecurityGroupId": "own"}
        if args.typ == "aws:rds/instance:Instance":
            state["masterUserSecrets"] = [{"secretArn": ARN + "secret"}]
            state["address"] = args.inputs["identifier"] + ".example"
        if args.typ == "aws:elasticache/replicationGroup:ReplicationGroup":
            state["primaryEndpointAddress"] = args.inputs["replicationGroupId"] + ".example"
        state.setdefault("latestVersion", 1)
        return [args.typ.split(":")[1].split("/")[0] + ":" + args.name, state]
    def call(self, args):
        asked = args.token.rpartition(":")[2]
        return {"randomPassword": "made by AWS"} if asked == "getRandomPassword" else {}
config, project, stack = json.load(sys.stdin)
pulumi.runtime.set_mocks(Mocks(), project=project, stack=stack, preview=False)
pulumi.runtime.set_all_config(config)
pulumi.export = exported.__setitem__
@pulumi.runtime.test
def run():
    sys.path.insert(0, ".")
    runpy.run_path("__main__.py", run_name="__main__")
run()
print(json.dumps({"resources": made, "exports": sorted(exported)}))
"""


@dataclass(frozen=True)
class Previewed:
    """What a program makes."""

    resources: tuple[dict[str, Any], ...]
    exports: tuple[str, ...]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """List the inputs of the resources of a type such as `ec2/vpc:Vpc`, by their names."""
        return {
            one["name"]: one["inputs"] for one in self.resources if one["type"] == f"aws:{kind}"
        }

    def one(self, kind: str) -> dict[str, Any]:
        """Find the only resource of a type."""
        [found] = self.of(kind).values()
        return found


def opened(value: dict[str, str]) -> str:
    """Read an input that Pulumi keeps encrypted; one that it does not fails."""
    assert value.get(SEALED) == SEALED_AS, value
    return value["value"]


def plain(value: Any) -> str:
    """Read an input, of which Pulumi may keep the value encrypted."""
    return str(value["value"] if isinstance(value, dict) else value)


def preview_of(system: str, environment: str, folder: Path) -> Previewed:
    """Write a system's program as it is rendered, and run it."""
    for artifact in artifacts_of(system, environment):
        if artifact.path.startswith("infrastructure/"):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, "Rendered by a test."), encoding="utf-8")
    return previewed(folder / "infrastructure/pulumi", environment)


def previewed(folder: Path, stack: str) -> Previewed:
    """Run the program in a folder with the configuration of a stack."""
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())["name"]
    written = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text())["config"]
    config = {k: v if isinstance(v, str) else json.dumps(v) for k, v in written.items()}
    done = subprocess.run(
        [str(_python()), "-c", RUNNING],
        cwd=folder,
        input=json.dumps([config, project, stack]),
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return Previewed(tuple(found["resources"]), tuple(found["exports"]))


def _python() -> Path:
    found = built.newest("pulumi-*/bin/python")
    if found is None:
        pytest.skip(GET)
    return found
