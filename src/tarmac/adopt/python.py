"""Python: FastAPI and other ASGI apps, Flask, Django, and programs that are simply run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from tarmac.adopt.packages import python_django, python_dotenv, python_flask
from tarmac.adopt.packages.package_age import is_before
from tarmac.adopt.packages.python_packages import interpreter, of_image_alone
from tarmac.adopt.packages.python_roots import root_below, with_its_module
from tarmac.adopt.packages.python_workers import (
    as_its_starter,
    in_order,
    module_of,
    told_module,
    whole_packages,
    with_its_app,
    without_its_files,
    workers,
)
from tarmac.adopt.stores import servers
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

#: So many of the topmost files are read.
MOST_FILES = 200
_APP = re.compile(
    r"^(\w+)\s*(?::\s*\w+\s*)?=\s*(FastAPI|Starlette|Litestar|Quart|Flask)\(", re.MULTILINE
)
#: An app that a function of the program's own makes: `app = create_application()`.
_MADE = re.compile(r"^(\w+)\s*(?::\s*\w+\s*)?=\s*(\w*app\w*)\(", re.MULTILINE)
_FACTORY = re.compile(
    r"^def (create_app|make_app|get_app)\((.{0,400}?)\)\s*(?:->[^:\n]+)?:", re.MULTILINE | re.DOTALL
)
_MAIN = re.compile(r"^if __name__ == ['\"]__main__['\"]", re.MULTILINE)
#: What says how a database's tables are made, and the words that make them.
_MANAGE = "manage.py"
_MIGRATIONS = {_MANAGE: "manage.py migrate --noinput", "alembic.ini": "-m alembic upgrade head"}
#: A program that goes on until it is stopped.
_SERVES = re.compile(
    r"serve_forever|wait_for_termination|add_insecure_port|run_forever|^while True:|start_server\(",
    re.MULTILINE,
)
#: Programs that a Python environment brings along; `python -m` finds them without PATH.
_MODULES = frozenset(
    {"uvicorn", "gunicorn", "hypercorn", "flask", "celery", "daphne", "granian", "alembic"}
)
#: The first version of Gunicorn that Python starts by its name, and its day.
_GUNICORN = ((20, 1), "2021-02-12")
#: Those that serve an app, which they are told as its module and its name there.
_OF_APPS = frozenset({"uvicorn", "gunicorn", "hypercorn", "daphne"})
#: Programs that start another one with the packages of a project.
_OF_PROJECT = ("uv", "poetry", "pipenv")
#: Where the packages of a program are listed.
_LISTS = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "uv.lock", "poetry.lock")
_FIRST = ("main.py", "app.py", "server.py", "run.py", "worker.py", "wsgi.py", "asgi.py")


class _Start(NamedTuple):
    """How a program is started."""

    #: What follows `python`; "" where nothing starts it.
    line: str
    why: str
    #: Its framework's usual port.
    port: int | None = None


def _texts(folder: Folder) -> dict[str, str]:
    """Read the topmost files."""
    files = sorted(folder.sources(".py"), key=lambda file: (file.count("/"), file))
    return {file: folder.read(file) for file in files[:MOST_FILES]}


def _start(folder: Folder, texts: Mapping[str, str]) -> _Start:
    """Find the program, by the first rule that knows one."""
    files = [*folder.sources(".py")]
    found = (rule(files, texts) for rule in _STARTS)
    return next(filter(None, found), _Start("", ""))


def _is_django(text: str) -> bool:
    """Tell whether a manage.py is Django's: Flask's scripts have the same name."""
    return bool(re.search(r"(?i)(?:import|from) django|django_settings|django\.core|^$", text))


def _django(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:
    if _MANAGE not in files or not _is_django(texts.get(_MANAGE, "")):
        return None
    return _Start("manage.py runserver --noreload 127.0.0.1:$PORT", "manage.py", 8000)


def _app(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:  # noqa: ARG001 - one shape for all
    """Find a module that makes an app."""
    for file, text in texts.items():
        match = _APP.search(text)
        if match and not _is_finished_by_another(text, file, texts):
            module, base = told_module(file, texts)
            where = f"{file}: {match[1]} = {match[2]}()"
            if match[2] == "Flask":
                app = f"{base}/{module.replace('.', '/')}.py" if base else module
                return _Start(f"-m flask --app {app}:{match[1]} run --port $PORT", where, 5000)
            return _Start(_by_uvicorn("", f"{module}:{match[1]}", base), where, 8000)
    return None


def _is_finished_by_another(text: str, file: str, texts: Mapping[str, str]) -> bool:
    """Tell whether a module only begins an app that its own function makes ready for another."""
    named = re.findall(r"(?m)^def (\w*app\w*)\(", text)
    made = (
        match[2] for one, other in texts.items() if one != file for match in _MADE.finditer(other)
    )
    return bool({*named} & {*made})


def _factory(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:
    """Find a function that makes an app."""
    packages = {
        file.removesuffix("/__init__.py") for file in files if file.endswith("/__init__.py")
    }
    for file, text in texts.items():
        match = _FACTORY.search(text)
        if match and _asks_nothing(match[2]):
            roots = whole_packages(texts) or (packages if file.startswith("src/") else ())
            module, base = module_of(file, roots)
            if "Flask" in text:
                app = module if not base else f"{base}/{module.split('.')[0]}"
                return _Start(f"-m flask --app '{app}:{match[1]}' run --port $PORT", file, 5000)
            return _Start(_by_uvicorn(" --factory", f"{module}:{match[1]}", base), file, 8000)
    return None


def _asks_nothing(parameters: str) -> bool:
    """Tell whether each parameter has a value of its own: what starts an app gives none."""
    said = (part.strip() for part in re.split(r",(?![^\[(]*[\])])", parameters))
    return all("=" in part or part.startswith(("*", "/")) for part in said if part)


def _made(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:  # noqa: ARG001 - as above
    """Find a module whose app a function of another name makes."""
    for file, text in texts.items():
        match = _MADE.search(text)
        defines = f"def {match[2]}(" if match else ""
        made = next((t for t in texts.values() if match and defines in t), "")
        framework = re.search(r"\b(FastAPI|Starlette|Litestar|Quart|Flask)\(", made)
        if match is None or framework is None:
            continue
        module, base = told_module(file, texts)
        if framework[1] == "Flask":
            app = f"{base}/{module.replace('.', '/')}.py" if base else module
            return _Start(f"-m flask --app {app}:{match[1]} run --port $PORT", file, 5000)
        return _Start(_by_uvicorn("", f"{module}:{match[1]}", base), file, 8000)
    return None


def _by_uvicorn(flag: str, app: str, base: str) -> str:
    base = f" --app-dir {base}" if base else ""
    return f"-m uvicorn{flag} {app}{base} --host 127.0.0.1 --port $PORT"


def _file(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:
    """Find a file that runs as a program, those with a usual name first."""
    mains = [file for file, text in texts.items() if _MAIN.search(text) or _SERVES.search(text)]
    named = [file for file in _FIRST if file in files]
    likely = (*(file for file in named if file in mains), *named, *mains)
    alone = (file for file in likely if not file.endswith("/__main__.py"))
    found = next(alone, "")
    return _Start(found, found) if found else None


def _package(files: Collection[str], texts: Mapping[str, str]) -> _Start | None:  # noqa: ARG001 - as above
    """Find a package that runs as a program."""
    file = next((file for file in texts if file.endswith("/__main__.py")), "")
    module = module_of(file.removesuffix("/__main__.py") + ".py")[0]
    return _Start(f"-m {module}", file) if file else None


_STARTS = (_django, _app, _factory, _made, _file, _package)


def _programs(folder: Folder) -> tuple[str, ...]:
    """List the programs of a folder that has several, side by side and none of them the first."""
    files = [file for file in folder.sources(".py") if "/" not in file]
    serving = tuple(file for file in files if _SERVES.search(folder.read(file)))
    return serving if len(serving) > 1 and not set(_FIRST[:4]) & set(files) else ()


def _name(program: str) -> str:
    """Name a program that is the whole repository: by its file, if that says anything."""
    stem = program.split(maxsplit=1)[0].removesuffix(".py")
    return stem if re.fullmatch(r"worker|server|api|web|bot|consumer|scheduler", stem) else "app"


def _tasks(folder: Folder) -> dict[str, str]:
    python, install = interpreter(folder)
    tasks = {**({"install": install} if install else {}), **python_dotenv.wanted(folder)}
    is_django = _is_django(folder.read(_MANAGE)) and python_django.has_database(folder)
    files = [_MANAGE] if is_django else []
    files += ["alembic.ini"] if _has_alembic(folder) else []
    if file := folder.has(*files):
        tasks[MIGRATE] = f"{_as_elsewhere(python)} {_MIGRATIONS[file]}"
    if file == _MANAGE and (apps := python_django.unkept(folder)):
        makes = f"{_as_elsewhere(python)} {_MANAGE} makemigrations --noinput {joined(apps)}"
        tasks[MIGRATE] = f"{makes} && {tasks[MIGRATE]}"
    return tasks


def _as_elsewhere(python: str) -> str:
    """Call Python as its image does, too, which has a Python of its own."""
    is_path = python.startswith((".", "/"))
    return f"PATH={python.removesuffix('/python')}:$PATH python" if is_path else python


def _has_alembic(folder: Folder) -> bool:
    """Tell whether its packages bring Alembic: a file of its settings may be one of another day."""
    listed = [folder.upwards(name) for name in _LISTS]
    listed += [
        f for f in folder.files if re.fullmatch(r"(?:.*/)?[\w.-]*requirements[\w./-]*\.txt", f)
    ]
    texts = [folder.read(name) for name in listed if name]
    return not texts or any(
        "alembic" in text.lower() or "migrate" in text.lower() for text in texts
    )


def _services(folder: Folder) -> tuple[Service, ...]:
    several = _programs(folder)
    texts = {} if several else _texts(folder)
    program, why, port = _Start("", "") if several else _start(folder, texts)
    python, _ = interpreter(folder)
    tasks = _tasks(folder)
    program, own = python_flask.told(program, folder)
    if (upgrade := python_flask.upgrade(program, own, folder)) and MIGRATE not in tasks:
        tasks[MIGRATE] = f"{_as_elsewhere(python)} {upgrade}"
    env = {"PYTHONPATH": root} if (root := root_below(folder)) else {}
    if several:
        return tuple(
            Service(
                valid_name(file.removesuffix(".py")),
                folder.path,
                files=(file,),
                run=f"{python} {file}",
                why=file,
                tasks=tasks,
            )
            for file in several
        )
    scripts = (file for file in folder.files if file.endswith(".sh") and file.count("/") < 2)
    told = (*scripts, *(file for file in folder.files if re.fullmatch(r"(?i)readme\.\w+", file)))
    queued = [*workers(texts, "\n".join(map(folder.read, told)))]
    beside = tuple(
        Service(
            valid_name(f"{folder_name(folder)}-{worker.name}") if folder.path else worker.name,
            folder.path,
            run=f"{python} {worker.line}",
            why=worker.file,
            tasks=tasks,
            env=env,
            aside=True,
        )
        for worker in queued
    )
    if not program or program in {worker.file for worker in queued}:
        return beside
    main = Service(
        name=folder_name(folder, _name(program)),
        folder=folder.path,
        run=f"{python} {program}",
        why=why,
        ports={"http": port} if port else {},
        tasks=tasks,
        env={**own, **env},
        guesses=(f"port {port}, the framework's usual one",) if port else (),
    )
    return (main, *beside)


def _here(folder: Folder, argv: tuple[str, ...]) -> str:
    if not argv or not (any(folder.sources(".py")) or of_image_alone(folder)):
        return ""
    # What takes jobs is told the port of its server.
    told = argv if argv[0].rsplit("/", 1)[-1] in _OF_QUEUES else local_ports(argv)
    words = tuple(word for word in told if word not in ("--reload", "--debug"))
    program = words[0].rsplit("/", 1)[-1]
    python, _ = interpreter(folder)
    if program in _OF_PROJECT and "run" in words:  # `uv --no-cache run celery`
        at = words.index("run")
        before = words[1:at]
        words = (words[0], *words[at:]) if all(w.startswith("-") for w in before) else words
    is_of_project = program in _OF_PROJECT and words[1:2] == ("run",)
    if is_of_project and len(words) > 2:
        words, program = words[2:], words[2]
    if re.fullmatch(r"python[\d.]*", program):
        line = f"{python} {joined(words[1:])}"
        serves = words[1:3] == (_MANAGE, "run") and not _is_django(folder.read(_MANAGE))
        return f"{line} --port $PORT" if serves and "$PORT" not in line else line
    if program.endswith(".py") and program in folder.files:  # `./manage.py` says its own Python
        return f"{python} {joined((program, *words[1:]))}"
    if program == "fastapi" and len(words) > 2:
        line = f"{python} -m fastapi run {joined(words[2:])}"
        line += "" if "--host" in words else " --host 127.0.0.1"
        return line if "$PORT" in line else f"{line} --port $PORT"
    words = as_its_starter(words)
    if program == "celery":
        words = without_its_files(with_its_app(in_order(words), _texts(folder)))
    if program in _OF_APPS:
        words = with_its_module(words, _texts(folder))
    if program in _MODULES:
        is_old = program == "gunicorn" and is_before(folder, program, *_GUNICORN)
        module = f"{program}.app.wsgiapp" if is_old else program
        line = f"{python} -m {joined((module, *words[1:]))}"
        asks = {
            "uvicorn": " --port $PORT",
            "flask": " --port $PORT" if "run" in words else "",
            "gunicorn": " -b 127.0.0.1:$PORT",
            "celery": " --port=$PORT" if "flower" in words else "",
        }
        return line if "$PORT" in line else line + asks.get(program, "")
    if is_of_project or _is_installed(program, folder):
        if python.startswith((".", "/")):
            return f"{python.removesuffix('python')}{joined(words)}"
        return f"{python.rpartition(' ')[0]} {joined(words)}".strip()
    return ""


_OF_QUEUES = ("rq", "rqworker", "rqscheduler")
#: Packages by what they start, where that has another name.
_BRINGS = {
    "rqworker": "rq",
    "huey_consumer": "huey",
    "watchmedo": "watchdog",
    "rundramatiq": "django-dramatiq",
}
_LISTED = re.compile(
    r"(?m)^[ \t]*(?:apache-)?([A-Za-z][\w.-]*)|['\"]([A-Za-z][\w.-]*)(?=['\"\[<>=~!; ])"
)


def _plain(name: str) -> str:
    """Say a package as its script mostly is: `rqscheduler` of rq-scheduler."""
    return re.sub(r"[-_.]", "", name.lower())


def _is_installed(program: str, folder: Folder) -> bool:
    """Tell whether a program is a script of a package that the project has, or its own."""
    if not re.fullmatch(r"[a-z][\w-]*", program):
        return False
    lists = ("pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "setup.cfg")
    listed = [folder.upwards(name) for name in lists]
    listed += [file for file in folder.files if servers.PACKAGES.fullmatch(file)]
    listed += [folder.upwards(lock) for lock in ("uv.lock", "poetry.lock")]  # another one brings it
    text = "\n".join((*(folder.read(name) for name in listed if name), *of_image_alone(folder)))
    names = {program, _BRINGS.get(program, program)}
    found = {_plain(first or second) for first, second in _LISTED.findall(text)}
    return bool({_plain(name) for name in names} & found)


RECOGNISER = Recogniser(id="python", rank=40, services=_services, tasks=_tasks, here=_here)
