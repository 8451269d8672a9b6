"""Reads a program's own files of settings: YAML, JSON, TOML, INI.

`code` and `named_servers` ask. A library that lets variables override such a file gives
variables, which `code` lists with the others; the rest is what the file says by itself.
"""

from __future__ import annotations

import configparser
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import yaml

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, port_number
from tarmac.adopt.variables import hocon
from tarmac.adopt.variables.variable_read import VariableRead, line_of
from tarmac.base.dotenv import parse
from tarmac.base.foreign.data import from_json

#: Files of settings by their names, or by the folder that they are in.
_NAMED = re.compile(
    r"(?i)(^|/)(conf|configs?|configurations?|settings?|etc)/[^/]+$|(^|/)[^/]*(config|settings|database|ormconfig)[^/]*$"
)
_ENDS = (".yml", ".yaml", ".json", ".jsonc", ".toml", ".ini", ".cfg", ".conf")
#: Settings of tools, not of the program.
_OF_TOOLS = re.compile(
    r"(^|/)(package(-lock)?|tsconfig[\w.-]*|jsconfig|nest-cli|composer|biome|renovate|_config|"
    r"(docker-)?compose[\w.-]*|kustomization|application[\w-]*|bootstrap[\w-]*|mkdocs|"
    r"[\w-]*lint[\w.-]*|[\w.-]*lock|alembic|pyproject|Cargo|setup|pytest|tox)\.\w+$|"
    r"(^|/)(k8s|kube|kubernetes|manifests?|charts?|deploy\w*|monitoring|ansible|terraform|docker|dev)/"
)
_EXAMPLE_ENDS = (".dist", ".example", ".sample", ".template")
MOST_FILES = 30
#: What marks a file that stands for one that git does not keep.
_EXAMPLE = re.compile(r"[.-](?:dist|example|sample|template)(?=\.|$)")
SOURCES = (".py", ".js", ".mjs", ".cjs", ".ts", ".go", ".java", ".kt")
_HERE = re.compile(r"(?:localhost|127\.0\.0\.1)(?::(\d{2,5}))?")
_HOSTS = ("host", "hostname", "server", "servers", "brokers", "addr", "address")
#: Groups of settings about the program itself, and their keys for where it listens.
_OF_ITSELF = frozenset(
    {"server", "web", "app", "application", "http", "httpserver", "api", "rest"}
    | {"echo", "gin", "fiber", "express", "deployment"}
)
_LISTENS = frozenset(
    {
        "port",
        "httpport",
        "http_port",
        "http-port",
        "listen",
        "addr",
        "address",
        "bind",
        "listenaddr",
    }
)
_LISTENING = re.compile(r"((?:localhost|127\.0\.0\.1|0\.0\.0\.0)?:)?(\d{4,5})")
#: Words of files that are for another place than the one where people work.
ELSEWHERE = re.compile(r"prod|stag|test|e2e|\bci\b|deploy|docker|release|spec|heroku|cloud")
_DEPTH = 6
#: What JSON itself has not, though many programs take it: a remark, a comma before the end. The
#: first group is a text, in which neither counts.
_REMARK = re.compile(r"(\"(?:\\.|[^\"\\\n])*\")|//[^\n]*|/\*[\s\S]*?\*/|,(?=\s*[}\]])")
_BOUND = re.compile(r"\.(?:BindEnv|SetDefault)\(\s*\"([\w-]+(?:\.[\w-]+)+)\"")
#: How a library names the variable of a key, by its steps; "" where none reaches it.
_Naming = Callable[[tuple[str, ...]], str]
#: viper: it lets variables override a file, by a key's steps.
_AUTOMATIC = re.compile(r"\.AutomaticEnv\(\)")
_PREFIX = re.compile(r"\.SetEnvPrefix\(\s*\"(\w+)\"\s*\)")
_REPLACES = re.compile(r"\.SetEnvKeyReplacer\(\s*strings\.NewReplacer\(([^)]*)\)")
#: A file of variables that it reads as one of settings: `config/envs/dev.env`.
_OF_VARIABLES = re.compile(r"\.SetConfigType\(\s*\"(?:env|dotenv)\"\s*\)")
_CALLED = re.compile(r"\.SetConfigName\(\s*\"([\w-]+)\"\s*\)")
_PLACES = re.compile(r"\.AddConfigPath\(\s*\"(?:\./)?([\w./-]*)\"\s*\)")
_FILE = re.compile(r"\.SetConfigFile\(\s*\"(?:\./)?([\w./-]*\w\.env)\"\s*\)")
#: dynaconf: the same, with a prefix.
_DYNACONF = re.compile(r"\bDynaconf\(|\bLazySettings\(|\bFlaskDynaconf\(")
_DYNACONF_PREFIX = re.compile(r"envvar_prefix\s*=\s*(?:['\"](\w+)['\"]|(False))")
#: The crate `config`, which does the same where its code says so.
_CRATE = re.compile(r"config::Environment::(?:with_prefix\(\"(\w+)\"\)|default\(\))([^;]{0,300})")
#: koanf and figment: variables of a prefix, which they strip; what stands between the steps.
_STRIPPED = re.compile(
    r"\benv\.(?:Provider|ProviderWithValue)\(\s*\"(\w*)\"([\s\S]{0,300})|"
    r"\bEnv::prefixed\(\s*\"(\w*)\"\s*\)((?:\s*\.\w+\([^()\n]{0,40}\)){0,4})"
)
#: The address of a server here, as a whole.
_ADDRESS = re.compile(
    r"[a-z][\w+]*://(?:[^@/\s]*@)?(?:localhost|127\.0\.0\.1)(?::\d+)?(?:[/?]\S*)?"
)
_ENVIRONMENTS = frozenset({"default", "development", "production", "testing", "staging", "global"})


