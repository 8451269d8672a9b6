"""Every kit service of the five systems as an image, from the one Dockerfile that ships."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import standins
from docker_here import Docker, NoDocker
from rendered import ROOT, plan_of

from tarmac.plan.cluster import Workload

DOCKERFILE = ROOT / "src/tarmac/assets/containers/Dockerfile"
AT_ONCE = 3
#: Before the name of an image, for the tests of the images themselves.
KEPT = "kept"
SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")
#: Parts and extras: what tells one image from another.
Content = tuple[tuple[str, ...], tuple[str, ...]]
LABELS = {
    "SOURCE": "https://example.com/tarmac",
    "REVISION": "0123456789abcdef",
    "VERSION": "0.1.0",
}


@cache
def services() -> dict[Content, list[Workload]]:
    """List what there is to build, each with the services of the systems that run it."""
    found: dict[Content, list[Workload]] = {}
    for system in SYSTEMS:
        for service in plan_of(system, "compose").services:
            if service.parts:
                found.setdefault((service.parts, service.extras), []).append(service)
    # Each service once; with an extra, which is one layer more, only who is never without.
    plain = {parts for parts, extras in found if not extras}
    return {image: found[image] for image in found if not image[1] or image[0] not in plain}


def uv() -> Path:
    """Find the program that `make` uses: itself, which an image can be given."""
    for known in (str(ROOT / ".uv/bin/uv"), shutil.which("uv")):
        if known and (found := uv_behind(known)):
            return found
    raise NoDocker("there is no uv to build with; run make sync")


def uv_behind(known: str) -> Path | None:
    """Find the program behind a name, which may be a script that chooses a version (pyenv's shims).

    uv names itself to what it runs. None where nothing runs.
    """
    ask = ("run", "--no-project", "--no-config", "--offline", "--python", sys.executable)
    try:
        done = subprocess.run(
            [known, *ask, "--", "printenv", "UV"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def build(
    docker: Docker,
    workload: Workload,
    tag: str,
    source: Path = ROOT,
    told: Mapping[str, str] | None = None,
) -> None:
    """Build the image of one service on the stand-ins."""
    arguments = {
        "BUILDER": standins.BUILDER,
        "RUNTIME": standins.RUNTIME,
        "SERVICE": " ".join(workload.parts),
        "EXTRAS": " ".join(workload.extras),
        "TITLE": workload.name,
        **LABELS,
        **(told or {}),
    }
    build_args = [part for item in arguments.items() for part in ("--build-arg", "=".join(item))]
    # The machine's own network: the daemon has no rules that would lead out of another.
    argv = ("build", "--network", "host", "--file", str(DOCKERFILE), *build_args, "--tag", tag)
    docker.run(*argv, str(source))


@dataclass(frozen=True)
class Images:
    """The images of one daemon: each is built once, when a test first asks for it.

    A deployment that a test makes gives the plan's name to another image: each has one of its own.
    """

    docker: Docker
    built: dict[Content, str] = field(default_factory=dict)

    def of(self, system: str) -> dict[Content, str]:
        """Give the names of what the services of a system need, by what is in them."""
        return self._with({c: s for c, s in services().items() if _are_of(system, s)})

    def all(self) -> dict[Content, str]:
        """Give the name of each service's image, by what is in it."""
        return self._with(services())

    def _with(self, wanted: dict[Content, list[Workload]]) -> dict[Content, str]:
        missing = iter([content for content in wanted if content not in self.built])
        # The first one alone: the others find what it has installed.
        if not self.built:
            self._build(next(missing))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._build, missing))
        return {content: self.built[content] for content in wanted}

    def _build(self, content: Content) -> None:
        """Build one, and give it every name that a plan has for it."""
        first, *others = services()[content]
        build(self.docker, first, first.image)
        kept = f"{KEPT}/{first.image}"
        for name in (kept, *(other.image for other in others)):
            self.docker.run("tag", first.image, name)
        self.built[content] = kept


def _are_of(system: str, workloads: list[Workload]) -> bool:
    return any(workload.image.startswith(f"{system}/") for workload in workloads)
