"""Reads what libraries for settings read: classes, tags and schemas whose fields are variables.

pydantic-settings (with prefix and nested fields), decouple, Starlette, environs and django-environ;
the tags of Go's structs; envalid, zod and Joi; clap; Spring's `${NAME:default}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from tarmac.adopt.variables import go_tags, hocon, settings_files, spring_settings
from tarmac.adopt.variables.variable_read import VariableRead, is_comment, line_of

_CLASS = re.compile(r"(?m)^class (\w+)\(([\w., \[\]]*)\):\n((?:[ \t]+.*\n?|\s*\n)+)")
_FIELD = re.compile(
    r"^[ \t]+(?!else|try|finally)([A-Za-z]\w*)[ \t]*:[ \t]*([^=\n\s][^=\n]*?)[ \t]*(?:=\s*(.+))?$",
    re.MULTILINE,
)
_PREFIX = re.compile(r"env_prefix['\"]?\s*[=:]\s*['\"](\w+)['\"]")
_NESTED = re.compile(r"env_nested_delimiter['\"]?\s*[=:]\s*['\"]([^'\"]+)['\"]")
_ALIAS = re.compile(r"(?:validation_alias|alias|env)\s*=\s*['\"](\w+)['\"]")
#: A model of any kind that is filled with the variables: `RabbitConfig(**os.environ)`.
_FILLED = re.compile(r"\b(\w+)\(\s*\*\*(?:dict\()?(?:os\.)?env(?:iron)?\b")
#: What a field has where it is given nothing: `Field("x", alias="Y")`, also behind the alias.
_FIELD_DEFAULT = re.compile(
    r"Field\(\s*(?:(?:[^=)\n]{0,99}=[^,)\n]{0,99},\s*)*default\s*=\s*)?"
    r"(?:['\"]([^'\"\n]*)['\"]|(\d+)|None|True|False)\s*[,)]"
)
#: A default that is a text, and no more than a remark behind it: `= "x"  # type: ignore`.
_WRITTEN = re.compile(r"(?:\"([^\"\n]*)\"|'([^'\n]*)')[ \t]*(?:#.*)?$")
#: A class of settings of another file, as the field of one: `db: DbConfig`.
_OF_SETTINGS = re.compile(r"[A-Z]\w*(?:Config|Settings)")
#: Classes within classes, at most.
DEEPEST = 3
_ASKS = re.compile(
    r"(?m)^[ \t]*(?:from|import)\s+(?:decouple|starlette\.config|environs|environ)\b|"
    # Another file of the settings has imported it.
    r"^[ \t]*from\s+\.\w*\s+import\s+(?:\*|[\w, ()\n]{0,200}\b(?:config|env)\b)|\bAutoConfig\(|"
    # A function of its own makes the reader: `env = read_env(BASE_DIR)`.
    r"^env\s*=\s*\w+\("
)
#: What decouple's reader is called that code makes for a file of its own.
_READERS = re.compile(r"(?m)^(\w+)[ \t]*=[ \t]*(?:decouple\.)?Config\(")
_ASKED = re.compile(
    r"\b(?:config|env)(?:\.(?:str|int|bool|float|list|json|db|db_url|url|cache|cache_url|path|get_value))?"
    r"\(\s*['\"]([A-Z][A-Z0-9_]+)['\"]([^)]{0,200})\)"
)
_SCHEME = re.compile(r"\b(?:FileAware)?Env\(")
#: A part of one that stands in a dict of its own: `ENV_SCHEMA = {"DEBUG": (bool, False)}`.
_SCHEME_PART = re.compile(r"(?m)^(?:\w+_)?ENV(?:_\w+)?(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*\{([^{}]*)\}")
_IN_PART = re.compile(
    r"['\"]([A-Z][A-Z0-9_]+)['\"]\s*:\s*\(\s*"
    r"(?:bool|str|int|float|list|tuple|dict|bytes|json)\s*,\s*(?:['\"]([^'\"]*)['\"])?"
)
#: What has parentheses that close nothing, and those that do.
_CLOSING = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[()]")
#: More text than the scheme of one file has.
_LONGEST_SCHEME = 60_000
_SCHEMED = re.compile(r"\b([A-Z][A-Z0-9_]+)\s*=\s*\(\s*[\w.]+\s*,\s*(?:['\"]([^'\"]*)['\"])?")
_CALLED = re.compile(
    r"(?:\w+\.)?(?:config|env)(?:\.\w+)?\(\s*['\"]|"
    r"\(?\s*(?:\w+\(\s*)?(?:os\.)?(?:getenv|environ)\b"
)
_GIVEN = re.compile(
    r"default\s*=\s*(?:['\"]([^'\"\n]*)['\"]|([0-9]+))|^[ \t]*,\s*['\"]([^'\"\n]*)['\"]"
)
_SCHEMA = re.compile(
    r"(?m)^[ \t]*([A-Z][A-Z0-9_]{2,})\s*:\s*(?:z|Joi|v|yup)\b([^\n]{0,200})|"
    r"^[ \t]*([A-Z][A-Z0-9_]{2,})\s*:\s*(?:str|port|url|num|bool|host|email|json)\(([^\n]{0,200})"
)
_SCHEMA_DEFAULT = re.compile(r"default\(\s*['\"]?([^'\")\n]*)|default\s*:\s*['\"]?([^'\",}\n]*)")
_GET = re.compile(r"\bget\(\s*['\"]([A-Z][A-Z0-9_]+)['\"]\s*\)((?:\s*\.\w+\([^()\n]{0,99}\)){1,4})")
_CHECKS_ENV = re.compile(r"@fastify/env|fastify-env|\benv-schema\b")
_REQUIRED = re.compile(r"\brequired\s*:\s*\[([^\]]{0,2000})\]")
_PROPERTY = re.compile(r"\b([A-Z][A-Z0-9_]{2,})\s*:\s*\{([^{}]{0,300}\btype\s*:[^{}]{0,300})\}")
#: A field of clap's that a variable of its name gives, or of the name that is said.
_ARGUMENT = re.compile(
    r"#\[(?:clap|arg)\(((?:[^\[\]\n]{0,99},\s*)?env(?:\s*=\s*\"(\w+)\")?\s*(?:,[^\[\]\n]{0,99})?)\)\]"
    r"\s*(?:pub\s+)?(\w+)\s*:"
)


#: Classes of settings that tests have.
_OF_TESTS = re.compile(r"Test(?:s|ing)?(?=[A-Z])|\w+Tests?$")


def _settings(file: str, content: str) -> Iterator[VariableRead]:
    """Read pydantic's settings classes: a field is a variable in upper case."""
    classes = {match[1]: match for match in _CLASS.finditer(content)}
    filled = {*_FILLED.findall(content)}
    of_tests = {name for name in classes if _OF_TESTS.match(name)}
    for match in classes.values():
        if match[1] in of_tests and of_tests != {*classes}:
            continue  # beside the one that the program has
        if re.search(r"\bBaseSettings\b", match[2]) or match[1] in filled:
            prefix = _PREFIX.search(match[3])
            place = f"{file}:{line_of(content, match.start())}"
            yield from _fields(match, classes, prefix[1] if prefix else "", place, DEEPEST)


