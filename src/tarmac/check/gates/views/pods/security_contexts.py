"""What processes of a pod may do: `securityContext` of pods and containers."""

from __future__ import annotations

from tarmac.base.foreign.reading import Fields, flag, items, number, text


class SecurityContext:
    """The rights of a pod's processes, or of a container's."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    def over(self, pod: SecurityContext) -> SecurityContext:
        """Complete the context of a container with what its pod says for all of them."""
        return SecurityContext({**pod.data, **self.data})

    @property
    def user(self) -> int | None:
        """The number of the user that they run as."""
        return number(self.data, "runAsUser")

    @property
    def group(self) -> int | None:
        """The number of their group."""
        return number(self.data, "runAsGroup")

    @property
    def file_group(self) -> int | None:
        """The number of the group that volumes belong to."""
        return number(self.data, "fsGroup")

    @property
    def not_root(self) -> bool:
        """Whether the kubelet refuses to run them as root."""
        return flag(self.data, "runAsNonRoot") is True

    @property
    def seccomp(self) -> str | None:
        """Which system calls they may make."""
        return text(self.data, "seccompProfile", "type")

    @property
    def privileged(self) -> bool:
        """Whether they have all rights of the node's root."""
        return bool(self.data.get("privileged"))

    @property
    def may_escalate(self) -> bool:
        """Whether a program may get more rights than the one that started it."""
        return flag(self.data, "allowPrivilegeEscalation") is not False

    @property
    def read_only_root(self) -> bool:
        """Whether the image's files cannot be written."""
        return flag(self.data, "readOnlyRootFilesystem") is True

    @property
    def added(self) -> frozenset[str]:
        """The capabilities beside the runtime's default."""
        return frozenset(items(self.data, "capabilities", "add"))

    @property
    def dropped(self) -> frozenset[str]:
        """The capabilities that are taken away."""
        return frozenset(items(self.data, "capabilities", "drop"))
