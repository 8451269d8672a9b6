"""Where the program of a container is in the repository: by its build, mounts and working folder.

Called for each container of a compose file. Only files of the repository are looked at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tarmac.adopt.containers import image_programs
from tarmac.adopt.containers.build_steps import folder_of_last, pages_of, with_paths
from tarmac.adopt.containers.compose_arguments import arguments_of
from tarmac.adopt.containers.compose_parts import mounts_of, ports_of, volumes_of
from tarmac.adopt.containers.container import base_image, made_folders, of_target
from tarmac.adopt.packages.node_packages import handed_on, has_script
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, has_program_file, is_inside, valid_name
from tarmac.adopt.variables import code
from tarmac.base.foreign.data import from_json

#: Images of servers that have pages of others.
_SERVES_PAGES = re.compile(r"(?:^|/)(?:nginx|caddy|httpd)\b")
#: The file, without its end, that is where a program of a project's tools is started.
_PROJECTS = {"npm": "package", "pnpm": "package", "yarn": "package", "go": "go"}
#: Images that programs are built in.
_LANGUAGE = re.compile(
    r"(?i)(?:\S*/)?"
    r"(?:golang|node|bun|python|rust|maven|gradle|openjdk|eclipse-temurin|ruby|php|sdk)\b"
)
_BUILT_IN = re.compile(r"(?m)^FROM\s+(?:--\S+\s+)*" + _LANGUAGE.pattern.removeprefix("(?i)"))
#: Files that show how a program starts, where they are mounted alone.
_STARTERS = ("package.json", "pyproject.toml", "manage.py", "pom.xml")


def place_of(
    spec: Mapping[str, Any], root: Folder, mounted: tuple[str, str] | None
) -> tuple[str, str]:
    """Find the folder that a service's program is in, and the text of its Dockerfile."""
    build = spec.get("build")
    if not build:
        return joined_path(mounted[0] if mounted else "."), ""
    folder = context_of(spec)
    file = dockerfile_of(spec)
    target = build.get("target") if isinstance(build, dict) else ""
    text = _with_arguments(root.below(folder).read(file), build)
    text = with_paths(of_target(text, str(target or "")))
    beside = posixpath.dirname(file)
    own = root.below(joined_path(folder, beside))
    has_sources = any("/" not in f for f in own.sources(*code.ENDINGS))
    if beside and (
        has_program_file(own) or (has_sources and not has_program_file(root.below(folder)))
    ):
        folder = joined_path(folder, beside)
    is_page = root.below(folder).has("package.json")
    if _SERVES_PAGES.search(base_image(text)[0]) and not is_page:
        pages = (joined_path(folder, path) for path in pages_of(text))
        folder = next((path for path in pages if root.below(path).has("package.json")), folder)
    folder = joined_path(folder, folder_of_last(text, root.below(folder)))
    workdirs = re.findall(r"(?im)^WORKDIR\s+(\S+)", text)
    asked = str(spec.get("working_dir") or "")
    if workdirs and asked.startswith(f"{workdirs[-1]}/"):
        folder = joined_path(folder, asked.removeprefix(f"{workdirs[-1]}/"))
    if not has_program_file(root.below(folder)):  # its image has tools alone: the code is mounted
        there = (asked or (workdirs or [""])[-1]).rstrip("/")
        mounts = [joined_path(source) for source, to in mounts_of(spec) if to.rstrip("/") == there]
        outside = (s for s in mounts if s != folder and not is_inside(s, folder))
        code_there = (source for source in outside if has_program_file(root.below(source)))
        folder = next(code_there, folder)
    return folder, text


def _with_arguments(text: str, build: Any) -> str:
    """Write the values that a build is given into the arguments of its Dockerfile."""
    given = {
        name: value
        for name, value in arguments_of(build).items()
        if not re.search(r"[\s\"'$]", value)
    }
    return re.sub(
        r"(?im)^(ARG\s+(\w+))(?:=.*)?$",
        lambda match: f"{match[1]}={given[match[2]]}" if match[2] in given else match[0],
        text,
    )


def from_context(word: str, folder: str, spec: Mapping[str, Any], root: Folder) -> str:
    """Say the path of a file of the folder that an image is built from, from the program's own."""
    context, path = context_of(spec), word.removeprefix("./")
    if "/" not in path or path.startswith(("/", "-", ".")) or context == folder:
        return word
    there = posixpath.join(context, path)
    is_file = root.exists(there) and not root.exists(posixpath.join(folder, path))
    here = posixpath.relpath(there, folder or ".") if is_file else word
    # Go takes a name without a point in front for one of its own packages.
    return f"./{here}" if word.startswith("./") and not here.startswith(".") else here


