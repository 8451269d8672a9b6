"""Variables of other tools: `.env` entries, `${KEY:-default}` as compose fills it, secret names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import readme_files
from tarmac.base.dotenv import parse

#: Ends of the files that repositories keep in place of one with secrets.
EXAMPLES = ("example", "sample", "template", "dist", "default", "defaults")
OTHER_EXAMPLES = (
    *("env.example", "env-example", "example.env", "sample.env", "env.sample", ".env-example"),
    *(".env.local.example", ".env.development", ".env.local", "default.env"),
    *(".env.dev.example", ".env.development.example", ".env.dev.sample"),
    *(".example.env", ".sample.env", ".env-example.txt", ".env.example.txt", "env.example.txt"),
)
#: One whose name says what to do with it: `.env_rename_me`, or that it is an example otherwise.
_TOLD = re.compile(
    r"\.env[._-](?:rename|copy|change|edit|fill)\w*|\.env_(?:example|sample|template|dist|defaults?)"
)
#: One that is called after its program: `.env.orders.template`; those of other places have others.
_CALLED = re.compile(
    r"\.env[._-](?!\w*(?:prod|stag|test|e2e|ci\b))[\w-]{1,40}[._-](?:example|sample|template|dist)"
)
#: The settings of production, which a README shows beside how they are chosen.
_OF_ELSEWHERE = re.compile(
    r"(?:^|_)(?:ENV|ENVIRONMENT|MODE|SETTINGS_MODULE)=(?:[\w.]*\.)?(?i:prod|production)$"
)
#: A word that stands for a value.
_MARKED = re.compile(
    r"<[^<>]{1,99}>|\[(?i:generate|your|insert|put|enter|change|replace|fill)\b[^\[\]]{0,99}\]|"
    r"(?i:your|enter|insert)(?: [a-z]{1,20}){1,7}|(?i:x{4,}|(?:true/false|yes/no|on/off|0/1))"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLAIN = re.compile(r"\$([A-Za-z_]\w*)")
#: Values within values, at most.
DEEPEST = 8
#: Characters between two braces: a text of opening braces alone is read in one pass by it.
LONGEST_BRACED = 1000
#: What a value shows: a user before a host, or a long run of letters and digits.
_CREDENTIAL = re.compile(r"://[^/\s@]+@|(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{20,}")
#: Characters of a value that are looked at; an address or a credential is shorter.
LONGEST = 2000
_SECRET = re.compile(
    r"(SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|SIGNING|SALT|(API|ACCESS|AUTH|JWT|ENCRYPTION)_?KEY)"
    r"|_KEY$|^KEY$|(^|_)(PASS|PWD|PW)$"
)

#: A name that ends in what it holds, and not in what is said of that.
_NAMES_SECRET = re.compile(
    r"(?:SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIALS?|SIGNING|SALT|KEY|PASS|PWD|PW|BASE)$"
)
#: A name that says yes or no: DISABLE_PASSWORD_REGISTRATION.
_SWITCH = re.compile(r"(?:\w+_)?(?:DISABLE|ENABLE|ALLOW|REQUIRE|SKIP|FORCE|USE|IS|HAS|NO)_(?!KEY)")


def entries(text: str) -> dict[str, str]:
    """Read a file's values; lines that are not KEY=value are ignored."""
    return parse(text)[0]


def of_file(folder: Folder, path: str = ".env") -> tuple[dict[str, str], str]:
    """Read the values of a file, or of the example that stands for one that git does not keep.

    A README that shows what to write into it is the last such example.

    Returns:
        The values, and the file that has them; "" if there is none.
    """
    # What its image is made with, where that begins from an example of another name.
    step = r"(?:\bcp\s+(?:-\w+\s+)*|(?m:^COPY)\s+)(\S+)\s+(?:\./|/app/)?\.env(?![\w.])"
    copied = re.findall(step, folder.read("Dockerfile"))
    copied = [posixpath.normpath(file) for file in copied if file != ".env"]
    others = (*copied, *OTHER_EXAMPLES) if path == ".env" else ()
    if path.endswith(".env") and path != ".env":  # one that git does not keep, beside its example
        others = tuple(posixpath.join(posixpath.dirname(path), file) for file in OTHER_EXAMPLES)
    examples = (f"{path}{mark}{ending}" for ending in EXAMPLES for mark in ".-")
    told = sorted(file for file in folder.files if _TOLD.fullmatch(file)) if others else ()
    place = posixpath.dirname(path)
    alone = [file for file in folder.files if posixpath.dirname(file) == place]
    alone = [file for file in alone if _CALLED.fullmatch(posixpath.basename(file))]
    called = alone if others and len(alone) == 1 else ()
    for file in (path, *examples, *others, *told, *called):
        if text := folder.read(file):
            return entries(text) if file == path else _without_marks(entries(text)), file
    text, file = readme_files.text_of(folder) if path == ".env" else ("", "")
    told_there = _without_marks(entries(text)).items()
    # A key that a README only shows may be one that the program does without.
    plain = [(n, v) for n, v in told_there if not is_secret(n) or "PASS" in n.upper()]
    return {n: v for n, v in plain if not _OF_ELSEWHERE.search(f"{n}={v}")}, file


