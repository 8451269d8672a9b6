"""The containers of a system as a daemon has them: read by `docker inspect`, which is pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.run.compose.docker import Docker

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
HASH = "com.docker.compose.config-hash"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"
#: Labels that a deployment sets: of which system and environment a container is.
SYSTEM = "tarmac.system"
ENVIRONMENT = "tarmac.environment"


@dataclass(frozen=True)
class Container:
    """One container of a Compose project."""

    id: str
    name: str
    service: str
    number: int
    #: The id of its image.
    image: str
    labels: Mapping[str, str]
    #: `running`, `exited`, `created`, `paused`, `restarting`, `dead`.
    state: str
    #: `healthy`, `unhealthy`, `starting`; empty where nothing is asked.
    health: str
    #: What its check said last.
    said: str
    pid: int
    exit_code: int
    #: What Docker says of a start that failed.
    error: str
    killed_for_memory: bool
    restarts: int
    #: Bytes; 0: no limit.
    memory: int
    #: Networks that it is in -> its address there.
    networks: Mapping[str, str]
    #: Networks -> the names by which others find it there.
    aliases: Mapping[str, tuple[str, ...]]
    #: Its ports -> where they are published.
    published: Mapping[int, str]
    env: Mapping[str, str]

    @property
    def serves(self) -> bool:
        """Whether it runs, and its check, where it has one, passes."""
        return self.state == "running" and self.health in ("healthy", "")

    @property
    def is_done(self) -> bool:
        """Whether it has ended well."""
        return self.state == "exited" and self.exit_code == 0

    @property
    def detail(self) -> str:
        """How it is, on one line."""
        if self.state == "running" and self.health:
            return self.health
        ended = self.state in ("exited", "dead")
        return f"{self.state} ({self.exit_code})" if ended else self.state


def listed(docker: Docker, project: str) -> tuple[Container, ...]:
    """List the containers of a project, in their order. Raises Refusal."""
    filters = (f"label={PROJECT}={project}", f"label={ONE_OFF}=False")
    chosen = [part for one in filters for part in ("--filter", one)]
    ids = docker.lines("ps", "--all", "--no-trunc", *chosen, "--format", "{{.ID}}")
    # One that goes meanwhile is left out of the answer.
    found = map(of, docker.inspect("inspect", *ids)) if ids else ()
    return tuple(sorted(found, key=lambda one: (one.service, one.number)))


def by_service(containers: Iterable[Container]) -> dict[str, list[Container]]:
    """Put the containers of each service together."""
    found: dict[str, list[Container]] = {}
    for one in containers:
        found.setdefault(one.service, []).append(one)
    return found


def of(said: Mapping[str, Any]) -> Container:
    """Read what `docker inspect` says of one."""
    state, config = said["State"], said["Config"]
    health = state.get("Health") or {}
    labels = config.get("Labels") or {}
    networks = said.get("NetworkSettings", {}).get("Networks") or {}
    told = health.get("Log") or []
    return Container(
        id=said["Id"],
        name=said["Name"].lstrip("/"),
        service=labels.get(SERVICE, ""),
        number=int(labels.get(NUMBER) or 1),
        image=said["Image"],
        labels=labels,
        state=state["Status"],
        health=health.get("Status", "") if health.get("Status") != "none" else "",
        said=" ".join((told[-1].get("Output") or "").split()) if told else "",
        pid=state.get("Pid", 0),
        exit_code=state.get("ExitCode", 0),
        error=state.get("Error", ""),
        killed_for_memory=bool(state.get("OOMKilled")),
        restarts=said.get("RestartCount", 0),
        memory=said.get("HostConfig", {}).get("Memory") or 0,
        networks={name: one.get("IPAddress", "") for name, one in networks.items()},
        aliases={name: tuple(one.get("Aliases") or ()) for name, one in networks.items()},
        published=_published(said.get("NetworkSettings", {}).get("Ports") or {}),
        env=dict(text.partition("=")[::2] for text in config.get("Env") or ()),
    )


def _published(ports: Mapping[str, Any]) -> dict[int, str]:
    return {
        int(port.partition("/")[0]): f"{bound[0]['HostIp'] or '127.0.0.1'}:{bound[0]['HostPort']}"
        for port, bound in ports.items()
        if bound
    }
