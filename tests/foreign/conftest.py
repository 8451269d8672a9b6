"""A copy of a foreign code base for each test, with what its own package manager would have got."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sandbox import Sandbox, gone

HERE = Path(__file__).parent
#: A registry that does not answer by then is none.
INSTALL_S = 60


@pytest.fixture(scope="session")
def npm_cache(tmp_path_factory) -> Callable[[Path], Path]:
    """Install the packages of a lock file once per session; the caller links to them."""
    base = tmp_path_factory.mktemp("npm")
    done: dict[str, Path] = {}

    def installed(package: Path) -> Path:
        if not shutil.which("npm"):
            pytest.skip("npm is not on PATH")
        key = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()[:12]
        if key not in done:
            folder = base / key
            folder.mkdir()
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy2(package / name, folder)
            try:
                run = subprocess.run(
                    ["npm", "install", "--prefer-offline", "--loglevel=error"],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    timeout=INSTALL_S,
                    check=False,
                )
                said = run.stderr if run.returncode else ""
            except subprocess.TimeoutExpired:
                said = f"nothing within {INSTALL_S} s"
            done[key] = folder / "node_modules"
            if said:
                shutil.rmtree(done[key], ignore_errors=True)
                (folder / "failed").write_text(said)
        if not done[key].is_dir():
            reason = (done[key].parent / "failed").read_text().strip().splitlines()
            pytest.skip(f"npm could not install: {reason[0] if reason else 'no reason given'}")
        return done[key]

    return installed


@pytest.fixture
def foreign(tmp_path, npm_cache) -> Iterator[Callable[..., Sandbox]]:
    """Copy code bases into folders of their own; whatever runs there is stopped at the end."""
    boxes: list[tuple[Sandbox, str]] = []

    def copy(name: str, *, file: bool = True, tools: tuple[str, ...] = ()) -> Sandbox:
        for tool in tools:
            if not shutil.which(tool):
                pytest.skip(f"{tool} is not on PATH")
        folder = tmp_path / name
        ignore = shutil.ignore_patterns("node_modules", ".tarmac", "__pycache__", "expected")
        shutil.copytree(HERE / name, folder, ignore=ignore)
        (folder / ".git").mkdir(exist_ok=True)
        if not file:
            (folder / "tarmac.yaml").unlink(missing_ok=True)
        if any(folder.rglob("*.py")):
            # What `python -m venv .venv` and pip would have made of its requirements.
            (folder / ".venv").symlink_to(sys.prefix)
        for lock in folder.rglob("package-lock.json"):
            source = npm_cache(lock.parent)
            shutil.copytree(
                source, lock.parent / "node_modules", symlinks=True, copy_function=os.link
            )
        boxes.append((Sandbox(folder), name))
        return boxes[-1][0]

    yield copy
    for box, _ in boxes:
        box.tarmac("down")


@pytest.fixture
def stops() -> Callable[[Sandbox, list[int]], None]:
    """Stop a system and see that none of its processes is left."""

    def check(box: Sandbox, pids: list[int]) -> None:
        done = box.tarmac("down")
        assert done.returncode == 0, done.stderr
        assert gone(pids)

    return check
