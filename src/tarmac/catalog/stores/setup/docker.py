"""A store's server in a container that Docker runs here; shared by the kinds that have an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tarmac.base.launch import File, Launch, text
from tarmac.catalog.stores.kind import (
    Container,
    ContainerFactory,
    Image,
    Provider,
    ProviderCandidate,
    StoreContext,
    no_note,
)

#: The program's name for a candidate that is a container image: the Docker client.
DOCKER = "docker"
#: What to do where no daemon answers.
GET_DOCKER = "start Docker, so that `docker info` answers"
#: The first start fetches the image.
PULL_WITHIN_S = 600.0
# `docker run` passes signals on, but a killed one leaves its container behind, which holds port and
# data: the next start removes it first. The data stays its user's own by that user's id; a server
# that finds itself root in the container gives that up by itself, or need not.
_RUN = """umask 077
mkdir -p data
"$0" rm --force "$1" $(cat container 2>/dev/null) >/dev/null 2>&1
rm -f container
user=$(id -u):$(id -g)
@ROOT@
name=$1
shift
exec "$0" run --rm --init --name "$name" --cidfile container ${user:+--user "$user"} "$@"
"""
_NOT_ROOT = '[ "$user" = 0:0 ] && user=\n'


def in_docker(
    image: Image,
    container: ContainerFactory,
    note: Callable[[ProviderCandidate], str] = no_note,
) -> Provider:
    """Offer a kind's server from an image."""

    def launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
        return _launch(context, candidate, container(context, candidate, fast))

    return Provider(DOCKER, {DOCKER: image}, launch, GET_DOCKER, note=note, container=container)


def _launch(context: StoreContext, candidate: ProviderCandidate, container: Container) -> Launch:
    """Translate a container's launch to arguments of `docker run`.

    Its env goes there by a file, since every user of the machine can read a command line.
    """
    launch = container.launch
    published = [
        ("-p", f"{context.host}:{context.ports[name]}:{inside}")
        for name, inside in container.ports.items()
        if name in context.ports  # others are its pages, for a cluster and Compose
    ]
    mounted = [("-v", f"{{folder}}/{path}:{inside}") for path, inside in container.mounts.items()]
    env = [text(f"{name}=", value, "\n") for name, value in sorted(launch.env.items())]
    run = _RUN.replace("@ROOT@\n", _NOT_ROOT if container.starts_as_root else "")
    return replace(
        launch,
        argv=(
            *("/bin/sh", "-c", run, *candidate.programs[DOCKER]),
            f"tarmac-{context.name}-{next(iter(context.ports.values()))}",
            *("--env-file", "{folder}/container.env"),
            *(part for pair in (*published, *mounted) for part in pair),
            candidate.image,
            *launch.argv,
        ),
        env={name: text(value) for name, value in candidate.env.items()},
        files=(*launch.files, File("container.env", text(*env))),
        in_container=True,
        ready_within_s=PULL_WITHIN_S,
    )
