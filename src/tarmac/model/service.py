"""A service: which parts or which command it is made of, and what it is bound to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tarmac.base.written import shown
from tarmac.model import conventions
from tarmac.model.rotation import Rotation
from tarmac.model.texts import FolderPath, Owner, PathPrefix
from tarmac.model.value import (
    Amount,
    Duration,
    EnvName,
    EnvValue,
    FlagOrName,
    HostLabel,
    Name,
    OneOrMore,
    PortNumber,
    StrictModel,
    Topic,
)

#: Compiling a pattern of 100 KB takes seconds.
LONGEST_PATTERN = 1000


class Call(StrictModel):
    """How one service calls another."""

    timeout: Duration = Field(
        default=conventions.TIMEOUT_DEFAULT_S, description="The timeout of a call."
    )
    retries: int = Field(
        default=conventions.RETRIES_DEFAULT,
        ge=0,
        le=10,
        description="Retries, of idempotent calls only.",
    )


class PublicAddress(StrictModel):
    """Where the world reaches the service."""

    host: HostLabel | None = Field(
        default=None, description="The host's first label under the domain; without: the domain."
    )
    paths: tuple[PathPrefix, ...] = Field(
        default=("/",), description="The path prefixes that are public."
    )


class ProbeSpec(StrictModel):
    """How to tell that a service of another framework is ready; one of the five."""

    http: str | None = Field(default=None, description="A path that answers below 400.")
    grpc: FlagOrName | None = Field(
        default=None,
        description="grpc.health.v1 says SERVING: true for the whole server, or a service's name.",
    )
    tcp: bool | None = Field(default=None, description="The port accepts connections.")
    command: OneOrMore | None = Field(default=None, description="A command that ends with 0.")
    log: str | None = Field(default=None, description="A pattern that a line of output matches.")
    within: Duration = Field(default=60.0, description="The deadline.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        every = (self.http, self.grpc, self.tcp, self.command, self.log)
        given = [kind for kind in every if kind is not None]
        for name, kind in (("tcp", self.tcp), ("grpc", self.grpc)):
            if kind is False:
                raise ValueError(
                    f"has `{name}: false`, which has no effect; remove it, or write `{name}: true`"
                )
        if len(given) != 1:
            raise ValueError(
                f"has {len(given)} of `http`, `grpc`, `tcp: true`, `command` and `log`; "
                "give exactly one"
            )
        if self.http is not None and not self.http.startswith("/"):
            raise ValueError(f"has http {shown(self.http)}; begin the path with '/'")
        if self.log is not None:
            if len(self.log) > LONGEST_PATTERN:
                raise ValueError(f"has a log pattern of {len(self.log)} characters; shorten it")
            try:
                re.compile(self.log)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(
                    f"has log {shown(self.log)}, not a regular expression ({error}); correct it"
                ) from None
        return self


class Task(StrictModel):
    """Something that runs to its end: once before the service, or on a schedule."""

    run: OneOrMore = Field(description="The command.")
    schedule: str | None = Field(
        default=None,
        description="When it runs, as five fields of cron in UTC, or @hourly, @daily, @every 90m; "
        "without, once before the service starts.",
    )
    after: OneOrMore | None = Field(
        default=None,
        description="Tasks of this service that end first; without, the one written before it. "
        "`[]`: none.",
    )
    here: bool = Field(
        default=False,
        description="It installs or builds, as elsewhere the image does: it is not rendered.",
    )


def _listed_calls(value: Any) -> Any:
    """Turn `[a, {b: {timeout: 2s}}]` into `{a: {}, b: {timeout: 2s}}`."""
    return _listed(value, "a service's name")


def _listed_secrets(value: Any) -> Any:
    """Turn `[A, {B: {as: file}}]` into `{A: {}, B: {as: file}}`."""
    return _listed(value, "a variable's name")


def _listed(value: Any, wanted: str) -> Any:
    if not isinstance(value, tuple):
        return value
    found: dict[str, Any] = {}
    for item in value:
        entries = item.items() if isinstance(item, dict) else [(item, {})]
        for name, options in entries:
            if not isinstance(name, str):
                raise ValueError(f"has the entry {shown(name)}; write {wanted}")
            if name in found:
                raise ValueError(f"has '{name}' twice; remove one of the two")
            found[name] = {} if options is None else options  # `- name:` says the same as `- name`
    return found


class SecretUse(Rotation):
    """How a service is given a secret."""

    as_: Literal["variable", "file"] = Field(
        default="variable",
        alias="as",
        description="file: the variable holds the path of a file with the value, which only its "
        "program reads; in .env the value stands without the end _FILE of the variable's name.",
    )

    bytes: int = Field(default=24, ge=16, le=128, description="The length of a generated one.")
    form: Literal["hex", "base64"] = Field(
        default="hex",
        description="How a generated one is written. base64: that for addresses, which a key of "
        "Fernet with 32 bytes has.",
    )

    @property
    def is_file(self) -> bool:
        """Whether the program opens a file."""
        return self.as_ == "file"


class ServiceHook(StrictModel):
    """A command at one moment of a service's life, in its folder and environment."""

    run: OneOrMore = Field(description="The command.")
    within: Duration = Field(
        default=30.0, gt=0, le=3600, description="It has failed if it takes longer."
    )


