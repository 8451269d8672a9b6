"""The evidence of a system: writes what this run found, and reads what earlier ones did."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tarmac.base import evidence
from tarmac.base.errors import BadInput, Problem
from tarmac.base.evidence import Evidence
from tarmac.base.foreign import files
from tarmac.base.report import Level, Result, Status
from tarmac.check.verify.memory import MEASURE

if TYPE_CHECKING:
    from tarmac.model.checklist import Proof


class EvidenceStore:
    """The folder of evidence beside a system's file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._model = file.resolve().parent
        self._folder = self._model / evidence.STATE / evidence.FOLDER
        self._told = False
        self._tools = {"tarmac": version("tarmac")}
        self._machine = evidence.machine()
        self._at = datetime.now(UTC).isoformat(timespec="seconds")

    def write(self, *found: Evidence) -> list[str]:
        """Write files of evidence; a disk that refuses one is only warned of."""
        try:
            paths = evidence.write_all(self._model, found)
        except OSError as error:
            if not self._told:
                click.echo(f"{self._folder}: no evidence kept ({error.strerror})", err=True)
                self._told = True
            return ["" for _ in found]
        return [_shown(path) for path in paths]

    def gates(self, results: Iterable[Result], inputs: str, context: str = "") -> list[Result]:
        """Keep what came of gates.

        Args:
            context: of the cluster that they looked at, if they observe.
        """
        kept = list(results)
        paths = self.write(*(self._of_gate(result, inputs, context) for result in kept))
        return [replace(result, evidence=p) for result, p in zip(kept, paths, strict=True)]

    def _of_gate(self, result: Result, inputs: str, context: str) -> Evidence:
        there = " --target cluster" if result.target == "cluster" else ""
        return self._evidence(
            what=result.what,
            status=result.status,
            level=result.level,
            target=result.target,
            inputs=inputs,
            rule=result.title,
            command=f"tarmac verify {self._file} --env {result.environment}{there}",
            environment=result.environment,
            samples={
                "findings": [asdict(finding) for finding in result.findings],
                "why": result.why,
                **({"context": context} if there else {}),
            },
        )

    def measured(self, inputs: str, what: str = MEASURE) -> dict[str, float]:
        """Read figures that were seen, by name; none where the model has changed.

        Args:
            what: which: the memory that services take, or another measure.
        """
        for found in evidence.read(self._folder, what).values():
            if found.what == what and found.inputs == inputs and isinstance(found.samples, dict):
                sizes = found.samples.items()
                return {n: float(size) for n, size in sizes if isinstance(size, int | float)}
        return {}

    def others(
        self, proofs: Iterable[Proof], junit: Iterable[Path], inputs: str, model: Sequence[str] = ()
    ) -> Iterator[Result]:
        """Yield what tests, figures and drills showed, those of these JUnit files first kept.

        Args:
            inputs: a hash of what tests depend on.
            model: the model's files, that of the system first: drills depend on these alone.
        """
        wanted = {proof.what: proof for proof in proofs if proof.gate is None}
        cases = [case for path in junit for case in _cases(path)]
        for what, proof in wanted.items():
            if proof.test and (seen := [c for c in cases if _is(c, proof.test)]):
                failed = any(c.find(bad) is not None for c in seen for bad in ("failure", "error"))
                skipped = any(c.find("skipped") is not None for c in seen)
                status = Status.SKIPPED if skipped else Status.PASS
                self.write(
                    self._evidence(
                        what=what,
                        status=Status.FAIL if failed else status,
                        level=Level[proof.level.upper()],
                        target=proof.target,
                        inputs=self._of_test(proof.test, inputs),
                        rule="every test of this name passes",
                        command=f"pytest {proof.test}",
                        samples=[{"name": c.get("name"), "seconds": c.get("time")} for c in seen],
                    )
                )
        for path, found in evidence.read(self._folder, gates=False).items():
            if found.what in wanted and _is_known(found):
                proof = wanted[found.what]
                current = self._of_test(proof.test, inputs) if proof.test else inputs
                if proof.drill and model:
                    current = evidence.of_drill(model, proof.drill)
                yield self._result(path, found, proof, current)

    def _result(self, path: str, found: Evidence, proof: Proof, current: str) -> Result:
        status, why = Status(found.status), ""
        if found.inputs != current:
            with_what = "drill" if proof.drill else "test"
            why = f"{found.what} ran on {found.at} with another model or {with_what}"
            status = Status.STALE
        elif status is Status.SKIPPED and proof.drill:
            why = f"{found.what} was inconclusive on {found.at}; repeat it with `{found.command}`"
        elif status is Status.SKIPPED:
            why = f"{found.what} was skipped when it ran"
        elif status is Status.FAIL:
            why = f"{found.what} failed on {found.at}; repeat it with `{found.command}`"
        # A checklist cannot make more of a run than it was.
        level = min(Level[found.level.upper()], Level[proof.level.upper()])
        return Result(
            found.what,
            found.rule,
            "",
            status,
            level,
            found.target,
            why=why,
            evidence=_shown(Path(path)),
        )

    def _of_test(self, node: str, inputs: str) -> str:
        """Hash what a test depends on: model and tree, and its own file where it can be found."""
        name = node.partition("::")[0]
        here = self._file.resolve().parent
        file = next(
            (f / name for f in (Path.cwd(), here, *here.parents) if (f / name).is_file()), None
        )
        try:
            own = files.content(file) if file else b""
        except OSError as error:
            raise BadInput([Problem(str(file), files.unread(error))]) from None
        return evidence.digest([("inputs", inputs.encode()), (name, own)])

    def _evidence(self, *, status: Status, level: Level, **known: object) -> Evidence:
        return Evidence(
            status=status.value,
            level=level.name.lower(),
            at=self._at,
            tools=self._tools,
            machine=self._machine,
            **known,  # type: ignore[arg-type]
        )


def _is_known(found: Evidence) -> bool:
    """Tell whether a file of evidence is of a status and a level that there are."""
    statuses = {status.value for status in Status}
    return found.status in statuses and found.level.upper() in Level.__members__


def _shown(path: Path) -> str:
    """Write a path as its reader would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _cases(path: Path) -> list[ET.Element]:
    try:
        raw = files.content(path, limit=files.MAX_GENERATED_BYTES)
        # pytest wrote it a moment ago, here; expat limits what entities may expand to.
        return list(ET.fromstring(raw).iter("testcase"))  # noqa: S314
    except (OSError, ValueError, LookupError, ET.ParseError) as error:
        what = f"is not JUnit XML ({error}); give the file of pytest's --junitxml"
        raise BadInput([Problem(str(path), what)]) from None


def _is(case: ET.Element, node: str) -> bool:
    """Tell whether a test case is of a node: `tests/a.py::C::test` is `tests.a.C`, `test[...]`."""
    file, *rest = node.split("::")
    group = ".".join([*file.removesuffix(".py").split("/"), *rest[:-1]])
    name = case.get("name", "")
    if "[" not in rest[-1]:
        name = name.partition("[")[0]
    return case.get("classname") == group and name == rest[-1]
