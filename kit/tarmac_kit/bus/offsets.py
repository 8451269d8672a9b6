"""Where one group stands in one partition of Kafka: handled, in flight, and delivery counts.

Used by the Kafka consumer; pure. Kafka itself keeps one number for a group, the first message that
is not handled yet. Messages of different keys are handled beside each other, so some behind it are
handled already: that is written beside the number, as text, and read by the next owner of the
partition. So are the delivery counts of messages in flight, which Kafka does not keep.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Kafka takes 4096 bytes; what does not fit is handled again after a crash, as it may be anyway.
LONGEST = 3500


class Offsets:
    """One partition while this process has it."""

    def __init__(self, first: int, note: str = "", in_flight: Iterable[int] = ()) -> None:
        """Begin where the group stands.

        Args:
            first: the first message that is not handled, 0 where it is unknown.
            note: what was written beside it.
            in_flight: messages that this process still handles from an earlier time.
        """
        self._next = first
        self._handled, self._given = _read(note, first)
        self._open = {offset for offset in in_flight if offset >= first} - self._handled

    def take(self, offset: int) -> bool:
        """Take a message that was fetched; tell whether it is to be handled."""
        self._next = max(self._next, offset + 1)
        if offset in self._handled or offset in self._open:
            self._handled.discard(offset)
            return False
        self._open.add(offset)
        return True

    def begin(self, offset: int) -> int:
        """Hand a message out; return how often it was, from 1."""
        self._given[offset] = self._given.get(offset, 0) + 1
        return self._given[offset]

    def finish(self, offset: int) -> None:
        """Note that a message is handled, or moved to another topic."""
        self._open.discard(offset)
        self._given.pop(offset, None)
        if offset >= self._next:  # it was fetched again since
            self._handled.add(offset)

    @property
    def first(self) -> int:
        """The first message that is not handled yet."""
        unknown = self._next
        while unknown in self._handled:
            unknown += 1
        return min((*self._open, unknown))

    @property
    def spread(self) -> int:
        """How many messages there are from the first in flight to the last that was fetched."""
        return max(0, self._next - self.first)

    def note(self) -> str:
        """Write what stands beside the number: how far it goes, and each that is not handled.

        `9:0x2,3` is: of the nine from the first one on all are handled but that one, which was
        handed out twice, and the one three after it.
        """
        first = self.first
        end = max((self._next, *(offset + 1 for offset in self._handled)))
        left = sorted({*self._open, *(set(range(self._next, end)) - self._handled)})
        if not left or (len(left) == end - first and not self._given):
            return ""
        written, length, last = [], 0, first
        for offset in left:
            given = self._given.get(offset, 0)
            part = f"{offset - last}x{given}" if given else str(offset - last)
            length += len(part) + 1
            if length > LONGEST:
                end = offset
                break
            written.append(part)
            last = offset
        return f"{end - first}:{','.join(written)}"


def _read(note: str, first: int) -> tuple[set[int], dict[int, int]]:
    """Return what is handled of those after `first`, and how often the others were handed out."""
    handled: set[int] = set()
    given: dict[int, int] = {}
    try:
        span, _, listed = note.partition(":")
        at, left = first, set()
        for part in listed.split(",") if listed else ():
            distance, _, times = part.partition("x")
            at += int(distance)
            left.add(at)
            if times:
                given[at] = int(times)
        if span:
            handled = set(range(first, first + int(span))) - left
    except ValueError:
        return set(), {}  # another program's note
    return handled, given