#: Names of variables that hold a path of the file system, and of such as are an address's.
_HOLDS_PATH = re.compile(
    r"(?i)(?:PATH|PATHS|DIR|DIRS|DIRECTORY|FILE|FOLDER|HOME|ROOT|PLUGINS|LOG)$"
)
_OF_ADDRESS = re.compile(
    r"(?i)UR[LI]|PREFIX|BASE_?PATH|ROOT_?PATH|PUBLIC_?PATH|CONTEXT|ROUTE|ENDPOINT"
)


def paths_here(
    env: Mapping[str, str], spec: Mapping[str, Any], dockerfile: str, folder: str, root: Folder
) -> dict[str, str]:
    """Say the paths of a container in variables as those of this repository, from the program's.

    What lies on a volume of its own stays what it is.
    """
    places = places_of(spec, dockerfile)
    volumes = [target for _, target in volumes_of(spec)]

    def here(name: str, value: str) -> str:
        said = [_from_inside(path, places, folder) for path in value.split(":")]
        if not all(said) or any(value.startswith(volume) for volume in volumes):
            return value
        is_there = all(path != "." and root.exists(joined_path(folder, path)) for path in said)
        is_path = _HOLDS_PATH.search(name) and not _OF_ADDRESS.search(name)
        return ":".join(said) if is_there or is_path else value

    return {n: here(n, v) if v.startswith("/") else v for n, v in env.items()}


#: A line that makes files and folders, and a path of a container in it.
_MAKES_FILES = re.compile(r"(?:mkdir|touch|cp|mv|ln)\s")
_WHOLE_PATH = re.compile(r"(?<![\w./:=$}-])/[\w.-]+(?:/[\w.-]+)*")


def files_here(line: str, spec: Mapping[str, Any], dockerfile: str, folder: str) -> str:
    """Say the paths of a container in a line that makes files as those of this repository."""
    if not _MAKES_FILES.match(line):
        return line
    places = places_of(spec, dockerfile)
    return _WHOLE_PATH.sub(lambda m: _from_inside(m[0], places, folder) or m[0], line)


def folders_here(
    spec: Mapping[str, Any], dockerfile: str, folder: str, root: Folder
) -> dict[str, str]:
    """Write the task that makes an image's folders, those in a mount where that lies here."""
    task = made_folders(dockerfile, root.below(folder))
    inside = (re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile) or ["/"])[-1].strip('"')
    pairs = ((joined_path(a), posixpath.normpath(b)) for a, b in mounts_of(spec))
    mounts = [pair for pair in pairs if pair[1] != posixpath.normpath(inside)]

    def here(path: str) -> str:
        return _from_inside(posixpath.join(inside, path), mounts, folder) or path

    words = task.get("folders", "").split()
    return {"folders": " ".join((*words[:2], *map(here, words[2:])))} if words else {}


def options_here(word: str, spec: Mapping[str, Any], dockerfile: str, folder: str) -> str:
    """Say the path of a container in an option as that of this repository: `--app-dir=/app`."""
    option, sign, path = word.partition("=")
    if not (sign and option.startswith("-") and path.startswith("/")):
        return word
    said = _from_inside(path, places_of(spec, dockerfile), folder)
    return f"{option}={said}" if said else word


def places_of(spec: Mapping[str, Any], dockerfile: str) -> list[tuple[str, str]]:
    """List which folders and files of the repository a container has, and where; deepest first."""
    context = context_of(spec)
    known = [
        (joined_path(source), posixpath.normpath(target)) for source, target in mounts_of(spec)
    ]
    steps = r"(?im)^(WORKDIR|COPY)\s+(?!--from)(?:--\S+\s+)*(\S+)(?:\s+(\S+))?[ \t]*$"
    inside = image_programs.inside(base_image(dockerfile)[0]) or "/"
    for step, path, target in re.findall(steps, dockerfile):
        if step.upper() == "WORKDIR":
            inside = posixpath.normpath(posixpath.join(inside, path))
        elif target and "*" not in path:
            is_file = bool(posixpath.splitext(path)[1].strip("/.")) or _is_hidden(path)
            name = _last(path) if is_file and (target == "." or target.endswith("/")) else ""
            copied = posixpath.normpath(posixpath.join(inside, target, name))
            known.append((_copied(context, path), copied))
    inside = posixpath.normpath(str(spec.get("working_dir") or inside))
    # A path that ends alike here and there says where the working folder is.
    for source, target in [*known]:
        path = posixpath.relpath(target, inside)
        if source == path or source.endswith(f"/{path}"):
            known.append((source.removesuffix(path).rstrip("/"), inside))
    return sorted((one for one in known if one[1] != "/"), key=lambda one: -len(one[1]))


