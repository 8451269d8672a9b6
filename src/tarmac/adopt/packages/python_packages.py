"""How Python is called for a program here, and how its packages are installed before.

`python` asks. What an image installs goes before what lies in the folder.
"""

from __future__ import annotations

import json
import re
import shlex

from tarmac.adopt.packages.package_day import day_of, day_of_code, newest_python, python_of
from tarmac.adopt.packages.python_imports import lacking, own_files
from tarmac.adopt.packages.python_project import makes_package
from tarmac.adopt.packages.python_unlisted import imported
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, installed

#: Where an image's steps are.
_DOCKERFILES = ("Dockerfile", "docker/Dockerfile", "build/Dockerfile")
#: So many files of code say of which day it is.
_MOST_DATED = 20
#: How an image's Dockerfile tells Poetry to leave out what only the work on the code needs.
_MAIN_ALONE = re.compile(
    r"\bpoetry\s+(?:\S+\s+)*?install\b[^&|;\n]*--(?:no-dev|only[= ]main|without[= ]dev)"
)
#: Where a repository says which Python it wants, in order.
_IMAGE = r"(?i)^FROM\s+(?:\S*/)?(?:python:|[\w-]+:python)3\.(\d{1,3})\b"
#: A README that names one; "3.10+" is no more than the oldest.
_NAMED = r"(?i)\bpython[ :v-]{0,3}3\.(\d{1,2})\b(?!\.?\d*[ \t]*(?:\+|or|and|-|to|~))"
_VERSIONS = (
    (".python-version", r"^[ \t]*3\.(\d{1,3})\b"),
    ("Pipfile", r"^[ \t]*python_(?:full_)?version\s*=\s*['\"]3\.(\d{1,3})(?:\.\d+)?['\"]"),
    *((file, _IMAGE) for file in _DOCKERFILES),
    ("runtime.txt", r"^[ \t]*python-3\.(\d{1,3})\b"),
    ("pyproject.toml", r"requires-python\s*=\s*['\"]\s*(?:>=|~=|==)\s*3\.(\d{1,3})\b"),
    ("pyproject.toml", r"^python\s*=\s*['\"](?:==|~)?3\.(\d{1,2})(?:\.\d{1,2}|\.\*)?['\"]"),
    *((file, _NAMED) for file in ("README.md", "../README.md")),
)
#: A folder of its own that an image has, and where.
_COPIED = re.compile(r"(?im)^[ \t]*COPY\s+(?!--from)(?:--\S+\s+)*(\S+)\s+(/\S+)[ \t]*$")
#: A package that an image installs from where it is developed.
_OF_GIT = re.compile(r"(?:[\w.-]+@)?git\+https?://[^\s$]+$")
_GROUP = re.compile(r"--group[= ]([\w-]+)")
#: The groups that Poetry is told to install.
_OF_GROUPS = r"--(?:with|only)[= ][\"']?([\w.,-]+)"


def interpreter(folder: Folder) -> tuple[str, str]:
    """Return how Python is called here, and what has to be done before."""
    found = folder.upwards(".venv/bin/python") or folder.upwards("venv/bin/python")
    if found and not _is_of_others(found, folder):
        return found, ""
    for lock, call in (
        ("uv.lock", "uv run"),
        ("poetry.lock", "poetry run"),
        ("Pipfile", "pipenv run"),
    ):
        if lock == "Pipfile" and folder.has("Pipfile.lock") and _is_before_pipenv(folder):
            return ".venv/bin/python", _by_pip_alone(folder)
        if not folder.upwards(lock):
            continue
        if lock == "poetry.lock" and _is_before_poetry(folder):
            return ".venv/bin/python", _of_poetry_by_pip(folder)
        tool = "poetry" if lock == "poetry.lock" else "pipenv"
        if lock == "uv.lock" or not _has_plain_list(folder, tool):
            return f"{call} python", _from_lock(lock, folder)
    more = " ".join(("", *_beside(folder)))
    if lists := _lists(folder):
        itself = _itself(folder)
        more += "".join(f" -e {place}" for place in itself)
        more += (
            "" if itself else "".join(f" {shlex.quote(name)}" for name in lacking(folder, lists))
        )
        day = day_of(lists, folder)
        more += "" if day else _held(folder)
        return ".venv/bin/python", _setup(f"-r {' -r '.join(lists)}{more}", folder, day)
    if groups := _groups(folder):
        which = "".join(f" --group {group}" for group in groups)
        newer = "'pip>=25.1' && .venv/bin/pip install -q"
        return ".venv/bin/python", _setup(f"{newer}{which}{more}", folder)
    if _is_of_poetry_alone(folder):
        made = f"poetry install --no-interaction{_groups_of_poetry(folder)} --no-root"
        return "poetry run python", made
    if "pyproject.toml" in folder.files:
        return ".venv/bin/python", _setup(f".{more}", folder)
    if names := imported(folder):
        code = own_files(folder)[:_MOST_DATED]
        what = " ".join(dict.fromkeys((*names, *_beside(folder))))
        return ".venv/bin/python", _setup(what, folder, day_of_code(code, folder))
    if tools := of_image_alone(folder):
        return ".venv/bin/python", _setup(" ".join(tools), folder)
    return "python3", ""


