"""OpenSearch: one node with its security plugin, from an unpacked archive or its image.

Every service has a user of its own. Certificates between nodes are made here; clients speak HTTP.
"""

from __future__ import annotations

from dataclasses import replace

from tarmac.base.launch import (
    Command,
    File,
    FileTree,
    HttpProbe,
    Launch,
    PostStartSetup,
    Text,
    text,
)
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Image,
    InstalledFolder,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.opensearch import set_up
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.opensearch_users import (
    ADMIN,
    CERTIFICATES,
    FINGERPRINT,
    RUN,
    RUN_INSIDE,
    config,
    script,
    wanted,
)

#: It answers without a login, with an error until the users are loaded.
_HEALTH = "/_plugins/_security/health"


def _url(context: StoreContext, user: User) -> Text:
    return text(f"http://{user.role}:", user.password, f"@{context.host}:{context.ports['main']}")


def _server(context: StoreContext, argv: tuple[str, ...], files: tuple[File, ...]) -> Launch:
    port, users = context.ports["main"], wanted(context)
    return Launch(
        argv=argv,
        env={"ADMIN": text(context.admin)},
        ready=HttpProbe(port, _HEALTH),
        files=files,
        post_start=PostStartSetup(port, users, set_up, users.secrets),
        grace_s=20.0,
        ready_within_s=180.0,
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    make = ("/bin/sh", "-c", CERTIFICATES, "{tree}", *candidate.programs["java"])
    argv = ("/bin/sh", "-c", RUN, f"{candidate.programs['home'][0]}/bin/opensearch")
    return replace(
        _server(context, argv, config(context, "{folder}", context.host, context.ports)),
        folders=("{folder}/data", "{folder}/logs", "{folder}/temporary"),
        trees=(FileTree("certificates", "opensearch-certificates", Command(make)),),
        refuses_root=True,
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    inside = {"main": 9200, "nodes": 9300}
    files = config(context, "/tmp/opensearch", "0.0.0.0", inside)  # noqa: S108 - its own
    return Container(
        _server(context, ("/bin/sh", "-c", RUN_INSIDE), files),
        ports={"main": inside["main"]},
        mounts={".": "/tarmac", "data": "/usr/share/opensearch/data"},
        starts_as_root=False,
        user=1000,  # the image's own
        ready=HttpProbe(inside["main"], _HEALTH),
    )


def _note(candidate: ProviderCandidate) -> str:  # noqa: ARG001 - as above
    return "OpenSearch answers: Elasticsearch's own clients since 7.14 refuse it"


STORE = StoreKind(
    id="opensearch",
    title="OpenSearch",
    ports={"main": None, "nodes": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "binary",
            {
                "home": InstalledFolder(
                    "OPENSEARCH_HOME",
                    "plugins/opensearch-security/opensearch-security-*.jar",
                    folders=(
                        "{cache}/programs/opensearch-*",
                        *("/opt/opensearch", "/opt/opensearch-2*"),
                        "/usr/share/opensearch",
                    ),
                    oldest="2.12",  # the first that takes a password from its environment
                ),
                "java": Binary("java", version=("-version",), oldest="17"),
            },
            _launch,
            get="set OPENSEARCH_HOME to an unpacked OpenSearch 2 with its security plugin "
            "(opensearch.org/downloads) and have java 17 on PATH",
            note=_note,
        ),
        in_docker(Image("opensearchproject/opensearch", "2.19.4"), _container, _note),
    ),
    external={"http": 9200, "https": 443},
    script=script,
    admin=ADMIN,
    snapshot=StoreSnapshot(refuses_root=True),
    check="search",
    fingerprint=FINGERPRINT,
)
