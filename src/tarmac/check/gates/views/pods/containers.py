"""Containers of pods: their images, ports, variables, probes and resources."""

from __future__ import annotations

from functools import cached_property

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, number, text
from tarmac.check.gates.views.images.image_names import plain
from tarmac.check.gates.views.pods.environment import EnvironmentSource, Variable
from tarmac.check.gates.views.pods.probes import Probe, stop_delay_s
from tarmac.check.gates.views.pods.security_contexts import SecurityContext
from tarmac.check.gates.views.pods.volumes import Mount


class ContainerPort:
    """A port on which a container listens."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def number(self) -> int | None:
        """Its number."""
        return number(self.data, "containerPort")

    @property
    def host_port(self) -> int | None:
        """The port of the node that leads to it."""
        return number(self.data, "hostPort")


class Container:
    """One container of a pod, and where it is in its object."""

    def __init__(self, artifact: Artifact, path: Path, data: Fields) -> None:
        self.artifact = artifact
        self.path = path
        self.data = data

    def at(self, *path: str | int) -> str:
        """Return where a part of it is."""
        return self.artifact.at(*self.path, *path)

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def title(self) -> str:
        """What a finding calls it; kinds that make pods by themselves need no names."""
        number = self.path[-1] if self.path else None
        unnamed = f"container {number + 1}" if isinstance(number, int) else "its container"
        return f"container {self.name}" if self.name else unnamed

    @property
    def written_image(self) -> str:
        """Its image; empty where it has none."""
        return str(self.data.get("image") or "")

    @cached_property
    def image(self) -> str:
        """Its image by its maker's name."""
        return plain(self.written_image)

    @property
    def image_name(self) -> str:
        """Its image without registry and tag."""
        return self.image.rpartition("/")[2].partition(":")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What its program is given."""
        return tuple(map(str, items(self.data, "args")))

    @property
    def words(self) -> tuple[str, ...]:
        """Command and arguments; the entrypoint of the image is unknown."""
        return (*map(str, items(self.data, "command")), *self.arguments)

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """Where it listens."""
        return tuple(map(ContainerPort, items(self.data, "ports")))

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Its environment variables that are written one by one."""
        return tuple(map(Variable, items(self.data, "env")))

    @property
    def sources(self) -> tuple[EnvironmentSource, ...]:
        """The objects whose every key is a variable."""
        return tuple(map(EnvironmentSource, items(self.data, "envFrom")))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Where it sees volumes."""
        return tuple(map(Mount, items(self.data, "volumeMounts")))

    @property
    def security(self) -> SecurityContext:
        """What its processes may do."""
        return SecurityContext(fields(self.data, "securityContext"))

    def probe(self, name: str) -> Probe | None:
        """Read its `startup`, `liveness` or `readiness` probe."""
        data = fields(self.data, f"{name}Probe")
        return Probe(data) if data else None

    def amount(self, kind: str, name: str) -> str | int | float | None:
        """Read what it asks for or may use at most: `amount("limits", "memory")`."""
        found: str | int | float | None = dig(self.data, "resources", kind, name)
        return found

    @property
    def stop_delay_s(self) -> float:
        """How long its preStop hook pauses, in seconds."""
        return stop_delay_s(fields(self.data, "lifecycle", "preStop"))
