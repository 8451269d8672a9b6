"""Makes gates of the rules in a tarmac-rules.yaml: CEL expressions over the objects of some kinds.

Called by `verify`. A rule is compiled and its examples are judged before it is asked: one that says
something else of them is bad input. The extra `rules` brings CEL; without it they are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.places import RULES_FILE
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.gate import Gate, Scope
from tarmac.check.gates.subject import Files
from tarmac.check.schemas.kind_rules import MISSING
from tarmac.check.verify.checklist_files import content
from tarmac.model.loader import read_as
from tarmac.model.rules import Rule, RuleFile
from tarmac.render.renderer import PHASES

if TYPE_CHECKING:
    from cel_expr_python import cel

    from tarmac.model.document import Document


@dataclass(frozen=True)
class CompiledRule:
    """A rule whose expressions can be asked; None: the package that asks them is missing."""

    rule: Rule
    holds: cel.Expression | None
    message: cel.Expression | None

    def check(self, files: Files) -> Iterator[Finding]:
        """Yield the objects of which it does not hold, and those of which that cannot be said."""
        if self.holds is None:
            raise Skip(MISSING)
        steps = self.rule.at.split(".") if self.rule.at else []
        path = [int(step) if step.isdecimal() else step for step in steps]
        for artifact in self.selected(files):
            value = self.value(artifact.data)
            if value is not True:
                wrong = self.complaint(artifact.data, value)
                yield Finding(artifact.at(*path), wrong, warning=self.rule.warning)

    def value(self, data: Any) -> Any:
        """Return whether the rule holds of an object; something else where that cannot be said."""
        return _value(self.holds, data)

    def complaint(self, data: Any, value: Any) -> str:
        """Say what is wrong with an object of which the rule has that value."""
        if value is not False:
            return f"{self.rule.id} cannot be decided: {_told(value)}; ask with has(...) first"
        if self.message is None:
            return self.rule.message
        said = _value(self.message, data)
        is_text = isinstance(said, str) and not isinstance(said, _UndecidedReason)
        return said if is_text else f"{self.rule.title}: not so ({_told(said)})"

    def selected(self, files: Files) -> list[Artifact]:
        """List what the rule is about."""
        kinds = self.rule.kinds
        objects = list(files.objects(*(() if "*" in kinds else kinds))) if kinds else []
        if not self.rule.files:
            return objects
        chosen = {id(one) for one in objects}
        others = (one for one in files.artifacts if one.data and id(one) not in chosen)
        return [*objects, *(one for one in others if _is_named(one, self.rule.files))]

    def gate(self) -> Gate:
        """Make a gate, which asks of files what it asks of a rendered tree."""
        rule = self.rule
        unit = " and ".join((*rule.kinds, *rule.files))
        return Gate(
            id=rule.id,
            title=rule.title,
            phase=rule.phase,
            source=rule.source,
            check=self.check,
            scope=Scope(f"of {unit}", self._count, self._count),
            reads=f"A rule of {RULES_FILE}: {rule.expression}",
            of_files=self.check,
        )

    def _count(self, files: Files) -> int:
        return len(self.selected(files))


class _UndecidedReason(str):
    """Why an expression has no value."""

    __slots__ = ()


def read(folder: Path, known: Collection[str]) -> list[Gate]:
    """Read the rules of a folder, whose file is there.

    Args:
        known: the ids of gates that are there already.

    Raises:
        BadInput: what is wrong with the file, with an expression, or with what it says of examples.
    """
    path = folder / RULES_FILE
    found, document = read_as(RuleFile, str(path), content(path))
    problems: list[Problem] = []
    gates: dict[str, Gate] = {}
    for number, rule in enumerate(found.rules):
        try:
            compiled = CompiledRule(rule, *_compiled(rule))
        except _WrongExpression as error:
            problems.append(_problem(document, number, error.key, str(error)))
            continue
        problems += _examples(document, number, compiled)
        if rule.id in known or rule.id in gates:
            what = f"{rule.id} is the id of another gate; choose another id"
            problems.append(_problem(document, number, "id", what))
        if rule.phase not in PHASES:
            what = f"no such phase '{rule.phase}'; {did_you_mean(rule.phase, PHASES)}"
            problems.append(_problem(document, number, "phase", what))
        gates[rule.id] = compiled.gate()
    if problems:
        raise BadInput(problems)
    return list(gates.values())


class _WrongExpression(Exception):
    """What CEL's compiler says of the expression below a key."""

    def __init__(self, key: str, said: str) -> None:
        super().__init__(f"is not CEL: {said}; correct it")
        self.key = key


def _compiled(rule: Rule) -> tuple[cel.Expression | None, cel.Expression | None]:
    try:
        from cel_expr_python import cel  # noqa: PLC0415 - 9 ms, and only where there is a rule
        from cel_expr_python.ext import ext_optional  # noqa: PLC0415 - as above
    except ImportError:
        return None, None
    # Not its functions on text: a few `replace` of a hostile repository fill the memory.
    environment = cel.NewEnv(
        variables={"object": cel.Type.DYN}, extensions=[ext_optional.ExtOptional()]
    )
    made: list[cel.Expression | None] = []
    for key in ("expression", "message_expression"):
        text = getattr(rule, key)
        try:
            made.append(environment.compile(text) if text else None)
        except RuntimeError as error:
            raise _WrongExpression(key, _told(_UndecidedReason(error))) from None
    return made[0], made[1]


def _value(expression: cel.Expression, data: Any) -> Any:
    """Return the value of an expression, or why it has none."""
    plain = json.loads(json.dumps(data, default=str))
    try:
        found = expression.eval(data={"object": plain})
    except RuntimeError as error:  # it took too many steps
        return _UndecidedReason(error)
    return (
        _UndecidedReason(found.value()) if found.type().name() == "ERROR" else found.plain_value()
    )


def _told(found: Any) -> str:
    """Shorten what CEL says to its first line, without codes and empty parts."""
    if not isinstance(found, _UndecidedReason):
        return f"it is {json.dumps(found, default=str)}, which is neither true nor false"
    line = found.partition("\n")[0].removeprefix("INVALID_ARGUMENT: ERROR: <input>:")
    line = line.replace(" (in container '')", "")
    return line.partition(": ")[2] if line.split(":")[0].isupper() else line


def _examples(document: Document, number: int, compiled: CompiledRule) -> Iterator[Problem]:
    if compiled.holds is None:
        return
    for key, expected in (("good", True), ("bad", False)):
        for at, example in enumerate(getattr(compiled.rule, key)):
            value = compiled.value(example)
            if value is expected:
                continue
            said = "is right by the rule"
            if value is not True:
                said = f"is wrong by the rule ({compiled.complaint(example, value)})"
            what = f"this example {said}; correct the expression or the example"
            yield _problem(document, number, key, what, at)


def _problem(document: Document, number: int, key: str, what: str, *more: int) -> Problem:
    return Problem(str(document.locate(("rules", number, key, *more))), what)


def _is_named(artifact: Artifact, patterns: Collection[str]) -> bool:
    path = artifact.path
    return any(fnmatchcase(path, one) or fnmatchcase(path, f"*/{one}") for one in patterns)
