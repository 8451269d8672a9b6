"""Writes what was found as a `tarmac.yaml` that teaches its reader; same find, same text."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import KnownPlace, Service, Store, Survey, as_list
from tarmac.model.value import DATABASE

#: What needs no quotes on a line of its own, and within braces or brackets.
_ALONE = re.compile(r"^[A-Za-z./$][^\n\"'#`]*$")
_WITHIN = re.compile(r"^[A-Za-z./][A-Za-z0-9_./@+=-]*( [A-Za-z0-9_./@+=-]+)*$")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
#: It compiles before it starts.
_BUILDS = re.compile(
    r"(go|cargo|dotnet) run|((?:ba)?sh )?(\./)?(mvnw?|gradlew?) |(npm|pnpm|yarn|bun) run build |"
    r"mix |npx nx serve "
)
#: Tasks that the build of an image does.
_IN_IMAGES = ("install", "build", "dotenv", "settings", "generate", "pages")
#: A reference by which a service calls another; its public address is only told to people.
_CALLS = re.compile(r"\$\{services\.([a-z0-9-]+)\.(?!public_url\})")
WIDTH = 96
ENTRY = "one address for the paths of `public` below"
NOTHING = (
    "Nothing in this folder shows how a service starts. Write the command that starts it, e.g. "
    "`npm start`, `go run .` or `.venv/bin/python app.py`; the program listens where the variable "
    "PORT says."
)


def write(found: Survey, name: str) -> str:
    """Write the file of a system that was found."""
    origin = f" from {', '.join(found.origins[:6])}" if found.origins else ""
    lines = [
        f"# Written by `tarmac init`{origin}; it is yours now.",
        "# `${stores.db.url}` is a reference: it is filled in, and what it names starts first.",
        "tarmac: 1",
        f"system: {name}",
        *(["hosts: true # programs reach what they use by its name"] if found.hosts else []),
        *([f'entry: {{"": {found.front_port}}} # {ENTRY}'] if found.routes else []),
        "",
        "services:",
    ]
    paths = {service.name: _paths(service, found) for service in found.services}
    for index, service in enumerate(found.services):
        written = _service(service, paths[service.name])
        lines += ["", *written] if index else written
    lines += [] if found.services else _to_fill_in(found.unstarted)
    listed = [
        name.removesuffix("_FILE") if name in service.secret_files else name
        for service in found.services
        for name in service.secrets
    ]
    if both := [name for name in dict.fromkeys(listed) if listed.count(name) > 1]:
        lines += ["", "# One value for all that list it.", f"secrets: [{', '.join(both)}]"]
    if found.stores:
        lines += [
            "",
            "# Real servers on this machine, each with its data below .tarmac/.",
            "stores:",
        ]
        for store in found.stores:
            note = " # all users share ownership of its tables" if store.shared else ""
            lines += [*_comments(store.remarks, 2), f"  {store.name}: {_store(store)}{note}"]
    if found.broker is not None:
        lines += ["", *_comments(found.broker.remarks, 0), f"broker: {_store(found.broker)}"]
    return "\n".join([*lines, *_left_out(found.left_out)]) + "\n"


def _to_fill_in(unstarted: Iterable[Service]) -> Iterator[str]:
    """Write the services whose start nothing shows, or one; `up` refuses the file as it is."""
    yield from _comments([NOTHING], 2)
    for number, service in enumerate(tuple(unstarted) or (Service("web"),)):
        yield f"  {service.name}:"
        yield '    run: "" # the command that starts it'
        yield f"    port: {next(iter(service.ports.values()), 8080 + number)}"


def _left_out(lines: Iterable[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        if not index:
            yield from ("", "# Not carried over:")
        yield from _comments([line], 0, first="- ")


def _comments(remarks: Iterable[str], indent: int, first: str = "") -> Iterator[str]:
    for remark in remarks:
        start = f"{' ' * indent}# "
        yield from textwrap.wrap(
            "".join(c for c in remark if c.isprintable()),
            WIDTH,
            initial_indent=start + first,
            subsequent_indent=start + " " * len(first),
            break_on_hyphens=False,
            break_long_words=False,
        )


def _is_public(service: Service) -> bool:
    is_ours = not service.of_others
    return (
        is_ours and bool(service.ports) and not (service.grpc and list(service.ports) == ["http"])
    )


def _front(found: Survey) -> str:
    """Choose what answers at the domain itself: a service that no other one calls."""
    public = [service.name for service in found.services if _is_public(service)]
    called = {
        name
        for service in found.services
        for name in (*service.calls, *_CALLS.findall(" ".join(service.env.values())))
        if name != service.name
    }
    return next((name for name in public if name not in called), next(iter(public), ""))


def _paths(service: Service, found: Survey) -> str:
    """Write where the world reaches a service: by its paths, at the domain, or at its own host."""
    paths = [route.path for route in found.routes if route.service == service.name]
    if paths:
        return f"{{paths: [{', '.join(scalar(path, inside=True) for path in paths)}]}}"
    if not found.routes and service.name == _front(found):
        return "{}"
    return f"{{host: {service.name}}} # of its own, where it has a domain"


def _service(service: Service, public: str) -> Iterator[str]:
    yield f"  {service.name}:"
    yield from _about(service)
    words = as_list(service.run)
    yield f"    run: {_list(words) if len(words) > 1 else scalar(service.run)}"
    if service.folder:
        yield f"    cwd: {scalar(service.folder)}"
    yield from _ports(service)
    if _is_public(service):
        yield f"    public: {public}"
    yield from _edges(service)
    yield from _variables(service)
    yield from _probe(service)
    yield from _end(service)
    yield from _files(service)
    yield from _tasks(service)


def _about(service: Service) -> Iterator[str]:
    why = [f"from {service.why}"] if service.why else []
    guesses = [f"assumed: {guess}" for guess in service.guesses]
    to_do = [f"to do: {task}" for task in service.to_do]
    yield from _comments([*why, *guesses, *service.remarks, *to_do], 4)


def _ports(service: Service) -> Iterator[str]:
    if list(service.ports) == ["http"]:
        yield f"    port: {service.ports['http']}"
    elif service.ports:
        ports = ", ".join(f"{name}: {number}" for name, number in service.ports.items())
        yield f"    ports: {{{ports}}}"
    if service.fixed:
        yield "    listen: fixed # make it listen on PORT, then remove this line"
    if service.ports and service.image_port not in (0, next(iter(service.ports.values()))):
        yield f"    image_port: {service.image_port} # its image listens on this port"


def _edges(service: Service) -> Iterator[str]:
    if service.calls:
        yield f"    calls: [{', '.join(service.calls)}]"
    if service.stores:
        yield f"    stores: {{{', '.join(f'{name}: {name}' for name in service.stores)}}}"


def _files(service: Service) -> Iterator[str]:
    if service.volumes:
        yield from _mapping("volumes", service.volumes)
    if service.watch:
        places = ", ".join(scalar(place, inside=True) for place in service.watch)
        yield f"    watch: [{places}] # an edit there restarts it: by `up`, at once by `up --watch`"


def _tasks(service: Service) -> Iterator[str]:
    tasks = {name: line for name, line in service.tasks.items() if name not in service.by_hand}
    if by_hand := {n: line for n, line in service.tasks.items() if n not in tasks}:
        yield f"    commands: # `tarmac run {service.name} {next(iter(by_hand))}` does it"
    for name, line in by_hand.items():
        yield f"      {name}: {scalar(line)}"
    if tasks:
        yield f"    tasks: # before it starts{', one after the other' if len(tasks) > 1 else ''}"
    for name, line in tasks.items():
        yield f"      {name}:"
        yield f"        run: {scalar(line)}"
        if name in _IN_IMAGES:
            yield "        here: true # elsewhere its image has done it"


def _probe(service: Service) -> Iterator[str]:
    path = scalar(service.probe, inside=True)
    if service.ports and (service.builds or _BUILDS.match(service.run)):
        how = f"http: {path}" if service.probe else "tcp: true"
        how = "grpc: true" if service.grpc_health else how
        yield f"    probe: {{{how}, within: 5m}} # the first build takes a while"
    elif service.grpc_health and service.ports:
        yield "    probe: {grpc: true} # grpc.health.v1 says SERVING"
    elif service.probe:
        yield f"    probe: {{http: {path}}}"


def _end(service: Service) -> Iterator[str]:
    for moment, line in (
        ("after_start", service.after_start),
        ("before_stop", service.before_stop),
    ):
        if line:
            yield f"    {moment}: {{run: {scalar(line, inside=True)}}}"
    signal = [f"signal: {service.stop_signal}"] if service.stop_signal else []
    grace = [f"grace: {service.stop_grace_s:g}s"] if service.stop_grace_s else []
    if signal or grace:
        yield f"    stop: {{{', '.join((*signal, *grace))}}}"


def _variables(service: Service) -> Iterator[str]:
    if service.env:
        yield "    env:"
    elif service.missing:
        yield "    # env:"
    for name, value in service.env.items():
        yield f"      {name}: {scalar(value)}"
    for name, place in service.missing.items():
        start = "      # " if service.env else "    #   "
        yield f"{start}{name}: ... # no file gives it ({place})"
    if service.optional:
        shown = ", ".join(service.optional[:12]) + (", ..." if len(service.optional) > 12 else "")
        yield from _comments([f"it also reads {shown}, which may be absent"], 4)
    if service.secrets:
        files = service.secret_files
        said = {**service.secret_forms, **dict.fromkeys(files, "{as: file}")}
        names = ", ".join(f"{{{n}: {said[n]}}}" if n in said else n for n in service.secrets)
        yield f"    secrets: [{names}] # from .env beside this file, else generated"


def _mapping(key: str, values: Mapping[str, str]) -> Iterator[str]:
    yield f"    {key}:"
    for name, value in values.items():
        yield f"      {name}: {scalar(value)}"


def _store(store: Store) -> str:
    parts = [f"kind: {store.kind}"]
    if store.version:
        parts.append(f'version: "{store.version}"')
    if store.provider:
        parts.append(f"provider: {store.provider}")
    if re.fullmatch(DATABASE, store.database) and servers.of_kind(store.kind).databases:
        parts.append(f"database: {scalar(store.database)}")
    if store.init:
        parts.append(f"init: [{', '.join(scalar(file) for file in store.init)}]")
    if store.passwordless:
        parts.append("passwordless: true")
    if store.shared:
        parts.append("shared: true")
    if store.known is not None:
        parts.append(f"local: {_known(store.known)}")
    return store.kind if len(parts) == 1 else f"{{{', '.join(parts)}}}"


def _known(place: KnownPlace) -> str:
    parts = [f"host: {place.host}"] if place.host else []
    parts += [f"port: {place.port}"] if place.port else []
    parts += [f"user: {scalar(place.user, inside=True)}"] if place.user else []
    # Quoted, as a password may be a number.
    parts += [f"password: {json.dumps(place.password)}"] if place.password is not None else []
    return f"{{{', '.join(parts)}}}"


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(scalar(word, inside=True) for word in words)}]"


def scalar(value: str, *, inside: bool = False) -> str:
    """Write a text so that it is read back as that text.

    Args:
        inside: it stands within braces or brackets.
    """
    plain = (_WITHIN if inside else _ALONE).fullmatch(value) and value.isprintable()
    if plain and value.lower() not in _WORDS and ": " not in value and value[-1] not in ": ":
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in quoted)
