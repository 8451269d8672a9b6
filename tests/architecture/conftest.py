"""What the architecture tests read: the repository's root and its Python files, parsed once."""

from __future__ import annotations

import ast
import importlib.util
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file of the repository; `name` is its path from the root."""

    path: Path
    name: str

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every Python file that the project keeps, tests and bench included, in a stable order."""
    folders = (
        *("src", "kit", "kit-testing", "services", "systems"),
        *("tests", "bench", "docs", ".githooks", ".ci"),
    )
    return [
        Source(path, path.relative_to(ROOT).as_posix())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


@pytest.fixture(scope="session")
def shipped(sources: list[Source]) -> list[Source]:
    """The files of the wheels: the tool, the kit, its testing and the services; no tests."""
    places = ("src/*", "kit/tarmac_kit/*", "kit-testing/*", "services/*/tarmac_*/*")
    return [s for s in sources if any(fnmatch(s.name, place) for place in places)]


@pytest.fixture(scope="session")
def generate():
    """Return docs/generate.py as a module: docs/ is no package."""
    sys.path.insert(0, str(ROOT / "docs"))  # where `make docs` finds its second file, too
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
