"""Which errors are likely, because many files have them: there a gate is wrong more often.

What one gate says of many files of one repository is how that repository works: a convention, a
program that fills them in, a definition that the gate reads otherwise. Two things are as they are
said all the same: versions that are gone, by a list, and what a gate of others says.
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
_OFTEN = 3 * MANY


def doubting(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings; errors of one kind that are in MANY files, or are very many, are likely.

    A kind is all that a gate says by other files, and what it says by the file itself in the same
    words.
    """
    found = list(findings)
    kinds: dict[tuple[str, ...], list[Finding]] = defaultdict(list)
    proven: dict[str, list[Finding]] = defaultdict(list)
    for one in found:
        if one.warning or (basis := bases().get(one.gate)) is None or is_said(one, basis.listed):
            continue
        if is_said(one, basis.closed):
            proven[one.gate].append(one)
        else:
            kinds[(one.gate,)].append(one)
    for gate, said in proven.items():
        for one, words in _by_shared_words(said):
            kinds[(gate, *words)].append(one)
    usual = {one for same in kinds.values() if _is_usual(same) for one in same}
    for one in found:
        yield replace(one, warning=True, likely=True) if one in usual else one


def _is_usual(findings: Collection[Finding]) -> bool:
    return len({one.position[0] for one in findings}) >= MANY or len(findings) >= _OFTEN


def _by_shared_words(findings: Iterable[Finding]) -> Iterator[tuple[Finding, tuple[str, ...]]]:
    """Yield each finding most of whose words so many others have, and these words.

    The others are names: of objects, fields and files.
    """
    having: dict[str, list[Finding]] = defaultdict(list)
    for one in (found := list(findings)):
        for word in {*one.what.split()}:
            having[word].append(one)
    usual = {word for word, those in having.items() if _is_usual(those)}
    for one in found:
        words = one.what.split()
        shared = tuple(word for word in words if word in usual)
        if 2 * len(shared) >= len(words):
            yield one, shared
