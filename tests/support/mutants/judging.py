"""Whether a gate finds a mutant: what it says of a tree now that it did not say before.

Gates run in this process, those of other programs never. A gate that did not read the mutated file
says the same again, and is not asked; the gate that found the last mutant of a class comes first.
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from mutants.making import MutantClass
from mutants.mutant import Mutant
from tarmac.base.artifact import Artifact, recognised
from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Folder, Subject
from tarmac.check.gates.views.shapes.fitting import fitted
from tarmac.check.schemas import check as schemas
from tarmac.check.schemas.check import Schemas
from tarmac.check.schemas.lock import SchemaLock

#: Gates that judge one file at a time, so that the others need not be there; a test compares.
ALONE = ("OBJ005", "SEC002", "VAL001")
#: The gate that finds whatever is not as rendered: asked last, since it names the harm of few.
DRIFT = "GIT007"
#: What it says of a part whose purpose it knows.
_PURPOSE = re.compile(r"is rendered(?: of \S+)?, which ")
_LINE = re.compile(r"(:\d+)+$")
Said = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Verdict:
    """The gate that found a mutant, and what it said; nothing where none did."""

    gate: str = ""
    what: str = ""


def says_purpose(what: str) -> bool:
    """Tell whether it says of a part what that is for."""
    return _PURPOSE.search(what) is not None


class NotedArtifact(Artifact):
    """A file that notes its number when a gate reads what is in it."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("content", "data"):
            own = object.__getattribute__(self, "__dict__")
            if "_noted" in own:  # a copy that a gate makes has none, and its source was read
                own["_noted"].add(own["_number"])
        return object.__getattribute__(self, name)


class ReadRecorder:
    """A subject that notes what a gate reads of it: kinds of objects, and single files."""

    def __init__(self, subject: Subject | Folder) -> None:
        self._subject = subject
        #: None: of all.
        self.kinds: set[str] | None = set()
        self.numbers: set[int] = set()
        self.artifacts = self._noted(subject.artifacts)
        self.raw = self._noted(subject.raw)

    def _noted(self, artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
        found = []
        for number, artifact in enumerate(artifacts):
            noted = object.__new__(NotedArtifact)
            noted.__dict__.update(artifact.__dict__, _noted=self.numbers, _number=number)
            found.append(noted)
        return tuple(found)

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List objects, and note their kinds."""
        self._note(*kinds)
        return self._subject.objects(*kinds)

    def pod_specs(self, *kinds: str) -> tuple[tuple[Artifact, Path], ...]:
        """List where objects have pods, and note their kinds."""
        self._note(*kinds)
        return self._subject.pod_specs(*kinds)

    def _note(self, *kinds: str) -> None:
        if not kinds:
            self.kinds = None
        if self.kinds is not None:
            self.kinds |= set(kinds)

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List files of a folder, which note that they are read."""
        found = {id(artifact) for artifact in self._subject.below(folder)}
        pairs = zip(self._subject.artifacts, self.artifacts, strict=True)
        return tuple(noted for artifact, noted in pairs if id(artifact) in found)

    def has_read(self, number: int) -> bool:
        """Tell whether it read a file, so that a change of the file can change what it says."""
        artifact = self._subject.raw[number]
        if number in self.numbers:
            return True
        of_kind = self.kinds is None or artifact.data.get("kind") in self.kinds
        return artifact.is_object and of_kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)


