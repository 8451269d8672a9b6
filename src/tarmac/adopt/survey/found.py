"""What a recogniser is given and what it returns; the one module that the files here share."""

from __future__ import annotations

import posixpath
import re
import shlex
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from tarmac.base.foreign.data import problem

#: Folders that hold no program of the repository's own.
SKIPPED = frozenset(
    {".git", ".hg", ".venv", "venv", ".tox", "node_modules", "vendor", "target", "dist", "build"}
    | {"__pycache__", ".tarmac", ".next", ".nuxt", ".svelte-kit", "coverage", ".idea", ".gradle"}
    | {"site-packages", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".terraform", "htmlcov"}
)
#: Images, services and programs that try others out.
RUNS_TESTS = re.compile(r"(?i)\b(playwright|cypress|selenium|k6|locust)\b")
#: Where repositories of several programs keep them.
SHELVES = ("apps", "services", "packages", "projects", "crates")
#: A folder with one of these is a program of its own.
_PROJECTS = frozenset(
    {"pyproject.toml", "requirements.txt", "Pipfile", "manage.py", "package.json", "go.mod"}
    | {"pom.xml", "build.gradle", "build.gradle.kts", "Cargo.toml", "Dockerfile", "Procfile"}
    | {"Gemfile", "composer.json", "mix.exs", "setup.py"}
)
_TESTS = re.compile(
    r"(^|/)(tests?|tests?[-_]?(?:utils?|helpers?|support)|__tests__|__mocks__|specs?|e2e|fixtures|examples?|docs?|migrations|\.\w[^/]*)/|"
    r"(^|/)(test_[^/]*|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+|conftest\.py|setup\.py)$"
)
_PRIVATE = re.compile(r"(?:192\.168|10\.\d+|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d+){2}")
#: Names of variables that hold a program's own port.
OWN_PORT = (
    "HTTP_PORT",
    "SERVER_PORT",
    "APP_PORT",
    "LISTEN_PORT",
    "API_PORT",
    "WEB_PORT",
    "SRV_PORT",
    "GO_PORT",
    "NODE_PORT",
)
#: What is guessed of a program that a Procfile starts.
OF_A_PROCFILE = "port 5000, a Procfile's usual one"
#: The task that makes a database's tables, where a framework's own files say how.
MIGRATE = "migrate"
#: How a task begins that waits for what another service's task makes.
WAITS = "until test -e"
#: A line that only a shell understands.
_SHELL = re.compile(r"[$&|;<>()*?`\"'\\#~]|^\w+=")
#: They start the program as a child and pass no signal on, so that the whole group must get it.
_PASS_NOTHING_ON = frozenset({"go", "mvn", "./mvnw", "gradle", "./gradlew", "uv", "yarn", "pnpm"})