def folders_inside(spec: Mapping[str, Any], dockerfile: str, folder: str) -> dict[str, str]:
    """Say where the folders of a container are that code may name, from the program's folder."""
    places = places_of(spec, dockerfile)
    found = {target: _from_inside(target, places, folder) for _, target in places}
    return {there: here for there, here in found.items() if here and here.count("..") == 0}


def _is_hidden(path: str) -> bool:
    """Tell whether a path is of a file of variables, or of what git has: no folder of code."""
    return _last(path).startswith(".") and _last(path).strip(".") != ""


def _copied(context: str, path: str) -> str:
    """Find what a step copies: from the folder that the image is built from, whatever is before."""
    return joined_path(context, re.sub(r"^(?:\.?\.?/)+", "", path) or ".")


def _from_inside(path: str, places: Iterable[tuple[str, str]], folder: str) -> str:
    """Say a container's path from a folder of the repository; "" for one that it does not give."""
    path = posixpath.normpath(path)
    for source, inside in places:
        if path == inside or path.startswith(f"{inside}/"):
            there = joined_path(source, path.removeprefix(inside).lstrip("/"))
            return posixpath.relpath(there or ".", folder or ".")
    return ""


def context_of(spec: Mapping[str, Any]) -> str:
    """Return the folder that an image is built from."""
    build = spec.get("build")
    context = build.get("context") if isinstance(build, dict) else build
    return joined_path(str(context or "."))


def working_folder(
    folder: str, command: tuple[str, ...], spec: Mapping[str, Any], dockerfile: str, root: Folder
) -> str:
    """Find the folder that is the container's working folder, where the command's files are."""
    if project := _project_of(command, root.below(folder)):
        return joined_path(folder, project)
    context, run = context_of(spec), " ".join(command)
    if not has_script(root.below(folder), run) and has_script(root.below(context), run):
        return context  # a workspace starts it, whose folder the image is built from
    workdirs = re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile)
    workdirs = workdirs or [image_programs.inside(base_image(dockerfile)[0])]
    there = str(spec.get("working_dir") or workdirs[-1]).rstrip("/")
    modules = [
        re.split(r"[.:]", word)[0] for word in command[1:] if re.match(r"[\w.]+[.:]\w", word)
    ]
    modules += [re.split(r"[.:]", b)[0] for a, b in pairwise(command) if a in ("-A", "--app")]
    joined = (word.partition("=")[2] for word in command if word.startswith("--app="))
    modules += [re.split(r"[.:]", word)[0] for word in joined]
    if command and _last(command[0]) in _PROJECTS:
        modules = [_PROJECTS[_last(command[0])]]
    here = root.below(folder)
    if there and command and _last(command[0]) in _PROJECTS:
        deeper = _from_inside(there, places_of(spec, dockerfile), folder)
        below = joined_path(folder, deeper)
        if re.match(r"\w", deeper) and any(_has(root.below(below), name) for name in modules):
            return below
    deeper = _folder_of_file(command, spec, dockerfile, folder, root)
    places = places_of(spec, dockerfile)
    if deeper := deeper or _folder_of_module(there, modules, places, folder, root):
        return deeper
    if not there and not any(_has(here, name) for name in modules):
        return _only_with(here, folder, modules)
    if not there or not modules or any(_has(here, name) for name in modules):
        return folder
    copies = re.findall(r"(?im)^COPY\s+(?!--from)(?:--\S+\s+)*(\S+)\s+(\S+)\s*$", dockerfile)
    pairs = [(joined_path(source), target) for source, target in mounts_of(spec)]
    pairs += [(_copied(context, path), posixpath.join(there, target)) for path, target in copies]
    for source, target in pairs:
        path, place = source.rstrip("/"), posixpath.normpath(target)
        if there.startswith(f"{place}/"):
            path, place = joined_path(path, there.removeprefix(f"{place}/")), there
        while path.strip("/") and place != there and _last(path) == _last(place):
            path, place = posixpath.dirname(path), posixpath.dirname(place)
        if path and place == there and any(_has(root.below(path), name) for name in modules):
            return path
    return folder


def _only_with(here: Folder, folder: str, modules: Iterable[str]) -> str:
    """Find the one folder below that has a module, where no image says the working folder."""
    below = {file.split("/")[0] for file in here.files if "/" in file}
    found = [path for path in below if any(_has(here.below(path), name) for name in modules)]
    return joined_path(folder, found[0]) if len(found) == 1 else folder


