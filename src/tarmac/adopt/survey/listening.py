"""Finds a program's port and where that is set: in PORT, in a variable of its own, or in its code.

The rules are asked in their order; the first one that knows settles it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from tarmac.adopt.packages import node_roles
from tarmac.adopt.packages.node_packages import front_end_of, port_of_script, scripts_of
from tarmac.adopt.survey.found import OF_A_PROCFILE, OWN_PORT, Folder, Service, port_number
from tarmac.adopt.variables import code, code_ports, dotenv_files, settings_files
from tarmac.adopt.variables.variable_read import VariableRead

#: Below, a program needs rights that a user's has not.
FIRST_FREE = 1024
#: What is said of the place in the code or the settings that has the number.
NAMES_ITS_PORT = " names its port"
#: Names of programs that work off what others hand them.
_LISTENS_NOWHERE = re.compile(
    r"(^|-)(worker|consumer|cron|scheduler|migrat\w*|job|seed\w*)s?(-?\d{1,2})?$"
)
#: A module or file of one, as a command has it: `python -m shop.worker.main`.
_OF_A_WORKER = re.compile(
    r"(?<=[\s./])(?:\w{1,30}_)?(?:worker|consumer|scheduler)s?(?:[./](?:main|index|__main__))?"
    r"(?:\.py|\.[cm]?[jt]s)?(?=\s|$)"
)
#: A module of Python in a package of such: `python -m shop.workers.reaper`.
_BESIDE_WORKERS = re.compile(r"\s-m\s(?:\w+\.){0,5}(?:workers|consumers|jobs)\.\w+(?=\s|$)")
#: Commands of programs that do, by their queues' own tools.
_TAKES_JOBS = re.compile(
    r"\bcelery\b(?:\s+\S+)*?\s(?:worker|beat)(?=\s|$)|\b(?:arq|dramatiq|taskiq worker|"
    r"taskiq scheduler|faststream run|saq|rq worker|rqworker|rqscheduler|"
    r"huey_consumer(?:\.py)?|rundramatiq)(?=\s|$)"
)
#: An option for a port with a variable behind it.
_OPTION = re.compile(r"(?i)(?<!\S)(--?[\w-]*port[= ])\$(?:([a-z_]\w*)|\{([a-z_]\w*)\})")
_OWN_ADDRESS = (
    "LISTEN_ADDR",
    "BIND_ADDR",
    "ADDR",
    "LISTEN",
    "BIND",
    "HTTP_ADDR",
    "LISTEN_ADDRESS",
    "ADDRESS",
)
#: They may be the address of what a program calls; one to listen at names no machine.
_MAYBE_OWN_ADDRESS = ("SERVER_ADDRESS", "SERVER_ADDR", "HTTP_ADDRESS", "API_ADDR", "API_ADDRESS")
_LISTENS_AT = re.compile(r"(?:0\.0\.0\.0|\[::\])?:(\d{2,5})")


@dataclass(frozen=True)
class _Program:
    """What is known of a program before its port is settled."""

    service: Service
    folder: Folder
    #: The variables of a file beside it, which many programs read before PORT.
    given: Mapping[str, str]
    #: The port that its container or its framework has; 0 for none.
    port: int
    #: The value of PORT that its container gets; 0 for none.
    told: int = 0

    @cached_property
    def reads(self) -> dict[str, VariableRead]:
        """The variables that its code reads."""
        return code.variables(self.folder)

    def beside(self, name: str) -> int:
        """Read the port that a file in its own folder gives to a variable; 0 for none."""
        return port_number(dotenv_files.of_file(self.folder)[0].get(name, ""))

    def address(self, name: str) -> int:
        """Read the port of an address to listen at that a variable has: `:8080`; 0 for none."""
        own = dotenv_files.of_file(self.folder)[0]
        read = self.reads.get(name)
        values = (self.service.env.get(name), self.given.get(name), own.get(name))
        said = next(filter(None, values), (read.default if read else "") or "")
        match = _LISTENS_AT.fullmatch(said)
        return int(match[1]) if match else 0

    def default(self, name: str) -> int:
        """Read the port that a variable has by default; 0 for none."""
        return port_number(self.reads[name].default or "") if name in self.reads else 0


def listening(service: Service, folder: Folder, given: Mapping[str, str]) -> Service:
    """Settle where a program listens.

    Args:
        given: the variables of a file beside it, which many programs read before PORT.
    """
    told = port_number(service.env.get("PORT", ""))
    port = next(iter(service.ports.values()), told)
    service = replace(service, env={k: v for k, v in service.env.items() if k != "PORT"})
    program = _Program(service, folder, given, port, told)
    # A worker shares the code of the program that it works beside, and that names a port.
    rules = (_told_port,) if service.aside and not service.ports else RULES
    return _each_once(next(filter(None, (rule(program) for rule in rules)), service))


def _each_once(service: Service) -> Service:
    """Leave out a second name for the number of the main port, and know it by the first."""
    main = next(iter(service.ports), "")
    again = [
        n for n, number in service.ports.items() if n != main and number == service.ports[main]
    ]
    ports = {name: number for name, number in service.ports.items() if name not in again}
    known = {inside: main if name in again else name for inside, name in service.known_as.items()}
    return replace(service, ports=ports, known_as=known) if again else service


def _by_a_broker(program: _Program) -> Service | None:
    """A broker hands it all its work; a port that it reads is one that it only tells."""
    is_asked = program.service.known_as or "$PORT" in program.service.run
    if is_asked or not code_ports.listens_nowhere(program.folder):
        return None
    return replace(program.service, ports={})


def _of_go(program: _Program) -> Service | None:
    """Its main package names its number, or nothing of it listens, whatever the settings have."""
    service = program.service
    match = re.match(r"go run (?:-tags \S+ )?(?:-C (\S+) )?(\./\S+|\.)", service.run)
    if match is None or "$PORT" in service.run:
        return None
    if code_ports.takes_messages_alone(program.folder):
        return replace(service, ports={}, known_as={})  # whatever its file publishes
    if service.known_as:
        return None
    if service.files and code_ports.has_no_server(program.folder):
        return replace(service, ports={})
    package = posixpath.normpath(posixpath.join(match[1] or "", match[2]))
    number = code_ports.port_of_main(program.folder, "" if package == "." else package)
    is_shared = "PORT" in program.reads and bool(service.files)
    if not number or not is_shared:
        return None
    remark = f"{match[2]}{NAMES_ITS_PORT}"
    return replace(service, ports={"http": number}, fixed=True, remarks=(*service.remarks, remark))


def _of_node(program: _Program) -> Service | None:
    """The file that its script runs listens nowhere, whatever the settings of all have."""
    service = program.service
    if service.ports or service.known_as or "$PORT" in service.run:
        return None
    scripts = (service.run, *scripts_of(program.folder, service.run))
    return service if node_roles.listens_nowhere(program.folder, scripts) else None


def _of_a_queue(program: _Program) -> Service | None:
    """Its command takes jobs from a queue, and listens nowhere, whatever its image does."""
    service = program.service
    if not _TAKES_JOBS.search(service.run) or "$PORT" in service.run or service.known_as:
        return None
    return replace(service, ports={})


def _of_a_worker(program: _Program) -> Service | None:
    """Its name and its command say that it works off what others leave, and it has no port.

    The settings that it shares with the program beside it have that one's.
    """
    service = program.service
    is_named = _LISTENS_NOWHERE.search(service.name) and _OF_A_WORKER.search(service.run)
    is_named = is_named or _BESIDE_WORKERS.search(service.run)
    if not is_named or service.ports or service.known_as or "$PORT" in service.run:
        return None
    return service


def _set_by_its_script(program: _Program) -> Service | None:
    """The script of its package.json sets PORT, whatever it is given."""
    service = program.service
    number = "$PORT" not in service.run and port_of_script(program.folder, service.run)
    if not number:
        return None
    return replace(
        service,
        ports={**service.ports, "http": number},
        fixed=True,
        known_as={**service.known_as, number: "http"} if service.known_as else {},
        remarks=(*service.remarks, "its script in package.json sets PORT"),
    )


def _told_port(program: _Program) -> Service | None:
    """Its command takes PORT, or its framework reads it."""
    service, port = program.service, program.port
    told, usual = front_end_of(program.folder, service.run)
    reads_port = service.reads_port or (bool(usual) and not told)
    if not ("$PORT" in service.run or service.port_variable or reads_port):
        return None
    said = port or program.beside("PORT")
    own = program.default("PORT")
    if own and service.guesses == (OF_A_PROCFILE,):  # its code says more than a custom
        return _at(replace(service, guesses=()), own)
    number = said or own or usual or 8000
    return _at(service, number, "" if said or usual else "port 8000")


def _variable_of_its_command(program: _Program) -> Service | None:
    """Its command hands a variable of its container to the option for a port: `--port $HP`."""
    service = program.service
    match = _OPTION.search(service.run)
    name = (match[2] or match[3]) if match else ""
    number = port_number(service.env.get(name, ""))
    if not number or number not in (program.port, *service.known_as):
        return None
    env = {n: v for n, v in service.env.items() if n != name}
    return replace(_at(service, program.port), env=env, run=_OPTION.sub(r"\1$PORT", service.run))


def _variable_of_its_container(program: _Program) -> Service | None:
    """Its file gives its container's port to a variable that its code reads, or its image does."""
    service, reads = program.service, program.reads
    inside = next((i for i, name in service.known_as.items() if name == "http"), 0)
    alone = 0 if service.known_as or "PORT" in reads else program.port
    for name, value in service.env.items():
        is_port = name.upper().endswith("PORT") and (name in reads or bool(alone))
        if is_port and (inside or alone) == port_number(value) != 0:
            env = {n: v for n, v in service.env.items() if n != name}
            return replace(_at(service, program.port), env=env, port_variable=name)
    return None


