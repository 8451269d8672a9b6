"""What pydantic found wrong, in our own words: place, what is wrong (the value), what to do.

Called by the loader. It knows each key's form by an example, and the words that other tools' files
have for the same things.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tarmac.base.errors import Problem, did_you_mean
from tarmac.base.written import as_written, duration, shown
from tarmac.model import texts
from tarmac.model.document import Document
from tarmac.model.infrastructure import ACTION, ARN, ROLE_NAME
from tarmac.model.location import Path
from tarmac.model.value import DATABASE, ENV_NAME, HOST_LABEL, NAME, PACKAGE, RULE, TOPIC

#: How a value looks, by its path; `*` is any name or number.
EXAMPLES = {
    "tarmac": "1",
    "system": "shop",
    "env": "{LOG_LEVEL: info}",
    "include": "[../payments]",
    "services": "{web: {run: [npm, start], port: 8080}}",
    "services.*": "{run: [npm, start], port: 8080}",
    "services.*.source": "services/orders",
    "services.*.run": "[npm, start]",
    "services.*.ports": "{http: 8080, grpc: 9090}",
    "entry": "{app: 8080}",
    "services.*.public": "{host: www, paths: [/]}",
    "services.*.public.paths": "[/]",
    "services.*.calls": "[order-service]",
    "services.*.calls.*": "{timeout: 2s, retries: 1}",
    "services.*.stores": "{db: orders-db}",
    "services.*.publishes": "[order.placed]",
    "services.*.consumes": "[order.placed]",
    "services.*.externals": "[stripe]",
    "services.*.env": "{LOG_LEVEL: info}",
    "services.*.secrets": "[API_KEY]",
    "services.*.secrets.*": "{as: file}",
    "services.*.probe": "{http: /health}",
    "services.*.stop": "{signal: INT, grace: 40s}",
    "services.*.probe.command": "[curl, -f, localhost]",
    "services.*.tasks": "{migrate: {run: [npm, run, migrate]}}",
    "services.*.tasks.*": "{run: [npm, run, migrate]}",
    "services.*.tasks.*.run": "[npm, run, migrate]",
    "services.*.watch": "[src]",
    "services.*.volumes": "{uploads: var/uploads}",
    "services.*.resources": "{cpu: 500m, memory: 256Mi}",
    "stores": "{orders-db: postgres}",
    "stores.*": "postgres",
    "stores.*.kind": "postgres",
    "stores.*.local": "{port: 5432, user: app, password: secret}",
    "broker": "nats",
    "broker.kind": "nats",
    "broker.local": "{port: 5672, user: guest, password: guest}",
    "externals": "{stripe: {hosts: [api.stripe.com]}}",
    "externals.*": "{hosts: [api.stripe.com]}",
    "externals.*.hosts": "[api.stripe.com]",
    "objectives": "[{service: web, availability: 99.9}]",
    "objectives.*": "{service: web, availability: 99.9}",
    "objectives.*.service": "web",
    "invariants": "{paid-once: {store: orders-db, query: SELECT ...}}",
    "invariants.*": "{store: orders-db, query: SELECT ...}",
    "invariants.*.store": "orders-db",
    "invariants.*.query": "SELECT ...",
    "invariants.*.equal": "{orders-db: SELECT ..., payments-db: SELECT ...}",
    "invariants.*.equal.*": "SELECT ...",
    "environments": "{production: {cloud: aws, region: us-east-1}}",
    "environments.*": "{cloud: aws, region: us-east-1}",
    "environments.*.entry": "{kind: traefik, email: ops@example.com}",
    "environments.*.servers": "{aurora: [users-db, orders-db]}",
    "environments.*.servers.*": "[users-db, orders-db]",
    "environments.*.replicas": "{min: 3, max: 20}",
    "environments.*.env": "{web: {LOG_LEVEL: info}}",
    "environments.*.env.*": "{LOG_LEVEL: info}",
    "part": "orders",
    "package": "tarmac_orders",
    "run": "[npm, start]",
    "slots": "{db: {kind: postgres, env: DATABASE_URL}}",
    "slots.*": "{kind: postgres, env: DATABASE_URL}",
    "slots.*.kind": "postgres",
    "slots.*.env": "DATABASE_URL",
    "calls": "{catalog: {}}",
    "calls.*": "{}",
    "publishes": "[order.placed]",
    "consumes": "[order.placed]",
    "settings": "{TTL_S: {default: '900'}}",
    "settings.*": "{default: '900'}",
    "secrets": "{SIGNING_SECRET: {bytes: 32}}",
    "secrets.*": "{bytes: 32}",
    "routes": "[/orders]",
    "items.*.attestation.*.what": "The snapshot was restored into a second instance in 14 minutes",
    "items.*.attestation.*.day": "2026-11-02",
    "items.*.attestation.*.by": "ops@example.com",
    "items.*.attestation.*.evidence": "evidence/restore-2026-11-02.md",
    "items.*.attestation.*.until": "2027-02-02",
    "items.*.attestation.*.target": "cloud",
}
#: Keys of Compose files and their like -> what to write here, in a service and at the top.
IN_A_SERVICE = {
    "build": "write `source: FOLDER` or `run: [PROGRAM, ...]`",
    "image": "write `run: [PROGRAM, ...]`; a database or cache goes under `stores`",
    "command": "write `run: [PROGRAM, ...]`",
    "entrypoint": "write `run: [PROGRAM, ...]`",
    "cmd": "write `run: [PROGRAM, ...]`",
    "environment": "write `env: {NAME: value}`",
    "env_file": "remove it; secrets are read from the file .env",
    "depends_on": "write `calls: [SERVICE]` or `stores: {SLOT: STORE}`",
    "expose": "write `port: 8080`",
    "healthcheck": "write `probe: {http: /health}`",
    "stop_grace_period": "write `stop: {grace: 40s}`",
    "stop_signal": "write `stop: {signal: INT}`",
    "working_dir": "write `cwd: FOLDER`",
    "networks": "remove it; allowed connections follow from `calls`",
    "restart": "remove it; a stopped service is restarted",
    "container_name": "remove it; the key of the service is its name",
    "deploy": "write `replicas: 2` or `resources: {memory: 256Mi}`",
    "language": "remove it; `run` may be a program in any language",
}
AT_THE_TOP = {
    "version": "remove it; `tarmac: 1` is the format",
    "name": "write `system: NAME`",
    "databases": "write `stores: {NAME: postgres}`",
    "networks": "remove it; allowed connections follow from `calls`",
    "volumes": "write it in the service that has the files",
    "secrets": "write it in the service that reads them",
}
#: Keys of a checklist that had another name -> their name.
RENAMED = {"boxes": "items", "seen": "attestation"}
#: What a pattern wants, for a person.
PATTERNS = {
    **texts.WORDS,
    NAME: "use a-z, 0-9 and '-', a letter first, 40 at most",
    TOPIC: "use lower-case words with dots between, e.g. order.placed",
    ENV_NAME: "use letters, digits and '_', no digit first",
    PACKAGE: "use a-z, 0-9 and '_', no digit first",
    HOST_LABEL: "use one label of a host's name: a-z, 0-9 and '-'",
    RULE: "use a-z, 0-9 and '_', a letter first",
    DATABASE: "use letters, digits, '_' and '-', a letter first",
    ACTION: "write one action without a wildcard, e.g. ses:SendEmail",
    ARN: "write an ARN, e.g. arn:aws:sqs:eu-west-1:123456789012:jobs",
    ROLE_NAME: "use up to 61 letters, digits and '-'",
    r"^[A-Za-z0-9_-]{1,64}$": "use up to 64 letters, digits, '_' and '-'",
    r"^[A-Za-z0-9/_-]+$": "write a policy of AWS by its name, e.g. job-function/ViewOnlyAccess",
    r"^[A-Za-z0-9._/-]+$": "write a branch or tag of Git",
    r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$": "write a folder's path within the repository",
    r"^[A-Z][A-Za-z0-9]*$": "use letters and digits, a capital first, e.g. OrdersTooSlow",
    r"^[A-Za-z0-9][A-Za-z0-9 ,.;:()/'-]*$": (
        "write one sentence of letters, digits and the signs ,.;:()/'-"
    ),
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "write an address like team@example.com",
    r"^[a-z]{2}(-[a-z]+)+-\d$": "write a region of AWS, e.g. eu-central-1",
    r"^\d{12}$": 'write the 12 digits of an AWS account in quotes, e.g. "123456789012"',
    r"^[a-z0-9-]+(\.[a-z0-9-]+){1,2}$": "write an instance type, e.g. t3.large or db.r6g.large",
    r"^\d+(\.\d+)?$": 'write a version in quotes, e.g. "16.4"',
    r"^1\.\d{2}$": 'write a minor version of Kubernetes in quotes, e.g. "1.34"',
    r"^/[A-Za-z0-9/_.-]*$": "write a path, e.g. /health",
    r"^/[A-Za-z0-9_.*$/~@:+-]*$": "write a path, in which `*` stands for anything: /static/*",
}
BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "greater_than": "more than {gt}",
    "less_than": "less than {lt}",
}


def complaint(model: type[BaseModel], parsed: Document, details: ErrorDetails) -> Problem:
    """Write one of pydantic's errors as a located problem."""
    tagged: Path = tuple(step for step in details["loc"] if step != "[key]")
    path = _without_tags(tagged, parsed.data)
    kind = details["type"]
    if kind == "union_tag_invalid":  # of several forms, chosen by the value of one key
        path = (*path, details["ctx"]["discriminator"].strip("'"))
    is_key = "[key]" in details["loc"] or kind == "extra_forbidden"
    place = parsed.locate(path[:-1] if kind == "missing" else path, key=is_key)
    if kind == "extra_forbidden":
        return Problem(str(place), _unknown_key(model, tagged))
    return Problem(str(place), _said(path, details, is_key=is_key))


