"""A part of the screen that a function draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.widget import Widget

#: Draws lines for a width and a height.
Draw = Callable[[int, int], Sequence[Text]]


class Lines(Widget):
    """Lines that a function draws whenever they are refreshed."""

    def __init__(self, draw: Draw, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw = draw

    def render(self) -> Text:
        """Draw them."""
        lines = self._draw(self.size.width, self.size.height)[: self.size.height]
        text = Text("\n").join(lines)
        text.no_wrap, text.overflow = True, "crop"
        return text
