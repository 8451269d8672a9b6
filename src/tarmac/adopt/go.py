"""Go: a module's main packages, its own folder or those below cmd/, with the pages they serve."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tarmac.adopt.packages import go_roles, go_sums
from tarmac.adopt.packages.node_packages import pages
from tarmac.adopt.survey.found import (
    MIGRATE,
    Folder,
    Recogniser,
    Service,
    folder_name,
    joined,
    local_ports,
    valid_name,
)
from tarmac.adopt.variables import dotenv_files, settings_files

_MAIN = re.compile(r"^package main\b", re.MULTILINE)
#: A flag that says where it listens: `flag.Int("port", 9898, ...)`, `fs.StringP("port", "p", ...)`.
_FLAG = re.compile(
    r"\.(?:Int|Uint|String)(?:Var)?P?\(\s*(?:&\w[\w.]*,\s*)?"
    r"\"((?:(?:http|listen|server|web|api)[-_]?)?[pP]ort)\",\s*"
    r"(?:\"\w?\",\s*)?\"?:?(\d{2,5})\"?"
)
#: A library of command lines, and what such a program lacks that serves.
_COMMANDS = re.compile(r"\"github\.com/(?:spf13/cobra|urfave/cli|alecthomas/kong)")
#: Reads a file of variables, and mostly ends where it is not there.
_LOADS = re.compile(
    r"godotenv\.(?:Load|Read|Overload)\(|SetConfigFile\(\"\.env\"\)|SetConfigName\(\"\.env\"\)"
)
#: The program ends where the file cannot be read, or a function hands that on to what ends it.
_ENDS = re.compile(
    r"godotenv\.\w+\([^)]*\)[^{}]{0,80}\{(?:[^}]{0,80}(?:Fatal|panic|Exit)|\s*return\b[^\n]{0,80}\berr\b)|"
    r"ReadInConfig\(\)"
)
#: It reads the variables where that file is not there, and nothing but the file where it is.
_INSTEAD = re.compile(r"ReadInConfig\(\);?\s*err != nil \{[^{}]*\bos\.Getenv\(")
#: A folder where viper looks for it.
_PLACES = re.compile(r"AddConfigPath\(\"(?:\./)?([\w./-]*)\"\)")
_SERVES = re.compile(r"(?i)listen|serve|server|daemon|worker|signal\.Notify")
#: It ends where it is given no word of its own to say what to do.
_NEEDS_WORDS = re.compile(
    r"(?:\blen\(\s*(?:os\.Args|\w+)\s*\)|\bflag\.NArg\(\))\s*(?:<=?|==|!=)\s*\d[^{}\n]{0,40}"
    r"\{[^{}]{0,400}\b(?:os\.Exit|log\.Fatal\w*|panic)\("
)
_CHOOSES = re.compile(
    r"\bswitch\s+(?:os\.Args\[1\]|flag\.Arg\(0\)|\w+\[0\]|(?:\w*[cC]ommand|\w*[cC]md|action))\s*\{"
)
#: It listens or stays, by itself or by one of its words.
_STAYS = re.compile(
    r"ListenAndServe|\.Listen\(|\.Serve\(|signal\.Notify|"
    r"\bcase\s+[^:\n]*\"(?:serve|server|start|run|api|web|http|worker|daemon)\""
)
#: It listens, or a word of its own may have it do so.
_WAITS = re.compile(r"ListenAndServe|\.Listen\(|\.Serve\(|\bswitch\b|[Cc]onsum|[Ss]ubscri")
#: The built front end that is compiled in, or read from its folder.
_EMBEDS = re.compile(r"(?m)^//go:embed\s+(?:all:)?((?:[\w-]+/)*(?:dist|build))\b")
_READS = re.compile(r"\"(?:\./)?((?:[\w-]+/)+(?:dist|build))\"")
#: Programs that build and start another one after an edit; their options are not its own.
_WATCHERS = frozenset({"CompileDaemon", "air", "reflex", "gow", "fresh", "realize"})
#: A line of a Makefile that builds what lies in a folder: `cd server; go build -o ../bin/a ./main`.
_MAKES = re.compile(
    r"(?m)^\t@?cd ([\w./-]+)\s*(?:;|&&)[^\n]*?\bgo build\b[^\n]*?-o\s+([\w./-]+)\s+(\.[\w./-]*)\s*$"
)
#: What a main package that fills tables with data is called, and one that makes them.
_FILLS = re.compile(r"(?:db[-_]?)?(?:seed(?:er|s|ing)?|backfill|fixtures?)(?:[-_]?(?:db|data))?")
_MAKES_TABLES = re.compile(r"(?:db[-_]?)?(?:migrat(?:e|or|ions?))(?:[-_]?db)?")
#: It reads words that people give it, and may do nothing without one.
_READS_WORDS = re.compile(
    r"\bos\.Args\b|\bflag\.(?:Args?|NArg)\(|\"github\.com/(?:spf13/(?:pflag|cobra)|urfave|"
    r"alecthomas)"
)
#: What an option of it is where it is not given.
_DEFAULT = re.compile(r"\bflag\.\w+\(\s*(?:&\w[\w.]*,\s*)?\"[\w-]+\",\s*([^,\n]+),")
#: A file of variables above the folder that people start the program in.
_ABOVE = re.compile(
    r"(?:godotenv\.(?:Load|Overload|Read)|filepath\.Abs)\(\s*\"((?:\.\./){1,9})\.env\""
)
#: Where programs are that make code or help at work, beside those that run.
_ASIDE = re.compile(r"(^|/)(internal|tools?|scripts?|hack|gen\w*|build)(/|$)")


def _services(folder: Folder) -> tuple[Service, ...]:
    if "go.mod" not in folder.files:
        return ()
    mains = _of_this_module(folder)
    sources = {main: _source(folder, main) for main in mains}
    if len(mains) > 1:
        # One that only carries commands out is started by hand.
        tools = {m for m, text in sources.items() if _COMMANDS.search(text)}
        tools = {m for m in tools if m.endswith(("cli", "ctl")) or not _SERVES.search(sources[m])}
        tools |= {main for main, text in sources.items() if _is_called_by_hand(text)}
        tools |= {m for m, t in sources.items() if _NEEDS_WORDS.search(t) and not _WAITS.search(t)}
        mains = [main for main in mains if main not in tools]
        mains = [main for main in mains if not _is_to_come(sources[main])] or mains
    mains, migrates, by_hand = _apart(mains, sources)
    found: list[Service] = []
    for main in mains:
        flag = _FLAG.search(sources[main])
        roles = go_roles.of(folder, main, is_alone=len(mains) == 1)
        module = re.search(r"(?m)^module\s+(\S+)", folder.read("go.mod"))
        named = re.sub(r"/v\d+$", "", module[1]) if module else "app"  # v2 is its version
        own = folder_name(folder, posixpath.basename(named))
        name = own if len(mains) == 1 else valid_name(posixpath.basename(_place(main)))
        line = _line(main, _texts_of(folder, main))
        tasks = _tasks(folder)
        before = f"{line} {roles.migrates}" if roles.migrates else migrates
        serving = Service(
            name=name,
            folder=folder.path,
            run=" ".join(filter(None, (line, roles.serves, roles.settings)))
            + (f" --{flag[1]} $PORT" if flag else ""),
            why=f"go.mod, {main or 'its'} package main",
            ports={"http": int(flag[2])} if flag else {},
            reads_port=flag is not None,
            env=go_sums.ENVIRONMENT if "sums" in tasks else {},
            tasks={**tasks, **({MIGRATE: before} if before else {})},
            remarks=by_hand if not found else (),
            to_do=(_DOES_AND_ENDS,) if _does_and_ends(folder, main) else (),
        )
        found.append(serving)
        for role, word in roles.works:
            found.append(
                replace(
                    serving,
                    name=role if len(mains) == 1 else f"{name}-{role}",
                    run=f"{line} {word}",
                    ports={},
                    reads_port=False,
                    tasks=tasks,
                    aside=True,
                )
            )
    return tuple(found)


def _of_this_module(folder: Folder) -> list[str]:
    """List the folders with a main package that runs, or the module's own alone."""
    mains = sorted(
        {posixpath.dirname(f) for f in folder.sources(".go") if _MAIN.search(folder.read(f))}
    )
    return [main for main in ([""] if "" in mains else mains) if not _ASIDE.search(main)]