#: A part of an address that an example only has a word for: `postgres://<user>:<password>@<host>`.
_PART = re.compile(r"<([A-Za-z][\w -]{0,40})>")
_ADDRESS = re.compile(r"[a-z][\w+]*://|\bhost=")


def _with_plain_parts(value: str) -> str:
    """Say the parts of an address without their marks, and its host as one to fill in."""
    if not (_ADDRESS.match(value) and _PART.search(value)):
        return value
    value = re.sub(r":<\w*(?i:port)\w*>(?=[/?]|$)", "", value)

    def plain(match: re.Match[str]) -> str:
        is_host = re.search(r"(?i)host|server|address", match[1])
        return "host" if is_host else re.sub(r"\W", "_", match[1])

    return _PART.sub(plain, value)


def _without_marks(values: Mapping[str, str]) -> dict[str, str]:
    """Leave out what an example only has a word for, between marks: `SITE_NAME=<site_name>`.

    A secret is one to generate.
    """
    values = {name: _with_plain_parts(value) for name, value in values.items()}
    marked = {name for name, value in values.items() if _MARKED.fullmatch(value)}
    plain = {name: "" if name in marked else value for name, value in values.items()}
    return {n: value for n, value in plain.items() if n not in marked or is_secret(n)}


def wanted(
    folder: Folder, places: tuple[str, ...] = ("",), *, is_needed: bool = True
) -> dict[str, str]:
    """Write the task that makes the `.env` that a program reads.

    It is a copy of its example, as a README tells people to do first, or empty: the variables are
    given without it.

    Args:
        places: the folders where the program looks for it.
        is_needed: the program ends where there is none.
    """
    found = ((place, of_file(folder.below(place))[1]) for place in places)
    files = (one for one in found if one[1] and not one[1].endswith((".md", ".rst")))
    place, file = next(files, ("", ""))
    path = posixpath.join(place, ".env")
    if file == ".env" or not (file or is_needed):
        return {}
    made = f"cp {posixpath.join(place, file)} {path}" if file else f"touch {path}"
    return {"dotenv": f"test -e {path} || {made}"}


def written(folder: Folder) -> dict[str, str]:
    """Write the task that makes the `.env` of a program that reads no variables beside it.

    It has the variables of its example with the values that are given here, and is made again at
    each start; one that people wrote stays as it is.
    """
    values, file = of_file(folder)
    if file in ("", ".env") or not values:
        return {}
    mark = "# the variables of tarmac.yaml"
    own = f"test -e .env && ! grep -q '^{mark}' .env"
    made = f"{{ echo '{mark}'; env | grep -E '^({'|'.join(values)})='; }} > .env"
    return {"dotenv": f"{own} || {made}"}


def resolved(values: Mapping[str, str]) -> dict[str, str]:
    """Fill in the values of a file that name others of it; a `$` before anything else is a letter.

    One that is filled in counts so for those after it.
    """
    done: dict[str, str] = {}
    for name, text in values.items():
        others = {k: v for k, v in {**values, **done}.items() if k != name}  # `A=${A:-b}` is b
        named = _PLAIN.findall(text)
        names_others = bool(named) and all(one in others for one in named)
        done[name] = filled(text, others)[0] if "${" in text or names_others else text
    return done