class OwnPort(NamedTuple):
    """Where a program listens by its own file of settings."""

    number: int
    #: file:line, from the folder.
    place: str
    #: The variable that overrides it; "": none does.
    variable: str
    #: It stands behind a host or a colon, and so does a value of the variable.
    is_address: bool


def copied(folder: Folder) -> dict[str, str]:
    """Write the task that copies the example of a file of settings that the program reads."""
    lines = []
    for file in folder.files:
        target = _EXAMPLE.sub("", file)
        if target == file or target in folder.files or not _is_of_settings(target):
            continue
        stem, name = posixpath.splitext(posixpath.basename(target))[0], posixpath.basename(target)
        wanted = re.compile(
            rf"[\"'`/]{re.escape(name)}[\"'`]|"
            rf"from ['\"]\.{{1,2}}/(?:\w+/)*{re.escape(stem)}['\"]"
        )
        go = re.compile(
            rf"SetConfigName\(\"{re.escape(stem)}\"\)|"
            rf"(?:Open|ReadFile|LoadFile|Load)\(\"(?:\./)?{re.escape(target)}\"|"
            rf"Sprintf\(\"%s/{re.escape(target)}\""
        )
        if any(
            (go if source.endswith(".go") else wanted).search(folder.read(source))
            for source in folder.sources(*SOURCES)
        ):
            lines.append(f"test -e {target} || cp {file} {target}")
    one, *others = lines or [""]
    line = " && ".join(f"({line})" for line in lines) if others else one
    return {"settings": line} if line else {}


