"""`up --watch` with the real command: an edit is served, and what does not start harms nobody."""

from __future__ import annotations

import contextlib
import http.client
import os
import threading
import time
from collections.abc import Iterator

import pytest
from edited import SYSTEM, Watched, asked_all_the_time, save, until
from sandbox import PORT, laid_out


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    """The system, for all tests that edit no more than a word."""
    made = Watched(laid_out(tmp_path_factory.mktemp("watched")))
    made.box.write(SYSTEM)
    made.box.up("--watch")
    yield made
    made.box.end()


@pytest.fixture
def worded(running: Watched) -> Watched:
    """The system as it was at first."""
    running.begin_again()
    return running


@contextlib.contextmanager
def asked_over_connections_that_stay() -> Iterator[tuple[list[str], list[int]]]:
    """Ask over each connection for as long as it may; give what failed, and what was answered."""
    failed: list[str] = []
    answered: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
            answered.append(0)
            try:
                while not over.is_set():
                    connection.request("GET", "/word")
                    with connection.getresponse() as answer:
                        answer.read()
                        answered[-1] += 1
                        if answer.status != http.HTTPStatus.OK:
                            failed.append(f"{answer.status}")
                        if answer.getheader("Connection") == "close":
                            break
            except (OSError, http.client.HTTPException) as error:
                failed.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield failed, answered
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_twenty_edits_under_load_are_served_and_not_one_request_fails(worded: Watched):
    """Connections that stay open are told to come again: none is cut under its request."""
    slow: list[str] = []

    def ask_slowly() -> None:
        while len(slow) < 6:
            slow.append(worded.ask("/slow")["word"])

    patient = threading.Thread(target=ask_slowly)
    pids = {worded.ask()["pid"]}
    with (
        asked_all_the_time(worded) as failed,
        asked_over_connections_that_stay() as (cut, answered),
    ):
        patient.start()
        for number in range(20):
            worded.say(f"word {number}")
            pids.add(worded.until_word(f"word {number}")["pid"])
        patient.join()
    assert failed == []
    assert cut == []
    assert len(answered) <= 3 * 21
    assert sum(answered) > 100
    assert len(slow) == 6  # each was in hand while its process was replaced
    assert len(pids) == 21
    assert worded.box.node("hi")["restarts"] == 0


def test_an_edit_that_does_not_import_is_shown_with_its_line_and_the_old_one_serves(worded):
    pid = worded.ask()["pid"]
    with asked_all_the_time(worded) as failed:
        save(worded.words, 'GREETING = "hi"\nWORD = "first\n')
        log = worded.until_log("the previous instance keeps serving")
        assert "new version failed to start (tarmac_hi/words.py:2: ended with exit status 1" in log
        node = worded.box.node("hi")
        assert node["state"] == "healthy"
        assert "this instance keeps serving: tarmac_hi/words.py:2: ended" in node["detail"]
        assert node["cause"].startswith("SyntaxError")
        assert any("words.py" in line for line in node["last_lines"])
        assert "tarmac_hi/words.py:2" in worded.box.tarmac("ps").stdout
        assert worded.ask() == {"word": "first", "pid": pid, "mood": ""}
        worded.say("mended")
        worded.until_word("mended")
    assert failed == []
    node = until(lambda: worded.box.node("hi"), lambda node: node["state"] == "healthy")
    assert (node["detail"], node["cause"], node["last_lines"]) == ("", "", [])


def test_an_edit_taken_back_is_as_if_it_had_never_been(worded: Watched):
    pid = worded.ask()["pid"]
    status = worded.words.stat()
    save(worded.words, "nonsense nonsense\n")
    worded.until_log("the previous instance keeps serving")
    worded.say("first")
    os.utime(worded.words, ns=(status.st_atime_ns, status.st_mtime_ns))
    until(lambda: worded.box.node("hi")["detail"], lambda detail: not detail)
    assert worded.ask()["pid"] == pid


def test_a_successor_that_hangs_is_given_up_for_a_newer_edit(worded: Watched):
    save(worded.words, "import time\ntime.sleep(100)\n")
    hangs = "hangs now"
    save(worded.words, f"print({hangs!r})\nimport time\ntime.sleep(100)\n")
    service_log = worded.box.folder / ".tarmac/default/logs/hi.log"
    until(service_log.read_text, lambda log: hangs in log)
    worded.say("newer")
    worded.until_word("newer")
    assert "does not start" not in service_log.read_text()


def test_edits_in_a_row_end_with_the_last_one(worded: Watched):
    for number in range(30):
        worded.say(f"word {number}")
        time.sleep(0.02)
    worded.until_word("word 29")
    time.sleep(0.5)  # nothing older comes after it
    assert worded.ask()["word"] == "word 29"


def test_an_edit_of_the_same_second_and_size_is_served(worded: Watched):
    second = int(time.time()) - 10
    for word in ("aaaa", "bbbb", "cccc"):
        worded.words.write_text(f"WORD = {word!r}\n")
        os.utime(worded.words, (second, second + 0.1 * ord(word[0]) / 100))
        worded.until_word(word)
        status = worded.words.stat()
        assert (int(status.st_mtime), status.st_size) == (second, len("WORD = 'aaaa'\n"))
