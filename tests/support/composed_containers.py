"""A small release for Docker Compose, and containers of it as `docker inspect` tells them."""

from __future__ import annotations

import json
from typing import Any

from tarmac.run.compose import containers as c
from tarmac.run.compose.containers import Container
from tarmac.run.compose.planning import ResolvedRelease
from tarmac.run.compose.release import BASE, PRODUCTION, Release, released

IMAGES = {"shop/web:1": "shop/web:tarmac-shop-aa", "postgres:18": "postgres:tarmac-shop-bb"}
IDS = {"web": "sha256:aa", "db": "sha256:bb", "db-setup": "sha256:bb"}


def release(**web: Any) -> Release:
    """Give a service with a store and its set-up; the service's own settings may be others."""
    services = {
        "web": {"image": "shop/web:1", "environment": {"LEVEL": "info"}, "networks": ["db"], **web},
        "db": {"image": "postgres:18", "networks": ["db"], "configs": [{"source": "conf"}]},
        "db-setup": {"image": "postgres:18", "restart": "no", "networks": ["db"]},
    }
    base = {"name": "shop", "services": services, "configs": {"conf": {"content": "x"}}}
    limits = {"services": {"web": {"restart": "unless-stopped"}}}
    files = {BASE: json.dumps(base), PRODUCTION: json.dumps(limits)}
    return released(Release("shop", "prod", "shop", files), IMAGES)


def wanted(**web: Any) -> ResolvedRelease:
    """Give what that release asks for."""
    return ResolvedRelease(release(**web), {name: f"h-{name}" for name in IDS}, IDS)


def inspected(service: str, number: int = 1, **state: Any) -> dict[str, Any]:
    """Tell a container of it, which runs unless its state says otherwise."""
    labels = {c.SYSTEM: "shop", c.ENVIRONMENT: "prod", c.HASH: f"h-{service}"}
    labels |= {c.SERVICE: service, c.NUMBER: str(number)}
    return {
        "Id": f"id-{service}-{number}",
        "Name": f"/shop-{service}-{number}",
        "Image": IDS.get(service, "sha256:cc"),
        "RestartCount": state.pop("restarts", 0),
        "State": {"Status": "running", "Pid": 7, "ExitCode": 0, **state},
        "Config": {"Labels": labels, "Env": ["LEVEL=info", "EMPTY="]},
        "HostConfig": {"Memory": 64 << 20},
        "NetworkSettings": {
            "Networks": {"shop_db": {"IPAddress": "172.18.0.2", "Aliases": [service]}},
            "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "9/tcp": None},
        },
    }


def container(service: str, number: int = 1, **state: Any) -> Container:
    """Read such a container."""
    return c.of(inspected(service, number, **state))


def done() -> Container:
    """Give the set-up's container, which has ended well."""
    return container("db-setup", Status="exited", Pid=0)