def _fields(
    match: re.Match[str],
    classes: Mapping[str, re.Match[str]],
    prefix: str,
    place: str,
    depth: int,
) -> Iterator[VariableRead]:
    """Yield the fields of a class; those of another class stand behind its delimiter."""
    delimiter = _NESTED.search(match[3])
    own = re.match(r"\s*?([ \t]+)\S", match[3])
    for field in _FIELD.finditer(match[3]):
        name, kind, default = field[1], field[2], field[3] or ""
        if own and not field[0].startswith(f"{own[1]}{name}"):
            continue  # of a method, or of its text
        if name in ("model_config", "Config"):
            continue
        kind = kind.strip().partition(" |")[0]  # without None
        inner = classes.get(kind)
        if inner is not None and depth and not re.search(r"\bBaseSettings\b", inner[2]):
            mark = delimiter[1] if delimiter else "__"
            yield from _fields(inner, classes, f"{prefix}{name}{mark}", place, depth - 1)
            continue
        is_made = default.startswith((f"{kind}(", "Field(default_factory="))
        if (not default or is_made) and (inner is not None or _OF_SETTINGS.fullmatch(kind)):
            continue  # another class of settings, which reads variables of its own
        if _CALLED.match(default):  # `KEY: str = config("KEY")`: what it asks for is read as a call
            continue
        alias = _ALIAS.search(default)
        said = _said(default)
        variable = (alias[1] if alias else prefix + name).upper()
        yield VariableRead(variable, said, place, kind=kind if said is None else "")


