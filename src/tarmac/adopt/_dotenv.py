"""Variables of other tools: `.env` entries, `${KEY:-default}` as compose fills it, secret names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tarmac.adopt._found import Folder
from tarmac.base.dotenv import parse

#: Ends of the files that repositories keep in place of one with secrets.
EXAMPLES = ("example", "sample", "template", "dist", "default", "defaults")
OTHER_EXAMPLES = (
    *("env.example", "env-example", "example.env", "sample.env", "env.sample", ".env-example"),
    *(".env.local.example", ".env.development", "default.env"),
)
_VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])([^{}]*))?\})")
#: What a value shows: a user before a host, or a long run of letters and digits.
_CREDENTIAL = re.compile(r"://[^/\s@]+@|(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{20,}")
#: Characters of a value that are looked at; an address or a credential is shorter.
LONGEST = 2000
_SECRET = re.compile(
    r"(SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|SIGNING|SALT|(API|ACCESS|AUTH|JWT|ENCRYPTION)_?KEY)"
    r"|_KEY$|^KEY$|(^|_)(PASS|PWD)$"
)

#: A name that says yes or no: DISABLE_PASSWORD_REGISTRATION.
_SWITCH = re.compile(r"(?:\w+_)?(?:DISABLE|ENABLE|ALLOW|REQUIRE|SKIP|FORCE|USE|IS|HAS|NO)_(?!KEY)")


def entries(text: str) -> dict[str, str]:
    """Read a file's values; lines that are not KEY=value are ignored."""
    return parse(text)[0]


def of_file(folder: Folder, path: str = ".env") -> tuple[dict[str, str], str]:
    """Read the values of a file, or of the example that stands for one that git does not keep.

    Returns:
        The values, and the file that has them; "" if there is none.
    """
    # What its image is made with, where that begins from an example of another name.
    copied = re.findall(r"\bcp\s+(?:-\w+\s+)*(\S+)\s+\.env\b", folder.read("Dockerfile"))
    others = (*copied, *OTHER_EXAMPLES) if path == ".env" else ()
    for file in (path, *(f"{path}.{ending}" for ending in EXAMPLES), *others):
        if text := folder.read(file):
            return entries(text), file
    return {}, ""


def filled(text: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Fill in a value's variables; also return the names of those without a value."""
    open_names: list[str] = []

    def one(match: re.Match[str]) -> str:
        escaped, short, long, operator, otherwise = match.groups()
        name = short or long
        if escaped:
            return "$"
        if values.get(name) or (name in values and operator and not operator.startswith(":")):
            return str(otherwise) if operator in ("+", ":+") else values[name]
        if operator in ("-", ":-"):
            return filled(otherwise, values)[0]
        if operator not in ("+", ":+"):
            open_names.append(name)
        return ""

    return _VARIABLE.sub(one, text), tuple(open_names)


def is_secret(name: str, value: str = "") -> bool:
    """Tell by its name, or by a value that is private, whether a variable holds a secret."""
    if _CREDENTIAL.search(value[:LONGEST]):
        return True
    if re.search(
        r"_(NAME|URL|URI|PATH|FILE|ARN|ID|TTL|HOST|PORT|USER|TYPE|ALGORITHM|EXPIRES_IN|EXPIRES|"
        r"EXPIRY|EXPIRATION|EXPIRE_\w+|LIFETIME|DURATION|TIMEOUT|LENGTH|ISSUER|AUDIENCE|HEADER|"
        r"ENABLED|MODE|SECONDS|MINUTES|HOURS|DAYS|ROUNDS|MAX|MIN|SIZE|COUNT|LIMIT|PROVIDER|BACKEND)$",
        name.upper(),
    ):
        return False
    return bool(_SECRET.search(name.upper())) and not _SWITCH.match(name.upper())
