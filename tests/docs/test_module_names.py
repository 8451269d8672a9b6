"""A module or folder of the tool that a page or a docstring names in backticks is there."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Pages about the code base. Tutorials name files of their reader, decisions those of their day.
PAGES = ("CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/explanation/", "src/")
_PATH = re.compile(r"`((?:src/)?[a-z_]+(?:/[a-z_0-9]+)*(?:/|/\w+\.py))`")
_MODULE = re.compile(r"`(tarmac(?:\.[a-z_]+){2,})`")


@dataclass(frozen=True)
class Tree:
    """Files, as texts name them."""

    folders: frozenset[str]
    #: Each file and folder, with all of the folders before it, with some or without.
    paths: frozenset[str]
    modules: frozenset[str]


def tree_of(files: list[str]) -> Tree:
    whole = set(files) | {f"{folder}/" for file in files for folder in Path(file).parents}
    modules = (file.removeprefix("src/").removesuffix(".py").replace("/", ".") for file in files)
    return Tree(
        frozenset(part for file in files for part in Path(file).parent.parts),
        frozenset(
            path[start:]
            for path in whole
            for start in (0, *(match.end() for match in re.finditer("/", path)))
        ),
        frozenset(module.removesuffix(".__init__") for module in modules),
    )


def missing(text: str, tree: Tree) -> list[str]:
    """Return the paths and modules of the tool that a text names and that are not there.

    A path may leave out the folders before it, as `network/ingress.py` does. It is the tool's if
    its first folder is one of the tool's. The last part of a module may be a name in the module.
    """
    paths = [
        path
        for path in _PATH.findall(text)
        if path.split("/")[0] in tree.folders and path not in tree.paths
    ]
    return paths + [
        name for name in _MODULE.findall(text) if not {name, name.rpartition(".")[0]} & tree.modules
    ]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.splitlines() if (ROOT / name).is_file())


def test_each_module_that_a_page_or_a_docstring_names_is_there(tracked):
    tree = tree_of(tracked)
    pages = [
        name
        for name in tracked
        if name.startswith(PAGES) and name.endswith((".md", ".py", ".yaml"))
    ]
    found = {page: missing((ROOT / page).read_text(), tree) for page in pages}
    assert {page: names for page, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("See `run/local/wires.py` and `run/local/`.", []),
        ("See `local/wires.py`, then `src/tarmac/run/`.", []),
        ("See `local/pipes.py` and `run/remote/`.", ["local/pipes.py", "run/remote/"]),
        ("`tarmac.run.local.wires.Wire` reads `tarmac.yaml`.", []),
        ("`tarmac.local.wires` is older.", ["tarmac.local.wires"]),
        ("`guestbook/app.py` is the reader's.", []),
    ],
)
def test_a_name_without_a_module_is_recognised(text, names):
    files = ["src/tarmac/run/local/wires.py", "src/tarmac/run/__init__.py"]
    assert missing(text, tree_of(files)) == names