@dataclass(frozen=True)
class Folder:
    """One folder of the repository, the repository itself among them."""

    #: From the repository's root, "" for the root.
    path: str
    #: Paths from this folder, sorted; without what SKIPPED names.
    files: tuple[str, ...]
    #: Reads a file of this folder; "" for one that is not there or is not text.
    read: Callable[[str], str]
    #: Tells whether anything is at a path, also one that SKIPPED leaves out.
    exists: Callable[[str], bool]
    #: Takes down that a file of this folder is passed over, and why.
    skip: Callable[[str, str], object] = field(default=lambda name, why: None, compare=False)
    #: Tells the day of a file's last change, as git has it: `2024-05-31`; "" where nothing says.
    changed: Callable[[str], str] = field(default=lambda name: "", compare=False)
    #: Tells whether a file may be started by its name: it has the mode for that.
    starts: Callable[[str], bool] = field(default=lambda name: True, compare=False)

    def has(self, *names: str) -> str:
        """Return the first of these files that is directly in the folder, or ""."""
        return next((name for name in names if name in self.files), "")

    def sources(self, *endings: str) -> Iterator[str]:
        """Yield the files with these endings that belong to the program, not to its tests.

        A package of Java may well be called `com.example`.
        """
        named = (f for f in self.files if f.endswith(endings))
        yield from (f for f in named if "src/main/" in f or not _TESTS.search(f))

    def below(self, path: str) -> Folder:
        """Narrow to a folder inside this one."""
        start = "" if path in ("", ".") else f"{path}/"
        end = f"{path}0" if start else chr(0x10FFFF)  # "0" is the sign after "/"
        inner = self.files[bisect_left(self.files, start) : bisect_left(self.files, end)]
        return Folder(
            posixpath.normpath(posixpath.join(self.path, path)) if start else self.path,
            tuple(f[len(start) :] for f in inner),
            lambda name: self.read(posixpath.normpath(start + name)),
            lambda name: self.exists(posixpath.normpath(start + name)),
            lambda name, why: self.skip(start + name, why),
            lambda name: self.changed(posixpath.normpath(start + name)),
            lambda name: self.starts(posixpath.normpath(start + name)),
        )

    def mapping(self, name: str, parse: Callable[[str], Any]) -> dict[Any, Any] | None:
        """Read a file that holds a mapping; None for another one, which is taken down, or none.

        Args:
            parse: reads a text; raises ValueError or yaml.YAMLError.
        """
        text = self.read(name)
        try:
            content = parse(text) if text.strip() else None
        except (ValueError, yaml.YAMLError) as error:
            (wrong,) = problem(name, error).problems
            self.skip(wrong.where, wrong.what)
            return None
        if content is not None and not isinstance(content, dict):
            self.skip(name, f"holds {_shape(content)}, no mapping")
            return None
        return content

    def member(self, name: str, content: Mapping[Any, Any], key: str) -> dict[Any, Any] | None:
        """Read a mapping in a file's content; None for another value, which is taken down."""
        found = content.get(key)
        if found is None or isinstance(found, dict):
            return found or {}
        self.skip(name, f"`{key}` is {_shape(found)}, no mapping")
        return None

    def upwards(self, name: str) -> str:
        """Find a path here or in a folder above, up to the root: how it is written from here."""
        depth = len(self.path.split("/")) if self.path else 0
        candidates = ["../" * step + name for step in range(depth + 1)]
        return next((path for path in candidates if self.exists(path)), "")


