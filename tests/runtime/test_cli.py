"""The command line refuses what it does not know, in one line, with exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from tarmac.base.errors import MissingTool
from tarmac.cli.parts import project, terminal_ui
from tarmac.drill import session
from tarmac.drill.load import process

TARMAC = str(Path(sys.executable).with_name("tarmac"))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["upp"], "unknown verb 'upp'; did you mean 'up'?"),
        (["up", "nothing-like-it"], "nothing-like-it: no such system or file; "),
        (["ps"], "no tarmac.yaml here or above; create one with `tarmac init`, or name a file"),
        (["up", "--nope"], "No such option"),
        (["up", "-n", "../../etc"], "'../../etc' is not a valid namespace; use a-z, 0-9 and -"),
        (["logs", "x"], "x: no such system or file"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, args, expected):
    done = subprocess.run(
        [TARMAC, *args], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_printed(tmp_path: Path):
    done = subprocess.run([TARMAC, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tarmac 0.")


HEAVY = ("pydantic", "rich", "textual", "asyncio", "asyncpg")


def test_help_imports_nothing_heavy():
    code = "import sys, tarmac.cli.main as m\nfrom click.testing import CliRunner\n"
    code += "CliRunner().invoke(m.tarmac, ['--help'])\n"
    code += f"print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "tarmac.run.terminal.app",
        "tarmac.run.dashboard.__main__",
        "tarmac.run.local.supervisor.client",
        "tarmac.run.local.supervisor.environments",
        "tarmac.run.local.supervisor.daemon",  # before it has started the guard
    ],
)
def test_what_starts_often_or_first_imports_no_model(module: str):
    code = f"import sys, {module}\n"
    code += "print([n for n in ('pydantic', 'tarmac.model.system') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_start_imports_no_plan_for_clusters_and_no_request():
    late = ("tarmac.plan.cluster", "tarmac.plan.cloud", "tarmac.run.local.supervisor.requests")
    code = "import sys, tarmac.run.local.supervisor.supervisor\n"
    code += f"print([n for n in {late} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_without_a_model_are_judged_without_what_reads_one(tmp_path: Path):
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'nginx:1.27'}}\n")
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n")
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "files" {}\n')
    code = "import sys, tarmac.cli.main as m\nfrom click.testing import CliRunner\n"
    code += "done = CliRunner().invoke(m.tarmac, ['verify', '--files', '.'])\n"
    code += "assert done.exit_code in (0, 1), done.output\n"
    code += "print([n for n in ('pydantic', 'tarmac.model.system') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


def test_down_and_ps_import_no_event_loop(tmp_path: Path):
    (tmp_path / "tarmac.yaml").write_text("tarmac: 1\nsystem: a\nservices: {a: {run: [a]}}\n")
    for verb in ("down", "ps"):
        code = "import sys, tarmac.cli.main as m\nfrom click.testing import CliRunner\n"
        code += f"CliRunner().invoke(m.tarmac, ['{verb}'])\n"
        code += "print([n for n in ('asyncio', 'importlib.metadata') if n in sys.modules])"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]", verb


def test_without_its_extra_the_terminal_is_one_line_that_says_how_to_get_it(monkeypatch):
    terminal = SimpleNamespace(isatty=lambda: True)
    for stream in ("__stdin__", "__stdout__", "__stderr__"):
        monkeypatch.setattr(sys, stream, terminal)
    monkeypatch.setattr(terminal_ui.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingTool, match=r"pip install 'tarmac\[ui\]'$") as raised:
        terminal_ui.require("tarmac ui")
    assert raised.value.exit_code == 3
    assert "\n" not in str(raised.value)


def test_without_its_extra_a_drill_is_one_line_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda _: None)
    asked = session.system_to_drill(None, tmp_path / "tarmac.yaml", session.ON_A_COPY, {}, print)
    with pytest.raises(MissingTool, match=r"pip install 'tarmac\[drill\]'$"), asked:
        pass


TWICE = """
tarmac: 1
system: notes
services:
  notes: {run: [sleep, "9"]}
  web: {run: [sleep, "9"]}
stores: {db: postgres}
"""


@pytest.mark.parametrize(
    ("words", "system", "names"),
    [
        (("notes",), None, ("notes",)),
        (("web",), None, ("web",)),
        (("db",), None, ("db",)),
        (("notes", "web"), "notes", ("web",)),
        (("notes", "notes"), "notes", ("notes",)),
        ((), None, ()),
    ],
)
def test_one_word_is_a_process_of_the_system_here_whatever_that_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words, system, names
):
    (tmp_path / "tarmac.yaml").write_text(TWICE)
    monkeypatch.chdir(tmp_path)
    assert project.split_names(words) == (system, names)


@pytest.mark.parametrize(
    ("words", "system", "drill"),
    [
        ((), None, None),
        (("notes",), "notes", None),
        (("db-kill",), None, "db-kill"),
        (("drills/db-kill.yaml",), None, "drills/db-kill.yaml"),
        (("notes", "db-kill"), "notes", "db-kill"),
    ],
)
def test_one_word_is_a_drill_unless_a_system_has_that_name(
    words: tuple[str, ...],
    system: str | None,
    drill: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills/db-kill.yaml").write_text("title: x\n")
    (tmp_path / "tarmac.yaml").write_text("system: notes\nservices: {}\n")
    monkeypatch.chdir(tmp_path)
    asked = click.Context(click.Command("drill"))
    parameter = click.Argument(["names"])
    assert project.system_and_name(asked, parameter, words) == (system, drill)
    monkeypatch.chdir("/")
    assert project.system_and_name(asked, parameter, ("shop",)) == ("shop", None)


def test_a_word_is_the_systems_name_where_its_file_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tarmac.yaml").write_text("system: notes\nservices: [")
    monkeypatch.chdir(tmp_path)
    assert project.split_names(("notes",)) == ("notes", ())
