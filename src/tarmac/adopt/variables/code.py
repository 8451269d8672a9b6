"""Reads a program's source for what it wants from outside: variables, and where it listens.

Patterns, not parsers, and each of a limited reach, so that no text makes one slow. What they miss
is a line to add by hand, and what they find is named with its place so that a reader can check it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import class_validator, hocon, settings_files, spring_settings
from tarmac.adopt.variables.dotenv_files import is_secret
from tarmac.adopt.variables.settings_libraries import READERS
from tarmac.adopt.variables.variable_read import (
    VariableRead,
    is_comment,
    is_of_jdbc,
    line_of,
    part_of_address,
    place_in,
)

MOST_FILES = 400
#: Files of settings by their names: of a program with more files than are read they come first.
_OF_SETTINGS = re.compile(r"(?i)(?:^|/)(?:\w*config\w*|\w*settings|env(?:ironment)?)(?:/|\.\w+$)")
_RAILS = "config/database.yml"
#: Ends of files by the patterns that apply to them.
SCRIPT = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".vue", ".svelte")
ENDINGS = (
    *(*SCRIPT, ".py", ".go", ".java", ".kt", ".rs", ".rb", ".php", ".cs"),
    *(".properties", ".prisma"),
)

#: Files of programs that ask databases through JDBC.
_OF_JVM = (".java", ".kt", ".properties", ".yml", ".yaml")
_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
#: A default right behind: `, "x"`, `|| 'x'`, `?? x`, `or "x"`.
_TEXT = r"""(?:"([^"\n]*)"|'([^'\n]*)'|`([^`\n$]*)`|([0-9]+))"""
#: What stands between a variable and its default: `Number(process.env.PORT) || 3000`.
_AS_NUMBER = r"(?:(?:!|[ ]as[ ]string)?(?:,\s*10)?\))?"
_CONFIG = r"\b\w{0,40}[cC]onfig\w{0,40}"
_READS = {
    SCRIPT: (
        rf"process\.env\s*\.{_NAME}(?:{_AS_NUMBER}\s*(?:\|\||\?\?)\s*{_TEXT})?",
        rf"process\.env\[['\"]{_NAME}['\"]\](?:{_AS_NUMBER}\s*(?:\|\||\?\?)\s*{_TEXT})?",
        rf"import\.meta\.env\.(VITE_[A-Z0-9_]+)(?:\s*(?:\|\||\?\?)\s*{_TEXT})?",
        # NestJS: variables that are read by its ConfigService.
        (
            rf"{_CONFIG}\.get(?:OrThrow)?(?:<[^>]{{0,99}}>)?\(\s*['\"]([A-Z][A-Z0-9_]+)['\"]"
            rf"(?:\s*,\s*{_TEXT}|\)\s*(?:\|\||\?\?)\s*{_TEXT})?"
        ),
        rf"(?:Deno|Bun)\.env(?:\.get\(['\"]|\.){_NAME}",
        # The function for one that programs define themselves: getOsEnv('APP_NAME').
        rf"\b(?i:\w{{0,20}}env\w{{0,20}})\(\s*['\"]([A-Z][A-Z0-9_]{{2,}})['\"](?:\s*,\s*{_TEXT})?",
    ),
    (".py",): (
        rf"environ\[['\"]{_NAME}['\"]\]",
        rf"(?:environ\.get|getenv)\(\s*['\"]{_NAME}['\"](?:\s*,\s*{_TEXT})?",
        rf"(?:environ\.get|getenv)\(\s*['\"]{_NAME}['\"]\s*\)\s*or\s+{_TEXT}",
        rf"environ\.setdefault\(\s*['\"]{_NAME}['\"]\s*,\s*{_TEXT}",
        # The function for a default that programs define themselves: get_env("DATABASE_URL", "x").
        (
            rf"\b_{{0,2}}(?!(?i:set|del|put|un))(?i:get_\w{{0,20}}env\w{{0,20}}|env_\w{{1,20}})"
            rf"\(\s*['\"]([A-Z][A-Z0-9_]{{2,}})['\"]\s*,\s*{_TEXT}"
        ),
    ),
    (".go",): (
        rf"os\.(?:Getenv|LookupEnv)\(\"{_NAME}\"\)",
        # The function for a default that most programs define themselves.
        rf"\b(?i:\w{{0,40}}env\w{{0,40}})\(\s*\"{_NAME}\",\s*{_TEXT},?\s*\)",
        # A table of all settings.
        r"\"([A-Z]+_URL|RUN_MIGRATIONS)\":\s*\{",
        # But not `SetEnvPrefix("PODINFO")`, which reads no variable of that name.
        r"\b(?!SetEnvPrefix)(?i:\w{0,40}env\w{0,40})\([^\"\n()]{0,99}\"([A-Z][A-Z0-9_]+)\"\)",
    ),
    (".cs",): (
        rf"GetEnvironmentVariable\(\"{_NAME}\"\)",
        rf"{_CONFIG}\[\"([A-Z][A-Z0-9_]+)\"\]",
        rf"GetValue<[^>]{{0,99}}>\(\"([A-Z][A-Z0-9_]+)\"(?:,\s*{_TEXT})?",
    ),
    (".java", ".kt"): (
        rf"System\.getenv\(\"{_NAME}\"\)(?:\?\.\w{{1,20}}\(\))?\s*\?:\s*{_TEXT}",
        rf"getOrDefault\(\"{_NAME}\",\s*{_TEXT}",
        # A library's own reader, or a function of the program's: `dotenv.get("X")`, `env("X")`.
        (
            rf"\b(?i:\w{{0,20}}env\w{{0,20}})(?:\.get\w{{0,20}})?"
            rf"\(\s*\"([A-Z][A-Z0-9_]{{2,}})\"(?:\s*,\s*{_TEXT})?"
        ),
        rf"\b\w{{0,20}}[eE]nv\w{{0,20}}(?:\(\))?\[\"{_NAME}\"\](?:\s*\?:\s*{_TEXT})?",
    ),
    (".rs",): (
        rf"env::var(?:_os)?\(\"{_NAME}\"\)(?:\s*\.unwrap_or(?:_else)?\([^\"\n]{{0,99}}{_TEXT})?",
        # A function of the program's own: `env_var("DATABASE_URL")`, `get_env("X", "y")`.
        (
            rf"\b(?:env_\w{{1,20}}|\w{{1,20}}_env(?:_\w{{1,20}})?)"
            rf"\(\s*\"([A-Z][A-Z0-9_]{{2,}})\"(?:\s*,\s*{_TEXT})?"
        ),
    ),
    (".rb",): (rf"ENV\[['\"]{_NAME}['\"]\]", rf"ENV\.fetch\(['\"]{_NAME}['\"](?:,\s*{_TEXT})?"),
    (".php",): (rf"\b(?:get)?env\(\s*['\"]{_NAME}['\"](?:\s*,\s*{_TEXT})?",),
    (".prisma",): (rf"(?<!//)(?<!// )\b\w{{0,20}}[uU]rl\s*=\s*env\(\"{_NAME}\"\)",),
    (".properties", ".yml", ".yaml"): (r"\$\{([A-Z_][A-Z0-9_]*)(?::([^}]{0,999}))?\}",),
}
#: It asks whether the variable is there, or what it is: absent is an answer.
_OPTIONAL = re.compile(
    r"[oO]ptional\w*\(|_opt\(|\.ok\(|environ\.get|getenv\(|LookupEnv|process\.env\.\w+\s*(\?|&&|[=!]==?|\))|!\s*process\.env|"
    r"\)\s*(==|!=)\s*(?!\"\"\s*\{\s*(log|panic|fmt))"
)
#: Names of variables that hold where something is, or a part of that.
ADDRESS = re.compile(
    r"^(.+?)_?(BASE_URL|URL|URI|ADDRESS|ADDR|HOST|PORT|ENDPOINT|TARGET|UPSTREAM|ORIGIN)$"
)
_SERVES_GRPC = re.compile(
    r"grpc\.NewServer\(|grpc\.(?:aio\.)?server\(|new grpc\.Server\(|new Server\(\).{0,99}bindAsync|"
    r"ServerBuilder\s*\.forPort|MapGrpcService|tonic::transport::Server"
)
#: With one of these, gRPC is at a port of its own, if it is on at all.
_SERVES_HTTP = re.compile(
    r"\bhttp\.(?:ListenAndServe|Server\{)|\bgin\.(?:New|Default)\(|\becho\.New\(|\bfiber\.New\(|"
    r"\bexpress\(\)|\bfastify\(|\bFastAPI\(|\bFlask\(__|HttpServer::new|axum::"
)
_CHECKS_GRPC = re.compile(
    r"RegisterHealthServer\(|add_HealthServicer_to_server|HealthStatusManager|HealthImplementation|"
    r"MapGrpcHealthChecksService|MapGrpcService<[\w.]*Health|[hH]ealth\w*\.Health\.service|"
    r"tonic_health"
)
#: A route of the app itself: one of a router may stand below a prefix that is not seen here.
_HEALTH_PATH = (
    r"['\"](?:GET )?(/(?:api/)?(?:health|healthz|ready|readyz|livez|health[-_/]?check)/?)['\"]"
)
_HEALTH = re.compile(
    rf"@?\b(?:app|server|application)\.(?:get|route)\(\s*{_HEALTH_PATH}|"
    rf"\b(?:http|mux)\.HandleFunc\(\s*{_HEALTH_PATH}|"
    rf"\bapp\.Map(?:Get|HealthChecks)\(\s*{_HEALTH_PATH}"
)
#: Gin listens where PORT says if it is told nothing.
_GIN = re.compile(r"\"github\.com/gin-gonic/gin\"[\s\S]*?(\.Run\(\))")
#: It tells PostgreSQL by one of the two schemes that its addresses have.
_COMPARES = re.compile(
    r"(?:[sS]tarts_?[wW]ith|HasPrefix|start_with\?)\(?[^)\n]{0,40}?['\"](postgres)://"
)
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
#: A template of an address, where the path follows right behind the host.
_WITHOUT_PORT = re.compile(
    r"://[^\s\"'`@/]{1,200}@\$?\{(?![^}\n]{0,80}(?i:port)[^}\n]{0,20}\})"
    r"[^}\n]{0,60}(?i:host)[^}\n]{0,20}\}/"
)
#: How far behind a test the code is read that says what follows from it.
TESTED = 160
_COMPARED = re.compile(
    r"['\"]?[\])]*(?:\.(?:lower|toLowerCase|strip|trim)\(\))*\s*(?:[!=]==?|in)\s*[\[({]?\s*"
    r"['\"](?i:true|false|1|0|yes|no|on|off)['\"]"
)
_ASKED = re.compile(r"['\"]?[\])]*\s*(?:\?(?![.?])|&&)")
_ASKS_BEFORE = re.compile(r"(?:!|\bif\s*\(?|\bif not|\bBoolean\(|\bbool\()\s*(?:os\.)?$")
_PAIR = re.compile(r"['\"]([A-Z][A-Z0-9_]+)['\"]\s*:\s*['\"]([^'\"\n]*)['\"]")
_HELD = re.compile(
    r"(?:\b(?:const|let|var)\s+|^[ \t]*)(\w+)\s*(?::\s*[\w |]+)?=\s*(?:os\.)?(?:Deno\.|Bun\.)?$"
)
#: A function that serves a request, which is a mapping of that name.
_TAKES_REQUEST = re.compile(r"\bdef \w+\([^()\n]{0,99}\benviron\b")
#: Code that ends where the mode of Node is not said.
_WANTS_MODE = re.compile(
    r"(?:mandatory|require|must|ensure|orThrow)\w{0,20}\(\s*['\"]NODE_ENV['\"]|"
    r"!\s*process\.env\.NODE_ENV\s*\)\s*\{?\s*throw\b|"
    r"\[[^\[\]]{0,600}['\"]NODE_ENV['\"][^\[\]]{0,600}\][\s\S]{0,200}?process\.env\[[^\]]{1,30}\]"
    r"[\s\S]{0,200}?\b(?:throw|exit)\b"
)
_FAILS = re.compile(r"\bthrow\b|\braise\b|\bexit\(|\bpanic\(|\bFatal|\babort\(")
#: Spring's files of settings, which name variables as `${DB_HOST:localhost}`.
_SPRING = re.compile(r"(^|/)(?:application|bootstrap)[\w-]*\.ya?ml$|^\.\./.*\.ya?ml$")


