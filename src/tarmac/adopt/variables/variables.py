"""What each variable that a program's code reads is to hold: a reference, a value, a secret.

The rules of `VALUES` are asked in their order; the first one that knows a variable gives its value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, Store
from tarmac.adopt.survey.scene import Scene, store_for
from tarmac.adopt.variables import code, for_now, of_services
from tarmac.adopt.variables.addresses import rewritten
from tarmac.adopt.variables.modes import wanted_modes
from tarmac.adopt.variables.own_file import reads_its_file
from tarmac.adopt.variables.urls import BROWSER, FOR_PEOPLE, handed_on
from tarmac.adopt.variables.usual_values import insisted, left_empty, usual
from tarmac.adopt.variables.variable import GivenValues, Variable
from tarmac.adopt.variables.variable_read import VariableRead

#: What the runtime or the machine gives, and what tools of the trade read for themselves.
GIVEN = frozenset(
    {"PORT", "HOST", "SERVICE_NAME", "PATH", "HOME", "USER", "SHELL", "LANG", "TZ", "TMPDIR", "PWD"}
    | {"TERM", "CI", "NODE_ENV", "DEBUG", "NO_COLOR", "HOSTNAME", "LOGNAME", "EDITOR", "COLUMNS"}
)
#: Programs that make their tables as they start, if they are told to.
_MIGRATES = frozenset({"RUN_MIGRATIONS", "AUTO_MIGRATE", "MIGRATE_ON_START"})
#: What other companies hand out; a random value would only turn on what then fails.
_OF_OTHERS = re.compile(
    r"^(AWS|AZURE|GCP|GOOGLE|GITHUB|GITLAB|STRIPE|SENTRY|OPENAI|CLOUDFLARE|TWILIO|SENDGRID|SLACK|"
    r"DISCORD|PUSHER|MAIL|SES|SPARKPOST|REDIS|MEMCACHED|FACEBOOK|TWITTER|APPLE|OAUTH|OIDC|LDAP|MAILGUN|PUSHOVER|TELEGRAM)_|"
    r"(API_TOKEN|CLIENT_SECRET|BEARER_TOKEN)$|_CLOUDFLARE_"
)
#: How variables of frameworks begin that override settings of a server.
_FRAMEWORKS = ("SPRING_DATA_", "SPRING_")
#: Names for the address of a database past its pool of connections: here it has none.
_PAST_ITS_POOL = frozenset(
    {"DIRECT_URL", "DIRECT_DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_URL_UNPOOLED"}
)
#: So many variables at least begin with a program's own name.
MOST_BEGIN = 4
#: What a program signs or encrypts with: it needs a value.
_OWN_SECRET = re.compile(
    r"(\w+_)?(AUTH|SESSION|JWT|COOKIE|ENCRYPTION|SIGNING|CSRF)_?(SECRET|KEY|SALT)(_KEY)?$|"
    r"(APP_|DJANGO_|FLASK_)?SECRET(_KEY)?(_BASE)?$"
)
#: Any of these says at which port a server is.
_PLACES = frozenset({"url", "port", "address"})
_BROKER_OF_CELERY = re.compile(r"(?:\w+_)?CELERY_BROKER(?:_URL)?")


@dataclass
class SettledVariables:
    """What became of a program's variables."""

    env: dict[str, str]
    secrets: list[str]
    #: Those that have no value: name -> where it is read.
    missing: dict[str, str]
    optional: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)
    #: Values that its settings insist on and no file gives.
    assumed: list[str] = field(default_factory=list)
    #: Those that the program's own file has, and it reads by itself.
    of_its_file: list[str] = field(default_factory=list)