def _variable_of_a_file(program: _Program) -> Service | None:
    """It reads another variable, whose value stands in a file beside it."""
    for name in OWN_PORT:
        number = port_number(program.given.get(name, "")) if name in program.reads else 0
        if number:
            return replace(_at(program.service, program.port or number), port_variable=name)
    return None


def _reads_port(program: _Program) -> Service | None:
    """Its code reads PORT."""
    if "PORT" not in program.reads:
        return None
    if program.reads["PORT"].in_a_file and (found := _number_in_settings(program)):
        return found  # its file may give it with a colon
    said = program.port or program.beside("PORT") or program.default("PORT")
    number = said or code_ports.own_number(program.folder)
    guess = "" if number else "port 8000: its code names none"
    return _at(program.service, number or 8000, guess)


def _own_variable(program: _Program) -> Service | None:
    """Its code reads a variable whose name says that it is where the program listens."""
    stem = program.service.name.upper().replace("-", "_")
    own = (f"{stem}_PORT", f"{stem}_SERVER_PORT", f"{stem}_SERVICE_PORT")
    for name in (*OWN_PORT, *own, *_OWN_ADDRESS, *(other.lower() for other in OWN_PORT)):
        if name in program.reads:
            told = port_number(program.service.env.get(name, "")) if name.endswith("PORT") else 0
            known = program.port or told or program.default(name)
            known = known or (program.address(name) if name in _OWN_ADDRESS else 0)
            if number := known or _ending(program.reads[name].default):
                return replace(_at(program.service, number), port_variable=name)
    for name in OWN_PORT:  # its settings insist on one, and none is named
        if name in program.reads and program.reads[name].is_checked and not program.default(name):
            service = _at(program.service, program.port or 8000, "port 8000: its code names none")
            return replace(service, port_variable=name)
    for name in _MAYBE_OWN_ADDRESS:
        if number := program.address(name) if name in program.reads else 0:
            return replace(_at(program.service, program.port or number), port_variable=name)
    return None


