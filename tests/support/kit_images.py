"""Every kit service of the five systems as an image, from the one Dockerfile that ships."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import standins
from docker_here import Docker, NoDocker
from rendered import ROOT, plan_of

from tarmac.plan.cluster import Workload

DOCKERFILE = ROOT / "src/tarmac/assets/containers/Dockerfile"
SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")
#: Parts and extras: what tells one image from another.
Content = tuple[tuple[str, ...], tuple[str, ...]]
LABELS = {
    "SOURCE": "https://example.com/tarmac",
    "REVISION": "0123456789abcdef",
    "VERSION": "0.1.0",
}


def services() -> dict[Content, list[Workload]]:
    """List what there is to build, each with the services of the systems that run it."""
    found: dict[Content, list[Workload]] = {}
    for system in SYSTEMS:
        for each in plan_of(system, "compose").services:
            if each.parts:
                found.setdefault((each.parts, each.extras), []).append(each)
    # Each service once; with an extra, which is one layer more, only who is never without.
    plain = {parts for parts, extras in found if not extras}
    return {each: found[each] for each in found if not each[1] or each[0] not in plain}


def uv() -> Path:
    """Find the program that `make` uses."""
    found = ROOT / ".uv/bin/uv"
    if found.exists():
        return found
    known = shutil.which("uv")
    if known is None:
        raise NoDocker("there is no uv to build with; run make sync")
    return Path(known)


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
    each = [part for item in arguments.items() for part in ("--build-arg", "=".join(item))]
    # The machine's own network: the daemon has no rules that would lead out of another.
    argv = ("build", "--network", "host", "--file", str(DOCKERFILE), *each, "--tag", tag)
    docker.run(*argv, str(source))


def build_all(docker: Docker, at_once: int = 3) -> dict[Content, str]:
    """Build each once, and give it every name that a plan has for it."""

    def one(content: Content) -> tuple[Content, str]:
        first, *others = wanted[content]
        build(docker, first, first.image)
        for other in others:
            docker.run("tag", first.image, other.image)
        return content, first.image

    wanted = services()
    # The first one alone: the others find what it has installed.
    contents = iter(wanted)
    done = dict([one(next(contents))])
    with ThreadPoolExecutor(at_once) as pool:
        done |= dict(pool.map(one, contents))
    return done
