"""Reads where Spring's files of settings expect servers: each of their keys is a variable, too.

`spring.datasource.url: jdbc:postgresql://localhost:5432/bills` is overridden by
SPRING_DATASOURCE_URL, so a file that names no variable can still be told of other addresses.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from tarmac.adopt.survey.found import Folder, Service, port_number
from tarmac.adopt.variables.variable_read import VariableRead, line_of

#: The file of the profile that runs where none is chosen, or what a server of settings has of it.
FILE = re.compile(r"(^|/)application\.(?:ya?ml|properties)$|^\.\./.*\.(?:ya?ml|properties)$")
#: Where its own port is.
PORT = "server.port"
_HERE = re.compile(r"(?:^|//|@)(?:localhost|127\.0\.0\.1)(?=[:/,]|$)")
#: A name without a dot may be a container's.
_NEAR = re.compile(r"(?://|@)[A-Za-z][\w-]*(?=[:/,]|$)|^[A-Za-z][\w-]*(?::\d+)?(?:,|$)")
#: The file of a profile that is chosen: application-dev.properties.
_OF_PROFILE = re.compile(r"(^|/)application-([\w-]+)\.(?:ya?ml|properties)$")
#: What a server of settings has for all programs, in a folder beside theirs.
_OF_A_SERVER = re.compile(r"(?i)^(?!.*\bsrc/)(?:.*/)?[\w-]*config[\w-]*/application\.")
#: Keys of servers: the group that begins alike, and what says where it is.
_GROUPS = re.compile(
    r"(spring\.(?:datasource(?:\.\w+)?|r2dbc|flyway|liquibase|(?:data\.)?redis|data\.mongodb|rabbitmq|"
    r"kafka(?:\.\w+)?|elasticsearch|mail|cassandra|neo4j))\."
    r"(url|jdbc-url|uri|uris|host|hosts|addresses|bootstrap-servers)"
)
#: Settings of a login that a broker asks for.
_OF_A_BROKER = ("spring.rabbitmq.username", "spring.rabbitmq.password")
#: What else such a group says, and what is read with it.
_PARTS = ("port", "username", "user", "password", "database", "authentication-database")


def handed_out(root: Folder, places: Iterable[str]) -> dict[str, str]:
    """Find what a server of settings (Spring Cloud Config) hands out: folder -> file.

    It has a file for each program, by the name that this gives itself.
    """
    names = {}
    asking = [f for f in root.files if "application." in f and FILE.search(f)]
    for file in asking:
        text = root.read(file) if "src/main/" in file else ""
        name = _flat(file, text).get("spring.application.name") if "configserver:" in text else None
        above = [place for place in places if file.startswith(f"{place}/")]
        if name and above:
            names[str(name)] = max(above, key=len)
    if not names:
        return {}
    ends = (".yml", ".yaml", ".properties")
    stems = {
        f: posixpath.splitext(posixpath.basename(f))[0] for f in root.files if f.endswith(ends)
    }
    for_all = [f for f, stem in stems.items() if stem == "application" and _OF_A_SERVER.search(f)]
    shared = dict.fromkeys(names.values(), for_all[0]) if len(for_all) == 1 else {}
    return shared | {names[stem]: file for file, stem in stems.items() if stem in names}


def with_handed_out(folder: Folder, handed: Mapping[str, str]) -> Folder:
    """Add to a program's files what it is handed; the server reads none of that for itself."""
    others = {posixpath.relpath(file, folder.path or ".") for file in handed.values()}
    own = [posixpath.relpath(handed[folder.path], folder.path)] if folder.path in handed else []
    files = (*(f for f in folder.files if f not in others), *own)
    return replace(folder, files=files) if handed else folder


def settings(file: str, content: str) -> Iterator[VariableRead]:
    """Yield the settings that name this machine, as the variables that override them."""
    if FILE.search(file):
        yield from _settings(file, content)


