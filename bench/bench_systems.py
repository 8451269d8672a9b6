"""What delivery and observability as code cost: each system rendered and verified with and without.

Ours is everything there is; theirs the same run without renderers and gates of delivery, GitOps,
canaries and observability, which is what there was before them. Both in one process, all
environments of a system: its file is read, planned and rendered; then written to a folder, or asked
by every gate. What programs of others check (`verify --tree`) is in neither.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.copies import SYSTEMS
from bench.figure import Figure, interleaved, seconds, sized

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import Artifact
from tarmac.catalog import stores
from tarmac.check import gates
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.verify.running import Suppressions, run
from tarmac.model.loader import load
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.render.collect import collect
from tarmac.render.renderer import Renderer
from tarmac.render.tree import folder
from tarmac.render.tree.folder import RenderSource

ROUNDS = sized(5, 1)
NAMES = sized(("shop", "travel", "trading", "hello-dd", "starter"), ("starter",))
#: The phases of what came later, and the two of their renderers that were there before.
LATER = {"delivery", "gitops", "observability"}
EARLIER = {"kustomize", "k8s-monitors"}
#: Canaries by a mesh are of its phase.
CANARIES = {"flagger", "CAN001", "CAN002", "CAN003", "CAN004"}
TODAY = dt.date(2026, 11, 1)


@dataclass(frozen=True)
class Parts:
    """What renders and what judges."""

    renderers: Mapping[str, Renderer]
    gates: tuple[Gate, ...]


def measure() -> list[Figure]:
    """Return two figures in seconds for each system."""
    now = Parts(registry.load(render, "RENDERER"), tuple(registry.load(gates, "GATE").values()))
    before = Parts(
        {
            name: renderer
            for name, renderer in now.renderers.items()
            if not _is_later(name, renderer.phase)
        },
        tuple(gate for gate in now.gates if not _is_later(gate.id, gate.phase)),
    )
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as room:
        return [figure for name in NAMES for figure in _of(name, now, before, Path(room))]


def _is_later(name: str, phase: str) -> bool:
    return (phase in LATER and name not in EARLIER) or name in CANARIES


def _of(name: str, now: Parts, before: Parts, room: Path) -> Iterator[Figure]:
    for what, act in (("rendered", _written), ("verified", _judged)):
        counts = [act(name, parts, room) for parts in (now, before)]  # and the disk is read
        ours, theirs = interleaved(
            partial(seconds, partial(act, name, now, room)),
            partial(seconds, partial(act, name, before, room)),
            rounds=ROUNDS,
        )
        of = "files" if what == "rendered" else "gates, those of each environment counted"
        note = (
            f"{counts[0]} {of}; theirs, before delivery and observability as code: {counts[1]}; "
            f"medians of {ROUNDS}"
        )
        yield Figure(f"{name} {what}", "s", ours, theirs, note)


def _made(
    name: str, parts: Parts
) -> Iterator[tuple[ClusterPlan, Mapping[str, tuple[Artifact, ...]]]]:
    system = load(str(SYSTEMS / name / "tarmac.yaml"), lambda path: Path(path).read_bytes())
    for environment in system.file.environments:
        plan = deploy(system, environment, registry.load(stores, "STORE"))
        yield plan, collect(plan, parts.renderers)


def _written(name: str, parts: Parts, room: Path) -> int:
    """Write all environments of a system to folders that are not there yet; count the files."""
    shutil.rmtree(room / name, ignore_errors=True)
    (room / name).mkdir()
    for plan, made in _made(name, parts):
        source = RenderSource("tarmac.yaml", room, name, plan.environment, f"tarmac render {name}")
        folder.render(room / name / plan.environment, source, made)
    return sum(path.is_file() for path in (room / name).rglob("*"))


def _judged(name: str, parts: Parts, _: Path) -> int:
    """Ask every gate of all environments of a system; count what was asked."""
    system = load(str(SYSTEMS / name / "tarmac.yaml"), lambda path: Path(path).read_bytes())
    return sum(
        1
        for plan, made in _made(name, parts)
        for _result in run(
            Subject(system, plan, tuple(file for files in made.values() for file in files), TODAY),
            parts.gates,
            Suppressions(),
        )
    )