def _said(default: str) -> str | None:
    """Return a field's default; None for one that must be given."""
    if not default or re.search(r"Field\(\s*(?:\.\.\.|(?!default)\w+\s*=)(?!.*default)", default):
        return None
    if given := _FIELD_DEFAULT.match(default):
        return given[1] or given[2] or ""
    written = _WRITTEN.match(default.strip())
    return written[1] or written[2] or "" if written else default.strip().strip("'\"")


def _calls(file: str, content: str) -> Iterator[VariableRead]:
    """Read `config("NAME", default="x")` and `env.str("NAME")`."""
    if not _ASKS.search(content):
        return
    for name in _READERS.findall(content):  # `settings_of = Config(RepositoryEnv(FILE))`
        content = re.sub(rf"\b{name}\(", "config(", content)
    for scheme in _SCHEME.finditer(content):  # `environ.Env(DEBUG=(bool, False))`
        for match in _SCHEMED.finditer(content, scheme.end(), _end_of(content, scheme.end())):
            place = f"{file}:{line_of(content, match.start())}"
            yield VariableRead(match[1], match[2] or "", place)
    for match in _ASKED.finditer(content):
        if is_comment(content, match.start()):
            continue
        given = _GIVEN.search(match[2])
        default = next((text for text in given.groups() if text is not None), "") if given else None
        if default is None and "default" in match[2]:
            default = ""
        place = f"{file}:{line_of(content, match.start())}"
        yield VariableRead(match[1], default, place, is_checked=default is None)


def _scheme_parts(file: str, content: str) -> Iterator[VariableRead]:
    """Read the parts of django-environ's schemes that another file adds to its own."""
    for part in _SCHEME_PART.finditer(content):
        for match in _IN_PART.finditer(content, part.start(1), part.end(1)):
            yield VariableRead(
                match[1], match[2] or "", f"{file}:{line_of(content, match.start())}"
            )


def _end_of(content: str, begin: int) -> int:
    """Find where the parenthesis closes that a text begins within; its begin where none does."""
    depth = 1
    for match in _CLOSING.finditer(content, begin, begin + _LONGEST_SCHEME):
        depth += (match[0] == "(") - (match[0] == ")")
        if not depth:
            return match.start()
    return begin


def _schemas(file: str, content: str) -> Iterator[VariableRead]:
    """Read schemas of variables in JavaScript."""
    if "process.env" not in content and "runtimeEnv" not in content:
        return
    for match in _SCHEMA.finditer(content):
        said = match[2] or match[4] or ""
        given = _SCHEMA_DEFAULT.search(said)
        default = next((text for text in given.groups() if text is not None), "") if given else None
        if default is None and re.search(r"optional\(|nullish\(|allow\(", said):
            default = ""
        name, place = match[1] or match[3], f"{file}:{line_of(content, match.start())}"
        yield VariableRead(name, default, place, is_checked=default is None)


#: A name for all variables: `const env = process.env`, `(env: NodeJS.ProcessEnv = process.env)`.
_HOLDS_ALL = re.compile(r"\b([A-Za-z_]\w*)[ \t]*(?::[^=\n]{1,60})?=[ \t]*process\.env[ \t]*[,;)\n]")
_ITS_DEFAULT = r"(?:['\"`]([^'\"`\n$]*)['\"`]|(\d[\d_]*))"


def _held(file: str, content: str) -> Iterator[VariableRead]:
    """Read what is asked of a name for all variables: `env.PORT`, `int(env, "PORT", 80)`."""
    for name in sorted({*_HOLDS_ALL.findall(content)}):
        asked = re.compile(
            rf"\b{name}(?:\.([A-Z][A-Z0-9_]{{2,}})\b|\[['\"]([A-Z][A-Z0-9_]{{2,}})['\"]\])"
            rf"(?:\s*(?:\?\?|\|\|)\s*{_ITS_DEFAULT})?(?!\s*=[^=])|"
            rf"\(\s*{name},\s*['\"]([A-Z][A-Z0-9_]{{2,}})['\"](?:,\s*{_ITS_DEFAULT})?([^;()]{{0,120}})"
        )
        for match in asked.finditer(content):
            text, number = match[3] or match[6] or "", match[4] or match[7] or ""
            is_required = re.search(r"\brequired:\s*true\b", match[8] or "")
            place = f"{file}:{line_of(content, match.start())}"
            known = match[1] or match[2] or match[5]
            yield VariableRead(
                known, None if is_required else text or number.replace("_", ""), place
            )