@dataclass(frozen=True)
class Service:
    """A service as far as it is known; later steps fill empty fields."""

    name: str
    #: From the repository's root.
    folder: str = ""
    #: The files that are its own, where several programs share the folder; () for all of it.
    files: tuple[str, ...] = ()
    #: One line; how it is written in the file is the writer's.
    run: str = ""
    #: Where that line comes from, for a reader.
    why: str = ""
    #: The container's command, not yet translated to this machine.
    container_command: tuple[str, ...] = ()
    #: Port by name, the main one first.
    ports: Mapping[str, int] = field(default_factory=dict)
    #: What others call a port: the container's number -> its name.
    known_as: Mapping[int, str] = field(default_factory=dict)
    #: It listens on its own port and ignores PORT.
    fixed: bool = False
    #: It reloads edited sources by itself.
    reloads: bool = False
    #: It compiles before it listens.
    builds: bool = False
    #: Its sources, as files and folders of its folder.
    watch: tuple[str, ...] = ()
    #: What starts it is known to read PORT.
    reads_port: bool = False
    #: Which variable tells it where to listen, if it is not PORT.
    port_variable: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    #: Variables whose values are, at least in part, of files that git does not keep: name -> file.
    private: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    #: Variables that hold the path of a secret's file: name -> the secret, as its file calls it.
    secret_files: Mapping[str, str] = field(default_factory=dict)
    #: What a list says of a secret besides its name: its form.
    secret_forms: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    #: A path that answers when it is ready.
    probe: str = ""
    #: It serves gRPC; it is not for a browser.
    grpc: bool = False
    #: It answers grpc.health.v1.
    grpc_health: bool = False
    #: What asks it to end, without SIG, and the seconds that it may take; "" and 0: as usual.
    stop_signal: str = ""
    stop_grace_s: float = 0.0
    #: It is a program of others that is installed on this machine: none of the code is its own.
    of_others: bool = False
    #: It works beside the folder's own program, with the same packages: a worker.
    aside: bool = False
    #: Lines for a shell that run after its start and before its end.
    after_start: str = ""
    before_stop: str = ""
    tasks: Mapping[str, str] = field(default_factory=dict)
    #: Those of its tasks that people start, and no start of it does.
    by_hand: tuple[str, ...] = ()
    #: Folders that outlive it: name -> path in its own folder.
    volumes: Mapping[str, str] = field(default_factory=dict)
    #: Where a container has them: name -> path, to be recognised in variables.
    mounts: Mapping[str, str] = field(default_factory=dict)
    #: Folders of its container -> where they are, from its own folder; the deepest first.
    inside: Mapping[str, str] = field(default_factory=dict)
    #: What its reader should know; comments in the file.
    remarks: tuple[str, ...] = ()
    #: What was not found but assumed; `init` prints it at its end, too.
    guesses: tuple[str, ...] = ()
    #: What only its users can do.
    to_do: tuple[str, ...] = ()
    #: Variables without a value, each with the place that reads it.
    missing: Mapping[str, str] = field(default_factory=dict)
    #: Variables that have a default in the code.
    optional: tuple[str, ...] = ()
    #: Where its own image listens; 0: it has none, or nothing says it.
    image_port: int = 0


@dataclass(frozen=True)
class KnownPlace:
    """What programs know of a store by themselves: a port of this machine, a login."""

    port: int = 0
    user: str | None = None
    password: str | None = None
    #: A name that it has besides its own.
    host: str = ""
    #: The service that was met first with it.
    by: str = ""

    @property
    def login(self) -> tuple[str | None, str | None]:
        """The user and the password."""
        return self.user, self.password


@dataclass(frozen=True)
class Store:
    """A store or broker of the system."""

    name: str
    kind: str
    version: str = ""
    remarks: tuple[str, ...] = ()
    #: A program of the repository gives it no password.
    passwordless: bool = False
    #: Several programs of the repository use it, which knew one user there.
    shared: bool = False
    #: Its own user, password and database elsewhere: values to recognise in variables.
    user: str = ""
    password: str = ""
    database: str = ""
    #: The secret whose file has its password, as a compose file calls it.
    password_secret: str = ""
    #: What has to provide it; "": whatever is available.
    provider: str = ""
    #: Where its container is on this machine: what files of variables name with localhost.
    published: int = 0
    #: Files of SQL that make its tables, from the repository's root.
    init: tuple[str, ...] = ()
    #: What programs know of it that read no variable; None: nothing.
    known: KnownPlace | None = None


@dataclass(frozen=True)
class Route:
    """A path that a server in front hands to a service."""

    path: str
    #: The container's name, and later the service's.
    service: str
    #: The container's port; 0: its main one.
    port: int = 0


@dataclass(frozen=True)
class Survey:
    """All that is known of a repository."""

    services: tuple[Service, ...] = ()
    stores: tuple[Store, ...] = ()
    broker: Store | None = None
    #: File names that it comes from, for the first line.
    origins: tuple[str, ...] = ()
    #: What could not be carried over.
    left_out: tuple[str, ...] = ()
    #: Services that are named, and whose start nothing shows.
    unstarted: tuple[Service, ...] = ()
    #: Code names the hosts of others: they are to be found by these names.
    hosts: bool = False
    #: Its file lists servers and no program, and so need not list those that programs ask for.
    servers_alone: bool = False
    #: Servers that only a profile of its file starts, for programs that ask for one of their kind.
    held: tuple[Store, ...] = ()
    #: Hosts of servers that no store kind can be: name -> its ports, and where they are published.
    unknown_hosts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: What a server in front of the others hands on, and where people reach it.
    routes: tuple[Route, ...] = ()
    front_port: int = 0