def _without_tags(path: Path, data: Any) -> Path:
    """Leave out the steps that name one of several forms and no place in the file."""
    found: list[str | int] = []
    for number, step in enumerate(path):
        is_last = number == len(path) - 1
        if isinstance(data, dict) and step not in data and not is_last:
            continue
        found.append(step)
        inside = isinstance(data, dict) or (isinstance(data, tuple) and isinstance(step, int))
        try:
            data = data[step] if inside else None
        except (KeyError, IndexError):
            data = None
    return tuple(found)


def _said(path: Path, details: ErrorDetails, *, is_key: bool) -> str:
    kind, value = details["type"], details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    what, example = _subject(path), _example(path)
    if kind == "union_tag_invalid":
        known = re.findall(r"'([^']+)'", context["expected_tags"])
        return f"{what} is {shown(context['tag'])}; {did_you_mean(context['tag'], known)}"
    if kind == "union_tag_not_found":
        key = context["discriminator"].strip("'")
        return f"{what} lacks '{key}'; add `{key}: ...`"
    if kind == "missing":
        owner = _subject(path[:-1])
        return f"{owner} lacks '{path[-1]}'; add `{path[-1]}: {example or '...'}`"
    if kind == "value_error":
        return f"{what} {details['msg'].removeprefix('Value error, ')}"
    if value is None and not is_key:
        return f"{what} has no value; {_fill(path, example)}"
    if kind == "string_pattern_mismatch":
        pattern = context["pattern"]
        fits = _fitting(str(value), pattern)
        words = PATTERNS.get(pattern, f"it must match {pattern}")
        said = f"{shown(value)} cannot be a name" if is_key else f"{what} is {shown(value)}"
        return f"{said}; {words}" + (f": {fits}" if fits else "")
    if kind in BOUNDS:
        if isinstance(value, str):  # with a unit, and so are its bounds
            context = {name: duration(bound) for name, bound in context.items()}
        return f"{what} is {shown(value)}; it must be {BOUNDS[kind].format(**context)}"
    if kind == "literal_error":
        known = re.findall(r"'([^']+)'", context["expected"]) or [context["expected"]]
        only = f"write {known[0]}" if len(known) == 1 else did_you_mean(as_written(value), known)
        return f"{what} is {shown(value)}; {only}"
    return f"{what} is {shown(value)}; {_remedy(kind, path, value, example)}"


