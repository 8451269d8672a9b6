"""What can go wrong, by what the caller should do; the command line maps each to an exit code.

Every layer raises these; only `cli` prints them. A leaf: imports nothing of Tarmac.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

#: Names that are compared with one that is not known: so long at most, and so many.
LONGEST, MOST = 80, 1000
#: A shorter word is like too many, and this similarity makes one a misspelt known word.
SHORTEST, ALIKE = 3, 0.85
#: Characters of one error: a name of 900 KB says no more than its beginning.
LONGEST_TEXT = 600


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: `where: what is wrong (the value); what to do`."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class TarmacError(Exception):
    """An expected failure: printed without a traceback."""

    exit_code = 1


class BadInput(TarmacError):
    """The model, a file or an argument is wrong; holds every problem that was found."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(map(_clipped, problems)))
        super().__init__("\n".join(map(str, self.problems)))


class MissingTool(TarmacError):
    """A program that is needed is not on this machine; the text says how to get it."""

    exit_code = 3


def printable(text: str) -> str:
    """Escape what a terminal would act on; lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else ascii(character).strip("'")
        for character in text
    )


def _clipped(problem: Problem) -> Problem:
    return Problem(_clip(problem.where), _clip(problem.what))


def _clip(text: str) -> str:
    half = LONGEST_TEXT // 2
    whole = text if len(text) <= LONGEST_TEXT else f"{text[:half]} ... {text[-half:]}"
    return printable(whole)


def only_near(name: str, known: Iterable[str]) -> str | None:
    """Find the one known name that a misspelt one can mean; None of none, or of several."""
    likely = [other for other in known if len(other) <= LONGEST and abs(len(other) - len(name)) < 3]
    near = difflib.get_close_matches(name, likely[:MOST], n=2, cutoff=0.8)
    return near[0] if len(near) == 1 and near[0] != name else None


def misspelt(word: str, known: Iterable[str]) -> str:
    """Return the known word that another one is almost; "" where it is like none, or is known.

    By other signs or capitals between its parts, by the order of its characters, or by one of them.
    """
    words = sorted(known)
    if not SHORTEST <= len(word) <= LONGEST or word in words:
        return ""
    same = next((one for one in words if _plain(one) == _plain(word)), "")
    swapped = next((one for one in words if sorted(one) == sorted(word)), "")
    return same or swapped or next(iter(difflib.get_close_matches(word, words, 1, ALIKE)), "")


def _plain(word: str) -> str:
    return word.replace("-", "").replace("_", "").lower()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, or list what there is: the tail of an error's text."""
    names = sorted(known)
    # Comparing is slow: a file of junk must not take minutes to be refused.
    likely = [other for other in names if len(other) <= LONGEST and abs(len(other) - len(name)) < 8]
    if close := difflib.get_close_matches(name[:LONGEST], likely[:MOST], n=1, cutoff=0.6):
        return f"did you mean '{close[0]}'?"
    if not names:
        return "there are none to choose from"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"choose one of: {shown}"


def check_names(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that are not known, with what they are not. Raises BadInput."""
    known = list(known)
    wrong = [name for name in names if name not in known]
    if wrong:
        raise BadInput([Problem(name, f"{what}; {did_you_mean(name, known)}") for name in wrong])