def settled_variables(
    service: Service,
    reads: Mapping[str, VariableRead],
    folder: Folder,
    scene: Scene,
    given: GivenValues,
) -> SettledVariables:
    """Settle the variables that a program's code reads, besides those that it has."""
    reads = for_now.as_insisted(reads, service.tasks.get("dotenv", ""))
    said = {name: given.value(name) or read.default or "" for name, read in reads.items()}
    clients = servers.chosen(servers.clients(folder), {**said, **service.env}, scene.kinds_there)
    found = SettledVariables(dict(service.env), list(service.secrets), dict(service.missing))
    known = {*service.env, *service.secrets, *GIVEN, service.port_variable}
    # What a file hands on from the shell, without a value, is read by the program all the same.
    handed = {n: VariableRead(n, None, place) for n, place in service.missing.items()}
    names = frozenset({**handed, **reads})
    bare = code.leaves_port_out(folder)
    about = {name: read.about for name, read in reads.items() if read.about}
    paths = handed_on(folder) if any(map(BROWSER.match, reads)) else frozenset()
    found.env = {**insisted(reads, given.value("DEBUG")), **found.env}
    modes = wanted_modes(folder, reads) | usual(folder, reads, clients)
    found.env |= {n: m for n, m in modes.items() if n not in known and not given.value(n)}
    known |= found.env.keys()
    for name, read in {**handed, **reads}.items():
        if service.env.get(name) == "" and read.default is None and not read.is_tested:
            # Its reader fills in what an example leaves empty: where its server is.
            variable = Variable(read, None, service, clients, scene, names, bare, about)
            found.env[name] = _of_a_store(variable) or left_empty(read, "") or ""
        elif name not in known:
            value = given.value(name)
            variable = Variable(read, value, service, clients, scene, names, bare, about, paths)
            _settle(variable, folder, given, found)
    if found.of_its_file:
        what = "of its own .env: list them under `secrets` for elsewhere"
        found.to_do.append(f"it reads {', '.join(found.of_its_file)} {what}")
    return found


def _settle(
    variable: Variable, folder: Folder, given: GivenValues, found: SettledVariables
) -> None:
    read, name = variable.read, variable.read.name
    value = _value(variable)
    secret = given.is_secret(name)
    if value is None and variable.given and not secret and not read.in_a_file:
        value = variable.given.replace("${", "$${")
    if value is not None:
        found.env[name] = value
    elif read.in_a_file or (secret and f"{name}_FILE" in variable.service.secret_files):
        found.optional.append(name)  # a second one would be another
    elif secret and (variable.given or not (read.default or _may_be_absent(variable))):
        if given.is_of_its_own(name) and reads_its_file(folder):
            found.of_its_file.append(name)  # a generated one would take its place
            return
        found.secrets.append(name)
        if given.is_of_its_own(name):
            what = f"copy {name} of {folder.path}/.env to the .env beside this file"
            found.to_do.append(what)
    elif (plain := left_empty(read, variable.given, folder)) is not None:
        found.env[name] = plain
    elif read.default is not None or _may_be_absent(variable) or _is_in_a_file(variable):
        found.optional.append(name)
    elif (value := for_now.of_field(read, variable.service.run, variable.scene.kinds)) is not None:
        found.env[name] = value
        found.assumed.append(f"{name} is {value}")
    else:
        found.missing.setdefault(name, read.place)


def _value(variable: Variable) -> str | None:
    return next((value for rule in VALUES if (value := rule(variable)) is not None), None)


def _is_in_a_file(variable: Variable) -> bool:
    """Tell whether it names the file that holds another variable's value."""
    return variable.read.name.removesuffix("_FILE") in variable.names - {variable.read.name}


def _may_be_absent(variable: Variable) -> bool:
    """Tell whether the program does without it, or it is a key of others': none is generated."""
    read = variable.read
    if _OWN_SECRET.match(read.name):
        return False
    is_empty = read.default == "" or variable.given == ""
    plain = re.sub(r"^SPRING_(?:DATA_)?", "", read.name.upper())
    return read.is_tested or (is_empty and bool(_OF_OTHERS.search(plain)))


def _of_encryption(variable: Variable) -> str | None:
    """A server here has no certificate, and is reached on this machine alone."""
    is_mode = re.search(r"(?:^|_)SSL_?MODE$", variable.read.name)
    receiver = variable.service.env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if variable.read.name == "OTEL_EXPORTER_OTLP_INSECURE" and not receiver.startswith("https"):
        return "true"  # traces are received here, too
    return "disable" if is_mode and "postgres" in variable.clients else None


def _of_migrations(variable: Variable) -> str | None:
    return "1" if variable.read.name in _MIGRATES and variable.given is None else None


def _of_its_text(variable: Variable) -> str | None:
    """It holds the address of something that is here."""
    # An example that leaves it empty says no more than one that has no line for it.
    text = variable.given or variable.read.default or ""
    name, by_code = variable.read.name, not variable.given
    written = text and rewritten(name, text, variable.service, variable.scene, by_code=by_code)
    if written and re.fullmatch(r"\$\{stores\.[\w-]+\.host\}", written):
        return _of_a_store(variable) or written  # it may be told no port
    return written if written != text else None