def _remedy(kind: str, path: Path, value: Any, example: str) -> str:
    key = path[-1] if path else ""
    is_scalar = not isinstance(value, dict | tuple)
    shape = ""
    if kind == "string_type":
        prefix = f"{key}: " if isinstance(key, str) and key != value else ""
        shape = f'put it in quotes: {prefix}"{as_written(value)}"' if is_scalar else "write text"
    elif kind.startswith("int"):
        digits = isinstance(value, str) and re.fullmatch(r"[0-9]+", value)
        shape = f"remove the quotes: {key}: {value}" if digits else "write a whole number"
    elif kind.startswith("float"):
        shape = "write a number"
    elif kind.startswith("bool"):
        shape = "write true or false"
    elif kind == "tuple_type":
        if is_scalar and isinstance(value, str):
            return f"write a list: {key}: [{value}]"
        shape = "write a list"
    else:
        shape = "write a list" if example.startswith("[") else "write keys with values"
    needs_example = kind.startswith(("tuple", "dict", "model"))
    return f"{shape}, e.g. {key}: {example}" if needs_example and example else shape


def _fill(path: Path, example: str) -> str:
    if not path or isinstance(path[-1], int):
        return "remove the '-', or write something behind it"
    return f"write one{f', e.g. {path[-1]}: {example}' if example else ''}, or remove the line"


