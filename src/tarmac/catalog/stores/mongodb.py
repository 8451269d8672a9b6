"""MongoDB: the machine's own server, or FerretDB, which speaks its protocol over SQLite."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

from tarmac.base.launch import ExchangeProbe, File, Launch, PostStartSetup, Text, text
from tarmac.catalog.stores.kind import (
    MONITOR,
    Binary,
    Container,
    Exporter,
    Fingerprint,
    Image,
    Provider,
    ProviderCandidate,
    Script,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.bson import message
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.mongodb_contents import contents, counts
from tarmac.catalog.stores.setup.mongodb_users import ADMIN, make, wanted

#: 6.0 had its last release in July 2025; 7.0 gets fixes until August 2027 (mongodb.com/legal).
OLDEST_ALIVE = (7, 0)
#: A laptop runs several stores: by itself it would take half of the memory that there is.
CACHE_GB = "0.25"
#: Makes a user that has one role in one database, or has it be so.
_USERS = """function user(name, password, role, db) {
  const database = server.getSiblingDB(db);
  const roles = [{ role, db }];
  const wanted = { pwd: password, roles, mechanisms: ["SCRAM-SHA-256"] };
  if (database.getUser(name)) database.updateUser(name, wanted);
  else database.createUser({ user: name, ...wanted });
}
"""


def _url(context: StoreContext, user: User) -> Text:
    # Directly: a server that names other addresses of itself would lead past the wire.
    address = f"@{context.host}:{context.ports['main']}/{context.database}?directConnection=true"
    if context.passwordless:  # FerretDB knows no name then
        return text(f"mongodb://{address.removeprefix('@')}")
    known_in = "&authSource=admin" if user.password == context.admin else ""
    return text(f"mongodb://{user.role}:", user.password, f"{address}{known_in}")


def _server(
    context: StoreContext, argv: tuple[str, ...], *files: File, roles: bool = True
) -> Launch:
    users = wanted(context, roles=roles)
    return Launch(
        argv=argv,
        ready=ExchangeProbe(
            context.ports["main"],
            expect=b"isWritablePrimary",
            send=message({"hello": 1, "$db": "admin"}),
        ),
        files=files,
        post_start=PostStartSetup(context.ports["main"], users, make, users.secrets),
        stop_signal="SIGTERM",
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    config = (
        f"net: {{bindIp: {context.host}, port: {context.ports['main']}, "
        "unixDomainSocket: {enabled: false}}\n"
        'storage: {dbPath: "{folder}", wiredTiger: {engineConfig: {cacheSizeGB: '
        f"{CACHE_GB}}}}}}}\n"
        f"security: {{authorization: {'disabled' if context.passwordless else 'enabled'}}}\n"
        "setParameter: {diagnosticDataCollectionEnabled: false}\n"
    )
    argv = (*candidate.programs["server"], "--config", "{folder}/mongod.conf")
    return _server(context, argv, File("mongod.conf", text(config)))


def _launch_ferretdb(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - as above
    argv = (
        *candidate.programs["server"],
        f"--listen-addr={context.host}:{context.ports['main']}",
        *("--handler=sqlite", "--sqlite-url=file:{folder}/", "--state-dir={folder}"),
        *("--debug-addr=-", "--telemetry=disable", "--log-level=WARN"),
        *(() if context.passwordless else ("--test-enable-new-auth",)),
    )
    if context.passwordless:
        return replace(_server(context, argv), post_start=None)
    env = {
        "FERRETDB_SETUP_DATABASE": text("admin"),
        "FERRETDB_SETUP_USERNAME": text(ADMIN),
        "FERRETDB_SETUP_PASSWORD": text(context.admin),
    }
    return replace(_server(context, argv, roles=False), env=env)


def _cache_gb(context: StoreContext) -> str:
    """Return how large its cache is: half of what is above 1 GiB, as it would say of a machine."""
    if context.size is None:
        return CACHE_GB
    return f"{max(0.25, (context.size.memory_bytes / 1024**3 - 1) / 2):.2f}"


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    # The first user cannot be made from outside the container: the image does it.
    env = {
        "MONGO_INITDB_ROOT_USERNAME": text(ADMIN),
        "MONGO_INITDB_ROOT_PASSWORD": text(context.admin),
    }
    server = _server(context, ("--wiredTigerCacheSizeGB", _cache_gb(context)))
    return Container(
        replace(server, env=env),
        ports={"main": 27017},
        mounts={"data": "/data/db"},
    )


def _script(context: StoreContext) -> Script:
    """Say to mongosh what a launch here says over a connection of its own."""
    admin = text(
        f"mongodb://{ADMIN}:", context.admin, f"@{context.host}:{context.ports['main']}/admin"
    )
    lines = [
        text(f'user("{name}", "', password, f'", "readWrite", "{context.database}");\n')
        for name, password in wanted(context, roles=True).users
    ]
    if context.monitor is not None:
        lines.append(
            text(f'user("{MONITOR}", "', context.monitor, '", "clusterMonitor", "admin");\n')
        )
    return Script(
        argv=("mongosh", "--nodb", "--norc", "--quiet", "--file", "/setup/setup.js"),
        files=(File("setup.js", text('const server = connect("', admin, '");\n', _USERS, *lines)),),
        # It keeps a history and settings of its own at home.
        env={"HOME": text("/tmp")},  # noqa: S108 - its own
    )


def _note(candidate: ProviderCandidate) -> str:
    old = () < candidate.numbers[:2] < OLDEST_ALIVE
    return f"MongoDB {candidate.version} is past its end of life" if old else ""


def _note_ferretdb(candidate: ProviderCandidate) -> str:
    return (
        f"FerretDB {candidate.version} answers, over SQLite, not MongoDB itself: of two changes of "
        "one document at once both may succeed, and its users may use every database of this store"
    )


STORE = StoreKind(
    id="mongodb",
    title="MongoDB",
    passwordless="here",
    ports={"main": None},
    clients="main",
    outputs=outputs(_url, port="main", database=True),
    providers=(
        Provider(
            "binary",
            {
                "server": Binary(
                    "mongod",
                    ("/opt/homebrew/opt/mongodb-community@*/bin", "/opt/mongodb*/bin"),
                    oldest="4.4",
                )
            },
            _launch,
            get="install MongoDB Community (mongodb.com/docs/manual/installation)",
            note=_note,
        ),
        Provider(
            "ferretdb",
            {
                "server": Binary(
                    "ferretdb", ("{cache}/programs/ferretdb-*",), oldest="1.20", below="2"
                )
            },
            _launch_ferretdb,
            get=(
                "put ferretdb 1.x on PATH (github.com/FerretDB/FerretDB/releases) and ask for it "
                "(--provider mongodb=ferretdb)"
            ),
            note=_note_ferretdb,
            title="FerretDB",
            # It reads, then writes: a change that names the version that it was made from is lost.
            on_request=True,
        ),
        in_docker(Image("mongo", "8.0"), _container, _note),
    ),
    external={"mongodb": 27017, "mongodb+srv": 27017},
    script=_script,
    exporter=Exporter(
        "mongodb-exporter",
        9216,
        "percona/mongodb_exporter",
        # In the pod itself: the connection never leaves it.
        {"MONGODB_URI": "mongodb://127.0.0.1:27017/admin", "MONGODB_USER": MONITOR},
        "MONGODB_PASSWORD",
        ("--collector.diagnosticdata",),
        assets=files("tarmac") / "assets" / "stores" / "mongodb",
    ),
    admin=ADMIN,
    reset=contents("main"),
    # The folder itself is the server's; in a container, and so in its folder, that is `data`.
    snapshot=StoreSnapshot(
        ("data", "WiredTiger*", "*.wt", "journal", "storage.bson", "*.sqlite*", "state.json"),
        same_numbers=2,
        keeps_password=True,
    ),
    statistics=counts("main"),
    substitutes=("postgres",),
    check="documents",
    fingerprint=Fingerprint(
        images=("mongo", "mongodb", "mongodb-community-server", "documentdb-local"),
        first=("MONGO_INITDB_ROOT_", "MONGODB_ROOT_"),
        numbered=("mongo", "mongodb", "mongodb-community-server"),
        schemes=("mongodb", "mongodb+srv"),
        port=27017,
        clients="mongoose|pymongo|mongodb|motor",
        stems=("MONGO", "MONGODB"),
        parts={"AUTHENTICATION_DATABASE": "database", "AUTH_SOURCE": "database"},
        path_is_database=True,
        before_options="&",
    ),
)
