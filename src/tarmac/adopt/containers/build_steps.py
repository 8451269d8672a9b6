"""What a container's program is made of: the build step of its Dockerfile that makes it.

`CMD ["/app"]`, where a stage before had `go build -o /bin/app ./cmd/api`, is `go run ./cmd/api`.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tarmac.adopt.survey.found import Folder, has_program_file

#: A tag for the C library of Alpine's images, which is not that of other machines.
_OF_ALPINE = "musl"
#: Options of `go build` that take a value of their own.
_GO_VALUES = frozenset({"-o", "-ldflags", "-tags", "-mod", "-gcflags", "-asmflags", "-p"})
_CARGO_RESULT = re.compile(r"(?:^|/)target/(?:[\w-]+/)?(?:release|debug)/([\w-]+)$")
#: The same anywhere in a step, as in `objcopy target/release/server ./conduit`.
_CARGO_NAMED = re.compile(r"target/(?:[\w-]+/)?(?:release|debug)/([\w-]+)")
#: Ends of files that a program reads as it starts.
_SETTINGS = (".yml", ".yaml", ".toml", ".json", ".ini", ".conf", ".env")
_PACKS = re.compile(r"(?:^|/)(?:mvnw?|gradlew?)$")


@dataclass
class _Stage:
    """One stage of a Dockerfile."""

    name: str
    place: str = ""
    workdir: str = "/"
    #: (path in the repository, path there) of each copy of its own files.
    own: list[tuple[str, str]] = field(default_factory=list)
    #: The same of its single files.
    files: list[tuple[str, str]] = field(default_factory=list)
    #: (folder, command) of each step that runs.
    ran: list[tuple[str, str]] = field(default_factory=list)
    #: (stage, source, target) of each copy from another stage.
    copied: list[tuple[str, str, str]] = field(default_factory=list)


def made_from(text: str, argv: tuple[str, ...], place: str = "") -> tuple[str, ...]:
    """Return a container's command as what its program is made of; as it is where nothing says.

    Args:
        text: the Dockerfile.
        argv: the command.
        place: the folder that the result is for, where the image is built from one above it.
    """
    stages = _stages(text, place)
    if not argv or not stages:
        return argv
    if posixpath.basename(argv[0]) == "java" and "-jar" in argv[:-1]:
        return _jar(stages, argv)
    last = stages[-1]
    program = posixpath.normpath(posixpath.join(last.workdir, argv[0]))
    stage, made = _origin(stages, last, program)
    return _go(stage, made, argv, last) or _cargo(stage, made, argv) or argv


#: Steps whose paths may be said by variables of the image.
_OF_PATHS = re.compile(
    r"(?i)[ \t]*(?:WORKDIR|COPY|ADD|VOLUME)\s|"
    r"[ \t]*RUN\s.*\b(?:mkdir|go[ \t]+(?:build|install)|cargo[ \t]+(?:build|install))\s"
)
_SETS = re.compile(r"(?i)[ \t]*(ARG|ENV)\s+(.+)")
_ASSIGNS = re.compile(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?\}|(\w+))")


def with_paths(text: str) -> str:
    """Fill in what a Dockerfile's variables say of paths: `WORKDIR $HOME_OF_APP`, `COPY . $PLACE`.

    So is what is built: `go build ./$SERVICE`, of an image that makes several programs.
    A command's variables stay: those of its container may be others.
    """
    text = _with_whole_folders(_with_plain_steps(text))
    joined = re.sub(r"\\[ \t]*\n", " ", text)
    if not any("$" in line and _OF_PATHS.match(line) for line in joined.splitlines()):
        return text
    first: dict[str, str] = {}  # what stands before the first stage counts where it is asked for
    values: dict[str, str] = {}
    stages: dict[str, dict[str, str]] = {}
    name, lines = "", []
    for line in joined.splitlines():
        if begins := re.match(r"(?i)FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", line):
            stages[name] = values
            first = first or dict(values)
            values, name = dict(stages.get(begins[1], {})), begins[2] or ""
        elif said := _SETS.match(line):
            pairs = _ASSIGNS.findall(said[2]) or [said[2].partition(" ")[::2]]
            for key, value in pairs:
                given = first.get(key, "") if said[1].upper() == "ARG" else ""
                values[key] = _with_values(value.strip().strip("\"'") or given, values)
        elif _OF_PATHS.match(line):
            line = _with_values(line, values)  # noqa: PLW2901 - the line as it is meant
        lines.append(line)
    return "\n".join(lines) + "\n"


#: A step that names its files as a list: `COPY ["src", "/app"]`.
_LISTS = re.compile(r"(?im)^([ \t]*(?:COPY|ADD)[ \t]+(?:--\S+[ \t]+)*)(\[[^\n]*\])[ \t]*$")


def _with_plain_steps(text: str) -> str:
    """Say the files of a list as words: `COPY src /app`; a name with a space stays in its list."""

    def plain(step: re.Match[str]) -> str:
        words = re.findall(r'"([^"]*)"', step[2])
        return step[0] if any(" " in word for word in words) else step[1] + " ".join(words)

    return _LISTS.sub(plain, text)


#: A folder that an image works in, said from the one before.
_WORKS_BELOW = re.compile(r"(?im)^([ \t]*WORKDIR[ \t]+)([\w.][\w./-]*)[ \t]*$")


def _with_whole_folders(text: str) -> str:
    """Say the whole path of a folder that an image works in: `WORKDIR /app`, then `WORKDIR src`."""
    if not _WORKS_BELOW.search(text):
        return text
    now, lines = "/", []
    for line in text.splitlines():
        step = re.match(r"(?i)[ \t]*(FROM|WORKDIR)[ \t]+(\S+)", line)
        below = _WORKS_BELOW.match(line)
        if step:
            is_from = step[1].upper() == "FROM"
            now = "/" if is_from else posixpath.normpath(posixpath.join(now, step[2]))
        lines.append(f"{below[1]}{now}" if below else line)
    return "\n".join(lines) + "\n"


def _with_values(text: str, values: Mapping[str, str]) -> str:
    """Fill in the variables that are known; one with a default has that, and others stay."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[3]) or match[2] or match[0]

    return _VARIABLE.sub(value, text)


