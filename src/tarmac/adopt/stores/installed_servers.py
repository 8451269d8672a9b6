"""Servers that no store kind is for: services that start what people have installed.

`compose_containers` asks. A search engine keeps its data in a folder of its own, takes its place
from variables, and shares one key with the programs that ask it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service, valid_name


@dataclass(frozen=True)
class InstalledServer:
    """A server as it is started by its own program."""

    title: str
    images: tuple[str, ...]
    program: str
    #: How people get the program.
    get: str
    port: int
    #: The variables that say where it listens, and where its data is.
    listens: str
    data: str
    #: The variable of the key that its programs have, too.
    key: str
    probe: str
    env: Mapping[str, str]


SERVERS = (
    InstalledServer(
        title="Meilisearch",
        images=("meilisearch",),
        program="meilisearch",
        get="brew install meilisearch, or github.com/meilisearch/meilisearch/releases",
        port=7700,
        listens="MEILI_HTTP_ADDR",
        data="MEILI_DB_PATH",
        key="MEILI_MASTER_KEY",
        probe="/health",
        env={"MEILI_NO_ANALYTICS": "true"},
    ),
    InstalledServer(
        title="Typesense",
        images=("typesense",),
        program="typesense-server",
        get="brew install typesense/tap/typesense-server, or typesense.org/docs/guide",
        port=8108,
        listens="TYPESENSE_API_PORT",
        data="TYPESENSE_DATA_DIR",
        key="TYPESENSE_API_KEY",
        probe="/health",
        env={"TYPESENSE_API_ADDRESS": "127.0.0.1"},
    ),
)


def of_image(image: str) -> InstalledServer | None:
    """Find the server that an image holds; None for another one."""
    name = servers.name_of(image)
    return next((server for server in SERVERS if name in server.images), None)


def service_of(
    own: str, server: InstalledServer, env: Mapping[str, str], words: tuple[str, ...]
) -> Service:
    """Make the service that starts a server as its container does.

    Args:
        env: the container's variables.
        words: its command, whose options may have the key.
    """
    name = valid_name(own)
    told = re.search(r"--(?:master-key|api-key)[= ](\S+)", " ".join(words))
    key = env.get(server.key) or (told[1] if told and "$" not in told[1] else "")
    volume = f"{name}-data"
    needs = (
        f"needs {server.title}, which no store kind is for: {server.program} on PATH "
        f"({server.get}); `tarmac up --without {name}` starts the rest"
    )
    return Service(
        name=name,
        run=server.program,
        why=f"{own}'s image",
        ports={"http": server.port},
        known_as={server.port: "http"},
        port_variable=server.listens,
        env={**server.env, server.data: f"/{volume}", **({server.key: key} if key else {})},
        secrets=() if key else (server.key,),
        volumes={volume: volume},
        mounts={volume: f"/{volume}"},
        probe=server.probe,
        of_others=True,
        remarks=(needs,),
    )
