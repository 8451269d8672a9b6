"""Scopes that many gates have: the objects of some kinds, files of some names, what a view yields.

A scope counts what a gate judges, and no more: where the number is 0 the gate does not apply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from tarmac.check.gates.gate import Scope
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.pods.running_pods import running

if TYPE_CHECKING:
    from tarmac.plan.cluster import Workload


def counted(unit: str, find: Callable[[Subject], Iterable[object]]) -> Scope:
    """Count what is found in a plan and its tree."""
    return Scope(unit, lambda subject: _number(find(subject)))


def counted_in_files(
    unit: str,
    find: Callable[[Files], Iterable[object]],
    planned: Callable[[Subject], Iterable[object]] | None = None,
) -> Scope:
    """Count what is found in files, with or without a plan.

    Args:
        planned: what is judged where there is a plan; None: the same.
    """
    of_plan = planned or find
    return Scope(
        unit, lambda subject: _number(of_plan(subject)), lambda files: _number(find(files))
    )


def kinds(unit: str, *names: str) -> Scope:
    """Count the objects of some kinds; all objects without."""
    return counted_in_files(unit, lambda files: files.objects(*names))


def paths(unit: str, *patterns: str) -> Scope:
    """Count the files whose path matches a pattern; a path counts once."""
    return counted_in_files(unit, lambda files: _matching(files, patterns))


def running_workloads(subject: Subject) -> list[Workload]:
    """List the workloads of the plan whose pods are in the tree."""
    keeping = running(subject)
    return [workload for workload in subject.plan.workloads if workload.name in keeping]


def running_services(subject: Subject) -> list[Workload]:
    """List the services of the plan whose pods are in the tree."""
    keeping = running(subject)
    return [workload for workload in subject.plan.services if workload.name in keeping]


def _matching(files: Files, patterns: tuple[str, ...]) -> set[str]:
    form = _form(patterns)
    # Many objects may be in one file.
    return {path for path in {one.path for one in files.artifacts} if form.search(path)}


@cache
def _form(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Write the ends of paths, with `*` for any part of a name, as one expression."""
    forms = (r"[^/]*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
    return re.compile(rf"(?:^|/)(?:{'|'.join(forms)})\Z")


def _number(found: Iterable[object]) -> int:
    return sum(1 for _ in found)