def folder_of_flask(folder: str, command: tuple[str, ...], app: str, root: Folder) -> str:
    """Find the folder of the file that Flask is told by a variable: FLASK_APP=manage.py."""
    here = root.below(folder)
    is_told = "flask" in command and app.endswith(".py") and "--app" not in command
    if not is_told or app in here.files:
        return folder
    found = [file for file in here.files if file.endswith(f"/{app}")]
    return joined_path(folder, posixpath.dirname(found[0])) if len(found) == 1 else folder


def from_its_project(
    command: tuple[str, ...], folder: str, spec: Mapping[str, Any], dockerfile: str, root: Folder
) -> tuple[tuple[str, ...], str]:
    """Start a program where its container does; a package's file from the folder of its project.

    Returns:
        The command, and the folder that it is for.
    """
    deeper = working_folder(folder, command, spec, dockerfile, root)
    if deeper == folder or not root.exists(joined_path(deeper, "__init__.py")):
        return command, deeper
    path = posixpath.relpath(deeper, folder or ".")
    is_there = (root.exists(joined_path(deeper, word)) for word in command[1:])
    pairs = zip(command[1:], is_there, strict=True)
    return (command[0], *(f"{path}/{w}" if found else w for w, found in pairs)), folder


def in_its_package(
    base: Service, command: tuple[str, ...], root: Folder
) -> tuple[Service, tuple[str, ...]]:
    """Start a package of a workspace in its own folder: `pnpm web` is a script of apps/web."""
    told, package = handed_on(command or base.container_command, root.below(base.folder))
    if not package:
        return base, command
    folder = joined_path(base.folder, package)
    return replace(base, folder=folder, container_command=told), told if command else command


def _folder_of_module(
    there: str,
    modules: Iterable[str],
    places: Iterable[tuple[str, str]],
    folder: str,
    root: Folder,
) -> str:
    """Find the folder that is the container's working folder by a module that is started there."""
    deeper = _from_inside(there, places, folder) if there else ""
    below = joined_path(folder, deeper) if re.match(r"\w", deeper) else ""
    return below if below and any(_has(root.below(below), name) for name in modules) else ""


def _folder_of_file(
    command: tuple[str, ...], spec: Mapping[str, Any], dockerfile: str, folder: str, root: Folder
) -> str:
    """Find the folder that is the container's working folder by the file that is started there."""
    named = [
        word
        for word in command[1:4]
        if re.fullmatch(r"(?:\./)?\w[\w./-]*\.(?:py|[cm]?[jt]s)", word)
    ]
    path = posixpath.normpath(named[0]) if named else ""
    workdirs = re.findall(r"(?im)^WORKDIR\s+(\S+)", dockerfile)
    there = str(spec.get("working_dir") or (workdirs or [""])[-1])
    if not path or not there or root.exists(joined_path(folder, path)):
        return ""
    deeper = _from_inside(there, places_of(spec, dockerfile), folder)
    place = joined_path(folder, deeper) if re.match(r"\w", deeper) else ""
    return place if place and root.exists(joined_path(place, path)) else ""


def _project_of(command: tuple[str, ...], folder: Folder) -> str:
    """Find the project below a folder whose assembly is started: `dotnet Shop.dll`; "" for none."""
    names = [word for word in command[1:2] if word.endswith(".dll")]
    if not names or _last(command[0]) != "dotnet":
        return ""
    name = _last(names[0]).removesuffix(".dll")
    ends = (f"{name}.csproj", f"{name}.fsproj")
    places = {posixpath.dirname(file) for file in folder.files if _last(file) in ends}
    return places.pop() if len(places) == 1 else ""


def _last(path: str) -> str:
    return posixpath.basename(path)


def _has(folder: Folder, module: str) -> bool:
    """Tell whether a folder has a module, as a file or as a folder of its own."""
    return any(file.startswith((f"{module}/", f"{module}.")) for file in folder.files)


def dockerfile_of(spec: Mapping[str, Any]) -> str:
    """Name the Dockerfile that a service is built by."""
    build = spec.get("build")
    file = build.get("dockerfile") if isinstance(build, dict) else ""
    return posixpath.normpath(str(file or "Dockerfile"))


