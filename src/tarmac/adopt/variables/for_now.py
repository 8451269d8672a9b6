"""A value that a program can read where no file gives one, by the variable's name, for now.

`variables` asks for what settings insist on, and `tries` for what a program says that it lacks.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.variables.variable_read import VariableRead

#: How names of variables end or what they hold, and a value that a program can read there.
_READABLE = (
    (r"(?:^|_)PORT$", "1025"),
    (r"(?:^|_)LOG\w*(?:PATH|FILE)$", "app.log"),
    (r"(?:^|_)HOST(?:NAME)?$", "localhost"),
    (r"(?:^|_)(?:URL|URI|ORIGINS?|ENDPOINT|WEBSITE|LINK)$", "http://localhost"),
    (r"(?:^|_)DOMAIN$", "localhost"),
    (r"EMAIL|MAIL_FROM|SENDER|FROM_ADDRESS", "someone@example.com"),
    (r"(?<!HASH)(?:^|_)ALGO(?:RITHM)?$", "HS256"),
    (r"(?:^|_)(?:ENV|ENVIRONMENT|MODE|STAGE)$", "development"),
    (r"DEBUG|(?:^|_)(?:ENABLED?|DISABLED?|SSL|TLS|SECURE|VERIFY)(?:_|$)|^(?:USE|IS)_", "false"),
    (r"REGION$", "us-east-1"),
    (r"TIME_?ZONE$|^TZ$", "UTC"),
    (r"LOG\w*LEVEL$", "INFO"),
    (r"(?:^|_)(?:TTL|AGE|LIMIT|MAX|MIN|SIZE|COUNT|INTERVAL|RETRIES|ROUNDS|WORKERS)(?:_|$)", "10"),
    (r"EXPIR|TIMEOUT|DURATION|MINUTES|SECONDS|HOURS|DAYS", "60"),
)
#: What programs of these read as a length of time needs its unit.
_WITH_UNIT = re.compile(r"(?:^|[\s/])(?:node|npm|npx|pnpm|yarn|go|nest|next|tsx)\b")
_TIMES = re.compile(r"(?:EXPIR\w*|TIMEOUT|DURATION|TTL|AGE|INTERVAL)$")
#: What companies hand out, which programs ask for where that is switched on.
_OF_OTHERS = re.compile(r"(?:AWS|AZURE|GCP|GOOGLE|STRIPE|SENTRY|OPENAI|CLOUDFLARE|TWILIO|SLACK)_")
#: Types of fields, and a value of each whose name says no other number.
_NUMBERS = {"int": "10", "float": "10"}
_A_WHILE = "10s"
#: What a port is by its name, and the numbers of those that programs are told for now.
_PORT = "1025"
FIRST_PORT, PORTS = 10_000, 10_000


def readable(name: str, run: str) -> str:
    """Return a value that a program can read.

    Args:
        run: what starts it.
    """
    if _TIMES.search(name) and _WITH_UNIT.search(run):
        return "1h"
    found = (value for pattern, value in _READABLE if re.search(pattern, name))
    return next(found, name.lower().replace("_", "-"))


def as_insisted(reads: Mapping[str, VariableRead], dotenv: str) -> Mapping[str, VariableRead]:
    """Take the fields of Go's settings for such as it insists on where its own file is lacking.

    Args:
        dotenv: the task that makes that file, without which the program ends.
    """
    if "touch" not in dotenv:
        return reads
    return {
        name: replace(read, default=None) if read.default == "" and read.kind else read
        for name, read in reads.items()
    }


def said(assumed: Sequence[str]) -> tuple[str, ...]:
    """Say which values are assumed, each with its variable."""
    what = "its settings insist on a value, and no file gives one"
    return (f"{', '.join(assumed)}: {what}",) if assumed else ()


def of_field(read: VariableRead, run: str, kinds: frozenset[str]) -> str | None:
    """Return a value for what settings insist on; None for what they do not, or for lists.

    So is it for an address of a server that nothing shows.

    Args:
        run: what starts the program.
        kinds: the kinds of servers that there are.
    """
    is_wanted = read.default is None and not read.is_tested and (read.kind or read.is_checked)
    is_of_code = read.name.endswith("SETTINGS_MODULE")
    is_of_code = is_of_code or (not read.kind and bool(_OF_OTHERS.match(read.name)))
    if not is_wanted or is_of_code or servers.of_variable(read.name, kinds):
        return None
    value = readable(read.name, run)
    if value == _PORT and not re.search("MAIL|SMTP", read.name):  # of its own, for each name
        value = str(FIRST_PORT + zlib.crc32(read.name.encode()) % PORTS)
    if read.kind == "duration":
        return value if re.fullmatch(r"\d+[a-z]+", value) else _A_WHILE
    if read.kind in _NUMBERS:
        return value if value.isdigit() else _NUMBERS[read.kind]
    if read.kind == "bool":
        return "false"
    if read.kind in ("HttpUrl", "AnyHttpUrl") and "://" not in value:
        return "http://localhost"
    return value if read.kind in ("", "str", "EmailStr", "HttpUrl", "AnyHttpUrl") else None
