"""An AWS that answers like one: moto on loopback, in a Python of its own, and what it is asked.

`.ci/moto` brings it. What it holds is read back by boto3, as a user of the real one would.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import pytest
from free_ports import free_ports
from terraformed import ALIASES, STATE_HERE, providers

ACCOUNT = "123456789012"
READY_S = 60.0
GET = "no moto here: have .ci/moto bring it"
#: Reads calls from its input, and prints what each returned.
ASKING = """
import json, sys, boto3
made = {}
def ask(service, region, call, arguments):
    if (service, region) not in made:
        made[service, region] = boto3.client(service, region_name=region)
    return getattr(made[service, region], call)(**arguments)
print(json.dumps([ask(*asked) for asked in json.load(sys.stdin)], default=str))
"""
#: What moto does not give back, or does not have; everything else is applied as it is rendered.
GAPS = """\
# It has no security group of a cluster.
resource "aws_launch_template" "this" {
  vpc_security_group_ids = [aws_security_group.nodes.id]

  lifecycle {
    ignore_changes = [tag_specifications]
  }
}

resource "aws_eks_cluster" "this" {
  lifecycle {
    ignore_changes = [access_config]
  }
}

# It invents a key of SSH.
resource "aws_eks_node_group" "this" {
  lifecycle {
    ignore_changes = [remote_access, scaling_config, update_config]
  }
}

# It has no addons.
resource "aws_eks_addon" "this" {
  for_each = {}
}
"""
POSTGRES_GAPS = """\
resource "aws_rds_cluster" "this" {
  lifecycle {
    ignore_changes = [
      global_cluster_identifier,
      replication_source_identifier,
      scaling_configuration,
    ]
  }
}

resource "aws_rds_global_cluster" "this" {
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_rds_cluster_instance" "this" {
  lifecycle {
    ignore_changes = [
      monitoring_interval,
      monitoring_role_arn,
      performance_insights_enabled,
      performance_insights_kms_key_id,
    ]
  }
}

resource "aws_db_instance" "this" {
  lifecycle {
    ignore_changes = [
      monitoring_interval,
      monitoring_role_arn,
      performance_insights_enabled,
      performance_insights_kms_key_id,
    ]
  }
}

resource "aws_db_parameter_group" "this" {
  lifecycle {
    ignore_changes = [parameter]
  }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  lifecycle {
    ignore_changes = [description]
  }
}
"""
CDN_GAPS = """\
# It forgets policies, access controls and the certificate.
resource "aws_cloudfront_distribution" "this" {
  lifecycle {
    ignore_changes = [default_cache_behavior, ordered_cache_behavior, origin, viewer_certificate]
  }
}
"""
CERTIFICATE_GAPS = """\
# Its keys are all of RSA.
resource "aws_acm_certificate" "this" {
  lifecycle {
    ignore_changes = [key_algorithm, options]
  }
}

# It issues at once, and the provider would wait for a minute and a half all the same.
resource "aws_acm_certificate_validation" "this" {
  validation_record_fqdns = null
}

output "arn" {
  value = aws_acm_certificate.this.arn
}
"""
#: Of the bucket's policy it reads the refusal, and not its condition.
STATE_GAPS = """\
resource "aws_s3_bucket_policy" "state" {
  count = 0
}
"""
#: Its clusters have no security group of their own.
KARPENTER_GAPS = """\
resource "aws_ec2_tag" "cluster_security_group" {
  count = 0
}
"""
#: It has no settings for repositories that are made by replication.
REPLICATION_GAPS = """\
resource "aws_ecr_repository_creation_template" "standby" {
  for_each = {}
}
"""
SETTINGS = """
  s3_use_path_style       = true
  skip_metadata_api_check = true
"""


@dataclass(frozen=True)
class EmulatedAws:
    """A running one."""

    python: Path
    url: str

    @property
    def env(self) -> dict[str, str]:
        """What leads any client of AWS to it."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return {**keys, "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def empty(self) -> None:
        """Have nothing in it: all its database instances would be one to Terraform."""
        asked = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(asked, timeout=30).close()

    def ask(self, *calls: tuple[str, str, dict[str, Any]], region: str = "us-east-1") -> list[Any]:
        """Call boto3: a service, one of its methods, its arguments; return what each returns."""
        asked = [(service, region, call, arguments) for service, call, arguments in calls]
        done = subprocess.run(
            [str(self.python), "-c", ASKING],
            input=json.dumps(asked),
            env={"PATH": os.environ["PATH"], **self.env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: list[Any] = json.loads(done.stdout)
        return found


def fit(root: Path, *, state_here: bool = False) -> None:
    """Have a rendered root leave out what moto does not know.

    Args:
        state_here: its state is kept beside it, and in no bucket.
    """
    settings = providers(SETTINGS, *ALIASES) + STATE_HERE * state_here
    (root / "emulator_override.tf").write_text(settings + REPLICATION_GAPS)
    (root / "state/emulator_override.tf").write_text(providers(SETTINGS) + STATE_GAPS)
    (root / "modules/cluster/emulator_override.tf").write_text(GAPS)
    (root / "modules/postgres/emulator_override.tf").write_text(POSTGRES_GAPS)
    (root / "modules/cdn/emulator_override.tf").write_text(CDN_GAPS)
    (root / "modules/certificate/emulator_override.tf").write_text(CERTIFICATE_GAPS)
    (root / "modules/karpenter/emulator_override.tf").write_text(KARPENTER_GAPS)


@contextlib.contextmanager
def emulated_aws(log: Path, account: str | None = None) -> Iterator[EmulatedAws]:
    """Start one on a free port; it ends with the context.

    Args:
        account: the only one that it has; None: ACCOUNT, and those whose roles are taken.
    """
    python = program()
    [port] = free_ports(1)
    with log.open("wb") as out:
        started = subprocess.Popen(
            served(python, "127.0.0.1", port),
            stdout=out,
            stderr=out,
            # Policies that AWS itself offers can be attached to a role only with it.
            env={
                "PATH": os.environ["PATH"],
                "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
                **({"MOTO_ACCOUNT_ID": account} if account else {}),
            },
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait(started, url, log)
        yield EmulatedAws(python, url)
    finally:
        started.kill()
        started.wait()


def served(python: Path, address: str, port: int) -> list[str]:
    """Write the command line of one that listens there."""
    command = [str(python), "-c", "from moto.server import main; main()"]
    return [*command, "-H", address, "-p", str(port)]


def program() -> Path:
    """Find the Python that has moto."""
    found = built.newest("moto-*/bin/python")
    if found is None:
        pytest.skip(GET)
    return found


def wait(started: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until one answers."""
    end = time.monotonic() + READY_S
    while True:
        assert started.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5).close()
            return
        assert time.monotonic() < end, f"no answer in {READY_S:.0f} s"
        time.sleep(0.1)