def _nothing(folder: Folder) -> tuple[Service, ...]:
    del folder
    return ()


def _no_tasks(folder: Folder) -> Mapping[str, str]:
    del folder
    return {}


def _no_command(folder: Folder, argv: tuple[str, ...]) -> str:
    del folder, argv
    return ""


def _no_files(folder: Folder, run: str) -> tuple[str, ...]:
    del folder, run
    return ()


def _no_system(folder: Folder, kinds: frozenset[str]) -> Survey | None:
    del folder, kinds
    return None


@dataclass(frozen=True)
class Recogniser:
    """One kind of thing that a repository can have; a file of this package exposes one."""

    id: str
    #: Lower ranks go first: a file that says how to start beats one that needs a guess.
    rank: int
    #: The services that a folder has; none if it is not of this kind.
    services: Callable[[Folder], tuple[Service, ...]] = _nothing
    #: What has to be done in a folder before its programs can run, by name.
    tasks: Callable[[Folder], Mapping[str, str]] = _no_tasks
    #: Translates a container's command to this folder; "" if it is of another kind.
    here: Callable[[Folder, tuple[str, ...]], str] = _no_command
    #: The files of one of several programs of a folder, by the line that runs it; () for all.
    files: Callable[[Folder, str], tuple[str, ...]] = _no_files
    #: The whole system from one file of the root; gets the store kinds that there are.
    system: Callable[[Folder, frozenset[str]], Survey | None] = _no_system