def variables(folder: Folder) -> dict[str, VariableRead]:
    """List the variables that a folder's program reads, by name, in order."""
    found: dict[str, VariableRead] = {}
    for file, content in texts(folder):
        for read in _reads(file, content):
            known = found.get(read.name)
            if known is None or (known.default is None and read.default is not None):
                found[read.name] = read
            if read.is_tested or (known is not None and known.is_tested):
                found[read.name] = replace(found[read.name], is_tested=True)
            if read.is_checked or (known is not None and known.is_checked):
                found[read.name] = replace(found[read.name], is_checked=True)
    asking = (file for file, text in texts(folder) if _WANTS_MODE.search(text))
    if file := next(asking, ""):
        mode = found.get("NODE_ENV") or VariableRead("NODE_ENV", None, f"{file}:1")
        found["NODE_ENV"] = replace(mode, is_checked=True)
    found |= class_validator.insisted(folder, found)
    others = (spring_settings.of_profiles, spring_settings.defaults, settings_files.overriding)
    for read in chain.from_iterable(reader(folder) for reader in others):
        found.setdefault(read.name, read)
    # The macros of sqlx ask a database for its tables while the crate is compiled.
    if re.search(r"(?m)^sqlx\b", folder.read("Cargo.toml")):
        asking = (file for file in folder.sources(".rs") if _SQLX.search(folder.read(file)))
        if file := next(asking, ""):
            found.setdefault("DATABASE_URL", VariableRead("DATABASE_URL", "", f"{file}:1"))
    # Rails looks there first for what this file says of its database's server.
    if server := re.search(r"(?m)^[ \t]*adapter:[ \t]*(?:postgres|mysql)", folder.read(_RAILS)):
        place = f"{_RAILS}:{line_of(server.string, server.start())}"
        found.setdefault("DATABASE_URL", VariableRead("DATABASE_URL", "", place))
    return dict(sorted(found.items()))


