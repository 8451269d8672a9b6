"""A service gets, of the versions of a language that are here, the one that its files ask for."""

from __future__ import annotations

import os
import sys

import pytest
from asking import ask
from sandbox import PORT

from tarmac.base.foreign import files
from tarmac.model.loader import load
from tarmac.plan.settings import TOOLCHAIN_ORIGIN
from tarmac.run.local.host import toolchains
from tarmac.run.local.supervisor import checkup

SHELLS_PATH = os.environ["PATH"]
MODEL = """\
tarmac: 1
system: demo
services:
  web:
    run: npm start
    cwd: web
    port: 3000
"""


def program(folder, name, version):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A home with Node 20 on PATH and others beside it, and a system."""
    home = tmp_path / "home"
    program(home / "bin", "node", "v20.1.0")
    for version in ("v18.2.0", "v22.1.0", "v22.9.0", "v24.0.0"):
        program(home / ".nvm/versions/node" / version / "bin", "node", version)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("TARMAC_PATH_ONLY", raising=False)
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    (tmp_path / "shop/web").mkdir(parents=True)
    (tmp_path / "shop/tarmac.yaml").write_text(MODEL)
    return tmp_path


def wishes(machine, **texts):
    for name, text in texts.items():
        (machine / "shop" / name.replace("__", "/")).write_text(text)
    return toolchains.choices(load(str(machine / "shop/tarmac.yaml"), files.content))


def engines(text):
    return {"web__package.json": '{"engines": {"node": "TEXT"}}'.replace("TEXT", text)}


def test_the_version_on_path_is_used_where_it_fits(machine):
    assert wishes(machine, **engines(">=18")) == ()


def test_the_nearest_version_that_fits_comes_first_on_path(machine):
    (choice,) = wishes(machine, **engines(">=21"))
    assert (choice.found, choice.chosen, choice.lacks) == ("20.1.0", "22.9.0", "")
    path = toolchains.variables((choice,))["web"]["PATH"]
    assert path == f"{machine}/home/.nvm/versions/node/v22.9.0/bin:{os.environ['PATH']}"


def test_a_version_that_is_nowhere_is_said_in_one_line(machine):
    (choice,) = wishes(machine, **engines("^26.1"))
    assert choice.lacks == (
        "web: is for Node ^26.1 (web/package.json:1), and 20.1.0 runs here; nvm install 26.1"
    )
    assert toolchains.variables((choice,)) == {}


def test_a_file_above_counts_and_what_it_is_only_tried_with_is_no_error(machine):
    (choice,) = wishes(machine, **{".nvmrc": "18.9.9\n"})
    assert (choice.wish.place, choice.chosen) == (".nvmrc:1", "18.2.0")
    (choice,) = wishes(machine, **{".nvmrc": "16\n"})
    assert (choice.chosen, choice.lacks) == ("", "")
    (choice,) = wishes(machine, **{".nvmrc": "23\n"})
    assert choice.chosen == "22.9.0", "the one before"


def test_the_doctor_names_what_is_asked_for_and_where(machine):
    wishes(machine, **engines(">=26"))
    found = checkup.of_system(load(str(machine / "shop/tarmac.yaml"), files.content))
    node = next(check for check in found if check.name == "Node")
    assert (node.state, node.found, node.floor) == ("other version", "20.1.0", ">=26")
    assert (node.advice, node.fails) == ("nvm install 26", True)


def test_a_start_says_what_is_missing_first_and_uses_what_is_there(machine, sandbox, monkeypatch):
    monkeypatch.setenv("PATH", f"{machine / 'home/bin'}:{SHELLS_PATH}")
    (sandbox.folder / "package.json").write_text('{"engines": {"node": "24"}}')
    (sandbox.folder / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.99"')
    sandbox.write(f"""
        tarmac: 1
        system: demo
        services:
          web:
            run: node --version && python3 --version && exec {sys.executable} server.py
            port: {PORT}
    """)
    done = sandbox.tarmac("up", "-d")
    assert done.returncode == 0, done.stderr
    said = "note: web: is for Python >=3.99 (pyproject.toml:2), and "
    assert done.stdout.startswith(said)
    assert done.stdout.count(said) == 1
    assert ask(sandbox, "web", "/env/PATH")[1].split(":")[0].endswith("/node/v24.0.0/bin")
    explained = sandbox.tarmac("explain", "web").stdout
    assert TOOLCHAIN_ORIGIN in explained
    written = sandbox.tarmac("init", "--stdout")
    assert "v24" not in written.stdout, "the file is the same on every machine"
