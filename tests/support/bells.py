"""A system of small programs that write down when they begin and are asked to end, as images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import on_one_machine
import standins
from docker_here import Docker
from on_one_machine import OneMachine

IMAGE = "bells/bell:0.1.0"
SERVER = """
import pathlib, os, signal, sys
notes = pathlib.Path(os.environ.get("NOTES", "/tmp")) / "events"
def note(what):
    with notes.open("a") as file:
        print(what, file=file)
def end(*_):
    note("TERM")
    sys.exit()
signal.signal(signal.SIGTERM, end)
note("starts")
while True:
    signal.pause()
"""
HEAD = """
tarmac: 1
system: bells
environments:
  compose: {}
services:
"""


def bells(docker: Docker, folder: Path, services: str) -> Iterator[OneMachine]:
    """Give a system of these services, and the image of `bell`; nothing of it up."""
    (folder / "image").mkdir()
    (folder / "image/bell.py").write_text(SERVER)
    lines = (f"FROM {standins.BUILDER}", "COPY bell.py /", 'CMD ["python3", "/bell.py"]')
    (folder / "image/Dockerfile").write_text("\n".join(lines) + "\n")
    docker.run("build", "--tag", IMAGE, str(folder / "image"))
    made = replace(on_one_machine.programs(docker, folder, "bells"), system="tarmac.yaml")
    made.folder.mkdir()
    model(made, services)
    yield made
    made("down", "--target", "compose", "--delete-data", "--yes")


def model(made: OneMachine, services: str) -> None:
    """Write the model of these services."""
    (made.folder / "tarmac.yaml").write_text(HEAD + services)