def pages_of(text: str) -> list[str]:
    """List the folders of the repository whose build an image of a web server has as its pages."""
    stages = _stages(text, "")
    names = [source for source, _, _ in stages[-1].copied] if stages else []
    found = (stage for n, stage in enumerate(stages) if {stage.name, str(n)} & {*names})
    return [path for stage in found for path, _ in stage.own if path != "."]


def folder_of_last(text: str, folder: Folder) -> str:
    """Find the folder below whose package the last stage has where it works; "" for none.

    It is copied from a stage before, which has the whole repository.
    """
    stages = _stages(text, "")
    last = stages[-1] if stages else _Stage("")
    for source, path, target in last.copied:
        stage = next((s for n, s in enumerate(stages) if source in (s.name, str(n))), None)
        is_there = posixpath.normpath(posixpath.dirname(target)) == last.workdir
        if stage is None or not is_there or posixpath.basename(path) != "package.json":
            continue
        file = _from_root(stage, "/", path).removeprefix("./")
        if "/" in file and folder.exists(file):
            return posixpath.dirname(file)
    return ""


def _origin(stages: list[_Stage], stage: _Stage, program: str) -> tuple[_Stage, str]:
    """Follow a file through the stages that copied it to the one that made it."""
    for source, path, target in reversed(stage.copied):
        named = posixpath.basename(path) == posixpath.basename(program)
        if target == program or (named and program.startswith(target)) or _on_path(target, program):
            before = next((s for n, s in enumerate(stages) if source in (s.name, str(n))), None)
            if before is not None and before is not stage:
                return _origin(stages, before, path)
    return _origin_of_folder(stages, stage, program) or (stage, program)


#: Folders whose programs are started by their names alone.
_BINARIES = ("/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/go/bin")


def _origin_of_folder(
    stages: list[_Stage], stage: _Stage, program: str
) -> tuple[_Stage, str] | None:
    """Follow a file to the stage whose folder is copied as a whole, where a step there names it."""
    name = posixpath.basename(program)
    for source, path, target in reversed(stage.copied):
        folder = target.rstrip("/") or "/"
        is_bare = posixpath.dirname(program) in ("/", stage.workdir) and folder in _BINARIES
        if posixpath.dirname(program) != folder and not is_bare:
            continue
        before = next((s for n, s in enumerate(stages) if source in (s.name, str(n))), None)
        if before is None or before is stage:
            continue
        # What is made by that name there, as a build step says.
        if any(name in re.split(r"[\s/=]+", line) for _, line in before.ran):
            return _origin(stages, before, posixpath.join(path, name))
    return None


def _on_path(target: str, program: str) -> bool:
    """Tell whether a command without a folder is the file in a folder of PATH."""
    is_bare = posixpath.dirname(program) in ("/", "")
    return is_bare and posixpath.basename(target) == posixpath.basename(program)


