"""Trouble of the shop's pods in a cluster: what probes and kubelets do about it takes a minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployed import NAME, DeployedSystem

#: Stands still, with its ports open.
WEDGED = "notification-service"
#: Its process ends at once.
KILLED = "user-service"
#: Has no database, which is scaled away.
STARVED, DATABASE = "product-service", "products-db"


@dataclass(frozen=True)
class ShopTrouble:
    """What was there before it."""

    pods: list[dict[str, Any]]

    def pod(self, service: str) -> dict[str, Any]:
        """Find the one of a service."""
        (found,) = (pod for pod in self.pods if pod["metadata"]["labels"][NAME] == service)
        return found


def begin(shop: DeployedSystem) -> ShopTrouble:
    """Stop one service, kill another, and take a third one's database away."""
    trouble = ShopTrouble(shop.pods())
    shop.send(trouble.pod(WEDGED), "-STOP")
    shop.send(trouble.pod(KILLED), "-KILL")
    shop.k("scale", f"statefulset/{DATABASE}", "--replicas=0")
    return trouble


def end(shop: DeployedSystem) -> None:
    """Wait until it has been noticed, give the database back, and have all three as they were.

    Once is enough: pods that came afterwards were never in trouble.
    """
    if shop.read("statefulset", DATABASE)["spec"]["replicas"]:
        return
    shop.until(lambda: all(shop.restarts(service) for service in (WEDGED, KILLED)))
    shop.k("scale", f"statefulset/{DATABASE}", "--replicas=1")
    shop.until(lambda: all(shop.ready(service) == 1 for service in (WEDGED, KILLED, STARVED)))