def _makes_tables(folder: Folder) -> Mapping[str, str]:
    """Return the task that makes the tables by a program beside the others."""
    mains = _of_this_module(folder)
    _, line, _ = _apart(mains, {main: _source(folder, main) for main in mains})
    return {MIGRATE: line} if line else {}


def _apart(mains: list[str], sources: Mapping[str, str]) -> tuple[list[str], str, tuple[str, ...]]:
    """Take out what only makes or fills tables and ends, where a program is beside it.

    Returns:
        The programs, the line that makes the tables, and what is said of the others.
    """
    fills = [m for m in mains if _FILLS.fullmatch(posixpath.basename(m))]
    fills = [m for m in fills if not _STAYS.search(sources[m])]
    makes = [m for m in mains if _MAKES_TABLES.fullmatch(posixpath.basename(m))]
    makes = [m for m in makes if not _STAYS.search(sources[m])]
    left = [main for main in mains if main not in (*fills, *makes)]
    if not left:
        return mains, "", ()
    plain = [main for main in makes if _needs_no_words(sources[main])]
    line = _line(plain[0], sources[plain[0]]) if len(plain) == 1 else ""
    by_hand = (m for m in (*fills, *makes) if not (line and m in plain))
    said = (f"{m} ends when its work is done: `{_line(m, sources[m])}`" for m in by_hand)
    return left, line, tuple(said)


