"""Small code bases of others as `init` adopts them and `render` deploys them, with their images.

Their programs are those of tests/foreign, which listen on loopback alone: in a container they are
told where. What a registry would give is copied from this machine, and left out where it lacks it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import kit_images
import pytest
import standins
from docker_here import Docker
from sandbox import Sandbox

FOREIGN = Path(__file__).parents[1] / "foreign"
#: The version that `render` gives an image without another one.
VERSION = "0.1.0"


@dataclass(frozen=True)
class Form:
    """One code base."""

    language: str
    service: str
    #: What ends its Dockerfile, after the base image.
    dockerfile: str
    #: In its code: what it listens on, and where its container does.
    listens: tuple[str, str] | None = None
    file: str = ""
    #: Makes beside its code what its own package manager would.
    made: tuple[str, ...] = ()
    #: Variables that only its container has.
    env: Mapping[str, str] = field(default_factory=dict)


FORMS = {
    "links": Form(
        *("Python", "app"),
        "COPY app.py site /srv/\nWORKDIR /srv\nEXPOSE 5000\nENTRYPOINT []\n"
        'CMD ["python3", "-m", "flask", "--app", "app", "run", "--host", "0.0.0.0"'
        ', "--port", "5000"]\n',
        made=(
            *("UV", "pip", "install", "--quiet", "--target", "site", "--python-version", "3.13"),
            *("--only-binary", ":all:", "-r", "requirements.txt"),
        ),
    ),
    "quotes": Form(
        *("Go", "quotes"),
        'COPY quotes /quotes\nEXPOSE 8080\nENTRYPOINT []\nCMD ["/quotes"]\n',
        ('"127.0.0.1:" + env', 'env("HOST", "127.0.0.1") + ":" + env'),
        "main.go",
        ("go", "build", "-o", "quotes", "."),
        {"QUOTES_FILE": "/tmp/quotes.txt"},
    ),
    "notes": Form(
        *("Node", "notes"),
        "COPY runtime /\nCOPY package.json server.js /srv/\nCOPY node_modules /srv/node_modules\n"
        'WORKDIR /srv\nEXPOSE 3000\nENTRYPOINT []\nCMD ["/usr/bin/node", "server.js"]\n',
        ('"127.0.0.1"', 'process.env.HOST ?? "127.0.0.1"'),
        "server.js",
        ("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"),
    ),
}


def adopt(name: str, folder: Path) -> Sandbox:
    """Copy a code base with an image's Dockerfile, and let `init` write its file."""
    form = FORMS[name]
    place = folder / name
    unwanted = shutil.ignore_patterns("tarmac.yaml", "node_modules")
    shutil.copytree(FOREIGN / name, place, ignore=unwanted)
    (place / ".git").mkdir()
    (place / "Dockerfile").write_text(f"FROM {standins.RUNTIME}\n{form.dockerfile}")
    if form.listens:
        code = (place / form.file).read_text()
        assert form.listens[0] in code
        (place / form.file).write_text(code.replace(*form.listens))
    box = Sandbox(place)
    done = box.tarmac("init")
    assert done.returncode == 0, done.stdout + done.stderr
    env = "".join(f"\n      {form.service}: {{{k}: {v}}}" for k, v in form.env.items())
    more = f"\n    env:{env}" if env else " {}"
    with (place / "tarmac.yaml").open("a") as model:
        model.write(f"\nenvironments:\n  compose:{more}\n  kind: {{}}\n")
    return box


def build(docker: Docker, name: str, box: Sandbox) -> None:
    """Build its image, by the name that is rendered. Skips where a tool of it is not here."""
    form = FORMS[name]
    argv = [str(kit_images.uv()) if word == "UV" else word for word in form.made]
    if not shutil.which(argv[0]) or (form.language == "Node" and not shutil.which("node")):
        pytest.skip(f"{argv[0]} is not on PATH")
    made = subprocess.run(argv, cwd=box.folder, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"{argv[0]} cannot make {name}'s packages here: {made.stderr.strip()[-200:]}")
    if form.language == "Node":
        _runtime(Path(str(shutil.which("node"))), box.folder / "runtime")
    tag = f"{name}/{form.service}:{VERSION}"
    docker.run("build", "--tag", tag, str(box.folder))


def _runtime(program: Path, into: Path) -> None:
    """Copy a program and the libraries that it is linked with, as a file system."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True)
    libraries = [w for w in listed.stdout.split() if w.startswith("/")]
    target = into / "usr/bin/node"
    target.parent.mkdir(parents=True)
    target.hardlink_to(program.resolve())
    for library in libraries:
        # The base has libc, and the rest goes where its loader looks first of all.
        if not Path(library).name.startswith(("ld-", "libc.", "libm.", "libdl.", "libpthread.")):
            place = into / "usr/lib" / Path(library).name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