def of_profiles(folder: Folder) -> Iterator[VariableRead]:
    """Yield the same of the files of those profiles that a program has where none is chosen."""
    chosen = {
        name.strip()
        for file in folder.sources(".yml", ".yaml", ".properties")
        if FILE.search(file)
        for name in str(_flat(file, folder.read(file)).get("spring.profiles.active", "")).split(",")
    }
    for file in folder.sources(".yml", ".yaml", ".properties"):
        match = _OF_PROFILE.search(file)
        if match is not None and match[2] in chosen:
            yield from _settings(file, folder.read(file))


def _settings(file: str, content: str) -> Iterator[VariableRead]:
    known = _flat(file, content)
    for key, value in known.items():
        text, group = str(value), _GROUPS.fullmatch(key)
        where = _NEAR if group and not text.startswith("jdbc:h2") else _HERE
        if "${" in text or not (_HERE.search(text) or where.search(text)):
            continue
        names = [key, *(f"{group[1]}.{part}" for part in _PARTS)] if group else [key]
        if group or re.search(r"https?://(?:localhost|127\.0\.0\.1):\d+", text):
            for name in names:
                # Without a word it logs in as RabbitMQ's own guest.
                is_login = key.startswith("spring.rabbitmq") and name.endswith(
                    ("username", "password")
                )
                if name in known or is_login:
                    place = f"{file}:{_line(content, name if name in known else key)}"
                    yield VariableRead(variable(name), str(known.get(name, "")), place)


#: Servers that Spring looks for on this machine where no setting says where they are: what brings
#: its client, what code that uses it has, the group of its settings, and those with its place.
_DEFAULTS: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("starter-data-mongodb", "data.mongodb", "data.mongodb", {"uri": "mongodb://localhost/test"}),
    ("starter-data-redis", "data.redis", "data.redis", {"host": "localhost", "port": "6379"}),
    ("starter-amqp", "amqp.rabbit", "rabbitmq", {"host": "localhost", "port": "5672"}),
    ("spring-kafka", "kafka", "kafka", {"bootstrap-servers": "localhost:9092"}),
)
#: What says where a server is, of its settings; one for a part of its clients leaves the others.
_SAYS_WHERE = "url|uri|host|address|bootstrap-servers|cluster|sentinel|nodes"
_BOOT = re.compile(
    r"spring-boot-starter-parent</artifactId>\s*<version>(\d)|"
    r"org\.springframework\.boot['\")]*\s*version\s*['\"](\d)"
)


def defaults(folder: Folder) -> Iterator[VariableRead]:
    """Yield the settings that a program has without a word, where its build file has the client."""
    file = folder.has("pom.xml", "build.gradle", "build.gradle.kts")
    text = folder.read(file) if file else ""
    if "spring-boot" not in text:
        return
    boot = _BOOT.search(text)
    major = int(boot[1] or boot[2]) if boot else 3
    settings_files = [
        f for f in folder.sources(".yml", ".yaml", ".properties") if "application" in f
    ]
    said = "\n".join(key for f in settings_files for key in _flat(f, folder.read(f)))
    sources = [file for file in folder.sources(".java", ".kt") if "src/main/" in file]
    for starter, package, group, parts in _DEFAULTS:
        last = group.rpartition(".")[2]
        where = rf"(?m)^spring\.(?:data\.)?{last}\.(?:{_SAYS_WHERE})"
        if starter not in text or re.search(where, said):
            continue
        if not any(f"org.springframework.{package}." in folder.read(file) for file in sources):
            continue
        is_plain = (last, major) in (("mongodb", 4), ("redis", 2))
        name = f"spring.{last if is_plain else group}"
        place = f"{file}:{line_of(text, text.index(starter))}"
        login = () if "uri" in parts or last == "kafka" else ("username", "password")
        for part, value in {**parts, **dict.fromkeys(login, "")}.items():
            yield VariableRead(variable(f"{name}.{part}"), value, place)


def variable(key: str) -> str:
    """Name the variable that overrides a setting."""
    return re.sub(r"[.-]", "_", key).upper()


