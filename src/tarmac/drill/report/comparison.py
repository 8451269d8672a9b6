"""Two runs of drills beside each other, from their journals: what came out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign import files
from tarmac.drill.report import journal

#: What the journal of one drill has, of what is read here.
NEEDED = {"journal", "verdict", "checks", "events", "periods", "recovered_s", "seconds", "seed"}
NEEDED |= {"drill", "definition"}


@dataclass(frozen=True)
class Difference:
    """One figure of two runs; empty where a run has none."""

    what: str
    before: str
    after: str

    @property
    def is_other(self) -> bool:
        """Whether the two say something else."""
        return self.before != self.after


def read(path: Path) -> dict[str, Any]:
    """Read a drill's journal. Raises BadInput."""
    try:
        found = json.loads(files.content(str(path)))
    except (OSError, ValueError, RecursionError) as error:
        what = f"cannot be read as JSON: {error}; give a drill's journal"
        raise BadInput([Problem(str(path), what)]) from None
    if not isinstance(found, dict) or not found.keys() >= NEEDED:
        raise BadInput(
            [Problem(str(path), "not the journal of one drill; give a file that `drill` wrote")]
        )
    if found.get("journal") != journal.FORMAT:
        what = f"a journal of the format {found.get('journal')}, not {journal.FORMAT}"
        raise BadInput([Problem(str(path), f"{what}; run the drill again")])
    return found


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield every figure that both or one of them has, in the order of a printed run."""
    for name in ("system", "drill", "verdict", "seed"):
        yield Difference(name, _text(before.get(name)), _text(after.get(name)))
    yield Difference("recovered", _seconds(before), _seconds(after))
    for name in ("before", "during", "after"):
        for figure in ("visits", "good", "p50_s", "p99_s"):
            yield Difference(
                f"{name} the fault: {figure.removesuffix('_s')}",
                _figure(before, name, figure),
                _figure(after, name, figure),
            )
    checks = [{check["what"]: check for check in one["checks"]} for one in (before, after)]
    for what in dict.fromkeys(name for one in checks for name in one):
        yield Difference(what, *(_check(one.get(what)) for one in checks))
    inputs = [
        {Path(name).name: digest for name, digest in one.get("inputs", {}).items()}
        for one in (before, after)
    ]
    for name in dict.fromkeys(name for one in inputs for name in one):
        yield Difference(f"digest of {name}", *(_text(one.get(name))[:12] for one in inputs))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _seconds(run: Mapping[str, Any]) -> str:
    found = run.get("recovered_s")
    return "" if found is None else f"after {found:.1f} s"


def _figure(run: Mapping[str, Any], period: str, figure: str) -> str:
    for one in run["periods"]:
        if one["name"] == period:
            if figure == "good":
                return f"{100 * one['good'] / one['visits']:.2f} %" if one["visits"] else ""
            return f"{1000 * one[figure]:.0f} ms" if figure.endswith("_s") else str(one[figure])
    return ""


def _check(check: Mapping[str, Any] | None) -> str:
    if check is None:
        return ""
    return f"{'ok' if check['holds'] else 'not'}: {check['measured']}"