def folder_of_image(image: str, own: str, root: Folder) -> str:
    """Find the program of this repository that an image is made of, by its name; "" if none is."""
    last = servers.name_of(image)
    module = re.search(r"(?m)^module\s+\S*?([\w.-]+)\s*$", root.read("go.mod"))
    package = root.mapping("package.json", from_json) or {}
    pom = re.sub(r"(?s)<parent>.*?</parent>", "", root.read("pom.xml"))
    artifact = re.search(r"<artifactId>\s*([\w.-]+)", pom)
    own_names = (module[1] if module else "", package.get("name"), artifact[1] if artifact else "")
    if last and last in own_names:
        return "."
    places = {posixpath.dirname(file) for file in root.files if posixpath.dirname(file)}
    fitting = [
        place
        for place in sorted(places, key=lambda place: (place.count("/"), place))
        if (base := valid_name(posixpath.basename(place))) in (last, own)
        or last.endswith(f"-{base}")
        if has_program_file(root.below(place))
    ]
    # Of todo and category-todo the longer one says more of what the image is.
    longest = max((len(posixpath.basename(place)) for place in fitting), default=0)
    fitting = [place for place in fitting if len(posixpath.basename(place)) == longest]
    return fitting[0] if last and fitting else ""


def dockerfile_of_image(image: str, own: str, root: Folder) -> str:
    """Find the Dockerfile of a program that is built from above its folder, by the image's name.

    It lies in the folder of its name, `cmd/worker/Dockerfile`, or has it: `Dockerfile.worker`.
    """
    last = servers.name_of(image)
    for file in root.files if last else ():
        place, name = posixpath.split(file)
        if not re.fullmatch(r"Dockerfile(?:\.[\w-]+)?|[\w-]+\.Dockerfile", name):
            continue
        title = re.sub(r"^Dockerfile\.?|\.Dockerfile$", "", name) or posixpath.basename(place)
        is_its = title and (title in (last, own) or last.endswith(f"-{title}"))
        is_apart = is_its and not has_program_file(root.below(place))
        if is_apart and _BUILT_IN.search(root.read(file)):
            return file
    return ""


def is_of_root(image: str, spec: Mapping[str, Any], root: Folder) -> bool:
    """Tell whether an image is the one that the Dockerfile of the root makes, released elsewhere.

    It listens where that does, and the repository says its name: in its README, or as the folder in
    the image.
    """
    path = re.sub(r"[:@].*", "", image).lower()
    owner_and_name = "/".join(path.split("/")[-2:])
    text = root.read("Dockerfile")
    if "/" not in owner_and_name or not text or not has_program_file(root):
        return False
    exposed = {int(port) for port in re.findall(r"(?im)^[ \t]*EXPOSE\s+(\d+)", text)}
    inside = {number for _, number in ports_of(spec)}
    readme = root.read(root.has("README.md", "README.rst", "readme.md")).lower()
    workdirs = re.findall(r"(?im)^WORKDIR\s+(\S+)", text)
    is_named = f"github.com/{owner_and_name}" in readme or any(
        _last(place.rstrip("/")) == _last(owner_and_name) for place in workdirs
    )
    return is_named and bool(exposed & inside)


def stage_of_image(image: str, own: str, root: Folder) -> str:
    """Find the stage of the repository's Dockerfile that an image is, by its tag or the service."""
    if not image or servers.of_image(image) is not None:
        return ""
    named = re.findall(r"(?im)^FROM\s.*\sAS\s+(\S+)\s*$", root.read("Dockerfile"))
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return next((stage for stage in named if len(named) > 1 and stage in (tag, own)), "")


def joined_path(*parts: str) -> str:
    """Join the parts of a path in the repository; its own folder is ""."""
    path = posixpath.normpath(posixpath.join(*parts))
    return "" if path == "." else path


def mounted_program(spec: Mapping[str, Any], folder: Folder) -> tuple[str, str] | None:
    """Find the folder of code that is mounted into an image and started there; not its data."""
    mounts = [*mounts_of(spec)] if spec.get("command") or spec.get("entrypoint") else []
    for source, target in mounts:
        if any(folder.below(joined_path(source)).sources(*code.ENDINGS)):
            return source, target
    for source, target in mounts:  # what is built is mounted, and what says how it starts
        if posixpath.basename(source) in _STARTERS and folder.exists(joined_path(source)):
            return posixpath.dirname(source), posixpath.dirname(target)
    return _mounted_for_work(spec, folder)


def _mounted_for_work(spec: Mapping[str, Any], folder: Folder) -> tuple[str, str] | None:
    """Find the program that people start by hand in a container, which has its folder and a shell.

    It is an image of a language alone, and the folder is its working folder.
    """
    waits = spec.get("tty") or spec.get("stdin_open")
    if not waits or spec.get("command") or not _LANGUAGE.match(str(spec.get("image") or "")):
        return None
    for source, target in mounts_of(spec):
        is_there = target.rstrip("/") == str(spec.get("working_dir") or "").rstrip("/")
        if is_there and has_program_file(folder.below(joined_path(source))):
            return source, target
    return None
