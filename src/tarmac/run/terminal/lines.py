"""A part of the screen that a function draws, of which only what changed is written again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from rich.text import Text
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

#: Draws lines for a width and a height.
Draw = Callable[[int, int], Sequence[Text]]


class Lines(Widget):
    """Lines that a function draws."""

    def __init__(self, draw: Draw, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw = draw
        self._drawn: list[Text] = []
        self._drawn_size = Size(0, 0)

    def redraw(self) -> None:
        """Draw again; lines that are as before are not written to the terminal."""
        before, size_before = self._drawn, self._drawn_size
        self._draw_now()
        if size_before != self.size:
            self.refresh()
            return
        pairs = enumerate(zip_longest(before, self._drawn))
        changed = [Region(0, y, self.size.width, 1) for y, (old, new) in pairs if old != new]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        """Give one line to Textual."""
        if self._drawn_size != self.size:
            self._draw_now()
        text = self._drawn[y] if 0 <= y < len(self._drawn) else Text()
        return Strip(text.render(self.app.console)).adjust_cell_length(self.size.width)

    def _draw_now(self) -> None:
        self._drawn_size = self.size
        self._drawn = list(self._draw(self.size.width, self.size.height))[: self.size.height]
        for line in self._drawn:
            line.end = ""
            if line.style:  # `Text.render` has no other place for it
                line.stylize_before(line.style)
