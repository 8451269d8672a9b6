"""What hostile files once did, by the smallest one of each: now it is said, with its place.

The files are in `found/`, or are made here where git cannot keep them: a named pipe, a link out of
the repository, 50,000 brackets.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hostile import Outcome, tarmac

from tarmac.check.schemas import check, lock

FOUND = Path(__file__).parent / "found"
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n"
MODEL = (
    "tarmac: 1\nsystem: small\nservices:\n  web: {run: 'python -m http.server $PORT', port: 8080}\n"
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*args: str, code: int) -> str:
    done = tarmac(*args)
    assert done == Outcome(code, done.output), done.error
    assert "failed on its own" not in done.output
    return done.output


UNREAD = "files: cannot be read as YAML"
SAID = {
    "alias-of-itself": (
        f"a.yaml:1: {UNREAD} (an alias refers to a mapping or list that contains it)"
    ),
    "bool-that-is-none": f"a.yaml:2: {UNREAD} ('maybe' is no bool",
    "date-that-is-none": f"a.yaml:1: {UNREAD} ('x' is no timestamp",
    "latin-1": "a.yaml:2:7: warning: files: not UTF-8 (byte 0xe9); save the file as UTF-8; it was",
    "merged-bomb": f"a.yaml:6: {UNREAD} (aliases make it more than 200000 values)",
    "number-of-500-digits": f"a.yaml:1: {UNREAD} (a number of more than 60 digits)",
}


@pytest.mark.parametrize(("name", "expected"), SAID.items(), ids=SAID)
def test_verify_says_where_a_file_cannot_be_read_and_judges_the_others(name, expected, folder):
    shutil.copy(FOUND / f"{name}.yaml", folder / "a.yaml")
    (folder / "b.yaml").write_text(GOOD)
    shown = said("verify", "--files", ".", "-v", code=0 if name == "latin-1" else 1)
    assert expected in shown
    assert "pass    OBJ005  (files: files 1)" in shown


def test_verify_neither_hangs_nor_crashes_on_files_that_are_none(folder):
    (folder / "good.yaml").write_text(GOOD)
    (folder / "deep.yaml").write_text("[" * 50_000)
    (folder / "large.yaml").write_text("a: 1\n" * 500_000)
    (folder / "endless.yaml").symlink_to("/dev/zero")
    (folder / "outside.yaml").symlink_to("/etc/passwd")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "caf\udce9.yaml").write_text("a: [\n")
    shown = said("verify", "--files", ".", code=1)
    for line in (
        "deep.yaml:1: files: cannot be read as YAML (nested deeper than 100); correct it",
        "large.yaml: warning: files: cannot be read (2500000 bytes, where at most 2000000 are",
        "endless.yaml: warning: files: cannot be read (a link that leads out of ",
        "outside.yaml: warning: files: cannot be read (a link that leads out of ",
        "loop.yaml: warning: files: cannot be read (",
        "pipe.yaml: warning: files: cannot be read (a named pipe, not a regular file); ",
        "caf\ufffd.yaml:2: files: cannot be read as YAML",
    ):
        assert line in shown


def test_an_amount_of_thousands_of_digits_is_no_amount(folder):
    limits = f"limits: {{memory: '{'9' * 5000}Mi'}}, requests: {{memory: 1E999999999}}"
    pod = f"spec: {{template: {{spec: {{containers: [{{resources: {{{limits}}}}}]}}}}}}\n"
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: b}\n"
    (folder / "a.yaml").write_text(head + pod)
    assert "status" not in said("verify", "--files", ".", code=1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".python-version", "3.{}"),
        ("Dockerfile", "FROM python:3.{}"),
        ("pyproject.toml", "[project]\nname = 'a'\nrequires-python = '>=3.{}'"),
        (".env", "API_URL=http://localhost:{}/x"),
        ("package.json", '{{"name": "a", "main": "a.js", "engines": {{"node": ">={}"}}}}'),
        ("go.mod", "module a\n\ngo 1.{}"),
        ("Procfile", "web: python app.py --port {}"),
    ],
)
def test_a_number_of_thousands_of_digits_stops_no_survey(name, text, folder):
    (folder / "app.py").write_text("import flask\n")
    (folder / "main.go").write_text("package main\n")
    (folder / "requirements.txt").write_text("flask\n")
    (folder / name).write_text(text.format("9" * 5000))
    done = tarmac("init", ".", "--stdout")
    assert not done.error
    assert done.code in (0, 1, 2, 3)
    assert "Traceback" not in done.output


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize(
    "args", [("explain", "web"), ("up", "x"), ("render",), ("invariants", "x")]
)
def test_a_model_in_another_encoding_is_said_by_each_verb_that_names_something(
    args, encoding, folder
):
    (folder / "tarmac.yaml").write_bytes("system: é\n".encode(encoding))
    place = "1:9: not UTF-8 (byte 0xe9)" if encoding == "latin-1" else "1:1: the file is UTF-16"
    assert f"tarmac.yaml:{place}" in said(*args, code=2)


@pytest.mark.parametrize(
    ("args", "code", "expected"),
    [
        (("logs", "web"), 2, "tarmac.yaml: never ran in namespace 'default'"),
        (("env", "web"), 2, "tarmac.yaml: never ran in namespace 'default'"),
        (("connect", "db"), 1, ".tarmac/default: the system is not running; start it"),
    ],
)
def test_a_verb_about_what_runs_asks_for_no_model(args, code, expected, folder):
    (folder / "tarmac.yaml").write_bytes(b"system: \xe9\n")
    assert expected in said(*args, code=code)


@pytest.mark.parametrize("environments", ["", "environments: {production: {}}\n"])
def test_an_environment_without_a_name_is_none(environments, folder):
    (folder / "tarmac.yaml").write_text(MODEL + environments)
    assert "environment" in said("render", "--env", "", code=2)


def test_a_model_that_is_a_link_to_itself_or_a_pipe_is_no_file(folder):
    os.mkfifo(folder / "pipe.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    for name in ("pipe.yaml", "loop.yaml"):
        assert f"{name}: no such system or file" in said("render", name, code=2)


def test_a_part_that_is_a_pipe_is_refused_without_waiting_for_it(folder):
    (folder / "tarmac.yaml").write_text("tarmac: 1\nsystem: a\nservices: {web: {source: web}}\n")
    (folder / "web").mkdir()
    os.mkfifo(folder / "web/service.yaml")
    shown = said("explain", code=2)
    assert "tarmac.yaml:3:26: web: service.yaml in 'web' cannot be read (a named pipe" in shown


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("package.json", '{"scripts": [1]}', "package.json: `scripts` is a list, no mapping"),
        ("package.json", "[" * 100_000, "package.json:1:101: not JSON (nested deeper than 100)"),
        ("package.json", "[1]", "package.json: holds a list, no mapping"),
        (
            "package.json",
            '{"name": "\\ud800"}',
            "package.json: not JSON ('\\ud800' is an incomplete",
        ),
        ("app.py", b"a = '\xe9'\n", "app.py:1:6: not UTF-8 (byte 0xe9); save the file as UTF-8"),
        (
            "Procfile",
            b"x" * 200_001,
            "Procfile: cannot be read (200001 bytes, where at most 200000",
        ),
    ],
)
def test_init_skips_a_file_that_it_cannot_take_and_says_so(name, text, expected, folder):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "web").mkdir()
    (folder / "web/package.json").write_text('{"scripts": {"start": "node a.js"}}')
    assert f"skipped: {expected}" in said("init", "--stdout", code=0)
    shown = said("init", code=0)
    assert f"skipped:\n  {expected}" in shown
    assert "npm start" in shown


def test_init_takes_no_file_of_another_kind(folder):
    (folder / "api").mkdir()
    os.mkfifo(folder / "package.json")
    (folder / "api/package.json").symlink_to("/etc/passwd")
    (folder / ".env").symlink_to("/dev/zero")
    (folder / "caf\udce9.py").write_text("")
    shown = said("init", "--stdout", code=0)
    assert "skipped: package.json: cannot be read (a named pipe, not a regular file)" in shown
    assert "skipped: api/package.json: cannot be read (a link that leads out of " in shown
    assert "skipped: .env: cannot be read (a link that leads out of " in shown
    assert "skipped: caf\ufffd.py: its name has characters that cannot be shown" in shown


@pytest.mark.parametrize("ports", ['["²:80"]', "[99999]", '["' + "9" * 5000 + '"]'])
def test_init_takes_a_port_that_is_none_for_none(ports, folder):
    text = f"services: {{web: {{build: ., command: node a.js, ports: {ports}}}}}\n"
    (folder / "compose.yaml").write_text(text)
    (folder / "package.json").write_text("{}")
    (folder / "a.js").write_text("")
    assert "run: [node, a.js]" in said("init", "--stdout", code=0)


SLOW = {
    "a.js": "process.env.A " + "x" * 190_000,
    "b.js": ".listen({ " * 19_000,
    "c.py": "class S(BaseSettings):\n" + " a: b = c\n" * 9_000 + "config.get<" * 9_000,
    "Dockerfile": "FROM a\nENV " + "x" * 190_000 + "\nCMD a\n",
    ".env": "A=" + "x" * 190_000 + "\n" + "=\n" * 1_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_no_text_makes_a_pattern_slow(name, folder):
    # Each took minutes where a pattern is tried at every character of a word, or to the file's end.
    (folder / name).write_text(SLOW[name])
    (folder / "main.py").write_text("import os\nwhile True: os.environ['A']\n")
    assert "tarmac: 1\n" in said("init", "--stdout", code=0)


def test_a_lock_cannot_have_a_file_outside_of_its_folder_removed(folder):
    model = MODEL + "environments: {repo: {target: repository}}\n"
    (folder / "tarmac.yaml").write_text(model)
    said("render", "--out", ".", code=0)
    lock = (folder / "tarmac.lock").read_text()
    entry = (
        '"by": "x", "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"'
    )
    (folder.parent / "precious").touch()
    hostile = lock.replace('"files": {', '"files": {\n    "../precious": {' + entry + "},", 1)
    hostile = hostile.replace("},}", "}}")
    (folder / "tarmac.lock").write_text(hostile)
    shown = said("render", "--out", ".", code=2)
    assert "names '../precious', which is outside the folder; remove that line" in shown
    assert (folder.parent / "precious").exists()


def test_a_rendered_tree_says_which_of_its_files_were_not_judged(folder, monkeypatch):
    monkeypatch.setattr("tarmac.check.gates.views.programs.find_program", lambda *_, **__: None)
    (folder / "tarmac.yaml").write_text(MODEL + "environments: {production: {}}\n")
    said("render", code=0)
    tree = folder / "deploy/production"
    (tree / "latin.yaml").write_bytes(b"a: caf\xe9\n")
    (tree / "deep.yaml").write_text("[" * 50_000)
    (tree / "image.png").write_bytes(b"\x89PNG\0")
    shown = said("verify", "--phase", "kubernetes", code=1)
    assert "latin.yaml:1:7: warning: files: not UTF-8 (byte 0xe9)" in shown
    assert "deep.yaml:1: files: cannot be read as YAML (nested deeper than 100)" in shown
    assert "image.png" not in shown
    os.mkfifo(tree / "pipe.yaml")
    (tree / "endless.yaml").symlink_to("/dev/zero")
    shown = said("verify", "--phase", "kubernetes", code=2)
    assert "deploy/production/pipe.yaml: cannot be read (a named pipe, not a regular file)" in shown
    assert "deploy/production/endless.yaml: cannot be read (a link that leads out of " in shown


def test_a_key_that_is_no_text_is_judged_as_the_text_that_it_is_sent_as(folder, monkeypatch):
    monkeypatch.setattr("tarmac.check.gates.views.programs.find_program", lambda *_, **__: None)
    (folder / "tarmac.yaml").write_text(MODEL + "environments: {production: {}}\n")
    said("render", code=0)
    file = folder / "deploy/production/k8s/web/service.yaml"
    file.write_text(file.read_text() + "7: 2026-11-20\n2026-11-21: [null]\n")
    shown = said("verify", "--phase", "kubernetes", code=1)
    assert "7: no such field" in shown


def test_such_a_key_is_judged_also_where_another_part_is_wrong_before_it():
    schemas = check.load(lock.read())
    service = {"apiVersion": "v1", "kind": "Service", "metadata": 5, "spec": {1: 2}}
    assert [where for where, _ in schemas.problems(service)] == ["metadata", "spec.1"]


def test_an_environment_file_in_another_encoding_is_said(folder):
    (folder / "tarmac.yaml").write_text(MODEL)
    (folder / ".env").write_bytes(b"A=b\nKEY=\xe9\n")
    assert ".env:2:5: not UTF-8 (byte 0xe9)" in said("explain", "web", code=2)


def test_a_dangling_link_for_the_folder_of_sockets_is_said(folder, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setattr("tarmac.run.local.state.paths.LONGEST_BASE", 4096)
    (folder / f"tarmac-{os.getuid()}").symlink_to("nowhere")
    (folder / "tarmac.yaml").write_text(MODEL)
    from tarmac.base.errors import TarmacError  # noqa: PLC0415
    from tarmac.run.local.state.paths import runtime_folder  # noqa: PLC0415

    with pytest.raises(TarmacError, match="not a private directory of this user; remove it"):
        runtime_folder()