def variable_of(name: str) -> str:
    """Name the variable for a setting that a container is given by its key: spring.redis.host."""
    is_key = re.fullmatch(r"[a-z][\w-]*(?:\.[\w-]+)+", name)
    return variable(name) if is_key else name


def is_of_settings(place: str) -> bool:
    """Tell whether a place, as file:line, is in a file whose keys variables override."""
    file = place.rpartition(":")[0]
    return bool(FILE.search(file) or _OF_PROFILE.search(file))


def own_port(folder: Folder) -> int:
    """Read the port that a program's file of settings gives it; 0 for none."""
    files = (f for f in folder.sources(".yml", ".yaml", ".properties") if FILE.search(f))
    said = (port_number(_flat(file, folder.read(file)).get(PORT, "")) for file in files)
    return next(filter(None, said), 0)


def at_its_port(service: Service, folder: Folder, handed: Mapping[str, str]) -> Service:
    """Give a program the port that it is handed."""
    number = own_port(folder) if service.folder in handed else 0
    guesses = tuple(guess for guess in service.guesses if not guess.startswith("port "))
    ports = {**service.ports, "http": number}
    return replace(service, ports=ports, guesses=guesses) if number else service


#: Where Flyway looks for the steps that make the tables, and what says another place.
_STEPS = "src/main/resources/db/migration"
_STEP = re.compile(rf"(?:^|/){_STEPS}/V[\w.]+__[^/]+\.sql$")
_PLACES = "SPRING_FLYWAY_LOCATIONS"
_BUILDS = ("pom.xml", "build.gradle", "build.gradle.kts")


def with_steps(service: Service, root: Folder) -> Service:
    """Tell Flyway where its steps are that lie beside the program's folder, in no other program."""
    folder = root.below(service.folder)
    build = "\n".join(map(folder.read, filter(folder.has, _BUILDS)))
    own = any(map(_STEP.search, folder.files))
    settings = (folder.read(file) for file in folder.files if FILE.search(file))
    is_told = _PLACES in service.env or any("locations" in text for text in settings)
    if "flyway" not in build or "spring-boot" not in build or own or is_told:
        return service
    places = {posixpath.dirname(file) for file in root.files if _STEP.search(file)}
    above = [place.removesuffix(_STEPS).rstrip("/") for place in places]
    if len(places) != 1 or root.below(above[0]).has(*_BUILDS):
        return service
    (place,) = places
    there = f"filesystem:{posixpath.relpath(place, service.folder or '.')}"
    remark = f"Flyway's steps are in {place}, which its own settings do not say"
    env = {**service.env, _PLACES: there}
    return replace(service, env=env, remarks=(*service.remarks, remark))


def _flat(file: str, content: str) -> Mapping[str, Any]:
    """Read a file of settings by their keys; that of a profile alone counts for nothing."""
    if file.endswith(".properties"):
        pairs = re.findall(r"(?m)^[ \t]*([\w.\[\]-]+)[ \t]*[=:][ \t]*(.*?)[ \t]*$", content)
        return dict(pairs)
    try:
        documents = [*yaml.load_all(content, yaml.CSafeLoader)]
    except (yaml.YAMLError, ValueError):
        return {}
    found: dict[str, Any] = {}
    for document in documents:
        flat = dict(_leaves(document, ""))
        if not any(key.startswith("spring.config.activate") for key in flat) and not (
            flat.keys() & {"spring.profiles", "spring.profiles.0"}
        ):
            found |= flat
    return found


def _leaves(value: Any, above: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{above}.{key}" if above else str(key))
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        yield above, value


def _line(content: str, key: str) -> int:
    """Find the line of a key's last step, or of the whole key; the first one where neither is."""
    last = key.rpartition(".")[2]
    match = re.search(rf"(?m)^[ \t]*(?:[\w.-]*\.)?{re.escape(last)}[ \t]*[:=]", content)
    return content.count("\n", 0, match.start()) + 1 if match else 1
