"""Waits until the entry has its certificates by ACME, and says why it has none.

Called by `tarmac deploy` once all of a release runs: nothing is taken back for it, as the entry
serves with a certificate of its own making until then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from tarmac.model.edge import ENTRY
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.compose.parts.entry import STORED
from tarmac.run.compose import containers as c
from tarmac.run.compose.project import Project
from tarmac.run.outcome import Failure

#: An authority asks the host some seconds after it was asked.
WITHIN_S = 90.0
POLL_S = 1.0


def lacking(project: Project, plan: ClusterPlan) -> tuple[Failure, ...]:
    """Wait for the certificate of each public host; returns a failure for each without one."""
    hosts = set(plan.public_hosts)
    end = time.monotonic() + WITHIN_S
    docker = project.docker
    while True:
        listed = c.listed(docker, project.release.project)
        found = next((one for one in listed if one.service == ENTRY), None)
        if found is None:
            return ()
        missing = hosts - set(stored(docker.ask("exec", found.id, "cat", STORED).stdout))
        log = docker.ask("logs", found.id)
        told = dict(refusals((log.stdout + log.stderr).splitlines()))
        if missing <= told.keys() or time.monotonic() > end:
            late = f"none came within {WITHIN_S:g} s"
            return tuple(_failure(host, told.get(host, late), plan) for host in sorted(missing))
        time.sleep(POLL_S)


def stored(text: str) -> Iterator[str]:
    """Yield the hosts that the entry has certificates of.

    Args:
        text: its file; empty before there is one, or half of it while it is written.
    """
    try:
        resolvers = json.loads(text or "{}")
    except ValueError:
        return
    for resolver in resolvers.values():
        for certificate in resolver.get("Certificates") or ():
            yield certificate["domain"]["main"]


def refusals(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield hosts with the reason why the authority gave no certificate, the newest last."""
    for line in lines:
        if "Unable to obtain ACME certificate" not in line:
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue
        for host in said.get("domains") or ():
            yield host, " ".join(str(said.get("error", "")).split())


def _failure(host: str, why: str, plan: ClusterPlan) -> Failure:
    what = f"{host} has to lead to this machine, and port 80 from the world to the entry"
    advice = f"{what}; then tarmac restart {plan.system} {ENTRY} --target compose"
    return Failure(ENTRY, f"it has no certificate of {host}", ((why, (advice,)),))