#: A macro of sqlx that looks at a database.
_SQLX = re.compile(r"\b(?:sqlx::)?query(?:_as|_scalar)?!\s*\(")
#: What is read by a variable, or by a file of settings, where no text before it says so.
_OF_A_VARIABLE = re.compile(r"(?i)env|config|settings|default[^\n]*[:=(]")


def named_hosts(folder: Folder, is_host: Callable[[str], bool]) -> dict[str, str]:
    """Find hosts of other containers in the code itself: name -> place.

    Args:
        is_host: tells whether a word is the name of one.
    """
    found: dict[str, str] = {}
    for file, content in chain(texts(folder), settings_files.texts(folder)):
        for name in sorted(filter(is_host, words(content) - found.keys())):
            host = re.escape(name)
            pattern = re.compile(
                rf"(?:(?<=[\w*}}$-])@|://){host}(?=[:/\"'])(?!:[^\s\"'/@]*@)|"
                rf"\b(?i:server|host|data source)={host}(?=[;\"' ])|"
                rf"(?i:host\w{{0,40}}[\"']?\s*[:=(]\s*|connect\(\s*|Redis\(\s*)[\"']{host}[\"']|"
                rf"(?m:^[ \t]*(?i:host|hostname|addr|address)[ \t]*[:=]"
                rf"[ \t]*{host}(?::\d+)?[ \t]*$)"
            )
            said = (m for m in pattern.finditer(content) if not is_comment(content, m.start()))
            if match := next(said, _whole_address(content, host)):
                found[name] = f"{file}:{line_of(content, match.start())}"
    return dict(sorted(found.items()))