def _needs_no_words(text: str) -> bool:
    """Tell whether a program does its work without a word: none is read, or each has a default."""
    asked = (default.strip() for default in _DEFAULT.findall(text))
    return not _READS_WORDS.search(text) and '""' not in asked


def _texts_of(folder: Folder, main: str) -> str:
    """Join the files of a main package and, where that is alone, of the packages that it has."""
    alone = len(_of_this_module(folder)) == 1
    return "\n".join(_source(folder, p) for p in (_imported(folder, main) if alone else {main}))


def _line(main: str, source: str) -> str:
    """Say how a main package is started: in the folder that its file of variables is above of."""
    above = _ABOVE.search(source)
    steps = main.split("/")
    depth = above[1].count("../") if above else 0
    if depth and len(steps) >= depth and main:
        package = "./" + "/".join(steps[depth:]) if steps[depth:] else "."
        return f"go run -C {'/'.join(steps[:depth])} {package}"
    return f"go run ./{main}" if main else "go run ."


#: What is said of a program that cannot be a service.
_DOES_AND_ENDS = (
    "nothing of it listens or waits, so that it ends when its work is done, and a service keeps "
    "running: make it a task of one, or start it by hand"
)
#: Any sign that a program stays, in itself or in what it imports.
_MAY_STAY = re.compile(
    r"(?i)listen|serve|grpc|consum|subscrib|cron|tick|poll|watch|worker|\bselect\s*\{|"
    r"\bfor\s*(?:true\s*)?\{|signal\.|\.Run\(|\.Start\(|<-|Wait\(|Sleep\(|Execute\(|"
    r"\.\w{0,20}(?:main|boot|loop|block|forever|launch|dispatch)\w{0,20}\("
)


