"""How long `tarmac drift` takes for a system of more than 300 objects, beside `kubectl diff`.

The cluster is an API server and its store on this machine, without nodes: what is compared are
objects. Needs .ci/apiserver; without, there is no figure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from bench.copies import BIN
from bench.figure import Absent, Figure, interleaved, seconds, sized

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import apiserver  # noqa: E402 - what the tests with an API server use

ROUNDS = sized(5, 1)
SERVICES = sized(50, 3)
#: Of kinds that a cluster has only with the program that defines them.
BUILT_IN = ("v1", "apps/v1", "autoscaling/v2", "batch/v1", "networking.k8s.io/v1", "policy/v1",
            "rbac.authorization.k8s.io/v1")  # fmt: skip


def measure() -> list[Figure]:
    """Return one figure: the wall time of both commands, in seconds."""
    programs = apiserver.home()
    if programs is None:
        raise Absent("there is no API server; .ci/apiserver brings one")
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        room = Path(name)
        (room / "tarmac.yaml").write_text(yaml.safe_dump(_system(), sort_keys=False))
        tarmac = str(BIN / "tarmac")
        env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
        _run(room, env, tarmac, "render", "--env", "kind", "--out", "tree")
        count = _lay_out(room / "tree/k8s", room / "objects")
        (room / "plane").mkdir()
        with apiserver.control_plane(programs, room / "plane") as plane:
            env["KUBECONFIG"] = str(plane.kubeconfig)
            by_hand = ("--server-side", "--filename", "objects")
            _run(room, env, "kubectl", "create", "namespace", "large")
            _run(room, env, "kubectl", "apply", "--field-manager=tarmac", *by_hand)

            def ours() -> float:
                return seconds(lambda: _run(room, env, tarmac, "drift", "--env", "kind"))

            def theirs() -> float:
                # 1: it tells of a generation that no change would lead to.
                argv = ("kubectl", "diff", "--field-manager=tarmac", *by_hand)
                return seconds(lambda: _run(room, env, *argv, ends=(0, 1)))

            ours(), theirs()  # the first run of each reads the disk
            a, b = interleaved(ours, theirs, rounds=ROUNDS)
    note = (
        f"{count} objects of {SERVICES} services, none of them different; theirs: `kubectl diff "
        f"--server-side`, rendering not counted; medians of {ROUNDS}"
    )
    return [Figure("drift of a cluster", "s", a, b, note)]


def _system() -> dict[str, object]:
    services = {
        f"service-{number}": {"run": ["python", "server.py"], "port": 8000 + number}
        for number in range(SERVICES)
    }
    kind = {"secrets": "script", "registry": "localhost/large", "replicas": {"min": 2, "max": 4}}
    return {"tarmac": 1, "system": "large", "services": services, "environments": {"kind": kind}}


def _lay_out(rendered: Path, folder: Path) -> int:
    """Copy the objects of kinds that every cluster has; return how many."""
    folder.mkdir()
    count = 0
    for path in sorted(rendered.rglob("*.yaml")):
        found = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        if found["apiVersion"] in BUILT_IN:
            shutil.copy(path, folder / f"{count}.yaml")
            count += 1
    return count


def _run(folder: Path, env: dict[str, str], *argv: str, ends: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(argv, cwd=folder, env=env, check=False, capture_output=True, text=True)
    if done.returncode not in ends:
        raise SystemExit(f"bench: {argv}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
