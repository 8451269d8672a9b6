"""Which errors are likely, because many files have them: there a gate is wrong more often.

What one gate says of many files by other files is how that repository works: a convention, or a
program that fills them in. What a file itself proves stays an error in however many it is: a
mistake that was copied is in all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from tarmac.base.report import Finding
from tarmac.check.verify.certainty import bases, is_said

#: What is so in this many files of a folder is how that folder works.
MANY = 8
#: So is what is so in fewer files this many times: each of a file's services lacks the same.
OFTEN = 3 * MANY


def doubting(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; errors by other files that are in MANY files, or OFTEN there, are likely."""
    found = list(findings)
    doubtful: dict[str, list[Finding]] = defaultdict(list)
    for one in found:
        basis = bases().get(one.gate)
        if not one.warning and basis is not None and not is_said(one, basis.closed):
            doubtful[one.gate].append(one)
    usual = {one for same in doubtful.values() if _is_usual(same) for one in same}
    for one in found:
        yield replace(one, warning=True, likely=True) if one in usual else one


def _is_usual(findings: Collection[Finding]) -> bool:
    files = {one.position[0] for one in findings}
    return len(files) >= MANY or len(findings) >= OFTEN
