"""What a caller gives a workflow of GitHub, put in where the workflow reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tarmac.base.foreign.reading import Fields, items, string, with_texts

#: An input, where it is all that an expression has.
INPUT = re.compile(r"\$\{\{\s*inputs\.([\w-]+)\s*\}\}")
_BARE = re.compile(r"\binputs\.([\w-]+)")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
#: A text that is one expression, and nothing beside it.
_WHOLE = re.compile(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)
#: What only the job that calls has.
_OF_CALLING_JOB = re.compile(r"\b(needs|matrix|strategy|env|steps|job|inputs|secrets|vars)\b")


def unwrapped(condition: str) -> str:
    """Return a condition without the signs of an expression, which it may have or not."""
    whole = _WHOLE.fullmatch(condition)
    return (whole[1] if whole else condition).strip()


def inputs_of(calls: Sequence[Fields]) -> dict[str, str]:
    """Return the inputs that all calls give alike, and that mean the same in both workflows."""
    return {
        str(name): str(said)
        for name, said in calls[0].items()
        if all(call.get(name) == said for call in calls)
        and not any(_OF_CALLING_JOB.search(part) for part in _EXPRESSION.findall(str(said)))
    }


def filled(job: Fields, given: Mapping[str, str]) -> dict[Any, Any]:
    """Return a job with its workflow's inputs, in its conditions and those of its steps, too."""
    made = with_texts(job, lambda text: INPUT.sub(lambda one: given.get(one[1], one[0]), text))
    found = _asked(made, given)
    if steps := items(found, "steps"):
        found["steps"] = [_asked(one, given) if isinstance(one, Mapping) else one for one in steps]
    return found


def _asked(part: Fields, given: Mapping[str, str]) -> dict[Any, Any]:
    """Return a job or a step with the inputs that its condition reads."""

    def put(found: re.Match[str]) -> str:
        said = given.get(found[1])
        if said is None:
            return found[0]
        return f"({unwrapped(said)})" if _WHOLE.fullmatch(said) else f"'{said}'"

    condition = string(part, "if")
    if given.keys().isdisjoint(_BARE.findall(condition)):
        return {**part}  # as it is written
    return {**part, "if": _BARE.sub(put, unwrapped(condition))}