def of_image_alone(folder: Folder) -> tuple[str, ...]:
    """List the packages of an image that has no code besides: `RUN pip install flower`."""
    is_python = re.search(_IMAGE, folder.read("Dockerfile"), re.MULTILINE)
    return _beside(folder) if is_python and not any(folder.sources(".py")) else ()


#: An address of PostgreSQL in the code itself, which names no driver.
_ADDRESS = re.compile(r"['\"]postgres(?:ql)?://")
#: SQLAlchemy before it takes another driver by default than the one that is installed.
_OF_THAT_DRIVER = "sqlalchemy<2.1"


def _held(folder: Folder) -> str:
    """Hold a package back whose newest version looks for a driver that the list lacks."""
    if not servers.named_driver("postgresql", folder):
        return ""
    names_none = any(_ADDRESS.search(folder.read(file)) for file in own_files(folder))
    return f" {shlex.quote(_OF_THAT_DRIVER)}" if names_none else ""


def _is_of_others(python: str, folder: Folder) -> bool:
    """Tell whether git keeps an environment, with the packages and paths of another machine."""
    place = python.removesuffix("/bin/python")
    made = re.search(r"(?m)^command\s*=", folder.read(f"{place}/pyvenv.cfg"))
    ignored = folder.read(f"{place}/.gitignore") + folder.read(folder.upwards(".gitignore"))
    return bool(made) and not re.search(r"(?m)^[ \t]*(?:\*$|[^#\n]*venv)", ignored)


def _has_plain_list(folder: Folder, tool: str) -> bool:
    """Tell whether its image installs a list that lies beside a tool's lock, without the tool."""
    above = folder.read(folder.upwards("Dockerfile") or "Dockerfile")
    steps = _dockerfile(folder) or re.sub(r"\\\s*\n", " ", above)
    lines = re.findall(r"\bpip3?[ \t]+install\b[^&|;\n]*", steps)
    has_list = any(re.search(r"(?:-r|--requirement)[= ]?\S", line) for line in lines)
    return bool(folder.upwards("requirements.txt")) and has_list and tool not in steps


#: The oldest Python that the Pipenv of today installs packages for.
_OLDEST_OF_PIPENV = 10


def _is_of_poetry_alone(folder: Folder) -> bool:
    """Tell whether Poetry alone knows a project's packages: nothing else builds it."""
    text = folder.read("pyproject.toml")
    is_built = re.search(r"(?m)^\[(?:build-system|project)\]", text)
    return "[tool.poetry.dependencies]" in text and not is_built


def _is_before_pipenv(folder: Folder) -> bool:
    """Tell whether a project is for a Python that the Pipenv of today installs nothing for."""
    return 0 < _wanted(folder) < _OLDEST_OF_PIPENV


def _by_pip_alone(folder: Folder) -> str:
    """Return how pip installs the packages of Pipenv's lock file, which it lists first."""
    sections = ["default", *["develop"] * _with_develop(folder)]
    both = ", ".join(f"*lock[{json.dumps(name)}].items()" for name in sections)
    listing = (
        f'import json; lock = json.load(open("Pipfile.lock")); '
        f'[print(name, *["[" + ",".join(p.get("extras", [])) + "]", '
        f'p.get("version", "")], sep="", end=" ") or '
        f'print(*[";", p["markers"]] if "markers" in p else []) for name, p in [{both}]]'
    )
    made = f".venv/bin/python -c '{listing}' > .venv/locked.txt"
    return _setup("-r .venv/locked.txt", folder).replace(
        " && .venv/bin/pip install", f" && {made} && .venv/bin/pip install"
    )


#: The Python of a project, with one patch of it or none behind.
_OF_POETRY = r"(?m)^python\s*=\s*['\"](?:==|~|\^)?3\.(\d{1,2})(\.\d{1,2}|\.\*)?['\"]"
#: The oldest Python that the Poetry of today makes an environment for.
_OLDEST_OF_POETRY = 9


