"""Rendered Terraform, run: found programs, a copy that needs no account, plans as data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from rendered import artifacts_of, plan_of

from tarmac.base.artifact import write

HEADER = "Rendered by a test."
PROVIDER = "registry.terraform.io/hashicorp/aws"
#: A folder that `terraform init` is to take providers from.
MIRROR = "TARMAC_TERRAFORM_MIRROR"
#: Where Terraform itself looks, and where images of CI keep providers.
MIRRORS = (
    "~/.terraform.d/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/*",
    "/opt/*",
)
#: The root's providers of other regions.
ALIASES = ("cloudfront", "standby")
#: The state beside the files: a root says otherwise where it is rendered.
STATE_HERE = 'terraform {\n  backend "local" {}\n}\n'
#: Without an account nothing is asked: a plan from nothing needs no answer of AWS.
NO_ACCOUNT = """
  access_key                  = "none"
  secret_key                  = "none"
  allowed_account_ids         = null
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
"""


def offline(*aliases: str) -> str:
    """Write an override by which a root and its providers need no account.

    Args:
        aliases: those of its providers beside the first.
    """
    return STATE_HERE + providers(NO_ACCOUNT, *aliases)


def providers(settings: str, *aliases: str) -> str:
    """Write an override of the provider and its aliases, with the same settings for all."""
    names = ("", *(f'\n  alias = "{alias}"\n' for alias in aliases))
    return "".join(f'\nprovider "aws" {{{name}{settings}}}\n' for name in names)


def mirror() -> Path | None:
    """Find a folder with the provider; None where there is none."""
    given = os.environ.get(MIRROR)
    for pattern in (given,) if given else MIRRORS:
        path = Path(pattern).expanduser()
        for folder in sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))):
            if (folder / PROVIDER).is_dir():
                return folder
    return None


def tree(system: str, environment: str, folder: Path) -> Path:
    """Write the rendered Terraform of a system's environment, and return its root."""
    for artifact in artifacts_of(system, environment):
        if artifact.path.startswith("infrastructure/"):
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, HEADER), encoding="utf-8")
    return folder / "infrastructure"


def offline_tree(system: str, environment: str, folder: Path) -> Path:
    """Write the rendered Terraform so that it is planned without an account; return its root."""
    root = tree(system, environment, folder)
    (root / "offline_override.tf").write_text(offline(*ALIASES))
    return root


def values_for(system: str, environment: str, root: Path) -> str:
    """Return the argument that plans an environment in the root of the shop's production.

    What that one has and this one has not must not stay: the root reads its values by itself.

    Args:
        root: where the environment's own Terraform was written; a file is added there.
    """
    cloud = plan_of(system, environment).cloud
    assert cloud is not None
    absent = dict.fromkeys({"postgres", "redis"} - {s.module for s in cloud.servers}, "{}")
    kept = any(store.made for store in plan_of(system, environment).managed)
    absent |= {} if kept else {"entries": "null"}
    absent |= {} if cloud.dns else {"dns": "null"}
    absent |= {} if cloud.alarms else {"experiments": "null"}
    absent |= {} if cloud.standby else {"standby_region": "null"}
    absent |= {} if cloud.buckets else {"buckets": "{}"}
    absent |= {} if cloud.karpenter else {"karpenter": "false"}
    absent |= {} if cloud.velero else {"velero": "null"}
    values = root / "with_absent.tfvars"
    own = without_role(root / f"{environment}.auto.tfvars")
    values.write_text(own + "".join(f"{name} = {none}\n" for name, none in sorted(absent.items())))
    return f"-var-file={values}"


def without_role(values: Path) -> str:
    """Read values but for the role, which nobody can take without an account."""
    lines = values.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("role "))


@dataclass(frozen=True)
class Terraform:
    """The program in a folder; a test that has none is skipped and says so."""

    folder: Path
    env: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path, **env: str) -> Terraform:
        """Prepare to run in a folder, with providers of this machine alone."""
        if shutil.which("terraform") is None:
            pytest.skip("no terraform here: https://developer.hashicorp.com/terraform/install")
        if (found := mirror()) is None:
            pytest.skip(
                f"no {PROVIDER} here: run `terraform providers mirror FOLDER` in a rendered "
                f"infrastructure/ and name the folder in {MIRROR}"
            )
        settings = folder.parent / f"{folder.name}.terraformrc"
        settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{found}"\n  }}\n}}\n'
        )
        # Nothing of the user's own: no account of theirs is reached by a test.
        own = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_"))}
        said = {
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            # A provider makes its schema of hundreds of megabytes: less work for more memory.
            "GOGC": "400",
        }
        return cls(folder, {**own, **said, **env})

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run it to its end and return what it printed; any other exit code fails the test."""
        done = self.tried(*arguments)
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode == code, f"terraform {' '.join(arguments)}\n{said[-6000:]}"
        return said if code else done.stdout

    def tried(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever its exit code."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a verb."""
        verb, *rest = arguments
        return ["terraform", verb, *rest, *(["-no-color"] if verb not in ("fmt", "show") else [])]

    def plan(self, *arguments: str) -> Planned:
        """Plan, and read the plan."""
        said = self.run("plan", "-input=false", "-out=plan", *arguments)
        return Planned(json.loads(self.run("show", "-json", "plan")), said)


@dataclass(frozen=True)
class Planned:
    """A plan as `terraform show -json` has it."""

    data: Mapping[str, Any]
    #: What was printed beside it.
    said: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether nothing was warned of: a plan begins with what `terraform validate` does."""
        return "Plan: " in self.said and "Warning: " not in self.said

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """What each resource is to be, by its address; what only AWS knows is absent."""
        return {
            change["address"]: change["change"]["after"]
            for change in self.data["resource_changes"]
            if change["mode"] == "managed"
        }

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """List the resources of a type, by their address."""
        return {
            address: after
            for address, after in self.resources.items()
            if address.split("[")[0].split(".")[-2:-1] == [kind] or f".{kind}." in address
        }

    def one(self, kind: str) -> dict[str, Any]:
        """Find the only resource of a type."""
        [found] = self.of(kind).values()
        return found

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each statement of the policies of roles that a plan knows, with its address."""
        for kind, name in (
            ("aws_iam_role", "assume_role_policy"),
            ("aws_iam_role_policy", "policy"),
        ):
            for address, resource in self.of(kind).items():
                document = json.loads(resource.get(name) or '{"Statement": []}')
                yield from ((address, statement) for statement in document["Statement"])

    def references(self, kind: str, name: str) -> Iterator[str]:
        """List what the expression of an argument refers to, in all resources of a type."""
        for module in _modules(self.data["configuration"]["root_module"]):
            for resource in module.get("resources", ()):
                if resource["type"] == kind:
                    yield from resource["expressions"].get(name, {}).get("references", ())


def is_open(statement: Mapping[str, Any]) -> bool:
    """Tell whether a statement allows whatever there is, or trusts each account."""
    said = statement["Action"]
    actions = said if isinstance(said, list) else [said]
    return (
        any("*" in action for action in actions)
        or statement.get("Resource") == "*"
        or statement.get("Principal") in ("*", {"AWS": "*"})
    )


def _modules(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield module
    for call in module.get("module_calls", {}).values():
        yield from _modules(call["module"])