def _go(stage: _Stage, made: str, argv: tuple[str, ...], last: _Stage) -> tuple[str, ...]:
    builds = [
        (folder, words)
        for folder, words in _commands(stage)
        if [posixpath.basename(words[0]), *words[1:2]] in (["go", "build"], ["go", "install"])
    ]
    for folder, words in builds:
        wanted, packages = _go_words(words)
        package = packages[-1] if packages else "."
        if "@" in package or re.match(r"[\w-]+\.[a-z]+/", package):
            continue  # a tool of others
        out = posixpath.join(folder, wanted or posixpath.basename(package))
        if posixpath.basename(out) != posixpath.basename(made) and len(builds) > 1:
            continue
        files = [word for word in packages if word.endswith(".go")]
        named = [_from_root(stage, folder, word) for word in files or [package]]
        if named == ["."] and (main := _copied_main(stage, folder)):
            named = [main]
        tags = [value for word, value in pairwise(words) if word == "-tags"]
        kept = [tag for tag in tags[0].split(",") if tag != _OF_ALPINE] if tags else []
        chosen = ("-tags", ",".join(kept)) if kept else ()
        if named[0] != "." and named[0] in _beside_program(
            last, stage
        ):  # its files lie there, where it looks for them
            chosen = () if _has_more(last, made) else chosen  # what a tag adds may look for others
            return ("go", "run", "-C", named[0], *chosen, ".", *argv[1:])
        return ("go", "run", *chosen, *named, *argv[1:])
    return ()


def _copied_main(stage: _Stage, folder: str) -> str:
    """Find the package whose file an image has in the folder that it builds; "" for none."""
    for path, target in stage.files:
        is_there = posixpath.normpath(folder) in (target, posixpath.dirname(target))
        package = posixpath.dirname(path)
        if is_there and package and posixpath.basename(path) == "main.go":
            return f"./{posixpath.relpath(package, stage.place or '.')}"
    return ""


def _has_more(last: _Stage, made: str) -> bool:
    """Tell whether an image has folders beside its program, from other places."""
    return any(
        not path.endswith(_SETTINGS) and posixpath.basename(path) != posixpath.basename(made)
        for _, path, _ in last.copied
    )


def _beside_program(last: _Stage, stage: _Stage) -> set[str]:
    """List the folders of single files that an image has where its program is started."""
    found = [(_from_root(stage, "/", path), target) for _, path, target in last.copied]
    found += [(f"./{path}", target) for path, target in last.files]
    return {
        posixpath.dirname(path)
        for path, target in found
        if path.endswith(_SETTINGS)
        and last.workdir in (posixpath.normpath(target), posixpath.dirname(target))
    }


def _go_words(words: list[str]) -> tuple[str, list[str]]:
    """Return what a build writes, and the packages or files that it is made of."""
    wanted, packages, skip = "", [], False
    for before, word in pairwise(words[1:]):
        if skip:
            skip = False
            wanted = word if before == "-o" else wanted
        elif word.startswith("-"):
            skip = word in _GO_VALUES
            wanted = word.removeprefix("-o=") if word.startswith("-o=") else wanted
        else:
            packages.append(word)
    return wanted, packages