def _is_before_poetry(folder: Folder) -> bool:
    """Tell whether the Poetry of today has no Python for a project: an old one, or one patch."""
    match = re.search(_OF_POETRY, folder.read(folder.upwards("pyproject.toml")))
    if match is None:
        return False
    is_one_patch = bool(re.search(r"['\"](?:==)?3\.\d{1,2}\.\d", match[0]))
    is_held = not re.search(r"['\"]\^", match[0])  # to that minor version
    return is_one_patch or (is_held and int(match[1]) < _OLDEST_OF_POETRY)


def _of_poetry_by_pip(folder: Folder) -> str:
    """Return how pip installs the packages of Poetry's lock file, which it lists first."""
    lock = folder.upwards("poetry.lock")
    listing = (
        f'import re; parts = open("{lock}").read().split("[[package]]")[1:]; '
        '[print(*re.findall(r"(?m)^(?:name|version) = .(.+).$", p)[:2], sep="==") for p in parts '
        'if not re.search("(?m)^optional = true|^name = .pywin", p)]'
    )
    made = f".venv/bin/python -c '{listing}' > .venv/locked.txt"
    return _setup("--no-deps -r .venv/locked.txt", folder).replace(
        " && .venv/bin/pip install", f" && {made} && .venv/bin/pip install"
    )


def _with_develop(folder: Folder) -> bool:
    """Tell whether an image has the packages, too, that only the work on the code needs."""
    return bool(re.search(r"\bpipenv\s+(?:install|sync)\b[^&|;\n]*--dev\b", _pipenv_steps(folder)))


def _pipenv_steps(folder: Folder) -> str:
    files = [path for file in _DOCKERFILES if (path := folder.upwards(file))]
    return "\n".join(map(folder.read, files))


def _lists(folder: Folder) -> tuple[str, ...]:
    """Find the lists of packages that are installed: those that its image has, or the usual one."""
    usual = folder.upwards("requirements.txt") or folder.upwards("requirements.lock")
    # Where they are in a folder, the list for those who work here has the others.
    names = (f"requirements/{name}.txt" for name in ("local", "dev", "development", "base"))
    own = next(filter(None, map(folder.upwards, names)), "")
    listed_here = any(f.endswith(".txt") and "requirements" in f for f in folder.files)
    if not usual and not own and not listed_here:
        return ()
    listed = re.findall(r"\bpip3?[ \t]+install\b[^&|;\n]*", _dockerfile(folder))
    words = (
        word for line in listed for word in re.findall(r"(?:-r|--requirement)[= ]?(\S+)", line)
    )
    copied = _copied_lists(folder)
    parts = (word.split("/") for word in words)
    ends = (["/".join(part[begin:]) for begin in range(len(part))] for part in parts)
    named = [
        next((end for end in one if end in folder.files), copied.get(one[-1], "")) for one in ends
    ]
    if named and all(named):
        return tuple(dict.fromkeys(named))
    return (usual or own,) if usual or own else _of_images_below(folder)


def _copied_lists(folder: Folder) -> dict[str, str]:
    """Find the lists that an image has beside its program, by their names there."""
    steps = re.findall(r"(?im)^[ \t]*(?:COPY|ADD)\s+(.+)$", _dockerfile(folder))
    paths = (word.removeprefix("./").lstrip("/") for step in steps for word in step.split()[:-1])
    return {path.rsplit("/", 1)[-1]: path for path in paths if path in folder.files}


#: A list that an image has of the folder that it is built from.
_COPIED_LIST = re.compile(r"(?im)^[ \t]*COPY\s+(?:--\S+\s+)*(\S*requirements\S*\.txt)\s")


def _of_images_below(folder: Folder) -> tuple[str, ...]:
    """Find the lists that the images of several programs of one folder copy from it."""
    images = [file for file in folder.files if file.endswith("/Dockerfile")]
    images += _named_images(folder)
    copied = (path for file in images for path in _COPIED_LIST.findall(folder.read(file)))
    named = dict.fromkeys(path.removeprefix("./").lstrip("/") for path in copied)
    return tuple(path for path in named if path in folder.files)


def _itself(folder: Folder) -> tuple[str, ...]:
    """List the folders of its own that an image installs as packages: `pip install -e /src`."""
    steps = _dockerfile(folder)
    lines = re.findall(r"\bpip3?[ \t]+install\b([^&|;\n]*)", steps)
    words = [word for line in lines for word in line.split() if re.match(r"[./]", word)]
    whole = re.findall(r"(?im)^[ \t]*(?:COPY|ADD)\s+\.\s+(/\S+?)/?[ \t]*$", steps)
    words = ["." if word.rstrip("/") in whole else word for word in words]
    copied = {there.rstrip("/"): here.strip("/") for here, there in _COPIED.findall(steps)}
    words = [_below(copied.get(word.rstrip("/"), ""), folder) or word for word in words]
    names = dict.fromkeys(re.sub(r"\[[\w,-]+\]$", "", word).strip("/") for word in words)
    places = (name.removeprefix("./") or "." for name in names)
    known = ("setup.py", "setup.cfg", "pyproject.toml")
    return tuple(p for p in places if any(map(folder.below(p).files.__contains__, known)))