def _of_a_store(variable: Variable) -> str | None:
    """Its name says that it holds the address of a store, or a part of it."""
    known = _known_server(variable)
    if known is None:
        return None
    server, output = known
    scene = variable.scene
    store, parts = _own_store(server, variable), _told(server, variable)
    # A file that lists databases alone says nothing of the broker that the code insists on.
    read = variable.read
    if _is_made_of_parts(output, parts, variable):
        return None
    is_here = re.match(r"(?:localhost|127\.0\.0\.1)(?::\d|$)", read.default or "")
    insists = variable.given is None and (read.default is None or bool(is_here))
    insists = insists and not read.is_tested and not _hosts_like(server, scene)
    adds = scene.may_add or (server.broker and scene.broker is None and insists)
    adds = adds or _is_held(server, variable)
    if store is None and adds and server.kind in variable.clients:
        wanted = bool(parts & _PLACES) or ("host" in parts and not server.broker)
        store = store_for(server, variable.service, scene) if wanted else None
    if store is None or _logs_in_nowhere(output, parts, store, server, variable):
        return None
    said = variable.given if variable.given is not None else variable.read.default or ""
    if output == "host" and re.fullmatch(r"[\w.-]+:\d+", said):
        return servers.reference(store.name, "address", broker=store is scene.broker)
    is_bare = (variable.leaves_port_out and server.databases) or not parts & _PLACES
    if output == "host" and is_bare and store is not scene.broker:
        # Told no port, the program looks at the usual one: there is a store by its name alone.
        scene.names = True
        return store.name
    if variable.read.about.endswith("_PLACE"):
        end = f"/{servers.reference(store.name, 'database')}" if server.databases else ""
        place = servers.reference(store.name, "address", broker=store is scene.broker)
        return f"{place}{end}"
    if output == "url" and variable.read.by_jdbc and server.databases and server.seeds:
        return _by_jdbc(server, store, is_told_user="user" in parts)
    return servers.reference(store.name, output, broker=store is scene.broker)


def _is_made_of_parts(output: str, parts: set[str], variable: Variable) -> bool:
    """Tell whether a program does without an address, which it makes of its parts."""
    may_lack = variable.read.default == "None" or variable.read.is_tested
    is_whole = output == "url" and variable.given is None and may_lack
    return is_whole and {"host", "password", "database"} <= parts


def _of_a_usual_port(variable: Variable) -> str | None:
    """It holds a place on this machine alone, at the usual port of a server that it speaks to."""
    text = variable.given or variable.read.default or ""
    match = re.fullmatch(r"(?:localhost|127\.0\.0\.1):(\d{4,5})", text.strip())
    at_port = (s for s in servers.servers() if match and s.shows.port == int(match[1]))
    server = next((s for s in at_port if s.kind in variable.clients), None)
    if server is None or FOR_PEOPLE.search(variable.read.name):
        return None
    scene, store = variable.scene, _own_store(server, variable)
    if store is None and scene.adds(server):
        store = store_for(server, variable.service, scene)
    is_broker = store is scene.broker
    return servers.reference(store.name, "address", broker=is_broker) if store else None


def _is_held(server: servers.Server, variable: Variable) -> bool:
    """Tell whether a profile of the compose file has the server, and the program may want it.

    What it is given may be the address of another one.
    """
    said = variable.given or variable.read.default or ""
    scheme = said.partition("://")[0] if "://" in said else ""
    is_other = bool(scheme) and servers.of_scheme(scheme) != server
    return server.kind in variable.scene.held and not is_other and variable.scene.adds(server)


def _by_jdbc(server: servers.Server, store: Store, *, is_told_user: bool) -> str:
    """Write an address as JDBC's drivers take it: the login stands apart, or behind it."""
    scheme = next(s for s in server.shows.schemes if s in ("postgresql", "mysql"))
    host, port, database, user, password = (
        servers.reference(store.name, part)
        for part in ("host", "port", "database", "user", "password")
    )
    login = "" if is_told_user else f"?user={user}&password={password}"
    return f"jdbc:{scheme}://{host}:{port}/{database}{login}"


