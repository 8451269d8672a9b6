"""How long rendering takes: the shop by the verb, and how it grows to a thousand services.

The shop is rendered with all its renderers into a folder that is not there yet, process start
included. Beside it: an interpreter that reads the rendered YAML files and writes them again with
PyYAML's C code, and `kubectl kustomize` over the same objects, where kubectl is there. Neither
plans anything.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from bench.copies import BIN, SYSTEMS
from bench.figure import Figure, interleaved, seconds, sized

from tarmac import render
from tarmac.base import garbage, registry
from tarmac.catalog import stores
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render import collect
from tarmac.render.tree import folder
from tarmac.render.tree.folder import RenderSource

ROUNDS = sized(7, 1)
GROWTH_ROUNDS = sized(5, 1)
#: Where growth is measured: ext4 steps over each file that was deleted in the last five minutes
#: when it makes one, so that what earlier rounds have left would count as growth.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SIZES = sized((10, 100, 1000), (10, 20))
LIKE_OURS = """
import pathlib, sys, yaml
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.yaml")):
    data = list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))
    path.write_text(yaml.dump_all(data, Dumper=yaml.CSafeDumper, sort_keys=False))
"""


def measure() -> list[Figure]:
    """Return figures in seconds."""
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        shop = list(_shop(Path(name)))
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        shop.append(_for_kind(Path(name)))
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-", dir=MEMORY) as name:
        return [*shop, *_growth(Path(name))]


def _shop(room: Path) -> Iterator[Figure]:
    out = room / "rendered/shop"
    ours = partial(_by_the_verb, out.parent, ("shop",), "production")
    a, b, files = _beside_pyyaml(ours, room)
    how = f"{files} files, process start included; medians of {ROUNDS}; theirs: "
    yield Figure("shop rendered", "s", a, b, f"{how}PyYAML's C code reads and writes the same YAML")
    if (kubectl := shutil.which("kubectl")) is not None:
        count = _kustomize(out / "k8s", room / "objects")
        argv = [kubectl, "kustomize", str(room / "objects")]
        a, b = interleaved(ours, lambda: seconds(lambda: _run(*argv)), rounds=ROUNDS)
        note = f"{how}`kubectl kustomize` over its {count} objects"
        yield Figure("shop rendered, by Kustomize", "s", a, b, note)


def _for_kind(room: Path) -> Figure:
    """Render all systems for a cluster on a laptop, one after another."""
    names = sorted(path.parent.name for path in SYSTEMS.glob("*/tarmac.yaml"))
    a, b, files = _beside_pyyaml(partial(_by_the_verb, room / "rendered", names, "kind"), room)
    how = f"{files} files, a process for each; medians of {ROUNDS}"
    what = "theirs: PyYAML's C code reads and writes the same YAML in one process"
    return Figure(f"{len(names)} systems rendered for kind", "s", a, b, f"{how}; {what}")


def _by_the_verb(out: Path, names: Sequence[str], environment: str) -> float:
    """Render systems into folders that are not there; return the seconds."""
    shutil.rmtree(out, ignore_errors=True)
    verb = [str(BIN / "tarmac"), "render"]

    def run() -> None:
        for name in names:
            model = str(SYSTEMS / name / "tarmac.yaml")
            _run(*verb, model, "--env", environment, "--out", str(out / name))

    return seconds(run)


def _beside_pyyaml(ours: Callable[[], float], room: Path) -> tuple[float, float, int]:
    """Return the seconds of rendering, of PyYAML with the same files, and how many these are."""
    out, copied = room / "rendered", room / "copied"
    ours()  # the first run reads the disk
    shutil.copytree(out, copied)
    for path in copied.rglob("*.yaml"):
        if "{{" in path.read_text(encoding="utf-8"):  # a chart's template is no YAML yet
            path.unlink()
    files = sum(path.is_file() for path in out.rglob("*"))
    python = [sys.executable, "-c", LIKE_OURS, str(copied)]
    a, b = interleaved(ours, lambda: seconds(lambda: _run(*python)), rounds=ROUNDS)
    return a, b, files


def _kustomize(rendered: Path, room: Path) -> int:
    """Lay out each rendered object once, and a file that lists them; return how many."""
    room.mkdir()
    found: dict[tuple[str, ...], Any] = {}
    for path in sorted(rendered.rglob("*.yaml")):
        for manifest in yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader):
            name = manifest.get("metadata", {}).get("name") if isinstance(manifest, dict) else None
            if name and "kind" in manifest and "config.k8s.io" not in str(manifest["apiVersion"]):
                identity = (manifest["kind"], manifest["metadata"].get("namespace", ""), name)
                found.setdefault(identity, manifest)
    names = [f"{number}.yaml" for number in range(len(found))]
    for name, manifest in zip(names, found.values(), strict=True):
        (room / name).write_text(yaml.dump(manifest, Dumper=yaml.CSafeDumper), encoding="utf-8")
    (room / "kustomization.yaml").write_text(yaml.safe_dump({"resources": names}), encoding="utf-8")
    return len(found)


def _growth(room: Path) -> Iterator[Figure]:
    garbage.look_seldom()  # as the command does
    for few, many in pairwise(SIZES):
        times = many // few
        _written(_system(few), room)  # the first run imports
        a, b = interleaved(
            partial(_written, _system(many), room),
            partial(_written, _system(few), room),
            rounds=GROWTH_ROUNDS,
        )
        files = sum(path.is_file() for path in (room / str(many) / "deploy").rglob("*"))
        note = (
            f"loaded, planned, rendered and written to memory, {files} files; theirs: {few} "
            f"services, times {times}: 1 is linear growth; medians of {GROWTH_ROUNDS}"
        )
        yield Figure(f"{many:,} services rendered", "s", a, times * b, note)


def _written(model: tuple[int, bytes], room: Path) -> float:
    """Take a model of so many services from its text to files; return the seconds."""
    home = room / str(model[0])
    shutil.rmtree(home, ignore_errors=True)
    (home / "model").mkdir(parents=True)
    source = RenderSource(
        "tarmac.yaml", home / "model", "large", "production", "tarmac render large"
    )

    def run() -> None:
        system = load("tarmac.yaml", lambda _: model[1])
        plan = deploy(system, "production", registry.load(stores, "STORE"))
        made = collect.collect(plan, registry.load(render, "RENDERER"))
        folder.render(home / "deploy", source, made)

    return seconds(run)


def _system(count: int) -> tuple[int, bytes]:
    services = {}
    for number in range(count):
        services[f"service-{number}"] = {
            "run": ["python", "server.py"],
            "port": 8000 + number,
            "calls": [f"service-{callee}" for callee in range(number + 1, min(number + 3, count))],
            "stores": {"db": f"db-{number // 10}"},
            "env": {"DATABASE_URL": f"${{stores.db-{number // 10}.url}}"},
        }
    system = {
        "tarmac": 1,
        "system": "large",
        "services": services,
        "stores": {f"db-{number}": "postgres" for number in range(count // 10)},
        "environments": {"production": {"replicas": {"min": 3, "max": 9, "cpu": 70}}},
    }
    return count, yaml.safe_dump(system, sort_keys=False).encode()


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