def _json_schemas(file: str, content: str) -> Iterator[VariableRead]:
    """Read the JSON schema that @fastify/env or env-schema checks the variables by."""
    if not _CHECKS_ENV.search(content):
        return
    listed = " ".join(_REQUIRED.findall(content))
    for match in _PROPERTY.finditer(content):
        given = re.search(r"\bdefault\s*:\s*['\"]?([^,'\"}\n]*)", match[2])
        default = given[1].strip() if given else None if match[1] in listed else ""
        yield VariableRead(match[1], default, f"{file}:{line_of(content, match.start())}")


def _arguments(file: str, content: str) -> Iterator[VariableRead]:
    """Read clap's arguments: one may be given by a variable."""
    for field in _ARGUMENT.finditer(content):
        default = re.search(r"default_value(?:_t)?\s*=\s*\"?([^\",\])]*)", field[1])
        name, place = field[2] or field[3].upper(), f"{file}:{line_of(content, field.start())}"
        yield VariableRead(name, default[1] if default else None, place)


#: Libraries of Rust that fill a program's own struct with the variables of its fields' names.
_FILLS_STRUCTS = re.compile(
    r"\bEnv::raw\(\)|\benvy::from_env\b|\benvy::prefixed\(\s*\"(\w+)\"\s*\)|"
    r"\bEnv::prefixed\(\s*\"(\w+)\"\s*\)(?!\s*\.split)"
)
_STRUCT = re.compile(
    r"\bderive\([^)]*\bDeserialize\b[^)]*\)\][^{};]{0,200}?\bstruct\s+\w+\s*\{([^}]*)\}"
)
_STRUCT_FIELD = re.compile(
    r"(?m)^[ \t]*((?:#\[[^\]\n]*\]\s*)*)(?:pub(?:\(\w+\))?\s+)?([a-z]\w*)\s*:\s*([^,\n]+?),?[ \t]*$"
)


def _of_structs(file: str, content: str) -> Iterator[VariableRead]:
    """Read the fields of a struct of Rust that figment or envy fills from variables."""
    fills = _FILLS_STRUCTS.search(content)
    begin = (fills[1] or fills[2] or "") if fills else ""
    for struct in _STRUCT.finditer(content) if fills else ():
        for field in _STRUCT_FIELD.finditer(struct[1]):
            may_lack = field[3].startswith("Option<") or "default" in field[1]
            place = f"{file}:{line_of(content, struct.start(1) + field.start(2))}"
            name = f"{begin}{field[2]}".upper()
            yield VariableRead(name, "" if may_lack else None, place)


def _env_var(file: str, content: str) -> Iterator[VariableRead]:
    """Read `get("NAME").default("x").required()` of the library env-var."""
    for match in _GET.finditer(content) if re.search(r"['\"]env-var['\"]", content) else ():
        given = re.search(r"\.default\(\s*['\"]?([^'\")]*)", match[2])
        default = given[1] if given else None if ".required(" in match[2] else ""
        yield VariableRead(match[1], default, f"{file}:{line_of(content, match.start())}")


#: What reads variables in files with these endings.
READERS: tuple[tuple[tuple[str, ...], Callable[[str, str], Iterator[VariableRead]]], ...] = (
    ((".py",), _settings),
    ((".py",), _calls),
    ((".py",), _scheme_parts),
    ((".go",), go_tags.variables),
    ((".go",), go_tags.mapped),
    ((".go",), settings_files.bound),
    ((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"), _schemas),
    ((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"), _env_var),
    ((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"), _json_schemas),
    ((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"), _held),
    ((".rs",), _arguments),
    ((".rs",), _of_structs),
    ((".yml", ".yaml", ".properties"), spring_settings.settings),
    ((".conf",), hocon.variables),
)