def _below(path: str, folder: Folder) -> str:
    """Say a path of the folder that an image is built from, or of one above, from the folder."""
    parts = path.split("/")
    ends = ("/".join(parts[begin:]) for begin in range(len(parts)))
    return next((end for end in ends if end and folder.exists(end)), "")


def _dockerfile(folder: Folder) -> str:
    """Read the steps of its image that install packages, each as one line."""
    texts = (folder.read(file) for file in (*_DOCKERFILES, *_only_dockerfile(folder)))
    text = next((text for text in texts if re.search(r"\bpip3?\s+install", text)), "")
    return re.sub(r"\\\s*\n", " ", text)


def _only_dockerfile(folder: Folder) -> list[str]:
    """Find the one Dockerfile in a folder below that is made of Python: docker/web/Dockerfile."""
    found = _images_below(folder)
    return found if len(found) == 1 else []


def _images_below(folder: Folder) -> list[str]:
    below = [file for file in folder.files if file.endswith("/Dockerfile")]
    return [file for file in below if re.search(_IMAGE, folder.read(file), re.MULTILINE)]


def _groups(folder: Folder) -> tuple[str, ...]:
    """List the groups of packages that stand in for a project, which the file does not have."""
    text = folder.read("pyproject.toml")
    _, found, groups = text.partition("[dependency-groups]")
    if not found or re.search(r"(?m)^\[(?:project|tool\.poetry)\]", text):
        return ()
    asked = dict.fromkeys(_GROUP.findall(folder.read("Dockerfile")))
    every = re.findall(r"(?m)^([\w-]+)\s*=\s*\[", groups.partition("\n[")[0])
    return tuple(asked) or tuple(every)


def _from_lock(lock: str, folder: Folder) -> str:
    """Return how the locked packages are installed; uv does it as it runs."""
    if lock == "Pipfile":
        # Another patch of that Python than it names does as well.
        is_full = "python_full_version" in folder.read(folder.upwards(lock))
        chosen = f" --python 3.{_wanted(folder)}" if is_full and _wanted(folder) else ""
        return f"pipenv{chosen} sync" + " --dev" * _with_develop(folder)
    if lock == "poetry.lock":
        line = f"poetry install --no-interaction{_groups_of_poetry(folder)}"
        made = f"{line} || {line} --no-root"
        # Its packages may have no build for a newer Python than that of its image.
        wanted = _wanted(folder)
        return f"(poetry env use python3.{wanted} || true) && ({made})" if wanted else made
    return ""


def _groups_of_poetry(folder: Folder) -> str:
    """Say which groups of packages the images of a folder install by Poetry, all of them at once.

    Its programs share an environment here, which the images do not.
    """
    text = re.sub(r"\\\s*\n", " ", folder.read("Dockerfile"))
    images = [f for f in folder.files if "/" not in f and "dockerfile" in f.lower()]
    steps = "\n".join(re.sub(r"\\\s*\n", " ", folder.read(file)) for file in images)
    lines = re.findall(r"\bpoetry\s+(?:\S+\s+)*?install\b([^&|;\n]*)", steps)
    named = (names for line in lines for names in re.findall(_OF_GROUPS, line))
    groups = [name for names in named for name in names.split(",") if name not in ("", "main")]
    more = ",".join(dict.fromkeys(groups))
    if _MAIN_ALONE.search(text):
        return f" --only main{more and f',{more}'}"
    return f" --with {more}" if more else ""


def _named_images(folder: Folder) -> list[str]:
    """List the files of several images in one folder: `flower.Dockerfile`."""
    return [file for file in folder.files if re.fullmatch(r"[\w-]+\.[Dd]ockerfile", file)]


