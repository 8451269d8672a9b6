"""Where `up --watch` looks: the system's file, folders that come to be, and no tools' litter."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from edited import APP, SYSTEM, Watched, asked_all_the_time, save, until
from sandbox import PORT, laid_out, web


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
        mood = SYSTEM.replace("env: {", "env: {MOOD: fine, ")
        box.write(f"{mood}  {web('new', PORT + 1)}\n")
        until(lambda: watched.ask()["mood"], lambda mood: mood == "fine")
        new = box.until("new", lambda node: node["state"] == "healthy")
        assert new["url"] == f"http://localhost:{PORT + 1}"
        assert watched.ask()["pid"] != pid

        pid = watched.ask()["pid"]
        box.write(mood.replace("port:", "prot:"))
        watched.until_log("not applied; fix this first", "tarmac.yaml:4:29: unknown key 'prot'")
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
    box = laid_out(folder)
    made = Watched(box)
    box.write(SYSTEM)
    try:
        box.up("--watch")
        made.say("second")
        made.until_word("second")
        assert made.ask()["word"] == "second"
    finally:
        box.tarmac("down")