def _variable_of_its_script(program: _Program) -> Service | None:
    """The script that starts it hands a variable of its container to the server."""
    service = program.service
    scripts = (word for word in service.run.split() if word.endswith(".sh"))
    text = "\n".join(map(program.folder.read, scripts))
    for name in (*OWN_PORT, "PORT"):
        number = program.port or port_number(service.env.get(name, "")) or program.told
        if number and re.search(rf"\$\{{?{name}\b", text):
            return replace(_at(service, number), port_variable=name)
    return None


def _variable_with_its_port(program: _Program) -> Service | None:
    """Its code reads one variable of its own naming whose default is its container's port."""
    alike = [
        name
        for name in program.reads
        if program.port
        and (
            (name.endswith("_PORT") and program.default(name) == program.port)
            or (name.endswith(("_ADDR", "_ADDRESS")) and program.address(name) == program.port)
        )
    ]
    if len(alike) != 1:
        return None
    return replace(_at(program.service, program.port), port_variable=alike[0])


def _number_in_code(program: _Program) -> Service | None:
    """Its code names the number."""
    service = program.service
    if (literal := code_ports.literal_port(program.folder, service.run)) is None:
        return None
    number, place = literal
    if _LISTENS_NOWHERE.search(service.name) and not service.ports:
        return None  # it has the code of the program beside it
    others = {n: p for n, p in list(service.ports.items())[1:] if p != number}
    known = {**service.known_as, number: "http"} if service.known_as else {}
    return replace(
        service,
        ports={"http": number, **others},
        fixed=True,
        known_as=known,
        remarks=(*service.remarks, f"{place}{NAMES_ITS_PORT}"),
    )