class Stop(StrictModel):
    """How a service is told to end, and how long it may take."""

    signal: Literal["TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH"] = Field(
        default="TERM", description="What asks it to end; in a cluster its image's STOPSIGNAL does."
    )
    grace: Duration | None = Field(
        default=None, gt=0, le=3600, description="From the signal to SIGKILL; default: 10s."
    )
    command: OneOrMore | None = Field(
        default=None,
        description="A command that asks it to end, in place of the signal, e.g. `nginx -s quit`. "
        "In a cluster and in Compose the signal follows.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.command is not None and "signal" in self.model_fields_set:
            raise ValueError("has both `signal` and `command`; keep the one that ends it")
        return self


class Service(StrictModel):
    """One service of the system."""

    source: OneOrMore = Field(
        default=(), description="Folders with a service.yaml; several share one process."
    )
    run: OneOrMore | None = Field(default=None, description="The command, for any language.")
    cwd: FolderPath | None = Field(
        default=None, description="Where `run` starts; this file's folder."
    )
    owner: Owner | None = Field(
        default=None, description="The team that owns it; default: the system's owner."
    )
    api: FolderPath | None = Field(
        default=None,
        description="The description of its API, a file beside this one: OpenAPI, or by its name "
        "AsyncAPI (asyncapi.yaml), gRPC (.proto) or GraphQL (.graphql); default: those of its "
        "parts.",
    )
    port: PortNumber | None = Field(default=None, description="Short for ports: {http: ...}.")
    ports: dict[Name, PortNumber] = Field(default={}, description="Ports by name.")
    listen: Literal["given", "fixed"] = Field(
        default="given",
        description="given: listens where PORT says. fixed: only ever on its own port.",
    )
    image_port: PortNumber | None = Field(
        default=None,
        description="Where its own image listens, if not on its main port: EXPOSE of its "
        "Dockerfile. It is rendered so; here the main port counts.",
    )
    public: PublicAddress | None = None
    trust: Literal["tokens", "network"] = Field(
        default="tokens",
        description="tokens: it presents caller tokens, and requests that change something need "
        "one of a declared caller. network: it does neither; whatever reaches it is trusted. In a "
        "cluster a service that is not of the kit gets keys only where `tokens` is written.",
    )
    calls: Annotated[
        dict[Name, Call],
        BeforeValidator(_listed_calls, json_schema_input_type=tuple[Name | dict[Name, Call], ...]),
    ] = {}
    stores: dict[Name, Name] = Field(default={}, description="Slot -> store.")
    publishes: tuple[Topic, ...] = Field(default=(), description="Topics that it publishes.")
    consumes: tuple[Topic, ...] = Field(default=(), description="Topics that it consumes.")
    externals: tuple[Name, ...] = Field(default=(), description="Externals that it calls.")
    env: dict[EnvName, EnvValue] = Field(default={}, description="Environment variables.")
    secrets: Annotated[
        dict[EnvName, SecretUse],
        BeforeValidator(
            _listed_secrets,
            json_schema_input_type=tuple[EnvName | dict[EnvName, SecretUse], ...]
            | dict[EnvName, SecretUse],
        ),
    ] = Field(default={}, description="Variables with a secret value, from .env or generated.")
    probe: ProbeSpec | None = None
    after_start: ServiceHook | None = Field(
        default=None,
        description="Runs each time its program was started, beside it: nothing uses the service "
        "before this ended with 0, and the program is stopped if it fails.",
    )
    before_stop: ServiceHook | None = Field(
        default=None,
        description="Runs each time before it is asked to end, within its `grace`; it ends in any "
        "case.",
    )
    stop: Stop = Stop()
    isolated: bool = Field(default=False, description="Never shares an interpreter's memory.")
    watch: OneOrMore = Field(
        default=(), description="Paths whose edits concern it, besides the folders in `source`."
    )
    tasks: dict[Name, Task] = {}
    commands: dict[Name, OneOrMore] = Field(
        default={},
        description="Commands for people: `tarmac run SERVICE NAME` runs one in the service's "
        "folder and environment.",
    )
    volumes: dict[Name, str] = Field(
        default={},
        description=(
            "Persistent folders, by their path in the service's folder; "
            "${volumes.NAME.path} in `env` differs for each copy of the system."
        ),
    )
    writable: dict[str, str] = Field(
        default={},
        description="Folders that it writes to, by their path here: the path in its image. Each is "
        "empty at every start; nothing else of the image can be written, but /tmp and volumes.",
    )
    resources: dict[Name, Amount] = Field(default={}, description="Limits: cpu, memory.")
    replicas: int = Field(default=1, ge=1, description="How many instances run.")
    group: Name | Literal[""] = Field(
        default="", description="Services of one group are shown, and started, together."
    )
    profiles: tuple[Name, ...] = Field(
        default=(),
        description="`tarmac up` starts it with `--profile NAME`, or by its name; without "
        "profiles, always.",
    )

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if bool(self.source) == (self.run is not None):
            raise ValueError(
                "has both `source` and `run`; keep one"
                if self.source
                else "has nothing to run; add `run: [PROGRAM, ...]`, or `source: FOLDER` "
                "with a service.yaml in it"
            )
        if self.port is not None and "http" in self.ports:
            raise ValueError("has `port` and `ports: {http: ...}`, which are the same; keep one")
        if self.image_port is not None and (self.source or not self.listening):
            raise ValueError(
                "has `image_port`, which is for a program with `run` and a port of its own; "
                "remove it"
            )
        hooks = (
            ("after_start", self.after_start),
            ("before_stop", self.before_stop),
            ("stop: {command: ...}", self.stop.command),
        )
        if self.source and (hook := next((name for name, own in hooks if own), "")):
            raise ValueError(f"has `{hook}`, which is for a program with `run`; remove it")
        if self.writable and self.source:
            raise ValueError("has `writable`, which is for a program with `run`; remove it")
        for path in self.writable.values():
            if not path.startswith("/") or posixpath.normpath(path) in {"/", "/tmp"}:  # noqa: S108 - in the container
                raise ValueError(
                    f"has no path of a folder in its image under `writable` ({path}); write one "
                    "that begins with /, for example /app/uploads"
                )
        return self

    @property
    def secret_variables(self) -> frozenset[str]:
        """The variables with a secret value, those of second values among them."""
        seconds = (use.also for use in self.secrets.values() if use.also)
        return frozenset((*self.secrets, *seconds))

    def before(self, task: str) -> frozenset[str]:
        """List the tasks that end before one of them begins, those before these included."""
        found: set[str] = set()
        waiting = [task]
        while waiting:
            for name in self.directly_before(waiting.pop()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return frozenset(found)

    def directly_before(self, task: str) -> tuple[str, ...]:
        """List the tasks that one of them waits for: those it names, or the one written above."""
        spec = self.tasks.get(task)
        if spec is None or spec.schedule is not None:
            return ()
        if spec.after is not None:
            return spec.after
        once = [name for name, other in self.tasks.items() if other.schedule is None]
        return tuple(once[: once.index(task)][-1:])

    @property
    def listening(self) -> Mapping[str, int]:
        """Every port by name, the short form included."""
        return {"http": self.port, **self.ports} if self.port is not None else self.ports
