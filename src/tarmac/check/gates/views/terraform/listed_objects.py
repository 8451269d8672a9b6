"""The objects of a list in a text of HCL or JSON, each as it is written."""

from __future__ import annotations

from collections.abc import Iterator


def listed_objects(text: str, start: int) -> Iterator[tuple[int, str] | None]:
    """Yield the objects of a list with where they begin; None of what is none.

    Args:
        start: where the list begins, behind its bracket.
    """
    depth, begun, is_text, place = 0, 0, False, start
    while place < len(text):
        sign = text[place]
        if is_text:
            place += sign == "\\"
            is_text = sign != '"'
        elif sign == '"':
            is_text = True
        elif sign in "{[(":
            begun = place if depth == 0 else begun
            depth += 1
        elif depth == 0 and sign == "]":
            return
        elif sign in "}])":
            depth -= 1
            if depth == 0:
                yield (begun, text[begun : place + 1]) if text[begun] == "{" else None
        elif depth == 0 and not sign.isspace() and sign != ",":
            yield None
            return
        place += 1
    yield None