def _shape(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"{value!r:.40}"


def port_number(text: Any) -> int:
    """Read the number of a port; 0 for what is none."""
    return int(text) if re.fullmatch("[0-9]{1,5}", str(text)) and int(text) < 65536 else 0


def is_of_private_network(host: str) -> bool:
    """Tell whether a host is a number of a network that is its owner's alone."""
    return _PRIVATE.fullmatch(host) is not None


def folder_name(folder: Folder, otherwise: str = "app") -> str:
    """Make a service's name of its folder's, or of the one above where that says nothing."""
    *above, own = folder.path.split("/")
    if own in ("src", "app", "code", "server") and above and above[-1] not in SHELVES:
        own = above[-1]
    return valid_name(own or otherwise)


def installed(last: str, command: str) -> str:
    """Write a task that installs packages unless they are there.

    Args:
        last: a file that is there once it has succeeded: what was broken off is done again.
    """
    return f"test -e {last} || {command}"


def awaited(task: str) -> str:
    """Turn that task into one for the services that share the folder: they wait for its result."""
    return f"{WAITS} {task.split()[2]}; do sleep 0.2; done"


def valid_name(text: str) -> str:
    """Turn any text into a name of the model: lower case, digits and dashes, 40 at most."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-")
    return name if name[:1].isalpha() else f"s-{name}".rstrip("-")


_OF_HTTP = ("--http", "--http-socket", "--http-addr", "--http-address", "--bind", "-b")
_ADDRESS = re.compile(r"((?:tcp://)?(?:0\.0\.0\.0|\[::\])?):(\d+|\$\{?PORT.*)")


#: A number that can be a port: `-p 4` is how many processes there are.
_PORT_WORD = re.compile(r"\d{2,5}|\$\{?PORT.*")


def local_ports(words: tuple[str, ...]) -> tuple[str, ...]:
    """Replace the address of a command by localhost and PORT, if it names one.

    Of several, the one for HTTP is PORT, and the others stay on this machine at their numbers.
    """
    said: list[str] = []
    found = [(b, _ADDRESS.fullmatch(w)) for b, w in zip(("", *words), words, strict=False)]
    several = {match[2] for _, match in found if match}
    told = {match[2] for before, match in found if match and before in _OF_HTTP}
    aside = several - (told or {next((match[2] for _, match in found if match), "")})
    for before, word in zip(("", *words), words, strict=False):
        if before in ("--port", "-p", "--http-port") and _PORT_WORD.fullmatch(word):
            said.append("$PORT")
        elif before in ("--host", "-h", "--hostname") and word in ("0.0.0.0", "::"):
            said.append("127.0.0.1")
        elif match := _ADDRESS.fullmatch(word):
            scheme = "tcp://" * match[1].startswith("tcp:")
            said.append(f"{scheme}127.0.0.1:{match[2] if match[2] in aside else '$PORT'}")
        else:
            here = re.sub(r"^(--(?:port|http-port)=)\d+$", r"\1$PORT", word)
            here = re.sub(r"^(--(?:host|hostname)=)0\.0\.0\.0$", r"\g<1>127.0.0.1", here)
            said.append(re.sub(r"^(--bind=)\S*?:\d+$", r"\g<1>127.0.0.1:$PORT", here))
    return tuple(said)


def told_port(words: tuple[str, ...]) -> int:
    """Read the number that `local_ports` puts PORT in the place of; 0 for none."""
    pairs = zip(words, local_ports(words), strict=True)
    said = (word for word, here in pairs if "$PORT" in here and "$" not in word)
    return port_number(re.split(r"[:=]", next(said, ""))[-1])


def joined(words: tuple[str, ...]) -> str:
    """Join words to a line, those with blanks quoted; $PORT and $(hostname) stay what they are."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if not re.search(r"\$[\w({]|`", word):
        return shlex.quote(word)
    if not re.search(r"\s", re.sub(r"\$\([^)]*\)", "", word)):
        return word
    name, sign, value = word.partition("=") if re.match(r"\w+=", word) else ("", "", word)
    escaped = value.replace('"', '\\"')
    return f'{name}{sign}"{escaped}"'


def as_list(line: str) -> tuple[str, ...]:
    """Split a line that needs no shell into program and arguments; () if it needs one."""
    words = line.split()
    first = words[1:2] if words[:1] in (["sh"], ["bash"]) else words[:1]
    if _SHELL.search(line) or not words or {*first} & _PASS_NOTHING_ON:
        return ()
    return tuple(words)


def is_project(folder: Folder) -> bool:
    """Tell whether a folder itself has a file that only a program of its own has."""
    return any(f in _PROJECTS or f.endswith((".csproj", ".fsproj")) for f in folder.files)


def has_program_file(folder: Folder) -> bool:
    """Tell whether a folder itself says what its program is, and not only how its image is made."""
    files = tuple(file for file in folder.files if file != "Dockerfile")
    return is_project(replace(folder, files=files))


def is_inside(path: str, above: str) -> bool:
    """Tell whether a folder is below another one."""
    return path != above and (not above or path.startswith(f"{above}/"))


def without(folder: Folder, owned: Collection[str], path: str) -> Folder:
    """Leave out of a folder what belongs to programs below it.

    Args:
        owned: the programs' folders; those that are not below it do not matter.
    """
    own = frozenset(owned)
    start = f"{path}/" if path else ""

    def is_owned(file: str) -> bool:
        end = file.rfind("/")
        while end > 0:
            if start + file[:end] in own:
                return True
            end = file.rfind("/", 0, end)
        return False

    return replace(folder, files=tuple(f for f in folder.files if not is_owned(f)))


def own_files(root: Folder, service: Service, folders: frozenset[str]) -> Folder:
    """Narrow the repository to what belongs to one service.

    Args:
        folders: those of all services.
    """
    folder = root.below(service.folder)
    if own := frozenset(service.files):
        return replace(folder, files=tuple(f for f in folder.files if f in own))
    return without(folder, folders, service.folder)