def texts(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield the files of settings with their texts."""
    for file, content in contents(folder):
        if content is not None:
            yield file, folder.read(file)


def bound(file: str, content: str) -> Iterator[VariableRead]:
    """Read the keys of servers that a program of viper names in its code: BindEnv("db.host")."""
    named = _naming_of(content) if ".AutomaticEnv" in content else None
    if named is None:
        return
    found = {match[1]: match for match in _BOUND.finditer(content)}
    groups = {key.rpartition(".")[0] for key in found if key.lower().endswith((".host", ".server"))}
    for key, match in found.items():
        is_whole = key.rpartition(".")[2].lower() in ("url", "uri", "dsn")
        if (is_whole or key.rpartition(".")[0] in groups) and (
            name := named(tuple(key.split(".")))
        ):
            about = re.sub(r"\W", "_", "_".join(key.split(".")[-2:])).upper()
            place = f"{file}:{line_of(content, match.start())}"
            yield VariableRead(name, "", place, about=about)


def unreached(folder: Folder) -> frozenset[str]:
    """Name the variables that look as if they overrode a key, and that viper never asks for.

    It asks for `APP_REDIS.ADDR` where no replacer is set for the dots between a key's steps.
    """
    own = {file: folder.read(file) for file in folder.sources(".go")}
    text = next((text for text in own.values() if _AUTOMATIC.search(text)), "")
    named = _naming_of(text) if text else None
    if named is None:
        return frozenset()
    keys = {tuple(key.split(".")) for key in _BOUND.findall(text)}
    for _, content in contents(folder):
        keys |= {(*path, key) for path, group in groups(content, ()) for key in group}
    prefix = next((f"{m[1]}_" for m in [_PREFIX.search(text)] if m), "")
    names = {f"{prefix}{'_'.join(steps)}".upper() for steps in keys if not named(steps)}
    code = "".join(own.values()) if names else ""
    return frozenset(name for name in names if f'"{name}"' not in code)


def overriding(folder: Folder) -> Iterator[VariableRead]:
    """Yield the variables that override what a file of settings says of a server here."""
    named = _naming(folder)
    if named is None:
        return
    for file, content in contents(folder):
        text = folder.read(file)
        for path, group in groups(content, ()):
            keys = (key for key in group if key.lower() in _HOSTS)
            host = next((k for k in keys if _is_here(group[k]) or _is_known(path, group[k])), "")
            whole = [key for key in group if _ADDRESS.fullmatch(str(group[key]))]
            for key in group if host else whole:
                if name := named((*path, key)):
                    value = str(group[key])
                    place = f"{file}:{_line(text, key, value)}"
                    about = re.sub(r"\W", "_", "_".join((*path[-1:], key))).upper()
                    yield VariableRead(name, value, place, about=about)


def _is_known(path: tuple[str, ...], value: object) -> bool:
    """Tell whether a group's host is a container of the server that it is called for, by its port.

    `kafka: {host: "redpanda:9092"}`.
    """
    match = re.fullmatch(r"[a-z][\w-]*:(\d{4,5})", str(value))
    ports = (s.shows.port for s in servers.servers() if path and s.kind == path[-1].lower())
    return match is not None and int(match[1]) in ports


def own_port(folder: Folder) -> OwnPort | None:
    """Find where a file of settings says that the program itself listens; None without one."""
    named = _naming(folder)
    for file, content in contents(folder):
        if ELSEWHERE.search(file):
            continue
        for path, group in groups(content, ()):
            is_own = not path or path[-1].lower() in _OF_ITSELF
            key = next((k for k in group if k.lower() in _LISTENS), "") if is_own else ""
            match = _LISTENING.fullmatch(str(group[key])) if key else None
            if match is not None:
                place = f"{file}:{_line(folder.read(file), key, str(group[key]))}"
                variable = named((*path, key)) if named is not None else ""
                return OwnPort(port_number(match[2]), place, variable, is_address=bool(match[1]))
    return None


def for_here(service: Service, folder: Folder) -> Service:
    """Change a variable that chooses the file of settings for production or for a container.

    The first is left out; the second chooses the file that is for here.
    """
    env, remarks = dict(service.env), list(service.remarks)
    for name, value in service.env.items():
        if not name.upper().endswith(("ENV", "ENVIRONMENT", "MODE", "PROFILE", "STAGE")):
            continue
        if value in _PRODUCTION and (found := _chosen(folder, value)):
            del env[name]
            remarks.append(f"{name} is left out: it chooses {found[0]}, for production")
        elif value in _CONTAINERS and (found := _chosen(folder, value)):
            env[name] = found[1]
            remarks.append(f"{name} is not {value}: that chooses {found[0]}, for its container")
    return replace(service, env=env, remarks=tuple(remarks))


_PRODUCTION = ("prod", "production")
#: Words for the settings of a container, whose hosts are those of another network.
_CONTAINERS = ("docker", "container", "compose")
#: Words for the settings of this place, in order.
_OF_WORK = ("local", "dev", "development")


def _chosen(folder: Folder, value: str) -> tuple[str, str] | None:
    """Name the file that a value chooses and the word that chooses the one for this place.

    Returns:
        None where one of the two is not there.
    """
    names = {f: {*re.split(r"[-._/]", f)} for f, _ in contents(folder)}
    chosen = next((f for f, words in names.items() if value in words), "")
    here = next((w for w in _OF_WORK if any(w in words for words in names.values())), "")
    return (chosen, here) if chosen and here else None


def _naming(folder: Folder) -> _Naming | None:
    """Return how the library names the variable of a key, by its steps; None without one."""
    texts = (folder.read(file) for file in folder.sources(".go", ".py", ".rs"))
    return next(filter(None, map(_naming_of, texts)), None)


def _naming_of(text: str) -> _Naming | None:
    if _AUTOMATIC.search(text):
        prefix = next((f"{m[1].upper()}_" for m in [_PREFIX.search(text)] if m), "")
        said = _REPLACES.search(text)
        pairs = re.findall(r"\"([^\"]*)\"", said[1]) if said else []
        changes = dict(zip(pairs[::2], pairs[1::2], strict=False))
        return lambda steps: _by_viper(steps, prefix, changes)
    if _DYNACONF.search(text):
        match = _DYNACONF_PREFIX.search(text)
        begin = "DYNACONF_" if match is None else f"{match[1].upper()}_" if match[1] else ""
        return lambda steps: begin + "__".join(_plain(steps)).upper()
    if match := _STRIPPED.search(text):
        begin, behind = match[1] or match[3] or "", match[2] or match[4] or ""
        mark = "__" if '"__"' in behind else "_" if '"_"' in behind else ""
        return lambda steps: _by_crate(steps, begin, mark)
    if match := _CRATE.search(text):
        told = dict(re.findall(r"\.((?:prefix_)?separator)\(\"([^\"]+)\"\)", match[2]))
        between = told.get("separator", "")
        end = told.get("prefix_separator", between or "_")
        start = f"{match[1]}{end}" if match[1] else ""
        return lambda steps: _by_crate(steps, start, between)
    return None


def _by_crate(steps: tuple[str, ...], begin: str, between: str) -> str:
    is_reached = len(steps) == 1 or between
    return f"{begin}{between.join(steps)}".upper() if is_reached else ""


def _by_viper(steps: tuple[str, ...], prefix: str, changes: Mapping[str, str]) -> str:
    name = ".".join(steps)
    for old, new in changes.items():
        name = name.replace(old, new)
    return f"{prefix}{name}".upper() if re.fullmatch(r"\w+", name) else ""


def _plain(steps: tuple[str, ...]) -> tuple[str, ...]:
    return steps[1:] if steps[0].lower() in _ENVIRONMENTS else steps


def _is_of_settings(file: str) -> bool:
    if hocon.FILE.search(file):
        return True
    name = posixpath.basename(file)
    is_dotenv = name.startswith(".env") and not name.endswith((".yml", ".yaml", ".json", ".toml"))
    return bool(_NAMED.search(file)) and not is_dotenv and not _OF_TOOLS.search(file)


def contents(folder: Folder) -> Iterator[tuple[str, Any]]:
    """Read the files of settings; the example of one stands for it."""
    named = [
        f for f in folder.sources(*_ENDS, *_EXAMPLE_ENDS) if _is_of_settings(_EXAMPLE.sub("", f))
    ]
    for file in named[:MOST_FILES]:
        target = _EXAMPLE.sub("", file)
        if target.endswith(_ENDS) and (target == file or target not in folder.files):
            yield file, _of_this_place(_parsed(target, folder.read(file)))
    for file in of_variables(folder):
        yield file, parse(folder.read(file))[0]


def of_variables(folder: Folder) -> Iterator[str]:
    """Yield the files of variables, other than `.env`, that viper reads as settings."""
    for text in map(folder.read, folder.sources(".go")):
        named = _CALLED.findall(text) if _OF_VARIABLES.search(text) else ()
        places = _PLACES.findall(text) or ("",)
        said = [posixpath.join(place, f"{name}.env") for name in named for place in places]
        files = map(posixpath.normpath, (*said, *_FILE.findall(text)))
        yield from dict.fromkeys(file for file in files if folder.exists(file))


def _of_this_place(content: Any) -> Any:
    """Leave out of a file with a part for each environment those that are not for work."""
    if not (isinstance(content, dict) and isinstance(content.get("development"), dict)):
        return content
    others = _ENVIRONMENTS - {"default", "development", "global"}
    return {key: value for key, value in content.items() if key not in others}


def _parsed(file: str, text: str) -> Any:
    try:
        if hocon.FILE.search(file):
            return hocon.parsed(text)
        if file.endswith((".json", ".jsonc")):
            return from_json(_REMARK.sub(lambda match: match[1] or "", text))
        if file.endswith(".toml"):
            return tomllib.loads(text)
        if file.endswith((".yml", ".yaml")):
            return next(iter(yaml.load_all(text, yaml.CSafeLoader)), None)
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(text)
        return {name: dict(parser[name]) for name in parser.sections()}
    except (ValueError, yaml.YAMLError, configparser.Error, RecursionError):
        return None


def groups(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield every mapping of a file's content with the plain values in it."""
    if not isinstance(value, dict) or len(path) > _DEPTH:
        return
    plain = {str(k): v for k, v in value.items() if isinstance(v, str | int)}
    lone = {str(k): v[0] for k, v in value.items() if isinstance(v, list) and len(v) == 1}
    plain |= {k: v for k, v in lone.items() if isinstance(v, str)}  # brokers: [localhost:9092]
    if plain:
        yield path, plain
    for key, inner in value.items():
        yield from groups(inner, (*path, str(key)))


def _is_here(value: Any) -> bool:
    return isinstance(value, str) and _HERE.fullmatch(value) is not None


def _line(text: str, key: str, value: str) -> int:
    match = re.search(rf"(?m){re.escape(key)}[\"']?\s*[:=]\s*[\"']?{re.escape(value)}", text)
    return line_of(text, match.start()) if match else 1
