"""Turns `${stores.orders-db.url}` into text; the same names resolve to loopback or to DNS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tarmac.base.errors import Problem, did_you_mean
from tarmac.base.launch import Text, text
from tarmac.model.reference import Reference, split

#: Output name -> its text, for one thing that can be referred to.
Outputs = Mapping[str, Text]


def substitute(
    value: object, outputs: Callable[[Reference], Outputs], where: Callable[[], str]
) -> tuple[Text, tuple[Problem, ...]]:
    """Resolve every reference of an env value.

    Args:
        value: what stands in the file; true and false become words, numbers digits.
        outputs: what a reference's target offers.
        where: the value's place, asked for only when something is wrong.

    Returns:
        The text, and the problems: an output that the target lacks.
    """
    if isinstance(value, bool):
        return text(str(value).lower()), ()
    if not isinstance(value, str):
        return text(str(value)), ()
    pieces: list[str | Text] = []
    problems: list[Problem] = []
    for piece in split(value):
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        offered = outputs(piece)
        if piece.output in offered:
            pieces.append(offered[piece.output])
        else:
            what = piece.name if piece.name == piece.root else f"{piece.root} '{piece.name}'"
            problems.append(
                Problem(
                    where(),
                    f"{what} has no output '{piece.output}'; {did_you_mean(piece.output, offered)}",
                )
            )
    return text(*pieces), tuple(problems)
