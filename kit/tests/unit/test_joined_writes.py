"""Writes of one turn of the event loop go out together, and in their order."""

from __future__ import annotations

import asyncio

from tarmac_kit.joined_writes import MOST_BYTES, JoinedWrites


class Recorder(asyncio.Transport):
    """Keeps what is done with it."""

    def __init__(self) -> None:
        self.done: list[object] = []

    def write(self, data: object) -> None:
        self.done.append(data)

    def write_eof(self) -> None:
        self.done.append("eof")

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def get_write_buffer_size(self) -> int:
        return 5


async def test_what_is_written_in_one_turn_goes_out_as_one_piece() -> None:
    below = Recorder()
    joined = JoinedWrites(below, asyncio.get_running_loop())
    joined.write(b"head")
    joined.write(b"")
    joined.write(b"body")
    assert below.done == []
    assert joined.get_write_buffer_size() == 13
    await asyncio.sleep(0)
    assert below.done == [b"headbody"]
    joined.write(b"next")
    await asyncio.sleep(0)
    assert below.done == [b"headbody", b"next"]


async def test_a_large_answer_is_not_gathered() -> None:
    below = Recorder()
    joined = JoinedWrites(below, asyncio.get_running_loop())
    joined.write(b"head")
    joined.write(b"x" * MOST_BYTES)
    assert below.done == [b"head" + b"x" * MOST_BYTES]


async def test_an_end_comes_behind_what_was_written_and_an_abort_instead_of_it() -> None:
    loop = asyncio.get_running_loop()
    ended, closed, aborted = Recorder(), Recorder(), Recorder()
    for below, end in ((ended, "write_eof"), (closed, "close"), (aborted, "abort")):
        joined = JoinedWrites(below, loop)
        joined.write(b"answer")
        getattr(joined, end)()
    await asyncio.sleep(0)
    assert ended.done == [b"answer", "eof"]
    assert closed.done == [b"answer", "close"]
    assert aborted.done == ["abort"]
