"""Ends a system with Docker Compose: its containers and networks; its data only when asked."""

from __future__ import annotations

from tarmac.run.compose import containers as c
from tarmac.run.compose import images
from tarmac.run.compose import release as releases
from tarmac.run.compose.project import Project
from tarmac.run.compose.running import ComposedSystem

#: For all services one after the other, each with its own grace period.
WITHIN_S = 900


def end(running: ComposedSystem) -> list[str]:
    """Stop and remove the containers, services before their stores; returns their names.

    Hooks of the end run where the files can be read, which takes the secrets.

    Raises:
        Refusal: Docker refused.
    """
    found = [one.name for one in running.containers()]
    argv: tuple[str, ...] = ("down", "--remove-orphans")
    if running.release.files and running.project.values.exists():
        running.project.lay_out()
        argv = running.project.argv(*argv)
    else:
        argv = ("compose", f"--project-name={running.release.project}", *argv)
    running.docker.run(*argv, within_s=WITHIN_S)
    return found


def delete(project: Project) -> list[str]:
    """Delete volumes, the record, the names of images and the secrets; returns what went."""
    docker, name = project.docker, project.release.project
    volumes = docker.lines("volume", "ls", "--quiet", "--filter", f"label={c.PROJECT}={name}")
    if volumes:
        docker.run("volume", "rm", *volumes)
    images.forget(docker, name, ())
    releases.forget(docker, name)
    project.remove()
    return [*(f"volume {volume}" for volume in volumes), str(project.folder)]