def _cargo(stage: _Stage, made: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    builds = [w for _, w in _commands(stage) if w[0] == "cargo" and {"build", "install"} & {*w}]
    if not builds:
        return ()
    rest = ("--", *argv[1:]) if argv[1:] else ()
    for words in builds:
        if "--path" in words[:-1]:
            place = words[words.index("--path") + 1]
            where = () if place == "." else ("--manifest-path", f"{place}/Cargo.toml")
            return ("cargo", "run", "--quiet", *where, *rest)
    said = next((match[1] for match in [_CARGO_RESULT.search(made)] if match), "")
    named = [n for _, line in stage.ran for n in _CARGO_NAMED.findall(line)]
    name = said or (named[0] if len(set(named)) == 1 else posixpath.basename(made))
    return ("cargo", "run", "--quiet", "--bin", name, *rest)


def _jar(stages: list[_Stage], argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the jar where this machine's build leaves it."""
    at = argv.index("-jar") + 1
    jar = posixpath.join(stages[-1].workdir, argv[at])
    for source, path, target in stages[-1].copied:
        if target in (jar, posixpath.dirname(jar), f"{posixpath.dirname(jar)}/"):
            stage = next((s for n, s in enumerate(stages) if source in (s.name, str(n))), None)
            if stage is None or not any(_PACKS.search(words[0]) for _, words in _commands(stage)):
                continue
            # The folder that the build leaves it in may be copied as a whole.
            name = "" if path.endswith(".jar") else posixpath.basename(jar)
            made = _from_root(stage, "/", posixpath.join(path, name) if name else path)
            return (*argv[:at], made.removeprefix("./"), *argv[at + 1 :])
    return argv


def _commands(stage: _Stage) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the steps that run, with the folder that it runs in."""
    for place, line in stage.ran:
        folder = place
        for part in re.split(r"&&|\|\||;", line):
            try:
                words = shlex.split(part)
            except ValueError:
                continue
            while words and (re.match(r"\w+=", words[0]) or words[0].startswith("--mount")):
                words = words[1:]
            if words[:1] == ["cd"] and len(words) > 1:
                folder = posixpath.join(folder, words[1])
            elif words:
                yield folder, words


def _from_root(stage: _Stage, folder: str, path: str) -> str:
    """Return where a path of a stage is in the repository, as Go writes it."""
    whole = posixpath.normpath(posixpath.join(folder, path))
    copies = sorted(stage.own, key=lambda copy: -len(copy[1])) or [(".", stage.workdir)]
    for file, there in stage.files:  # a project's own file tells where its folder is
        if posixpath.basename(file) in ("pom.xml", "build.gradle", "build.gradle.kts"):
            is_name = posixpath.basename(there) == posixpath.basename(file)
            place = posixpath.dirname(there) if is_name else there
            copies.append((posixpath.dirname(file) or ".", place))
    source, target = next(
        ((s, t) for s, t in copies if whole == t or whole.startswith(f"{t.rstrip('/')}/")),
        ("", ""),
    )
    if not target:
        return path
    inside = posixpath.normpath(posixpath.join(source, posixpath.relpath(whole, target)))
    if stage.place and (inside == stage.place or inside.startswith(f"{stage.place}/")):
        inside = posixpath.relpath(inside, stage.place)
    return inside if inside == "." or inside.endswith((".go", ".jar")) else f"./{inside}"


def _stages(text: str, place: str) -> list[_Stage]:
    text = re.sub(r"(?m)^[ \t]*#.*\n", "", text)
    text = re.sub(r"\\\s*\n", " ", text)
    found: list[_Stage] = []
    for word, rest in re.findall(r"(?im)^[ \t]*(FROM|WORKDIR|RUN|COPY|ADD)\s+(.+)$", text):
        if word.upper() == "FROM":
            named = re.search(r"(?i)\bAS\s+(\S+)", rest)
            base = next((w for w in rest.split() if not w.startswith("--")), "")
            same = next((stage for stage in found if stage.name == base), None)
            stage = _Stage(named[1] if named else "", place)
            if same is not None:  # it goes on from there, with all that is in it
                stage.workdir, stage.own = same.workdir, [*same.own]
                stage.ran, stage.copied = [*same.ran], [*same.copied]
            found.append(stage)
        elif found:
            _step(found[-1], word.upper(), rest)
    return found


def _step(stage: _Stage, word: str, rest: str) -> None:
    if word == "WORKDIR":
        stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, rest.strip().strip('"')))
    elif word == "RUN":
        stage.ran.append((stage.workdir, rest))
    else:
        words = rest.replace('["', "").replace('"]', "").replace('", "', " ").split()
        source = next((w.removeprefix("--from=") for w in words if w.startswith("--from=")), "")
        paths = [w for w in words if not w.startswith("--")]
        if len(paths) < 2:
            return
        *sources, target = paths
        is_folder = target.endswith(("/", "/.")) or target == "."
        target = posixpath.normpath(posixpath.join(stage.workdir, target))
        target += "/" * (is_folder and target != "/")
        if source:
            stage.copied += [(source, posixpath.join("/", path), target) for path in sources]
        else:
            whole = [path for path in sources if "*" not in path]
            folders = [path for path in whole if not posixpath.splitext(path)[1].strip("/.")]
            stage.own += [(_plain(path), posixpath.normpath(target)) for path in folders]
            files = [path for path in sources if path not in folders]
            stage.files += [(_plain(path), posixpath.normpath(target)) for path in files]


def _plain(path: str) -> str:
    return posixpath.normpath(path.lstrip("/") or ".")


def of_its_package(text: str, folder: Folder) -> str:
    """Find the folder above whose package an image installs by the name it is released under."""
    project = folder.upwards("pyproject.toml")
    named = re.search(r"(?m)^name\s*=\s*['\"]([\w.-]+)['\"]", folder.read(project))
    if not project.startswith("../") or named is None or has_program_file(folder):
        return ""
    steps = re.sub(r"\\\s*\n", " ", text)
    asked = rf"\bpip3?\s+install\b[^&|;\n]*[ \t'\"]{re.escape(named[1])}(?![\w.-])"
    if not re.search(asked, steps):
        return ""
    return posixpath.normpath(posixpath.join(folder.path, posixpath.dirname(project)))