def _number_in_settings(program: _Program) -> Service | None:
    """Its own file of settings names the number, unless its container's file names another."""
    found, service = settings_files.own_port(program.folder), program.service
    if _LISTENS_NOWHERE.search(service.name):
        return None  # it has the file of the program beside it
    if found is None or (service.known_as and found.number not in service.known_as):
        return None
    # One of a usual name overrides the file, also where the file says nothing of it.
    usual = (name for name in OWN_PORT if name in program.reads)
    if variable := found.variable or next(usual, ""):
        # A name that ends otherwise is given an address.
        is_fitting = variable.endswith("PORT") is not found.is_address
        if is_fitting:
            return replace(_at(service, program.port or found.number), port_variable=variable)
    ports = {**service.ports, "http": found.number}
    # Of several, each is given by a variable; it may look at that one, as its file has it.
    given = {"HTTP_PORT": f":{found.number}"} if found.is_address and len(ports) > 1 else {}
    if found.is_address and variable == "PORT":  # Tarmac's own has no colon before the number
        given = {"PORT": f":{found.number}"}
    return replace(
        service,
        ports=ports,
        fixed=True,
        env={**given, **service.env},
        remarks=(*service.remarks, f"{found.place}{NAMES_ITS_PORT}"),
    )


def _port_of_flask(program: _Program) -> Service | None:
    """It runs a file that starts Flask's own server, and tells it no port."""
    service = program.service
    files = [word for word in service.run.split() if word.endswith(".py")]
    text = program.folder.read(files[-1]) if files else ""
    if not files or not code_ports.starts_flask(text, program.folder):
        return None
    known = {**service.known_as, 5000: "http"} if service.known_as else {}
    ports = {**service.ports, "http": 5000}
    return replace(service, ports=ports, fixed=True, known_as=known)


def _port_of_its_container(program: _Program) -> Service | None:
    """Nothing but its container says where it listens, or tells it so by PORT."""
    service, port = program.service, program.port
    if not port:
        return None
    inside = next((i for i, name in service.known_as.items() if name == "http"), port)
    if program.told == inside:  # a library of its own may read it
        return replace(_at(service, port), reads_port=True)
    return replace(
        service,
        ports={**service.ports, "http": inside},
        fixed=True,
        guesses=(*service.guesses, f"it listens on {inside} whatever PORT says"),
    )


RULES = (
    _of_a_queue,
    _of_go,
    _of_node,
    _by_a_broker,
    _set_by_its_script,
    _told_port,
    _variable_of_its_command,
    _variable_of_its_container,
    _of_a_worker,
    _variable_of_a_file,
    _reads_port,
    _own_variable,
    _variable_of_its_script,
    _variable_with_its_port,
    _number_in_code,
    _number_in_settings,
    _port_of_flask,
    _port_of_its_container,
)


def _ending(text: str | None) -> int:
    match = re.search(r":(\d{2,5})$", text or "")
    return int(match[1]) if match else 0


def _at(service: Service, number: int, guess: str = "") -> Service:
    number = number if number >= FIRST_FREE else 8000 + number
    ports = {"http": number, **dict(list(service.ports.items())[1:])}
    guesses = (*service.guesses, guess) if guess else service.guesses
    return replace(service, ports=ports, guesses=guesses)
