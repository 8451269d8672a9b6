"""How long `tarmac diff` takes for the shop's repository, beside `diff -r` of two rendered trees.

Theirs is what a team does without it: every system and environment rendered to a folder, once per
revision, and the two folders compared line by line. `diff` itself is given those folders; making
them is measured too, for nobody has them before.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.figure import Figure, interleaved, seconds, sized

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import write
from tarmac.catalog import stores
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

ROOT = Path(__file__).parents[1]
ROUNDS = sized(5, 1)
FILE = "systems/shop/tarmac.yaml"
#: What the change under review edits.
EDITS = (("replicas: {min: 3", "replicas: {min: 4"), ("timeout: 5s", "timeout: 4s"))


def measure() -> list[Figure]:
    """Return one figure: the wall time of both, in seconds."""
    tarmac = Path(sys.executable).with_name("tarmac")
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        top = Path(name)
        changed = _copy(top / "repository")

        def ours() -> float:
            return seconds(lambda: _run(changed, str(tarmac), "diff", "HEAD"))

        def theirs() -> float:
            return seconds(lambda: _by_hand(changed, top / "trees"))

        ours(), theirs()  # the first run of each reads the disk
        a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = (
        "the five systems in all 11 environments, two edits of the shop; ours: `tarmac diff HEAD`, "
        "which plans what was edited; theirs: all rendered twice to folders in one process, then "
        f"`diff -r`; medians of {ROUNDS}"
    )
    return [Figure("diff of two revisions", "s", a, b, note)]


def _copy(folder: Path) -> Path:
    """Make a repository of the systems, with an edit that is not committed."""
    for path in (*ROOT.glob("systems/*/tarmac.yaml"), *ROOT.glob("services/*/service.yaml")):
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "base")):
        _run(folder, "git", *arguments)
    text = (folder / FILE).read_text()
    for old, new in EDITS:
        text = text.replace(old, new)
    (folder / FILE).write_text(text)
    return folder


def _by_hand(repository: Path, trees: Path) -> None:
    kinds, renderers = registry.load(stores, "STORE"), registry.load(render, "RENDERER")
    for side in ("base", "head"):
        for file in sorted(repository.glob("systems/*/tarmac.yaml")):
            name = file.relative_to(repository).as_posix()
            system = load(name, partial(_read, repository, side))
            for environment in system.file.environments:
                for artifact in artifacts(deploy(system, environment, kinds), renderers):
                    target = trees / side / system.name / environment / artifact.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(write(artifact, "tarmac render"), encoding="utf-8")
    done = subprocess.run(
        ["diff", "-r", str(trees / "base"), str(trees / "head")], check=False, capture_output=True
    )
    if done.returncode != 1:
        raise SystemExit("bench: the trees do not differ")


def _read(repository: Path, side: str, path: str) -> bytes:
    if side == "base" and path == FILE:
        argv = ["git", "show", f"HEAD:{path}"]
        return subprocess.run(argv, cwd=repository, check=True, capture_output=True).stdout
    return (repository / path).read_bytes()


def _run(folder: Path, *argv: str) -> None:
    subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)
