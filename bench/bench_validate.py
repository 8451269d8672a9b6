"""How fast objects are checked against their schemas, beside kubeconform with the same schemas.

Ours is the gate VAL001's own way, with the reading of the same files as YAML in it; without, in a
figure of its own, since a rendered tree is checked as the data that it was made of. Where
kubeconform is not on this machine there is no figure, and it says so.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml
from bench.figure import Absent, Figure, interleaved, seconds, sized

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import Artifact, write
from tarmac.base.report import Skip
from tarmac.catalog import stores
from tarmac.check.gates.views import programs
from tarmac.check.schemas import check, lock
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

SYSTEMS = (("shop", "production"), ("travel", "prod"), ("trading", "production"))
#: So many copies of each object's file: kubeconform's start is not what is compared.
COPIES = sized(20, 1)
ROUNDS = sized(5, 1)
ROOT = Path(__file__).parents[1]


def measure() -> list[Figure]:
    """Return two figures in objects per second."""
    try:
        program = programs.find("kubeconform")
        schemas = check.unpacked(check.load(lock.read()), lock.read())
    except Skip as skip:
        raise Absent(str(skip)) from skip
    objects = _objects()
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        folder = Path(name)
        for number in range(COPIES):
            for artifact in objects:
                path = folder / str(number) / artifact.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(write(artifact, "Written by the bench."), encoding="utf-8")
        paths = sorted(folder.rglob("*.yaml"))
        data = [artifact.data for artifact in objects] * COPIES
        asked = [program, "-strict", "-n", "2", *_places(schemas), str(folder)]

        def theirs() -> float:
            return seconds(lambda: subprocess.run(asked, check=True))

        read, their_read = interleaved(
            lambda: seconds(lambda: _check_files(paths)), theirs, rounds=ROUNDS
        )
        held, their_held = interleaved(lambda: seconds(lambda: _check(data)), theirs, rounds=ROUNDS)
    note = (
        f"{len(paths)} files of {len(SYSTEMS)} systems, each {COPIES} times; theirs: kubeconform "
        f"with two workers, a process, the same schemas; ours: one process, the schemas read and "
        f"compiled in each run; medians of {ROUNDS}"
    )
    count = len(paths)
    return [
        Figure("objects checked, read as YAML", "1/s", count / read, count / their_read, note),
        Figure("objects checked, as data", "1/s", count / held, count / their_held, note),
    ]


def _objects() -> list[Artifact]:
    """Return the objects of kinds that both sides have a schema of."""
    kinds, renderers = registry.load(stores, "STORE"), registry.load(render, "RENDERER")
    known = check.load(lock.read()).index
    found: list[Artifact] = []
    for name, environment in SYSTEMS:
        system = load(f"systems/{name}/tarmac.yaml", lambda path: (ROOT / path).read_bytes())
        rendered = artifacts(deploy(system, environment, kinds), renderers)
        found += [
            Artifact(f"{name}/{e.path}", e.content)
            for e in rendered
            if f"{e.data.get('apiVersion')} {e.data.get('kind')}" in known
        ]
    return found


def _places(folder: Path) -> list[str]:
    name = "{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json"
    places = (f"{folder}/{name}", f"{folder}/{{{{ .Group }}}}/{name}")
    return [option for place in places for option in ("-schema-location", place)]


def _check(objects: list[Any]) -> None:
    schemas = check.load(lock.read())
    if any(found := [list(schemas.problems(artifact)) for artifact in objects]):
        raise SystemExit(f"bench: an object is wrong: {next(filter(None, found))}")


def _check_files(paths: list[Path]) -> None:
    _check([yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in paths])
