"""The lines of a log that are kept, those of them that a filter chooses, and where its reader is.

No input and no drawing: `app` adds lines and asks for those that are to be seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from tarmac.run.telemetry.line_filter import LineFilter
from tarmac.run.telemetry.log_lines import Line

#: Lines that are kept; older ones are in the file.
MOST_LINES = 50_000
LEVELS = ("", "info", "warning", "error")


class LogBook:
    """Lines in the order in which they came; each has a number that it keeps.

    Args:
        most: so many lines are kept, the latest.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self._most = most
        self._lines: list[Line] = []
        #: The number of the first line that is kept.
        self._first = 0
        #: Numbers of the lines that the filter chooses; None: all.
        self._chosen: list[int] | None = None
        #: The number of the last line to be seen; None: it follows the end.
        self._last: int | None = None
        self.wanted = LineFilter()

    def __len__(self) -> int:
        """Return how many lines are kept."""
        return len(self._lines)

    @property
    def shown(self) -> int:
        """How many lines the filter chooses."""
        return len(self._numbers())

    @property
    def follows(self) -> bool:
        """Whether the end is to be seen as it grows."""
        return self._last is None

    def add(self, lines: Sequence[Line]) -> None:
        """Add lines at the end; the oldest go where there are too many."""
        lines = lines[-self._most :]
        number = self._first + len(self._lines)
        self._lines += lines
        if self._chosen is not None:
            passing = (n for n, line in enumerate(lines, number) if self.wanted.passes(line))
            self._chosen.extend(passing)
        if (many := len(self._lines) - self._most) > 0:
            del self._lines[:many]
            self._first += many
            if self._chosen is not None:
                del self._chosen[: bisect_left(self._chosen, self._first)]
            if self._last is not None:
                self._last = max(self._last, self._first)

    def choose(self, wanted: LineFilter) -> None:
        """Show only the lines that a filter chooses; the reader stays where it was."""
        self.wanted = wanted
        if not wanted.chooses:
            self._chosen = None
            return
        lines = enumerate(self._lines, self._first)
        self._chosen = [number for number, line in lines if wanted.passes(line)]

    def move(self, by: int, height: int) -> None:
        """Move the reader by lines, back for less than zero; at the end it follows again."""
        numbers = self._numbers()
        if not numbers:
            return
        at = self._end() - 1 + by
        if at >= len(numbers) - 1:
            self._last = None
        else:
            self._last = numbers[max(min(height, len(numbers)) - 1, at)]

    def to_start(self, height: int) -> None:
        """Show the oldest lines."""
        self.move(-len(self._lines), height)

    def follow(self, *, on: bool) -> None:
        """Follow the end, or stay at what is seen now."""
        numbers = self._numbers()
        self._last = None if on or not numbers else numbers[self._end() - 1]

    def window(self, height: int) -> list[Line]:
        """Return the lines to be seen, so many at most, in their order."""
        numbers = self._numbers()
        end = self._end()
        seen = numbers[max(0, end - height) : end]
        return [self._lines[number - self._first] for number in seen]

    def position(self) -> int:
        """Return how many of the chosen lines are above the lower edge."""
        return self._end()

    def _end(self) -> int:
        """Return the place behind the last line to be seen, among those that are chosen."""
        numbers = self._numbers()
        if self._last is None:
            return len(numbers)
        return max(1, bisect_right(numbers, self._last)) if numbers else 0

    def _numbers(self) -> Sequence[int]:
        if self._chosen is not None:
            return self._chosen
        return range(self._first, self._first + len(self._lines))
