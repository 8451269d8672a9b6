"""`up --watch` with the real command: an edit is served, and what does not start harms nobody."""

from __future__ import annotations

import http.client
import os
import threading
import time
import urllib.request
from pathlib import Path

from edited import APP, SYSTEM, Watched, asked_all_the_time, save, until
from sandbox import PORT, Sandbox, web


def test_twenty_edits_under_load_are_served_and_not_one_request_fails(watched: Watched):
    slow: list[str] = []

    def ask_slowly() -> None:
        while len(slow) < 6:
            slow.append(watched.ask("/slow")["word"])

    patient = threading.Thread(target=ask_slowly)
    pids = {watched.ask()["pid"]}
    with asked_all_the_time(watched) as failed:
        patient.start()
        for number in range(20):
            watched.say(f"word {number}")
            pids.add(watched.until_word(f"word {number}")["pid"])
        patient.join()
    assert failed == []
    assert len(slow) == 6  # each was in hand while its process was replaced
    assert len(pids) == 21
    assert watched.box.node("hi")["restarts"] == 0


def test_connections_that_stay_open_are_told_to_come_again(watched: Watched):
    """Each client asks over one connection for as long as it may; none finds it cut under it."""
    failed: list[str] = []
    connections = [0]
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
            connections[0] += 1
            try:
                while not over.is_set():
                    connection.request("GET", "/word")
                    with connection.getresponse() as answer:
                        answer.read()
                        if answer.getheader("Connection") == "close":
                            break
            except OSError as error:
                failed.append(f"{type(error).__name__}: {error}")
            finally:
                connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        watched.say(f"word {number}")
        watched.until_word(f"word {number}")
    over.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert connections[0] <= 3 * 21


def test_an_edit_that_does_not_import_is_shown_with_its_line_and_the_old_one_serves(watched):
    pid = watched.ask()["pid"]
    with asked_all_the_time(watched) as failed:
        save(watched.words, 'GREETING = "hi"\nWORD = "first\n')
        log = watched.until_log("the old one serves on")
        assert "hi: tarmac_hi/words.py:2: ended with exit status 1 (SyntaxError" in log
        node = watched.box.node("hi")
        assert node["state"] == "healthy"
        assert "this one serves on: tarmac_hi/words.py:2: ended" in node["detail"]
        assert node["cause"].startswith("SyntaxError")
        assert any("words.py" in line for line in node["last_lines"])
        assert "tarmac_hi/words.py:2" in watched.box.tarmac("ps").stdout
        assert watched.ask() == {"word": "first", "pid": pid, "mood": ""}
        watched.say("mended")
        watched.until_word("mended")
    assert failed == []
    node = until(lambda: watched.box.node("hi"), lambda node: node["state"] == "healthy")
    assert (node["detail"], node["cause"], node["last_lines"]) == ("", "", [])


def test_an_edit_taken_back_is_as_if_it_had_never_been(watched: Watched):
    pid = watched.ask()["pid"]
    status = watched.words.stat()
    save(watched.words, "nonsense nonsense\n")
    watched.until_log("the old one serves on")
    watched.say("first")
    os.utime(watched.words, ns=(status.st_atime_ns, status.st_mtime_ns))
    until(lambda: watched.box.node("hi")["detail"], lambda detail: not detail)
    assert watched.ask()["pid"] == pid


def test_a_successor_that_hangs_is_given_up_for_a_newer_edit(watched: Watched):
    save(watched.words, "import time\ntime.sleep(100)\n")
    hangs = "hangs now"
    save(watched.words, f"print({hangs!r})\nimport time\ntime.sleep(100)\n")
    service_log = watched.box.folder / ".tarmac/default/logs/hi.log"
    until(service_log.read_text, lambda log: hangs in log)
    watched.say("newer")
    watched.until_word("newer")
    assert "does not start" not in service_log.read_text()


