"""What an OpenSearch node is started with: its settings, and what its users may do.

The files of its security plugin are read once, at the first start; users come and go later, so they
are written through the server once it is up. Only its administrator is in the files, by a password
that the plugin takes from the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.base.launch import File, Secret, Text, text
from tarmac.catalog.stores.kind import Fingerprint, Script, StoreContext

ADMIN = "tarmac"
#: The backend role of services.
SERVICE = "service"
#: Of a store that nothing outside this machine speaks to: Java wants one, and it guards nothing.
_PASS = "changeit"  # noqa: S105 - Java's own default

# `$0` is the folder, `$1` a java with its keytool beside it.
CERTIFICATES = f"""set -e
umask 077
mkdir -p "$0"
cd "$0"
keytool=$(dirname "$(readlink -f "$1")")/keytool
make() {{ "$keytool" "$@" -alias node -storetype PKCS12 -storepass {_PASS} >/dev/null 2>&1; }}
make -genkeypair -keystore node.p12 -keyalg EC -groupname secp256r1 -dname CN=node -validity 3650
make -exportcert -keystore node.p12 -file node.crt
make -importcert -noprompt -keystore trusted.p12 -file node.crt
"""
RUN = 'export OPENSEARCH_PATH_CONF="$PWD"; exec "$0"'
# Its configuration has to be a folder that it writes to.
RUN_INSIDE = f"""set -e
umask 077
conf=/tmp/opensearch
mkdir -p $conf/logs $conf/temporary
cp -RL /tarmac/*.yml /tarmac/*.properties /tarmac/jvm.options /tarmac/opensearch-security $conf
ln -sfn /usr/share/opensearch/data $conf/data
/bin/sh -c '{CERTIFICATES}' $conf/certificates /usr/share/opensearch/jdk/bin/java
OPENSEARCH_PATH_CONF=$conf exec /usr/share/opensearch/bin/opensearch
"""

_SETTINGS = """discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
plugins.security.ssl.transport.keystore_type: PKCS12
plugins.security.ssl.transport.keystore_filepath: certificates/node.p12
plugins.security.ssl.transport.keystore_password: {password}
plugins.security.ssl.transport.truststore_type: PKCS12
plugins.security.ssl.transport.truststore_filepath: certificates/trusted.p12
plugins.security.ssl.transport.truststore_password: {password}
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: false
plugins.security.allow_default_init_securityindex: true
plugins.security.restapi.roles_enabled: [all_access]
plugins.security.audit.type: noop
path.data: {folder}/data
path.logs: {folder}/logs
network.host: {host}
http.port: {http}
transport.port: {transport}
"""
# To its own output, which is kept; what it warns of at every start is of production.
_LOGGING = """appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
"""
_JAVA = """-Xms{memory}m
-Xmx{memory}m
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-Djava.net.preferIPv4Stack=true
18-:-Djava.security.manager=allow
-Djava.io.tmpdir={folder}/temporary
"""
#: Heap in MiB of a laptop's.
_HEAP_MIB = "256"
_SECURITY = {
    "action_groups": ("actiongroups", ""),
    "tenants": ("tenants", ""),
    "nodes_dn": ("nodesdn", ""),
    "allowlist": ("allowlist", "config: {enabled: false}\n"),
    "whitelist": ("whitelist", "config: {enabled: false}\n"),
    "audit": ("audit", "config: {enabled: false}\n"),
    "internal_users": (
        "internalusers",
        f'{ADMIN}: {{hash: "${{envbc.ADMIN}}", reserved: true, backend_roles: [admin]}}\n',
    ),
    "roles": (
        "roles",
        f"""{SERVICE}:
  cluster_permissions:
    ["indices:*", "cluster:monitor/*", "cluster:admin/ingest/*", "cluster:admin/script/*"]
  index_permissions: [{{index_patterns: ["*"], allowed_actions: ["indices:*"]}}]
""",
    ),
    "roles_mapping": (
        "rolesmapping",
        f"all_access: {{backend_roles: [admin]}}\n{SERVICE}: {{backend_roles: [{SERVICE}]}}\n",
    ),
    "config": (
        "config",
        """config:
  dynamic:
    http: {anonymous_auth_enabled: false}
    authc:
      passwords:
        http_enabled: true
        transport_enabled: true
        order: 0
        http_authenticator: {type: basic, challenge: true}
        authentication_backend: {type: intern}
""",
    ),
}


@dataclass(frozen=True)
class SearchUsers:
    """The users that a node is set up with, each with its password."""

    admin: Secret
    users: tuple[tuple[str, Secret], ...]

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """List every password."""
        return (self.admin, *(password for _, password in self.users))


def wanted(context: StoreContext) -> SearchUsers:
    """List the services' users."""
    users = tuple((user.role, user.password) for user in context.users)
    return SearchUsers(context.admin, users)


def config(
    context: StoreContext, folder: str, host: str, ports: Mapping[str, int]
) -> tuple[File, ...]:
    """Write its settings, and what its security plugin begins with."""
    memory = context.size.part(0.5) if context.size else _HEAP_MIB
    settings = _SETTINGS.format(
        folder=folder, host=host, http=ports["main"], transport=ports["nodes"], password=_PASS
    )
    return (
        File("opensearch.yml", text(settings)),
        File("log4j2.properties", text(_LOGGING)),
        File("jvm.options", text(_JAVA.format(memory=memory, folder=folder))),
        *(
            File(f"opensearch-security/{name}.yml", text(_meta(type_), rest))
            for name, (type_, rest) in _SECURITY.items()
        ),
    )


def _meta(type_: str) -> str:
    return f"_meta: {{type: {type_}, config_version: 2}}\n"


def script(context: StoreContext) -> Script:
    """Create the users in a container of its image, over the server's API."""
    users: list[Text] = []
    for user in context.users:
        value = ('","backend_roles":["', SERVICE, '"]}}')
        opening = f'{{"op":"add","path":"/{user.role}","value":{{"password":"'
        users.append(text("," if users else "", opening, user.password, *value))
    url = f"http://{context.host}:{context.ports['main']}/_plugins/_security/api/internalusers"
    login = text(f'user = "{ADMIN}:', context.admin, '"\n')
    ask = f"curl -fsS -K /setup/login -X PATCH -H Content-Type:application/json {url}"
    return Script(
        argv=("/bin/sh", "-c", f"exec {ask} --data @/setup/users.json"),
        files=(
            File("login", login),
            File("users.json", text("[", *(part for user in users for part in user), "]")),
        ),
    )


FINGERPRINT = Fingerprint(
    images=("opensearch", "elasticsearch", "elasticsearch-oss"),
    numbered=("opensearch",),
    schemes=("opensearch", "elasticsearch"),
    port=9200,
    clients=r"opensearch|elasticsearch",
    stems=("OPENSEARCH", "ELASTICSEARCH", "ELASTIC"),
    vague=("ES",),
    parts=dict.fromkeys(("URL", "ENDPOINT", "NODE", "NODES", "HOSTS"), "url"),
)