def _beside(folder: Folder) -> tuple[str, ...]:
    """List the packages that a Dockerfile installs by their names, beside those of the project."""
    text = "\n".join(map(folder.read, ("Dockerfile", *_named_images(folder))))
    text = _GROUP.sub("", re.sub(r"\\\s*\n", " ", text))
    lines = re.findall(r"\bpip3?[ \t]+install[ \t]+([^&|;\n]+)", text)
    names = (
        word
        for line in lines
        if not re.search(r"(^|\s)(-r|-c|--requirement|--constraint|\.)(\s|=|$)", line)
        for word in line.replace('"', "").replace("'", "").split()
    )
    wanted = (n for n in names if re.fullmatch(r"[A-Za-z][\w.-]*(\[[\w,]+\])?(==[\w.]+)?", n))
    of_git = (shlex.quote(word) for line in lines for word in line.split() if _OF_GIT.match(word))
    tools = ("pip", "setuptools", "wheel", "uv")
    return tuple(n for n in dict.fromkeys((*wanted, *of_git)) if n not in tools)


def _setup(what: str, folder: Folder, day: str = "") -> str:
    made = "python3 -m venv .venv"
    listed = "\n".join(map(folder.read, re.findall(r"-r (\S+)", what)))
    newest = newest_python(listed)
    minor = python_of(day)
    likely = min(minor, newest) if minor and newest else minor or newest
    if wanted := _wanted(folder) or likely:
        # The nearest one that is there: most programs run on the one before as well.
        near = (f"python3.{minor} -m venv .venv" for minor in range(wanted, wanted - 3, -1))
        made = f"({{ {' || '.join(near)}; }} 2>/dev/null || {made})"
    # Newer versions of Python write this file themselves: git does not list what is there.
    made = f"{made} && echo \\* > .venv/.gitignore"
    # A list with hashes that uv wrote has more of them than pip accepts, and fewer than it wants.
    by_uv = re.search(r"\buv\s+pip\s+install", _dockerfile(folder))
    by = ".venv/bin/pip install -q uv && .venv/bin/uv pip" if by_uv else ".venv/bin/pip"
    line = f"{by} install -q {what}"
    if what.startswith(".") and not makes_package(folder):
        alone = what.replace(".", "-r pyproject.toml", 1)
        line = f".venv/bin/pip install -q uv && .venv/bin/uv pip install -q {alone}"
    if day:  # an index that does not say of which day its packages are has none for uv
        # One that is on PATH already does for a Python that no uv is made for.
        uv = "{ .venv/bin/pip install -q uv || uv --version; } && PATH=.venv/bin:$PATH"
        uv = f"{uv} uv pip install -q"
        by_day = f"{uv} --exclude-newer {day}"
        again = f" || {{ {by_day} --no-deps {what}; }}" * _is_whole(what, folder)
        line = f"({{ {by_day} {what}; }}{again} || {line})"
    elif _is_whole(what, folder):
        line = f"({line} || {by} install -q --no-deps {what})"
    # Its build in several parts at a time fails now and then: unbit/uwsgi's issue 1318.
    alone = "export CPUCOUNT=1 && " if re.search(r"(?im)^[ \t]*uwsgi\b", listed) else ""
    made = f"{alone}{made} && {line} && touch .venv/.installed"
    return installed(".venv/.installed", f"({made})")


#: So many packages at least has a list of all that was installed somewhere.
_WHOLE = 20


def _is_whole(what: str, folder: Folder) -> bool:
    """Tell whether a list has all packages that its author had, with a version of each.

    An old pip installed such ones also where two of them do not fit each other.
    """
    lists = re.findall(r"-r (\S+)", what)
    lines = [line.partition("#")[0].strip() for f in lists for line in folder.read(f).splitlines()]
    named = [line for line in lines if line]
    return len(named) >= _WHOLE and all("==" in line for line in named)


def _wanted(folder: Folder) -> int:
    """Find the minor version of the Python 3 that the repository is for; 0 where it says none."""
    named = [f for f in folder.files if f.endswith((".dockerfile", ".Dockerfile"))]
    below = _images_below(folder)
    made_of = {re.findall(_IMAGE, folder.read(file), re.MULTILINE)[-1] for file in below}
    named += below if len(made_of) == 1 else []
    for file, pattern in (*_VERSIONS, *((file, _IMAGE) for file in named)):
        text = _with_arguments(folder.read(folder.upwards(file) or file))
        if match := re.search(pattern, text, re.MULTILINE):
            return int(match[1])
    return 0


def _with_arguments(text: str) -> str:
    """Fill in the arguments of an image that say of which Python it is: `FROM $PYTHON_IMAGE`."""
    known = dict(re.findall(r"(?im)^[ \t]*ARG\s+(\w+)=[\"']?([^\"'\s]+)", text))
    return re.sub(
        r"(?im)^FROM\s.*\$.*$",
        lambda line: re.sub(r"\$\{?(\w+)\}?", lambda m: known.get(m[1], m[0]), line[0]),
        text,
    )
