"""The options of `up`: given by a verb or a test, sent to the supervisor, saved with its state.

Light, and without the model: the client imports it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

#: Options that name services or stores of the file.
NAMING = ("without", "stopped", "part", "only")

#: Options that cannot change while a system runs.
FIXED = ("direct", "mtls")


@dataclass(frozen=True)
class NewVersion:
    """How an instance differs that a service's new version is tried with."""

    #: Its system's file, absolute; empty: the others' own.
    file: str = ""
    #: Variables with other values there.
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How a system is to be run."""

    #: Absolute path of its `tarmac.yaml`.
    file: str
    namespace: str = "default"
    fast_stores: bool = False
    strict_ports: bool = False
    direct: bool = False
    watch: bool = False
    telemetry: bool = False
    #: HTTP requests on the wires are counted.
    inspect: bool = False
    #: The two ends of each wire speak TLS, and know each other by certificates.
    mtls: bool = False
    #: Programs that are not the kit's find their files read-only, as in a container.
    read_only: bool = False
    #: A copy for a while: on any free ports, and deleted when it ends.
    temporary: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    #: By service: an instance of another version besides, that a drill sends requests to.
    versions: Mapping[str, NewVersion] = field(default_factory=dict)
    #: By service: variables that are others than the system's file says, as long as a drill lasts.
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: By store: the bytes of a disk of its own, in memory, that a drill may fill.
    disks: Mapping[str, int] = field(default_factory=dict)
    #: By the name of an included repository: a developer's folder that runs in its place.
    sources: Mapping[str, str] = field(default_factory=dict)
    #: Services that are started elsewhere, e.g. in a debugger.
    without: tuple[str, ...] = ()
    #: Services that were stopped while the rest runs.
    stopped: tuple[str, ...] = ()
    #: All services and stores are wanted, but those of a profile.
    whole: bool = True
    #: Services and stores that are wanted besides, with what they need.
    part: tuple[str, ...] = ()
    #: Groups of services that are wanted besides, with what they need.
    groups: tuple[str, ...] = ()
    #: Services and stores that are wanted besides, without what they need.
    only: tuple[str, ...] = ()
    #: Services and stores with one of these profiles are wanted, too.
    profiles: tuple[str, ...] = ()
    #: NAME=PROVIDER, of a store or a kind.
    providers: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Options:
        """Read them from JSON; keys that another version wrote are ignored."""
        known = {entry.name: data[entry.name] for entry in fields(cls) if entry.name in data}
        for name in ("without", "stopped", "part", "groups", "only", "profiles", "providers"):
            known[name] = tuple(known.get(name, ()))
        known["versions"] = {
            name: NewVersion(**version) for name, version in known.get("versions", {}).items()
        }
        return cls(**known)

    def after(self, last: Options | None, *, runs: bool) -> Options:
        """Return these options after those of the last `up`, which may still run.

        Services that are started elsewhere stay so until another `--without` is given, or they are
        named; a repository's folder stays until another is given, or an empty one.
        """
        if last is None:
            return replace(self, sources={name: own for name, own in self.sources.items() if own})
        named = {*self.part, *self.only}
        kept = tuple(name for name in last.without if name not in named)
        sources = {name: own for name, own in {**last.sources, **self.sources}.items() if own}
        options = replace(self, without=self.without or kept, sources=sources)
        return options.added_to(last) if runs else options

    def added_to(self, before: Options) -> Options:
        """Return these options for a system that runs with others: what is wanted is added."""
        named = {*self.part, *self.only}
        return replace(
            self,
            mtls=self.mtls or before.mtls,
            whole=self.whole or before.whole,
            part=_union(before.part, self.part),
            groups=_union(before.groups, self.groups),
            only=_union(before.only, self.only),
            profiles=_union(before.profiles, self.profiles),
            stopped=() if self.whole else tuple(n for n in before.stopped if n not in named),
        )

    def without_lost(self, before: Options | None, known: Collection[str]) -> Options:
        """Return these options without what earlier ones named and the file no longer has."""
        if before is None:
            return self
        lost = {name for key in NAMING for name in getattr(before, key)} - {*known}
        kept: dict[str, Any] = {
            key: tuple(n for n in getattr(self, key) if n not in lost) for key in NAMING
        }
        return replace(self, **kept)

    def problems(self, runs: Options | None) -> dict[str, str]:
        """Say what is wrong with these options, for a system that runs with others, by name."""
        if self.mtls and self.direct:
            return {"mtls": "needs the per-edge proxies; leave out --direct"}
        differ = [n for n in FIXED if runs is not None and getattr(runs, n) != getattr(self, n)]
        return {
            name: f"the system runs with{'' if getattr(runs, name) else 'out'} --{name}; "
            "stop it first"
            for name in differ
        }

    def as_data(self) -> dict[str, Any]:
        """Write them as data for JSON."""
        return asdict(self)


def _union(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*before, *more}))