def _subject(path: Path) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {path[-2] if len(path) > 1 else 'the list'}"
    return str(path[-1]) or "''"


def _example(path: Path) -> str:
    steps = [str(step) for step in path]
    for pattern, example in EXAMPLES.items():
        wanted = pattern.split(".")
        if len(wanted) == len(steps) and all(
            want in ("*", step) for want, step in zip(wanted, steps, strict=True)
        ):
            return example
    return ""


def _unknown_key(model: type[BaseModel], path: Path) -> str:
    name, known = str(path[-1]), _keys(model, path[:-1])
    hint = did_you_mean(name, known)
    elsewhere = AT_THE_TOP if len(path) == 1 else IN_A_SERVICE
    if len(path) in (1, 3) and name in elsewhere:
        hint = elsewhere[name]
    if (new := RENAMED.get(name)) in known:
        hint = f"its name is now `{new}`; rename it"
    return f"unknown key {shown(name)}; {hint}"


def _fitting(value: str, pattern: str) -> str:
    """Suggest what the value would be in the allowed characters; empty if that fits no better."""
    if pattern in (NAME, HOST_LABEL):
        value = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", value).lower())
        value = value.strip("-")
    elif pattern == TOPIC:
        value = re.sub(r"[^a-z0-9]+", ".", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", value).lower())
    else:
        value = re.sub(r"[^A-Za-z0-9]+", "_", value)
        value = value if pattern == ENV_NAME else value.lower()
    return value if re.match(pattern, value) else ""


def _keys(model: Any, path: Path) -> list[str]:
    """List the keys that are known at a path of a model."""
    for step in path:
        model = next(_inside(model, step), None)
    for candidate in _alternatives(model):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return [field.alias or name for name, field in candidate.model_fields.items()]
    return []


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    for candidate in _alternatives(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            if step in candidate.model_fields:
                yield candidate.model_fields[str(step)].annotation
            elif any(_is_literal(f.annotation, step) for f in candidate.model_fields.values()):
                yield candidate  # the form that a key's value has chosen
        elif (arguments := typing.get_args(candidate)) and not isinstance(candidate, type):
            yield arguments[0] if typing.get_origin(candidate) is tuple else arguments[-1]


def _is_literal(annotation: Any, value: str | int) -> bool:
    return typing.get_origin(annotation) is typing.Literal and typing.get_args(annotation) == (
        value,
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """Strip Annotated and unions off a type."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return tuple(
            inner for get_arg in typing.get_args(annotation) for inner in _alternatives(get_arg)
        )
    return (annotation,)
