"""The sections of a drill's file that are for one kind of drill each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from tarmac.model.value import Duration, EnvName, Name, StrictModel

#: Section -> the kind that it is for, and whether that kind cannot do without.
SECTIONS = {
    "canary": ("canary", True),
    "capacity": ("capacity", False),
    "draw": ("random", False),
    "failover": ("failover", True),
    "restore": ("restore", True),
    "scale": ("scale", True),
}
#: Kinds that disturb by themselves, or not at all.
WITHOUT_METHOD = frozenset({"canary", "capacity", "failover", "restore", "scale"})


class Version(StrictModel):
    """How a new version differs from what runs; without anything it is the same again."""

    file: str = Field(
        default="",
        description=(
            "The other version's system file, e.g. in a checkout "
            "of a branch; relative to the current folder."
        ),
    )
    env: dict[EnvName, str] = Field(default={}, description="Variables with other values there.")


class Defect(StrictModel):
    """What is wrong with a new version on purpose: done to its traffic, in any language."""

    errors: float = Field(
        default=0, ge=0, le=100, description="The percentage of its requests that get an error."
    )
    status: int = Field(default=500, ge=400, le=599, description="The status of these.")
    delay: Duration = Field(default=0.0, description="Each of its answers comes so much later.")


class Canary(StrictModel):
    """How a drill of the kind `canary` tries a new version of a service on some of its requests."""

    service: Name = Field(description="The service; its other instances go on as before.")
    version: Version = Version()
    defect: Defect | None = Field(
        default=None, description="With one, the drill passes if the new version is taken back."
    )
    environment: Name | None = Field(
        default=None,
        description=(
            "Weights, failures, success, p99 and requests "
            "default to those of this environment's `rollout`."
        ),
    )
    weights: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(10, 20, 30, 40, 50),
        min_length=1,
        description="Percent of the requests, step by step; `[100]` for blue and green.",
    )
    every: Duration = Field(default=5.0, gt=0, description="The time between two analysis runs.")
    failures: int = Field(default=2, ge=1, description="Failed analysis runs until the rollback.")
    success: float = Field(default=99, gt=0, lt=100, description="Percent without a 5xx, at least.")
    p99: Duration = Field(default=0.5, description="99 of 100 requests must be faster.")
    requests: int = Field(default=10, ge=1, description="An analysis run needs so many.")
    ready: Duration = Field(default=60.0, description="By then the new version takes requests.")

    @property
    def longest_s(self) -> float:
        """How long it takes at most: each failed run but the last is followed by another."""
        runs = len(self.weights) + self.failures
        return self.ready + (runs + 1) * self.every


class Capacity(StrictModel):
    """How a drill of the kind `capacity` raises its load."""

    at_least: float | None = Field(
        default=None, gt=0, description="Visits per second that must hold; default: any."
    )
    up_to: float = Field(default=1000.0, gt=0, le=10_000, description="No higher rate is tried.")
    times: float = Field(default=1.5, gt=1, description="Each rate, of the one before.")
    hold: Duration = Field(default=10.0, description="How long each rate is held.")


class Draw(StrictModel):
    """What a drill of the kind `random` draws from its method."""

    faults: int = Field(default=2, ge=1, description="How many steps of the method are taken.")
    within: Duration = Field(default=20.0, description="The time in which they begin.")
    seed: int | None = Field(
        default=None, description="Seed that repeats a draw; default: a new one for each run."
    )


class Failover(StrictModel):
    """What a drill of the kind `failover` replicates, and what the loss of a region may cost."""

    stores: tuple[Name, ...] = Field(
        min_length=1, description="Those that the second region has a standby of."
    )
    service: Name = Field(description="A public service: while it answers, its region is well.")
    path: str = Field(
        default="/health/ready", pattern="^/", description="What the health check asks it for."
    )
    interval: Duration = Field(default=10.0, description="Between two health checks.")
    failures: int = Field(
        default=3, ge=1, le=10, description="So many failed checks in a row make a lost region."
    )
    synchronous: bool = Field(
        default=False, description="A change is confirmed once the standby has it."
    )
    switch: Duration = Field(
        default=30.0, description="By then, from the first failed check, visits are led elsewhere."
    )
    rpo: Duration = Field(
        default=60.0, description="Limit of data loss: writes up to this long before may be lost."
    )
    rto: Duration = Field(
        default=300.0,
        description="Time limit until the second region serves and visits succeed as before.",
    )
    at: Duration = Field(
        default=5.0, description="Time of the loss, after the end of the baseline."
    )
    once_promoted: dict[Name, str] = Field(
        default={},
        description=(
            "Store -> SQL that runs on its standby after promotion, before "
            "services start: an operator's repair of data that was not replicated."
        ),
    )
    failback: bool = Field(
        default=False, description="The first region is rebuilt, and takes over again as planned."
    )

    @property
    def disturbed_s(self) -> float:
        """How long all of it takes at most."""
        return self.at + self.rto * (2 if self.failback else 1)


class Restore(StrictModel):
    """What a drill of the kind `restore` loses, and what may be lost for good."""

    stores: tuple[Name, ...] = Field(min_length=1, description="Those whose data is lost at once.")
    rpo: Duration = Field(
        default=60.0, description="Limit of data loss: writes up to this long before may be lost."
    )
    rto: Duration = Field(
        default=300.0, description="Time limit until it serves again and visits succeed as before."
    )
    every: Duration = Field(
        default=1.0, description="What changes is archived at least so often, in whole seconds."
    )
    synchronous: bool = Field(
        default=False, description="Each change is archived before it is confirmed."
    )
    at: Duration = Field(
        default=5.0, description="Time of the loss, after the end of the baseline."
    )


class Probe(StrictModel):
    """What is asked of a service again and again while a drill lasts; each answer must be a 200."""

    service: Name = Field(description="The requested service.")
    path: str = Field(default="/health", pattern="^/", description="The requested path.")
    every: Duration = Field(default=5.0, gt=0, description="The time between two questions.")
    timeout: Duration = Field(default=5.0, gt=0, description="A later answer is a wrong one.")


class Scale(StrictModel):
    """What a drill of the kind `scale` runs more of, and for how long."""

    service: Name = Field(description="It has more instances for a while, then as many as before.")
    instances: int = Field(default=3, ge=2, le=20, description="How many then run.")
    hold: Duration = Field(default=10.0, description="For how long, once all of them serve.")
    share: float = Field(
        default=50,
        gt=0,
        le=100,
        description="The percentage of an even share of the requests that each must get then.",
    )


def misplaced(file: Any) -> Iterator[tuple[str, str]]:
    """Yield each section that is not for the file's kind, or is missing, with what is wrong."""
    for section, (kind, is_needed) in SECTIONS.items():
        if getattr(file, section) is not None and file.kind != kind:
            yield section, f"`{section}` is for `kind: {kind}` ({file.kind}); remove it"
        elif is_needed and file.kind == kind and getattr(file, section) is None:
            yield "kind", f"`kind: {kind}` lacks its section; add `{section}: ...`"
    if file.load.stages and file.kind in WITHOUT_METHOD:
        yield "load", f"`stages` are not for `kind: {file.kind}`; remove them"
    if file.probes and file.kind == "capacity":
        yield "probes", f"`probes` are not for `kind: {file.kind}`; remove them"
    if file.method and file.kind in WITHOUT_METHOD:
        yield "method", f"`method` is not for `kind: {file.kind}`, which has no steps; remove it"