def filled(text: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Fill in a value's variables, as Compose does; also return the names of those without a value.

    `${A:-${B:-c}}` is read from the inside out, and `$$` is a dollar sign.
    """
    open_names: list[str] = []
    return _filled(text, values, open_names, DEEPEST), tuple(open_names)


def _filled(text: str, values: Mapping[str, str], open_names: list[str], depth: int) -> str:
    parts, at = [], 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        behind = text[dollar + 1 : dollar + 2]
        if behind == "$":
            parts.append("$")
            at = dollar + 2
        elif behind == "{" and depth and (inner := _braced(text, dollar + 1)) is not None:
            parts.append(_value(inner, values, open_names, depth - 1))
            at = dollar + len(inner) + 3
        elif name := _NAME.match(text, dollar + 1):
            parts.append(_value(name[0], values, open_names, depth - 1))
            at = dollar + 1 + len(name[0])
        else:
            parts.append("$")
            at = dollar + 1
    return "".join((*parts, text[at:]))


def _braced(text: str, begin: int) -> str | None:
    """Return what is between a brace and the one that closes it; None where none does soon."""
    depth, end = 0, begin + LONGEST_BRACED
    if text.find("}", begin, end) < 0:
        return None
    for at in range(begin, min(len(text), end)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return text[begin + 1 : at]
    return None


def _value(inner: str, values: Mapping[str, str], open_names: list[str], depth: int) -> str:
    """Return the value of `NAME`, or of `NAME:-otherwise` and its like."""
    match = re.fullmatch(r"([A-Za-z_]\w*)(?:(:?[-?+])(.*))?", inner, re.DOTALL)
    if match is None:
        return f"${{{inner}}}"
    name, operator, otherwise = match.groups()
    if values.get(name) or (name in values and operator and not operator.startswith(":")):
        is_other = operator in ("+", ":+")
        return _filled(otherwise, values, open_names, depth) if is_other else values[name]
    if operator in ("-", ":-"):
        return _filled(otherwise, values, [], depth)
    if operator not in ("+", ":+"):
        open_names.append(name)
    return ""


#: What an example writes where its reader puts a secret; some programs refuse to start with it.
_PLACEHOLDER = re.compile(
    r"(?i)<[^<>]*>|(?:please[-_ ]?)?(?:change|replace)[-_ ]?(?:me|this|it)\b.*|change[-_]?me\w*|"
    r"(?:your|my|some)[-_ ](?:[a-z0-9]{1,20}[-_ ]){0,6}(?:secret|key|token|password|string)"
    r"(?:[-_ ]here)?|"
    r"(?:insert|put|enter|generate)[-_ ].*|todo|x{3,}"
)


def is_placeholder(value: str) -> bool:
    """Tell whether a value stands for one that its reader makes: `CHANGE-ME`."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_secret(name: str, value: str = "") -> bool:
    """Tell by its name, or by a value that is private, whether a variable holds a secret."""
    if _CREDENTIAL.search(value[:LONGEST]):
        return True
    if re.search(
        r"_(NAME|URL|URI|ENDPOINT|ADDRESS|DOMAIN|PATH|FILE|ARN|ID|TTL|HOST|PORT|USER|TYPE|ALGORITHM|EXPIRES_IN|EXPIRES|"
        r"EXPIRY|EXPIRATION|EXPIRE_\w+|EXPIRY_\w+|LEEWAY|LIFETIME|LIFESPAN|DURATION|TIMEOUT|LENGTH|ISSUER|AUDIENCE|HEADER|"
        r"ENABLED|MODE|SECONDS|MINUTES|HOURS|DAYS|ROUNDS|MAX|MIN|SIZE|COUNT|LIMIT|PROVIDER|BACKEND|PREFIX|SUFFIX|"
        r"TOPIC|QUEUE|EXCHANGE|CHANNEL|SUBJECT|TEMPLATE|EVENT|GROUP_ID|IN_[A-Z]+)$|"
        r"(?:^|_)(?:ROUTING|BINDING|PARTITION|CACHE|SORT|LOCK|STREAM)_KEY$",
        name.upper(),
    ):
        return False
    counts = re.fullmatch(r"\d{1,9}|(?i:true|false|yes|no|on|off)", value.strip())
    if counts and not _NAMES_SECRET.search(name.upper()):
        return False  # how many there are of it: API_KEY_USAGE_MAX_ENTRIES
    return bool(_SECRET.search(name.upper())) and not _SWITCH.match(name.upper())