def test_edits_in_a_row_end_with_the_last_one(watched: Watched):
    for number in range(30):
        watched.say(f"word {number}")
        time.sleep(0.02)
    watched.until_word("word 29")
    time.sleep(0.5)  # nothing older comes after it
    assert watched.ask()["word"] == "word 29"


def test_an_edit_of_the_same_second_and_size_is_served(watched: Watched):
    second = int(time.time()) - 10
    for word in ("aaaa", "bbbb", "cccc"):
        watched.words.write_text(f"WORD = {word!r}\n")
        os.utime(watched.words, (second, second + 0.1 * ord(word[0]) / 100))
        watched.until_word(word)
        status = watched.words.stat()
        assert (int(status.st_mtime), status.st_size) == (second, len("WORD = 'aaaa'\n"))


def test_what_editors_and_tools_leave_is_no_edit(watched: Watched):
    pid = watched.ask()["pid"]
    package = watched.words.parent
    for name in (".words.py.swp", "words.py~", "4913", ".#words.py", "#words.py#"):
        (package / name).write_text("x")
    (package / "__pycache__/words.cpython-399.pyc").write_bytes(b"x")
    for folder in (".pytest_cache", "tests", ".idea", "node_modules"):
        (watched.part / folder).mkdir()
        (watched.part / folder / "file.py").write_text("x")
    assert watched.box.up("--watch")["changes"]["restarted"] == []
    assert watched.ask()["pid"] == pid
    assert watched.log() == ""


def test_an_edit_of_the_systems_file_applies_the_difference(watched: Watched):
    box = watched.box
    pid = watched.ask()["pid"]
    with asked_all_the_time(watched) as failed:
        mood = SYSTEM.replace(f"port: {PORT}", f"port: {PORT}, env: {{MOOD: fine}}")
        box.write(f"{mood}  {web('new', PORT + 1)}\n")
        until(lambda: watched.ask()["mood"], lambda mood: mood == "fine")
        new = box.until("new", lambda node: node["state"] == "healthy")
        assert new["url"] == f"http://127.0.0.1:{PORT + 1}"
        assert watched.ask()["pid"] != pid

        pid = watched.ask()["pid"]
        box.write(mood.replace("port:", "prot:"))
        log = watched.until_log("nothing changes until this is mended")
        assert "tarmac.yaml:4:29: unknown key 'prot'" in log
        assert box.node("new")["pid"] == new["pid"]

        box.write(mood)
        until(lambda: [node["name"] for node in box.ps()["nodes"]], lambda names: names == ["hi"])
        assert watched.ask()["pid"] == pid
    assert failed == []


def test_a_folder_that_an_edit_adds_is_watched_as_well(watched: Watched):
    other = watched.box.folder / "services/other"
    (other / "tarmac_other").mkdir(parents=True)
    (other / "service.yaml").write_text("part: other\npackage: tarmac_other\n")
    (other / "tarmac_other/__init__.py").write_text("")
    app = APP.replace("from tarmac_hi import words", "from tarmac_other import words")
    (other / "tarmac_other/app.py").write_text(app.replace('name="hi"', 'name="other"'))
    words = other / "tarmac_other/words.py"
    words.write_text("WORD = 'one'\n")
    port = PORT + 1
    watched.box.write(SYSTEM + f"  other: {{source: services/other, port: {port}}}\n")
    until(lambda: box_answers(port), bool)
    save(words, "WORD = 'two'\n")
    until(lambda: watched.ask(port=port)["word"], lambda word: word == "two")
    assert watched.ask()["word"] == "first"


def box_answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/word", timeout=5):
            return True
    except OSError:
        return False


def test_a_project_below_a_folder_named_tests_is_watched(tmp_path: Path):
    folder = tmp_path / "tests/node_modules/small"
    folder.mkdir(parents=True)
    (folder / ".git").mkdir()
    box = Sandbox(folder)
    made = Watched(box)
    box.write(SYSTEM)
    try:
        box.up("--watch")
        made.say("second")
        made.until_word("second")
        assert made.ask()["word"] == "second"
    finally:
        box.tarmac("down")