def _logs_in_nowhere(
    output: str,
    parts: set[str],
    store: Store,
    server: servers.Server,
    variable: Variable,
) -> bool:
    """Tell whether a login is one that a program does without, as the server of its file does."""
    if output not in ("user", "password") or not {"user", "password"} <= parts:
        return False
    is_open = server.passwordless and not (store.user or store.password or store.password_secret)
    is_empty = not variable.given and variable.read.default in ("", "None")
    return is_open and is_empty and not variable.scene.may_add


def _own_store(server: servers.Server, variable: Variable) -> Store | None:
    return variable.scene.own_store(server.kind, variable.service, variable.read.name)


def _hosts_like(server: servers.Server, scene: Scene) -> list[str]:
    """List the hosts that are not started here and may be a server of the kind."""
    return [host for host in scene.unknown_hosts if server.kind in host]


def _known_server(variable: Variable) -> tuple[servers.Server, str] | None:
    """Tell which server a variable is about: by its name, or by those beside it."""
    name = variable.read.name
    if name in _PAST_ITS_POOL and "DATABASE_URL" in variable.names:
        name = "DATABASE_URL"
    found = _by_its_name(name, variable)
    return found or servers.of_group(name, variable.names, variable.clients)


def _by_its_name(name: str, variable: Variable) -> tuple[servers.Server, str] | None:
    """Tell which server a name is about, with the program's own name in front of it or without."""
    own = f"{re.sub(r'[^A-Z0-9]+', '_', variable.service.name.upper())}_"
    if sum(other.startswith(own) for other in variable.names) >= MOST_BEGIN:
        name = name.removeprefix(own)  # NATS_SERVICE_DB_HOST of nats-service
    plain = name.removeprefix(_own_prefix(variable.names))
    name = variable.about.get(name, name)
    candidates = (name, plain, *(name.removeprefix(begin) for begin in _FRAMEWORKS))
    found = (servers.of_variable(candidate, variable.clients) for candidate in candidates)
    server, output = next(filter(None, found), (None, ""))
    if server is None:
        return None
    # Beside its user and its password, DATABASE is the database's name.
    login = any(f"{name}_{end}" in variable.names for end in ("USER", "USERNAME"))
    is_name = output == "url" and name in (*server.shows.stems, *server.shows.vague)
    if is_name and login and f"{name}_PASSWORD" in variable.names and server.databases:
        return server, "database"
    return server, output


def _own_prefix(names: frozenset[str]) -> str:
    """Find what nearly all variables of a program begin with, its own name: PAPERLESS_."""
    first = Counter(name.partition("_")[0] for name in names if "_" in name)
    prefix, many = next(iter(first.most_common(1)), ("", 0))
    return f"{prefix}_" if many >= MOST_BEGIN and many * 2 > len(names) else ""


def _told(server: servers.Server, variable: Variable) -> set[str]:
    """List the parts of the address of a server of the kind that the program can be told."""
    known = [_by_its_name(name, variable) for name in variable.names]
    if not any(found and found[0] == server for found in known):  # they only begin alike
        grouped = (variable.names, variable.clients)
        known = [servers.of_group(name, *grouped) for name in variable.names]
    return {found[1] for found in known if found and found[0] == server}


def _of_celery(variable: Variable) -> str | None:
    """Where Celery's broker is: it has one, whatever its variable is by default."""
    scene, said = variable.scene, variable.given or variable.read.default or ""
    if not _BROKER_OF_CELERY.fullmatch(variable.read.name) or said not in ("", "None"):
        return None
    if scene.broker is None and (store := scene.only_store("redis")):
        return servers.reference(store.name, "url")
    kind = "redis" if scene.broker is None and "redis" in variable.clients else "rabbitmq"
    if scene.broker is not None and scene.broker.kind != kind:
        return None
    store = scene.broker or store_for(servers.of_kind(kind), variable.service, scene)
    return servers.reference(store.name, "url", broker=store is scene.broker) if store else None


VALUES = (
    *(
        _of_migrations,
        _of_encryption,
        _of_its_text,
        _of_a_store,
        _of_celery,
        of_services.of_a_service,
    ),
    *(
        _of_a_usual_port,
        of_services.of_its_own_place,
        of_services.of_the_pages,
        of_services.of_its_container,
    ),
)