def _does_and_ends(folder: Folder, main: str) -> bool:
    """Tell whether nothing in a program or in the packages of its module that it imports stays."""
    texts = [_source(folder, place) for place in _imported(folder, main)]
    module = re.search(r"(?m)^module\s+(\S+)", folder.read("go.mod"))
    if module and any(f'"{module[1]}"' in text for text in texts):
        texts.append(_source(folder, ""))
    return bool(texts) and not any(map(_MAY_STAY.search, texts))


def _is_called_by_hand(text: str) -> bool:
    """Tell whether a main package only carries out what its first word says, and then ends."""
    chooses = _NEEDS_WORDS.search(text) and _CHOOSES.search(text)
    return bool(chooses) and not _STAYS.search(text)


def _is_to_come(text: str) -> bool:
    """Tell whether a main package only prints: its program is still to be written."""
    block = re.search(r"(?m)^import\s*(\([^)]*\)|\"[^\"\n]+\")", text)
    imported = set(re.findall(r"\"([^\"\n]+)\"", block[1])) if block else set()
    return imported <= {"fmt", "log"} and not re.search(r"\b(?:for|select|go)\b", text)


def _tasks(folder: Folder) -> Mapping[str, str]:
    """Return what comes first: a file of variables, and the front end that the program serves."""
    if "go.mod" not in folder.files:
        return {}
    texts = {file: folder.read(file) for file in folder.sources(".go")}
    asking = [text for text in texts.values() if _LOADS.search(text) and not _INSTEAD.search(text)]
    places = dict.fromkeys(["", *(p for text in asking for p in _PLACES.findall(text))])
    ends = any(_ENDS.search(text) for text in asking)
    # viper reads that file alone unless it is told to look at variables, too.
    alone = any("SetConfig" in text for text in asking) and not _reads_variables(texts.values())
    tasks = dotenv_files.wanted(folder, tuple(places), is_needed=ends) if asking else {}
    tasks = {**tasks, **dotenv_files.written(folder)} if alone else tasks
    made = (settings_files.copied(folder), _pages(folder, texts), _makes_tables(folder))
    return {**go_sums.completed(folder), **tasks, **made[0], **made[1], **made[2]}


def _reads_variables(texts: Iterable[str]) -> bool:
    return any(re.search(r"AutomaticEnv\(\)|\bBindEnv\(|os\.Getenv", text) for text in texts)


def _pages(folder: Folder, texts: Mapping[str, str]) -> Mapping[str, str]:
    """Build the front end: without its pages the program does not start."""
    for file, text in texts.items():
        beside = posixpath.dirname(file)
        built = [posixpath.join(beside, path) for path in _EMBEDS.findall(text)]
        for path in (*built, *_READS.findall(text)):
            if found := pages(folder, path):
                return found
    return {}


def _source(folder: Folder, main: str) -> str:
    """Join the files of one package."""
    own = (file for file in folder.sources(".go") if posixpath.dirname(file) == main)
    return "\n".join(map(folder.read, own))


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    """Run from source what a container runs as a binary, where there is no doubt which it is."""
    if argv[:2] == ("go", "run") and any(folder.sources(".go")):
        named = 3
        while argv[named - 1 : named] in (("-C",), ("-tags",)):
            named += 2
        said, told = _of_its_module(folder, argv[:named]), local_ports(argv[named:])
        runs = [service.run for service in _services(folder) if not service.aside]
        said = _by_its_package(said, runs)
        lines = (r for r in runs if r.partition(" --")[0] == said or r.startswith(f"{said} "))
        return _as_told(next(lines, said), told, folder, is_alone=len(runs) == 1)
    found = [service for service in _services(folder) if not service.aside]
    if argv and (watched := _watched(folder, argv)):
        return watched
    if argv and (made := _made(folder, posixpath.basename(argv[0]))):
        return f"{made} {joined(local_ports(argv[1:]))}".strip()
    if not found or not argv or posixpath.basename(argv[0]) in ("sh", "bash"):
        return ""
    wanted = valid_name(posixpath.basename(argv[0]))
    chosen = found[0] if len(found) == 1 else next((s for s in found if s.name == wanted), None)
    if chosen is None:
        return ""
    if argv[0] == "go":
        return " ".join(argv)
    told = () if posixpath.basename(argv[0]) in _WATCHERS else local_ports(argv[1:])
    return _as_told(chosen.run, told, folder, is_alone=len(found) == 1)


