"""Programs of a Python project that take jobs from a queue: Celery with its beat, arq, Dramatiq."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

#: A module's Celery app, also one that Flask's factory keeps.
_CELERY = re.compile(
    r"^[ \t]*(\w+)(?:[ \t]*:[ \t]*[\w.]+)?[ \t]*=[ \t]*"
    r"(?:Celery\(|celery\.Celery\(|\w+\.extensions\[['\"]celery['\"]\])",
    re.MULTILINE,
)
_BEAT = re.compile(r"beat_schedule|BEAT_SCHEDULE|django_celery_beat|add_periodic_task")
_ARQ = re.compile(r"^class (\w*WorkerSettings)\b", re.MULTILINE)
#: A module that says where the broker is, for all actors.
_SETS_BROKER = re.compile(r"\bdramatiq\.set_broker\(")
_ACTOR = re.compile(r"^@(?:dramatiq\.)?actor\b", re.MULTILINE)


class Worker(NamedTuple):
    """A program that takes jobs."""

    name: str
    #: What follows `python`.
    line: str
    file: str


def workers(texts: Mapping[str, str], scripts: str = "") -> Iterator[Worker]:
    """Yield what takes jobs, by the files of a project that are read anyway.

    Args:
        scripts: what the project's own scripts say, joined; one may start a worker by its app.
    """
    by_kind = (_celery(texts, scripts), _arq(texts), _dramatiq(texts), _told_of(texts, scripts))
    yield from next((found for found in map(list, by_kind) if found), [])


def _celery(texts: Mapping[str, str], scripts: str) -> Iterator[Worker]:
    for file, text in texts.items():
        if match := _CELERY.search(text):
            module, base = module_of(file, whole_packages(texts))
            where = f" --workdir {base}" if base else ""
            named = _named_app(texts, scripts)
            where = "" if named else where
            app = f"-m celery -A {named or f'{module}:{match[1]}'}{where}"
            told = "" if named else _told(texts, file, match[1], module)
            yield Worker("worker", f"{app} worker --loglevel info{told}", file)
            if any(map(_BEAT.search, texts.values())):
                timed = _named_app(texts, scripts, "beat")
                timed = timed or (_timed(texts, file, match[1]) if not base else "")
                of_beat = f"-m celery -A {timed}" if timed else app
                yield Worker("beat", f"{of_beat} beat --loglevel info", file)
            return


def _timed(texts: Mapping[str, str], file: str, app: str) -> str:
    """Name the app by the one module that gives it its times, where nothing else brings that."""
    gives = re.compile(rf"(?m)^[ \t]*{re.escape(app)}\.(?:conf\.beat_schedule\b|add_periodic_task)")
    found = [one for one, text in texts.items() if gives.search(text) and one != file]
    if len(found) != 1 or posixpath.basename(found[0]) == "tasks.py":
        return ""
    module, base = module_of(found[0], whole_packages(texts))
    last = re.escape(module.rpartition(".")[2])
    brings = re.compile(rf"\b(?:from|import)[ \t]+[\w.]*\b{last}\b|['\"][\w.]*\b{last}['\"]")
    is_brought = any(brings.search(text) for one, text in texts.items() if one != found[0])
    return "" if is_brought or base else f"{module}:{app}"


#: What a script or a README starts: `exec celery -A shop.celery worker`, `celery beat --app=shop`.
_STARTED = re.compile(
    r"(?m)^[ \t>$`*-]*(?:exec |python3? -m |poetry run |uv run |pipenv run )*celery[ \t]+"
    r"(?:(worker|beat)[ \t]+)?(?:-A|--app)[ =]([\w.:]+)(?=[ \t]|$)(?:[ \t]+(worker|beat)\b)?"
)


def _named_app(texts: Mapping[str, str], scripts: str, role: str = "worker") -> str:
    """Return the app by which a script starts Celery, where a module of the project has it."""
    found = [(m[1] or m[3] or "worker", str(m[2])) for m in _STARTED.finditer(scripts)]
    for name in (name for played, name in found if played == role):
        module, _, own = name.partition(":")
        above = module if own else module.rpartition(".")[0]
        files = (f"{one.replace('.', '/')}{end}" for one in (module, above) for end in _MODULES)
        if any(file in texts for file in files):
            return name
    return ""


#: The files of a module, or of a package.
_MODULES = (".py", "/__init__.py")
#: What a module has at its top that is Celery's app.
_AT_TOP = re.compile(
    r"(?m)^(\w+)(?:[ \t]*:[ \t]*[\w.]+)?[ \t]*=[ \t]*(?:(?:celery\.)?Celery\(|"
    r"(?:\w+\.)?(?:make|create|init)_celery\w*\(|[\w.]+(?:\(\))?\.celery(?:_app)?[ \t]*$)"
)


def with_its_app(words: tuple[str, ...], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Name the one module that has Celery's app, where a command names one that has none."""
    at = next((n for n, word in enumerate(words, 1) if word in ("-A", "--app")), len(words))
    named = words[at] if at < len(words) else ":"
    above, _, name = named.rpartition(".")
    file = f"{above.replace('.', '/')}.py"
    has_it = re.compile(
        rf"(?m)^{name}\b[ \t]*[:=]|^(?:from|import)\b[^\n]*\b{name}\b[ \t]*(?:,|$)|\bimport \("
    )
    if ":" in named or file not in texts or has_it.search(texts[file]):
        return words
    apps = [one for one, text in texts.items() if "elery" in text and _AT_TOP.search(text)]
    return (
        (*words[:at], module_of(apps[0], whole_packages(texts))[0], *words[at + 1 :])
        if len(apps) == 1
        else words
    )


