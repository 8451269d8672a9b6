"""How large an image is, beside one stage on a whole Python image, as a first Dockerfile has it.

Both hold the same service from the same lock file. Theirs is what is written before anybody looks
at sizes: a base with compilers, the repository copied in, everything installed, every cache kept.
Both bases are stand-ins of Debian 13's own packages, since measuring asks no registry.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.figure import Absent, Figure, sized

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import docker_here  # noqa: E402 - what the tests with containers use
import kit_images  # noqa: E402
import standins  # noqa: E402

NAIVE = "tarmac-standin/python3-whole-debian13:1"
#: What the image `python:3.13` has of Debian's: compilers, headers, version control.
WHOLE = ("build-essential", "python3-dev", "python3-venv", "git", "curl", "wget", "ca-certificates")
FIRST = """\
FROM {base}
COPY . /app
WORKDIR /app
RUN uv sync --frozen --no-progress {packages}
CMD ["/app/.venv/bin/python", "-m", "tarmac_kit.serve", {parts}]
"""
MEGABYTE = 1e6


def _whole(docker: docker_here.Docker, scratch: Path) -> None:
    """Make the stand-in for a whole Python image: those packages and all that they need."""
    fetched, root = scratch / "whole", scratch / "whole-root"
    (fetched / "partial").mkdir(parents=True)
    # As if nothing were installed: then all that they need comes along.
    apt = ("apt-get", "--quiet", "--yes", *standins.apt(scratch / "packages"))
    what = ("-o", f"Dir::Cache::archives={fetched}", "install", "--download-only")
    subprocess.run([*apt, *what, *WHOLE, *standins.SHELL], check=True, capture_output=True)
    names = sorted(path.name.split("_")[0] for path in fetched.glob("*.deb"))
    standins.unpack(names, fetched, root)
    standins.tooled(root, kit_images.uv())
    standins.image(docker, NAIVE, root, *standins.TOOLED)


def measure() -> list[Figure]:
    """Return the size of each service's image; nothing where no daemon can be had."""
    found = []
    try:
        with tempfile.TemporaryDirectory() as made, docker_here.daemon() as docker:
            scratch = Path(made)
            standins.bases(docker, scratch, kit_images.uv(), scratch / "packages")
            _whole(docker, scratch)
            images = kit_images.Images(docker)
            for (parts, _), image in sized(images.all, partial(images.of, "starter"))().items():
                first = scratch / "Dockerfile"
                first.write_text(
                    FIRST.format(
                        base=NAIVE,
                        packages=" ".join(f"--package {part}" for part in parts),
                        parts=", ".join(f'"{part}"' for part in parts),
                    )
                )
                # No ignore file of ours: theirs takes what git has.
                source = scratch / "source"
                if not source.exists():
                    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
                naive = f"naive/{parts[0]}:1"
                argv = ("--network", "host", "--file", str(first), "--tag", naive, str(source))
                docker.run("build", *argv)
                found.append(
                    Figure(
                        f"image of {' + '.join(parts)}",
                        "MB",
                        docker.inspect(image)["Size"] / MEGABYTE,
                        docker.inspect(naive)["Size"] / MEGABYTE,
                        "theirs: one stage, a base with compilers, all of the repository, every "
                        f"cache; {standins.STAND_IN}",
                    )
                )
                docker.run("rmi", "--force", naive)
    except docker_here.NoDocker as error:
        raise Absent(str(error)) from error
    return found