def _by_its_package(said: str, runs: Iterable[str]) -> str:
    """Say a program of one file by its package, where that is told a word: `go run main.go`."""
    package = re.sub(r" (?:\./)?((?:[\w.-]+/)*)main\.go$", r" ./\1", said).rstrip("/")
    return package if any(run.startswith(f"{package} ") for run in runs) else said


def _as_told(run: str, told: tuple[str, ...], folder: Folder, *, is_alone: bool) -> str:
    """Let a program play the role that its container has a word for, in the place of serving."""
    package = re.match(r"go run (?:-tags \S+ )?(\./\S+|\.)", run)
    if package is None:
        return _told(run, told)
    main = posixpath.normpath(package[1])
    roles = go_roles.of(folder, "" if main == "." else main, is_alone=is_alone)
    if roles.serves and roles.serves in told:
        return _told(run, tuple(word for word in told if word != roles.serves))
    is_said = any(word.partition("=")[0] in roles.known for word in told)
    return joined((*package[0].split(), *told)) if is_said else _told(run, told)


def _made(folder: Folder, name: str) -> str:
    """Say how a Makefile makes a binary of that name of a module below; "" where none does."""
    for match in _MAKES.finditer(folder.read("Makefile")):
        place, out, package = match.groups()
        if posixpath.basename(out) == name and folder.exists(posixpath.join(place, "go.mod")):
            path = posixpath.normpath(posixpath.join(place, out))
            return f"go build -C {place} -o {out} {package} && ./{path}"
    return ""


def _of_its_module(folder: Folder, argv: tuple[str, ...]) -> str:
    """Run a package from the folder of its module, where that is below."""
    path = posixpath.normpath(argv[-1])
    if path.endswith("/..."):  # of all packages below one is a program
        mains = {
            posixpath.dirname(f) for f in folder.sources(".go") if _MAIN.search(folder.read(f))
        }
        below = [main for main in mains if main.startswith(path.removesuffix("..."))]
        path = below[0] if len(below) == 1 else path
        argv = (*argv[:-1], f"./{path}")
    above = path
    while "go.mod" not in folder.files and above not in ("", "."):
        if posixpath.join(above, "go.mod") in folder.files and "-C" not in argv:
            package = "." if path == above else f"./{posixpath.relpath(path, above)}"
            return joined((*argv[:2], "-C", above, *argv[2:-1], package))
        above = posixpath.dirname(above)
    return joined(argv)


def _watched(folder: Folder, argv: tuple[str, ...]) -> str:
    """Run what a watcher is told to build: by its options, or by its file; "" for no watcher."""
    watcher = posixpath.basename(argv[0])
    said = dict(re.findall(r"(?m)^--?(build|command)=(.+)$", "\n".join(argv[1:])))
    if watcher == "air":
        file = folder.has(*(word for word in argv[1:] if word.endswith(".toml")), ".air.toml")
        keys = r"(?m)^[ \t]*(cmd|full_bin|bin)\s*=\s*[\"'](.+)[\"']\s*$"
        told = dict(re.findall(keys, folder.read(file) if file else ""))
        said = {"build": told.get("cmd", ""), "command": told.get("full_bin", "")}
    build = said.get("build", "").split()
    if watcher not in _WATCHERS or build[:2] != ["go", "build"]:
        return ""
    package = build[-1] if "/" in build[-1] and build[-2] != "-o" else "."
    package = posixpath.dirname(package) if package.endswith(".go") else package
    path = posixpath.normpath(package)
    line = "go run ." if path == "." else f"go run ./{path}"
    command = re.sub(r"^(?:\w+=\S*\s+)+", "", said.get("command", ""))  # `APP_ENV=dev ./tmp/main`
    return _here(folder, (*line.split(), *command.split()[1:]))