#: Commands of Celery, and its options that stand before them since its fifth version.
_COMMANDS = frozenset({"worker", "beat", "flower", "events", "inspect"})
_BEFORE_IT = frozenset({"-A", "--app", "-b", "--broker", "--result-backend", "--workdir"})


def in_order(words: tuple[str, ...]) -> tuple[str, ...]:
    """Say Celery's app and broker before what it is to do, as all of its versions take them."""
    if words[1:2] == () or words[1] not in _COMMANDS:
        return words
    first, rest, skip = list[str](), list[str](), False
    for word in words[2:]:
        is_one = skip or word.partition("=")[0] in _BEFORE_IT
        (first if is_one else rest).append(word)
        skip = not skip and word in _BEFORE_IT
    return (words[0], *first, words[1], *rest)


#: Options of Celery for files that it writes, and folders that a container has for them.
_WRITES = frozenset({"--pidfile", "--schedule", "--logfile", "-s", "-f"})
_OF_A_CONTAINER = re.compile(r"/(?!tmp/|dev/)\w")


def without_its_files(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave files that Celery writes where it puts them itself, not in a container's folders."""
    said: list[str] = []
    before = ""
    for word in words:
        name, _, path = word.partition("=")
        if name in _WRITES and _OF_A_CONTAINER.match(path):
            continue
        if before in _WRITES and _OF_A_CONTAINER.match(word):
            said.pop()
        else:
            said.append(word)
        before = word
    return tuple(said)


#: Programs that go on as another user of their container, and their options for that.
_BECOMES = {
    "celery": ("--uid", "--gid"),
    "gunicorn": ("-u", "--user", "-g", "--group"),
    "uwsgi": ("--uid", "--gid"),
}


def as_its_starter(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out of a command the user that its container has for it: here it runs as yours."""
    options = _BECOMES.get(posixpath.basename(words[0]) if words else "", ())
    said: list[str] = []
    before = ""
    for word in words:
        if word.partition("=")[0] not in options and before not in options:
            said.append(word)
        before = word
    return tuple(said)


#: An app that finds its tasks by itself.
_FINDS = re.compile(r"\binclude\s*=|\bautodiscover_tasks\(|\bimports\s*=|['\"]imports['\"]")
#: A queue that work is put in by its name.
_QUEUE = re.compile(
    r"\b(?:apply_async|send_task|signature|s|si)\((?:[^()]|\([^()]{0,200}\)){0,800}?"
    r"\bqueue\s*=\s*['\"]([\w.-]+)['\"]"
)


def _told(texts: Mapping[str, str], file: str, app: str, module: str) -> str:
    """Say what an app does not know by itself: modules with its tasks, and queues."""
    said = ""
    if not any(_FINDS.search(text) for text in texts.values()):
        task = re.compile(rf"(?m)^[ \t]*@{re.escape(app)}\.task\b")
        last = re.escape(module.rpartition(".")[2])
        brings = re.compile(rf"\b(?:from|import)[ \t]+[\w.]*\b{last}\b")
        named = (f for f, t in texts.items() if f != file and task.search(t) and brings.search(t))
        modules = [module_of(one, whole_packages(texts))[0] for one in named]
        said = f" --include {','.join(modules)}" if modules else ""
    queues = sorted({name for text in texts.values() for name in _QUEUE.findall(text)} - {"celery"})
    is_known = any("task_queues" in text for text in texts.values())
    return said + (f" --queues celery,{','.join(queues)}" if queues and not is_known else "")


def _arq(texts: Mapping[str, str]) -> Iterator[Worker]:
    for file, text in texts.items():
        if "arq" in text and (match := _ARQ.search(text)):
            module, _ = module_of(file, whole_packages(texts))
            yield Worker("worker", f"-m arq {module}.{match[1]}", file)
            return


def _dramatiq(texts: Mapping[str, str]) -> Iterator[Worker]:
    roots = whole_packages(texts)
    modules = {module_of(f, roots)[0]: f for f, text in texts.items() if _acts(text)}
    said = "\n".join(texts[file] for file in modules.values())
    setting = (f for f, text in texts.items() if _SETS_BROKER.search(text) and not _acts(text))
    for module in (module_of(file, roots)[0] for file in setting if modules):
        last = re.escape(module.rpartition(".")[2])
        if not re.search(rf"\b(?:from|import)[ \t]+(?!dramatiq\b)[\w.]*\b{last}\b", said):
            modules = {module: "", **modules}  # it is looked for first, in the first one
            break
    if modules:
        yield Worker(
            "worker", f"-m dramatiq {' '.join(modules)}", next(filter(None, modules.values()))
        )


#: A program that people are told to start beside the others, by what it does.
_LISTENS = re.compile(
    r"(?m)^[ \t>$]*(?:uv run |poetry run |pipenv run )?python3? -m "
    r"([\w.]*?(listener|consumer|subscriber)s?)[ \t]*$"
)


def _told_of(texts: Mapping[str, str], scripts: str) -> Iterator[Worker]:
    """Yield what a script or a README starts that takes messages: `python -m jobs.listener`."""
    for match in _LISTENS.finditer(scripts):
        file = f"{match[1].replace('.', '/')}.py"
        if "__main__" in texts.get(file, ""):
            yield Worker(match[2], f"-m {match[1]}", file)
            return


def _acts(text: str) -> bool:
    return "dramatiq" in text and _ACTOR.search(text) is not None


#: Code that names the folder `src` as one of its packages.
_FROM_SRC = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]+src\b(?!\w)")


def whole_packages(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Name `src` where code imports from it by that name: its modules are `src.main`."""
    return ("src",) if any(map(_FROM_SRC.search, texts.values())) else ()


#: Modules that code imports by their whole names.
_IMPORTS = re.compile(r"(?m)^(?:from|import)[ \t]+([A-Za-z_]\w*)")


def told_module(file: str, texts: Mapping[str, str]) -> tuple[str, str]:
    """Turn a file into a module's name and the folder that it is imported from, as its code does.

    Code that imports what lies beside it by that name alone is started in its own folder.
    """
    place = posixpath.dirname(file)
    imported = {*_IMPORTS.findall(texts[file])} if place else set[str]()
    beside = {f[len(place) + 1 :].split("/")[0].removesuffix(".py") for f in texts if _in(f, place)}
    above = {other.split("/")[0].removesuffix(".py") for other in texts}
    if imported & (beside - above) and place.split("/")[0] not in imported:
        return posixpath.basename(file).removesuffix(".py"), place
    return module_of(file, whole_packages(texts))


def _in(file: str, place: str) -> bool:
    return file.startswith(f"{place}/")


def module_of(file: str, packages: Collection[str] = ()) -> tuple[str, str]:
    """Turn a file into a module's name and the folder that it is imported from.

    Args:
        packages: the folders that are packages; one that is none, above such, is not part of it.
    """
    above = [*accumulate(posixpath.dirname(file).split("/"), posixpath.join)]
    if own := next((place for place in above if place in packages), ""):
        base = posixpath.dirname(own)
        inside = posixpath.relpath(file.removesuffix(".py").removesuffix("/__init__"), base or ".")
        return inside.replace("/", "."), base
    parts = file.removesuffix(".py").removesuffix("/__init__").split("/")
    if parts[0] == "src" and len(parts) > 1:
        return ".".join(parts[1:]), "src"
    return ".".join(parts), ""