class Judge:
    """Gates over one tree, and what they say of it as it is."""

    def __init__(self, subject: Subject | Folder, gates: Iterable[Gate]) -> None:
        self.subject = subject
        self.gates: dict[str, Gate] = {}
        self.before: dict[str, Said] = {}
        self.reads: dict[str, ReadRecorder] = {}
        self.alone: dict[tuple[str, int], Said] = {}
        self.finders: dict[MutantClass, str] = {}
        for gate in gates:
            recorder = ReadRecorder(subject)
            try:
                self.before[gate.id] = self.said(gate, recorder)
            except Skip:
                continue
            self.gates[gate.id], self.reads[gate.id] = gate, recorder

    def judge(self, number: int, own: MutantClass, mutant: Mutant) -> Verdict:
        """Ask the gates for a finding that is new, and names the mutated file."""
        old = self.subject.raw[number]
        likely = self.finders.get(own)
        order = sorted(
            self.gates, key=lambda name: (name == DRIFT, name != likely, name not in ALONE)
        )
        files = self.files(number, mutant)
        remains = bool(files) and mutant.place not in ("kind", "apiVersion")
        whole = self._with(number, files)
        for name in order:
            if remains and not self.reads[name].has_read(number):
                continue
            try:
                new = self._new(name, number, files, whole, alone=remains and name in ALONE)
            except Skip:
                continue
            for where, what in sorted(new, key=lambda one: not says_purpose(one[1])):
                if self._model in where or not remains or names(where, what, old):
                    self.finders[own] = name
                    return Verdict(name, f"{where}: {what}")
        return Verdict()

    @property
    def _model(self) -> str:
        """The file of the model: what contradicts it is found there, too."""
        is_planned = isinstance(self.subject, Subject)
        return self.subject.system.document.file if is_planned else "\0"

    def _new(
        self,
        name: str,
        number: int,
        files: tuple[Artifact, ...],
        whole: Subject | Folder,
        *,
        alone: bool,
    ) -> Said:
        gate = self.gates[name]
        if not alone:  # another kind may be one that a file beside it defines
            return self.said(gate, whole) - self.before[name]
        if (name, number) not in self.alone:
            self.alone[name, number] = self.said(gate, self.only(self.subject.raw[number]))
        return self.said(gate, self.only(*files)) - self.alone[name, number]

    def files(self, number: int, mutant: Mutant) -> tuple[Artifact, ...]:
        """List what stands in the place of a file after a mutation."""
        return tuple(self._artifact(number, content) for content in mutant.contents())

    def only(self, *files: Artifact) -> Subject | Folder:
        """Make a subject of some files, and nothing else."""
        return _of(self.subject, files, tuple(map(fitted, files)))

    def _artifact(self, number: int, content: Any) -> Artifact:
        old = self.subject.raw[number]
        known = recognised(content) if old.is_object else old.format
        return replace(old, content=content, format=known)

    def _with(self, number: int, files: tuple[Artifact, ...]) -> Subject | Folder:
        raw, artifacts = self.subject.raw, self.subject.artifacts
        return _of(
            self.subject,
            (*raw[:number], *files, *raw[number + 1 :]),
            (*artifacts[:number], *map(fitted, files), *artifacts[number + 1 :]),
        )

    def said(self, gate: Gate, subject: Any) -> Said:
        """Count what a gate says of some files."""
        check = gate.of_files if isinstance(self.subject, Folder) else gate.check
        assert check is not None
        return Counter(_key(finding) for finding in set(check(subject)))


@contextlib.contextmanager
def schemas_read_once() -> Iterator[None]:
    """Read and compile schemas once, not for each mutant, which takes most of its time."""
    load, known = schemas.load, dict[str, Schemas]()

    def load_once(lock: SchemaLock, version: str = "") -> Schemas:
        if version not in known:
            known[version] = load(lock, version)
        return known[version]

    with mock.patch.object(schemas, "load", load_once):
        yield


def _of(
    subject: Subject | Folder, raw: tuple[Artifact, ...], artifacts: tuple[Artifact, ...]
) -> Subject | Folder:
    """Copy a subject with other files, without reading again those that are the same."""
    made = copy.copy(subject)
    made.__dict__.pop("_listing", None)
    object.__setattr__(made, "raw", raw)
    object.__setattr__(made, "artifacts", artifacts)
    return made


def _key(finding: Finding) -> tuple[str, str]:
    return _LINE.sub("", finding.where), finding.what


def names(where: str, what: str, file: Artifact) -> bool:
    """Tell whether a finding is about a file: by its path, or by the name of its object."""
    name = str((file.data.get("metadata") or {}).get("name") or "") if file.is_object else ""
    said = f"{where} {what}"
    return file.path in said or bool(name and re.search(rf"(?<![\w-]){re.escape(name)}\b", said))