def _place(main: str) -> str:
    """Return the folder of a program whose main package is in it: users/cmd is that of users."""
    above = posixpath.dirname(main)
    return above if above and posixpath.basename(main) in ("cmd", "main", "src") else main


def _told(run: str, told: tuple[str, ...]) -> str:
    """Add what a container is told; of its port that counts, not the default of a flag."""
    line, _, flag = run.partition(" --")
    named = flag.split(" ")[0] if flag else "$PORT"
    says = any("$PORT" in word or word.lstrip("-").partition("=")[0] == named for word in told)
    return f"{line if says else run} {joined(told)}".strip()


def _files(folder: Folder, run: str) -> tuple[str, ...]:
    """List what one main package has, without what lies below the others."""
    module = re.match(r"go run (?:-tags \S+ )?-C (?!\./)(\S+) (\S+)", run)
    is_module = module and folder.exists(posixpath.join(module[1], "go.mod"))
    if module and (is_module or "go.mod" not in folder.files):
        return _of_module(folder, posixpath.normpath(module[1]))
    match = re.match(r"go run (?:-tags \S+ )?(?:-C )?\./(\S+)", run)
    if match is None and module is None:
        return ()
    package = posixpath.join(module[1], module[2]) if module else match[1] if match else ""
    package = posixpath.normpath(package)
    mains = _mains(folder)
    others = tuple(
        f"{_place(main)}/" for main in mains - {package, ""} if not package.startswith(_place(main))
    )
    if not others:
        return ()
    own = _imported(folder, package)
    tops = {path.partition("/")[0] for path in own}

    def is_own(file: str) -> bool:
        if not file.endswith(".go"):  # a program of another language may lie beside it
            is_code = file.endswith((".py", ".js", ".ts", ".java", ".rb"))
            return not file.startswith(others) and (not is_code or file.partition("/")[0] in tops)
        return posixpath.dirname(file) in own if own else not file.startswith(others)

    return tuple(filter(is_own, folder.files))


def _mains(folder: Folder) -> set[str]:
    """Find the folders with a main package."""
    return {posixpath.dirname(f) for f in folder.sources(".go") if _MAIN.search(folder.read(f))}


def _of_module(folder: Folder, own: str) -> tuple[str, ...]:
    """List the files of a module below, and those of modules beside it without a program."""
    modules = {posixpath.dirname(file) for file in folder.files if file.endswith("/go.mod")}
    mains = _mains(folder)
    programs = {
        f"{module}/"
        for module in modules - {own}
        if any(main == module or main.startswith(f"{module}/") for main in mains)
    }
    if not programs or own not in modules:
        return ()
    shared = tuple(f"{module}/" for module in (modules | {own}) - {p[:-1] for p in programs})
    return tuple(f for f in folder.files if "/" not in f or f.startswith(shared))


def _imported(folder: Folder, main: str) -> frozenset[str]:
    """List the folders of a module's packages that a main package has, one imports another."""
    module = re.search(r"(?m)^module\s+(\S+)", folder.read("go.mod"))
    if module is None:
        return frozenset()
    found: set[str] = set()
    wanted = [main]
    while wanted:
        place = wanted.pop()
        if place not in found:
            found.add(place)
            named = re.findall(rf"\"{re.escape(module[1])}/([^\"\n]+)\"", _source(folder, place))
            wanted += named
    return frozenset(found)


RECOGNISER = Recogniser(
    id="go", rank=50, services=_services, tasks=_tasks, here=_here, files=_files
)
