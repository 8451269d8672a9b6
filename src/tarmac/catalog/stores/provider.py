"""One way to have a store: what of it is on a machine, and how its server is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tarmac.base.launch import File, Launch, Probe, Secret, Text
from tarmac.catalog.stores.context import Address, StoreContext
from tarmac.catalog.stores.programs import Program, numbers


@dataclass(frozen=True)
class ProviderCandidate:
    """A provider on this machine: its programs' full command lines by name, and its version."""

    provider: str
    programs: Mapping[str, tuple[str, ...]]
    version: str
    #: The kind that really answers: another than the requested one if it is a substitute.
    kind: str = ""
    #: The container image with its tag, for a provider that runs one.
    image: str = ""
    #: Where it is, for one that runs elsewhere.
    address: Address | None = None
    #: Variables that its programs need of the one who runs Tarmac: where Docker's daemon is.
    env: Mapping[str, str] = field(default_factory=dict)
    #: What its user must know of it: that it differs, or is past its end of life.
    note: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers, to compare: 15.18 is (15, 18)."""
        return numbers(self.version)

    def fits(self, asked: str | None) -> bool:
        """Tell whether it is the requested version: 15.18 is a 15."""
        return asked is None or f"{self.version}.".startswith(f"{asked}.")


def no_note(candidate: ProviderCandidate) -> str:  # noqa: ARG001 - one shape for all
    """Say nothing of an candidate."""
    return ""


@dataclass(frozen=True)
class Container:
    """A server in a container of its own: by Docker here, by Compose, in a cluster."""

    #: Its argv is the command in the container; paths there are the container's.
    launch: Launch
    #: The port in the container, by the name of the one outside it.
    ports: Mapping[str, int]
    #: The path in the container, by the path in the node's folder. Data is in `data`.
    mounts: Mapping[str, str]
    #: It starts as root as it comes, and then gives that up; another user of the image's own could
    #: not read what belongs to root.
    starts_as_root: bool = True
    #: The user that it runs as, by number, where it may not start as root.
    user: int = 999
    #: Passes when it serves, asked from inside or by the cluster; None: its port is asked.
    ready: Probe | None = None
    #: Folders that its image writes to besides its data and /tmp; nothing in them outlives it.
    scratch: tuple[str, ...] = ()
    #: It takes no folder of data that is another user's, even if it may write there; its image has
    #: `mkdir` to make one.
    owns_data: bool = False


#: (context, what was found, fast) -> the container.
ContainerFactory = Callable[[StoreContext, ProviderCandidate, bool], Container]


@dataclass(frozen=True)
class Script:
    """What sets a server up from another container of its image, once it is up; repeatable."""

    #: Files are below /setup.
    argv: tuple[str, ...]
    files: tuple[File, ...]
    env: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """One way to have the store on this machine."""

    id: str
    programs: Mapping[str, Program]
    #: (context, what was found, fast) -> how to start it; fast gives up durability for tests.
    launch: Callable[[StoreContext, ProviderCandidate, bool], Launch]
    #: What to do on a machine that lacks it.
    get: str = "install Tarmac with its dependencies (pip install --force-reinstall tarmac)"
    note: Callable[[ProviderCandidate], str] = no_note
    #: What a reader calls its server, where that is another program than the kind's.
    title: str = ""
    #: It differs in what it promises: used only on request.
    on_request: bool = False
    #: What its page asks for before it shows anything; the page's link carries it as `token`.
    page_secret: Callable[[StoreContext], Secret] | None = None
    #: The same for one in a container of its own, wherever that runs.
    container: ContainerFactory | None = None
