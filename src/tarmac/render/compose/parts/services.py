"""What services wait for and are asked under Compose, and where they listen and keep data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.launch import CommandProbe, HttpProbe, Probe
from tarmac.plan.cluster import ClusterPlan, OneTimeTask, Workload

#: The service that gives new volumes to the servers' users.
OWNER = "volume-owner"
#: In an image of the kit; imports nothing.
HEALTHCHECK = ("/usr/bin/python3", "-I", "-S", "/app/own/tarmac_kit/healthcheck.py")
#: Nothing of a laptop's is given away, and no process gains privileges.
SECURITY = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}


def check(workload: Workload) -> dict[str, Any]:
    """Return Docker's health check; nothing where only the image can know.

    More often than the image's own check: dependents wait for the first that passes.
    """
    asked: Probe | None = workload.ready or workload.live
    argv: tuple[str, ...] = ()
    if isinstance(asked, CommandProbe):
        argv = asked.argv
    elif workload.parts and isinstance(asked, HttpProbe):
        argv = (*HEALTHCHECK, asked.path)
    if not argv:
        return {}
    times = {"interval": "3s", "timeout": "3s", "start_period": "60s", "retries": 5}
    return {"healthcheck": {"test": ["CMD", *argv], **times}}


def setup(workload: Workload, once: OneTimeTask) -> str:
    """Name the service that runs something to its end."""
    return f"{workload.name}-{once.name}"


def depends(plan: ClusterPlan, names: Iterable[str]) -> dict[str, Any]:
    """Write what must be there first: answering, and set up."""
    found: dict[str, Any] = {}
    for name in names:
        workload = plan.workload(name)
        healthy = "service_healthy" if check(workload) else "service_started"
        found[name] = {"condition": healthy}
        for once in workload.once:
            if not once.schedule and workload.role != "service":
                found[setup(workload, once)] = {"condition": "service_completed_successfully"}
    return found


def published(plan: ClusterPlan) -> dict[str, list[dict[str, Any]]]:
    """Publish every port on loopback under its own number; one that is taken gets a free one."""
    taken: set[int] = set()
    found: dict[str, list[dict[str, Any]]] = {}
    for workload in (*plan.services, *plan.stores):
        for port in dict.fromkeys(workload.ports.values()):
            number = workload.known_ports.get(port, port)
            own = {} if number in taken else {"published": str(number)}
            taken.add(number)
            entry = {"target": port, **own, "host_ip": "127.0.0.1"}
            found.setdefault(workload.name, []).append(entry)
    return found


def volume(workload: Workload, name: str) -> str:
    """Name a volume."""
    return f"{name}-{workload.name}"


def owner(keeping: list[Workload]) -> dict[str, Any]:
    """Give new volumes to the servers' users: Docker makes them root's, and no server is root."""
    folders = {volume(w, name): w.user for w in keeping for name in w.volumes}
    command = " && ".join(f"chown {user}:{user} /volumes/{name}" for name, user in folders.items())
    return {
        "image": keeping[0].image,
        "entrypoint": ["/bin/sh", "-c", command],
        "command": [],
        "user": "0:0",
        "network_mode": "none",
        "volumes": [f"{name}:/volumes/{name}" for name in folders],
        "restart": "no",
        **SECURITY,
        "cap_add": ["CHOWN"],
    }