def _whole_address(content: str, host: str) -> re.Match[str] | None:
    """Find a text that is a host with its port, and no default of a variable: "geo:8080"."""
    for match in re.finditer(rf"[\"'`]{host}:\d{{2,5}}[\"'`]", content):
        line = content[content.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not is_comment(content, match.start()) and not _OF_A_VARIABLE.search(line):
            return match
    return None


def words(text: str) -> set[str]:
    """List the words of a text that may be names of hosts."""
    return {word.rstrip(".-") for word in _WORD.findall(text)}


def names_host(line: str, name: str) -> bool:
    """Tell whether a command has an address on a host, or an option for one: `--db-host db`."""
    host = rf"{re.escape(name)}(?=[:/\"'\s]|$)"
    option = r"(?<!\S)--?(?:[\w-]{0,30}[-_])?(?:host|hostname)[= ]"
    return bool(re.search(rf"://(?:[^@\s]*@)?{host}|{option}{host}", line))


def compared_schemes(folder: Folder) -> frozenset[str]:
    """List the schemes of databases that a program asks for by one of their two names."""
    found = (match[1] for _, text in texts(folder) for match in _COMPARES.finditer(text))
    return frozenset(found)


#: Puts a driver into an address by itself, or hands that to a client that knows none in it.
_TAKES_PLAIN = re.compile(
    r"\breplace\(\s*f?['\"]postgres(?:ql)?(?::(?://)?)?['\"]\s*,\s*f?['\"]postgresql\+|"
    r"\b(?:psycopg2|asyncpg|aiopg)\.(?:connect|create_pool)\(|\bDatabase\(|\bThreadedConnectionPool\("
)


def takes_plain_address(folder: Folder) -> bool:
    """Tell whether a program's code wants the address of a database without a driver in it."""
    return any(_TAKES_PLAIN.search(text) for file, text in texts(folder) if file.endswith(".py"))


def leaves_port_out(folder: Folder) -> bool:
    """Tell whether a program says no port of its database: `@${host}/${name}`, Django's HOST."""
    return any(_WITHOUT_PORT.search(text) or _is_of_django(text) for _, text in texts(folder))


#: One database of Django's settings, and what it is told.
_OF_DJANGO = re.compile(r"['\"]ENGINE['\"]\s*:\s*['\"][^'\"\n]{1,99}['\"]([^{}]{1,800})\}")


def _is_of_django(text: str) -> bool:
    found = [match[1] for match in _OF_DJANGO.finditer(text)]
    hosts = [said for said in found if re.search(r"['\"]HOST['\"]\s*:", said)]
    return bool(hosts) and not any(re.search(r"['\"]PORT['\"]\s*:", said) for said in hosts)


def speaks_grpc(folder: Folder) -> tuple[bool, bool]:
    """Tell whether a program's port is for gRPC, and whether that answers for its health."""
    serves = checks = False
    for _, content in texts(folder):
        if _SERVES_HTTP.search(content):
            return False, False
        serves = serves or bool(_SERVES_GRPC.search(content))
        checks = checks or bool(_CHECKS_GRPC.search(content))
    return serves, serves and checks


def health_path(folder: Folder) -> str:
    """Find the path at which a program's app itself says that it is well; "" if none is seen."""
    for _, content in texts(folder):
        if match := _HEALTH.search(content):
            return next(group for group in match.groups() if group)
    return ""


def texts(folder: Folder) -> Iterator[tuple[str, str]]:
    """Yield a program's files of source, and those of Spring's and Ktor's settings."""
    spring = (file for file in folder.sources(".yml", ".yaml") if _SPRING.search(file))
    files = [*chain(folder.sources(*ENDINGS), spring, filter(hocon.FILE.search, folder.files))]
    if len(files) > MOST_FILES:
        files.sort(key=lambda file: not _OF_SETTINGS.search(file))
    for file in files[:MOST_FILES]:
        yield file, folder.read(file)


@lru_cache(maxsize=4096)  # programs have files in common, and each is asked twice
def _reads(file: str, content: str) -> tuple[VariableRead, ...]:
    readers = (reader for endings, reader in _READERS if file.endswith(endings))
    return tuple(read for reader in readers for read in reader(file, content))


def _by_patterns(file: str, content: str) -> Iterator[VariableRead]:
    patterns = (pattern for ends, all_ in _READS.items() if file.endswith(ends) for pattern in all_)
    for pattern in patterns:
        for match in re.finditer(pattern, content):
            if is_comment(content, match.start()) or _is_written(content, match):
                continue
            name, *texts = match.groups()
            default = next((text for text in texts if text is not None), None)
            if default is None:
                default = _told_below(content, match)
            place = f"{file}:{line_of(content, match.start())}"
            is_whole = match[0].startswith("${")
            about = part_of_address(content, match) if is_whole else place_in(content, match)
            insists = _insists(content, match)
            yield VariableRead(
                name,
                default or (None if insists else default),
                place,
                is_tested=_is_tested(content, match),
                is_checked=insists,
                about=about,
                by_jdbc=file.endswith(_OF_JVM) and is_of_jdbc(content, match.start()),
            )


def _is_written(content: str, match: re.Match[str]) -> bool:
    """Tell whether a variable is given a value, or is one of a request: `environ` of WSGI."""
    if not match[0].startswith("environ"):
        return False
    is_request = not content[: match.start()].endswith("os.") and _TAKES_REQUEST.search(content)
    return bool(is_request or re.match(r"[ \t]*=(?!=)", content[match.end() :][:20]))


def _is_tested(content: str, match: re.Match[str]) -> bool:
    """Tell whether the code asks if the variable is there, or if it says `true`; and goes on."""
    start = max(content.rfind("\n", 0, match.start()) + 1, match.start() - 200)
    before, behind = content[start : match.start()], _behind(content, match.end())
    if _COMPARED.match(behind) or _ASKED.match(behind):
        return True
    if _ASKS_BEFORE.search(before):
        return not _FAILS.search(behind)
    if (held := _HELD.search(before)) is None:
        return False
    tests = rf"(?<![\w.])(?:!\s*{held[1]}\b|if\s*\(?\s*(?:not\s+)?{held[1]}\s*(?:\)|:|&&|\|\|))"
    found = [_behind(content, m.end()) for m in re.finditer(tests, content)]
    used = re.search(
        rf"(?<![\w.]){held[1]}\s*(?:\?(?![.?])|&&|===?\s*['\"](?:true|1)['\"])", content
    )
    return bool(found or used) and not any(map(_FAILS.search, found))


def _insists(content: str, match: re.Match[str]) -> bool:
    """Tell whether a program ends where a variable is not there, as its code says right there."""
    begin = content.rfind("\n", 0, match.start()) + 1
    before = content[max(begin, match.start() - 200) : match.start()]
    if match[0].startswith("environ["):  # as the module is read
        return re.match(r"[A-Za-z_]\w*(?:\[[^\]]*\])?[^=\n]*=", before) is not None
    if match[0].startswith("env::var"):
        return re.match(r"\s*\.(?:expect\(|unwrap\(\))", content[match.end() :][:40]) is not None
    if _ASKS_BEFORE.search(before):
        return _FAILS.search(_behind(content, match.end())) is not None
    held = re.search(r"(\w+)\s*(?::\s*\w+\s*)?:?=\s*(?:os\.)?$", before)
    tests = rf"if\s*\(?\s*(?:not\s+|!\s*)?{held[1]}\b(?:\s*===?\s*(?:\"\"|''))?" if held else "(?!)"
    return any(_FAILS.search(_behind(content, m.end())) for m in re.finditer(tests, content))


def _behind(content: str, at: int) -> str:
    """Read what follows from a test: to the end of its block."""
    return re.split(r"\}|\n[ \t]*\n", content[at : at + TESTED])[0]


def _taken_apart(file: str, content: str) -> Iterator[VariableRead]:
    """Read `const { PORT = 3000 } = process.env`."""
    for match in re.finditer(r"\{([^{}]*)\}\s*=\s*process\.env\b", content):
        for name, default in re.findall(
            r"([A-Z][A-Z0-9_]*)(?:\s*:\s*\w+)?(?:\s*=\s*['\"]?([^,'\"\n]*))?", match[1]
        ):
            yield VariableRead(name, default or None, f"{file}:{line_of(content, match.start())}")


def _given_by_itself(file: str, content: str) -> Iterator[VariableRead]:
    """Read the mapping of a program that sets each variable that is not there yet."""
    if re.search(r"environ\.setdefault\(\s*\w+\s*,\s*\w+\s*\)", content):
        for match in _PAIR.finditer(content):
            yield VariableRead(match[1], match[2], f"{file}:{line_of(content, match.start())}")


def _by_gin(file: str, content: str) -> Iterator[VariableRead]:
    if gin := _GIN.search(content):
        yield VariableRead("PORT", "8080", f"{file}:{line_of(content, gin.start(1))}")


def _told_below(content: str, match: re.Match[str]) -> str | None:
    """Find a default that is set where the variable turns out empty, or that a call carries."""
    line_start = max(content.rfind("\n", 0, match.start()) + 1, match.start() - 200)
    before, behind = content[line_start : match.start()], content[match.end() : match.end() + 200]
    if told := re.match(r"\s*;?\s*(?:if\s+)?\w+\s*==\s*\"\"\s*\{\s*\w+\s*=\s*\"([^\"]*)\"", behind):
        return told[1]
    # A call of the program's own: env("PORT", "8080").
    if told := re.match(r"\)?\s*,\s*['\"]([^'\"\n]*)['\"]\s*\)", behind):
        return told[1]
    # Without a value Python makes no number of it.
    if re.search(r"\b(?:int|float)\(\s*os\.$", before) and re.match(r"\s*\)\s*\)", behind):
        return None
    if _OPTIONAL.search(before + match[0] + behind[:6]):
        return ""
    # These say nothing of what is absent; an address or a secret is wanted all the same.
    silent = re.match(r"os\.Getenv|\w*[cC]onfig\w*\[|ENV\[|(?:get)?env\(\s*'", match[0])
    if silent and not is_secret(match[1]) and not ADDRESS.match(match[1]):
        return ""
    return None


#: What reads variables in files with these endings.
_READERS: tuple[tuple[tuple[str, ...], Callable[[str, str], Iterator[VariableRead]]], ...] = (
    ((*ENDINGS, ".yml", ".yaml"), _by_patterns),
    (SCRIPT, _taken_apart),
    ((".py",), _given_by_itself),
    ((".go",), _by_gin),
    *READERS,
)
