"""What a gate declares; with `subject` all of this folder that a gate imports, beside `views/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tarmac.base.report import Finding, Level
from tarmac.check.gates.subject import Files, Subject


@dataclass(frozen=True)
class Scope:
    """What a gate judges, as a number of things; with none of them the gate does not apply."""

    #: What is counted, in the plural: `ports`, `alerts`.
    unit: str
    count: Callable[[Subject], int]
    #: The same of files without a plan, for a gate that judges them.
    of_files: Callable[[Files], int] | None = None


@dataclass(frozen=True)
class Gate:
    """One check, for which no single external tool has all the inputs."""

    #: Three capital letters and three digits: `NET001`.
    id: str
    #: What holds when it passes, as a sentence.
    title: str
    phase: str
    #: The reason for it: a document, or what goes wrong without it.
    source: str
    #: Yields what is wrong. Raises Skip where it cannot run.
    check: Callable[[Subject], Iterable[Finding]]
    #: How many things of its kind there are; a gate that judged none has proven nothing.
    scope: Scope
    #: What it reads, and what it cannot see, in a sentence or two.
    reads: str = ""
    #: The external program that it runs on the tree on disk; empty: it is Tarmac's own.
    program: str = ""
    #: How far a pass proves what it looked at.
    level: Level = Level.TESTED
    #: The targets of environments to which it applies: see `target` of an environment.
    targets: tuple[str, ...] = ("cluster", "compose")
    #: The same of files without a plan, with the line where it is wrong (`verify --files`);
    #: None: it compares with a plan.
    of_files: Callable[[Files], Iterable[Finding]] | None = None
    #: It judges `Subject.live`, what runs in a cluster: only `verify --target cluster` asks it.
    observes: bool = False
    #: Whether Kubernetes' objects, as they are applied, are part of what it judges. Without them,
    #: what is built of a folder's charts and kustomizations changes nothing, and it is asked once.
    of_objects: bool = True
    #: It judges each document by itself: what else is there changes nothing, so it is asked once of
    #: each, and not again in every tree that has it.
    alone: bool = False
