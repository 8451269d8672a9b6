"""S3: a bucket of objects, served from a folder by versitygw, as the cloud's own serves it.

Each store is a server of its own with one bucket. Its services are administrators of what it holds,
each with a key of its own; the server's users are changed over a socket that only its owner opens.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tarmac.base.launch import HttpProbe, Launch, Text, text
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Image,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.s3_bucket import ADMIN, FINGERPRINT, REGION, bucket, users

_HEALTH = "/health"
#: Locks are for several servers of one folder, and want to be written above the buckets.
ALONE = "--disable-object-lock-file"
#: In its own folder, by a short name: a relative path is written out, and can then be too long.
SOCKET = "/proc/self/cwd/admin.sock" if sys.platform == "linux" else "./admin.sock"


def _url(context: StoreContext, user: User) -> Text:
    address = f"@{context.host}:{context.ports['main']}/{bucket(context)}"
    return text(f"s3://{user.role}:", user.password, address)


def _endpoint(context: StoreContext, user: User) -> Text:  # noqa: ARG001 - the same for all
    return text(f"http://{context.host}:{context.ports['main']}")


def _server(context: StoreContext, options: tuple[str, ...], ready: int) -> Launch:
    return Launch(
        argv=(*options, "--quiet", "--keep-alive", f"--region={REGION}", f"--health={_HEALTH}"),
        env={"ROOT_ACCESS_KEY": text(ADMIN), "ROOT_SECRET_KEY": text(context.admin)},
        ready=HttpProbe(ready, _HEALTH),
        files=(users(context),),
        # It waits 10 s for clients that hold a connection.
        grace_s=15.0,
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    port = context.ports["main"]
    options = (
        *candidate.programs["server"],
        f"--port={context.host}:{port}",
        *(f"--admin-port={SOCKET}", "--socket-perm=0600", "--iam-dir={folder}/iam"),
    )
    server = _server(context, options, port)
    # Beside the objects: not every file system has extended attributes.
    served = ("posix", ALONE, "--sidecar={folder}/attributes", "{folder}/data")
    return replace(
        server,
        argv=(*server.argv, *served),
        folders=(f"{{folder}}/data/{bucket(context)}", "{folder}/attributes"),
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    # There the folder of its data is the bucket itself: no folder above it has to be written.
    options = ("--port=:9000", "--admin-port=/tmp/admin.sock", "--socket-perm=0600")
    server = _server(context, (*options, "--iam-dir=/tarmac/iam"), context.ports["main"])
    return Container(
        replace(server, argv=(*server.argv, "posix", ALONE, "/objects")),
        ports={"main": 9000},
        mounts={".": "/tarmac", "data": f"/objects/{bucket(context)}"},
        starts_as_root=False,
        user=65534,
        ready=HttpProbe(9000, _HEALTH),
    )


def _note(candidate: ProviderCandidate) -> str:  # noqa: ARG001 - as above
    return "versitygw answers, not the cloud's S3: every service may do all with what it holds"


STORE = StoreKind(
    id="s3",
    title="S3",
    ports={"main": None},
    clients="main",
    outputs={
        **outputs(_url, port="main"),
        "database": lambda context, _: text(bucket(context)),
        "endpoint": _endpoint,
        "bucket": lambda context, _: text(bucket(context)),
        "region": lambda *_: text(REGION),
    },
    providers=(
        Provider(
            "binary",
            # The socket for its administrator came with 1.4.
            {"server": Binary("versitygw", ("{cache}/programs/versitygw-*",), oldest="1.4")},
            _launch,
            get=(
                "put versitygw on PATH (github.com/versity/versitygw/releases, or "
                "go install github.com/versity/versitygw/cmd/versitygw@latest)"
            ),
            note=_note,
            title="versitygw",
        ),
        in_docker(Image("versity/versitygw", "v1.8.0"), _container, _note),
    ),
    external={"s3": 443, "http": 80, "https": 443},
    admin=ADMIN,
    snapshot=StoreSnapshot(("data", "attributes")),
    check="objects",
    fingerprint=FINGERPRINT,
)
