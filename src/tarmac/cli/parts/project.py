"""Finds the system that a verb is about, and the options that all verbs share."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from tarmac.base import writing
from tarmac.base.errors import BadInput, Problem, TarmacError, did_you_mean
from tarmac.base.foreign import files, git
from tarmac.base.places import SYSTEM_FILE
from tarmac.cli.parts.verbs import ADDRESS
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

F = TypeVar("F", bound=Callable[..., Any])


def valid_namespace(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Refuse a name that could leave the folder of all namespaces."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        raise click.BadParameter(
            f"'{value}' is not a valid namespace; use a-z, 0-9 and -, at most 40 characters",
            ctx,
            param,
        )
    return value


def numbers(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Read `NAME=N` options."""
    found: dict[str, int] = {}
    for value in values:
        name, equals, number = value.partition("=")
        if not equals or not re.fullmatch(r"[0-9]{1,9}", number) or not 1 <= int(number) <= 50:
            raise click.BadParameter(f"'{value}' is not NAME=N, with N from 1 to 50", ctx, param)
        found[name] = int(number)
    return found


def sources(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read `REPOSITORY=FOLDER` options; the folders absolute, empty where none is given."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not equals or not name:
            what = f"'{value}' is not REPOSITORY=FOLDER, e.g. payments=../payments"
            raise click.BadParameter(what, ctx, param)
        if folder and not Path(folder).is_dir():
            raise click.BadParameter(f"'{folder}' is not a folder; correct it", ctx, param)
        found[name] = str(Path(folder).resolve()) if folder else ""
    return found


def namespace_option(function: F) -> F:
    """Add --namespace to a verb."""
    return click.option(
        "--namespace",
        "-n",
        callback=valid_namespace,
        default="default",
        show_default=True,
        help="The copy of the system to use.",
    )(function)


def system_argument(function: F) -> F:
    """Add SYSTEM and --namespace to a verb."""
    return click.argument("system", required=False)(namespace_option(function))


def json_option(function: F) -> F:
    """Add --json to a verb."""
    return click.option("as_json", "--json", is_flag=True, help="Print JSON.")(function)


def file_option(flag: str, name: str, about: str) -> Callable[[F], F]:
    """Add the path of a file that a verb writes."""
    return click.option(
        flag, name, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help=about
    )


def target_options(function: F) -> F:
    """Add --target, --context, --host and --env to a verb; they make a `Place`."""
    target = click.option(
        "--target",
        type=click.Choice(("local", "cluster", "compose")),
        default="local",
        show_default=True,
        help="Where the system runs: on this machine, or where `tarmac deploy` has put it.",
    )
    context = click.option(
        "--context",
        metavar="NAME",
        help="Context of your kubeconfig, or of Docker; default: the current one.",
    )
    host = click.option(
        "--host", metavar="URL", help="Docker's daemon, e.g. ssh://user@machine; default: local."
    )
    env = click.option(
        "--env", "environment", metavar="ENV", help="The environment that runs there."
    )
    return target(context(host(env(function))))


def timeout_option(function: F) -> F:
    """Add --timeout to a verb that waits for health."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        default=None,
        help="How long to wait for health; default: 120, or as long as the slowest probe may take.",
    )(function)


def find(system: str | None) -> Path:
    """Find a system's file.

    Args:
        system: a name (`systems/NAME/tarmac.yaml`, or that of the `tarmac.yaml` here or above), a
            file, a folder, or None: the one here or above, else the only one that runs.

    Raises:
        BadInput: there is none.
    """
    if system is not None:
        writing.check_name(system)
    _keep_address(system)
    here = Path.cwd()
    own = _above(here)
    if system is None:
        if own is not None:
            return shown(own)
        running = [file for file in _known(here) if _runs(file)]
        if len(running) == 1:
            return shown(running[0])
        known = ", ".join(sorted(file.parent.name for file in _known(here)))
        hint = (
            f"name a system: {known}" if known else "create one with `tarmac init`, or name a file"
        )
        raise BadInput([Problem(str(here), f"no {SYSTEM_FILE} here or above; {hint}")])
    for candidate in (Path(system), Path(system) / SYSTEM_FILE):
        with contextlib.suppress(OSError):  # a name that is too long for a path
            # What runs can be stopped though its file is gone.
            runs = candidate.suffix == ".yaml" and any(
                map(client.is_running, client.find_homes(candidate))
            )
            if candidate.is_file() or runs:
                return candidate
    for folder in (here, *here.parents):
        candidate = folder / "systems" / system / SYSTEM_FILE
        if candidate.is_file():
            return shown(candidate)
    if own is not None and own.is_file():
        text = files.text(own, name=str(shown(own)))
        if re.search(rf"(?m)^system:\s*['\"]?{re.escape(system)}['\"]?\s*(#.*)?$", text):
            return shown(own)
    names = [file.parent.name for file in _known(here)]
    hint = did_you_mean(system, names) if names else "correct it, or begin with `tarmac init`"
    raise BadInput([Problem(system, f"no such system or file; {hint}")])


def _keep_address(system: str | None) -> None:
    """Keep what the user called the system and its copy: errors have it in their commands."""
    context = click.get_current_context(silent=True)
    if context is not None:
        namespace = context.params.get("namespace") or "default"
        words = [system or "", "" if namespace == "default" else f"-n {namespace}"]
        context.meta[ADDRESS] = " ".join(filter(None, words))


def is_here() -> bool:
    """Tell whether there is a `tarmac.yaml` here or above."""
    return _above(Path.cwd()) is not None


def split_names(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Tell a system's name from the names of its processes.

    In a folder with a `tarmac.yaml`, `tarmac logs web` means its process `web`, also where a system
    or a file has that name.
    """
    if not words:
        return None, ()
    own = _above(Path.cwd())
    try:
        find(words[0])
    except BadInput:
        if own is not None:
            return None, words
        raise
    if own is not None and len(words) == 1 and words[0] in _processes(own):
        return None, words
    return words[0], words[1:]


def system_and_name(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> tuple[str | None, str | None]:
    """Read `[SYSTEM] [NAME]`; beside a `tarmac.yaml`, one word is a NAME unless a system has it."""
    if len(words) > 2:
        raise click.BadParameter(f"{len(words)} words; give a system and one name", ctx, param)
    if len(words) == 2:
        return words[0], words[1]
    if not words:
        return None, None
    (word,) = words
    if not is_here():
        return word, None
    try:
        is_system = find(word).name == SYSTEM_FILE
    except BadInput:
        is_system = False
    return (word, None) if is_system else (None, word)


def bring_included(file: str, sources: Mapping[str, str], *, offline: bool = False) -> None:
    """Bring what a system includes onto this machine, here, where the user's own git can ask.

    Raises:
        BadInput: what is wrong with the system's file, or with what it includes.
    """
    if offline:
        os.environ[git.OFFLINE] = "1"  # of the supervisor, too
    if "include:" in files.text(file):  # most include nothing, and the model takes long to import
        from tarmac.project.reading import load

        load(file, sources=sources)


def check_names(system: str | None, names: tuple[str, ...]) -> None:
    """Refuse a name that nothing can have, and a file that is not text, before anything starts."""
    for name in names:
        writing.check_name(name)
    if names:
        file = find(system)
        files.text(file, name=str(file))


def _processes(file: Path, seen: frozenset[Path] = frozenset()) -> set[str]:
    """Read the names of a file's services and stores, and of the files that it includes by path.

    Of a file that cannot be read there are none.
    """
    from tarmac.base.foreign.data import first  # most verbs need no YAML

    try:
        content = first(files.text(file))
        found = {*(content.get("services") or ()), *(content.get("stores") or ())}
        others = [one for one in content.get("include") or () if isinstance(one, str)]
    except (BadInput, AttributeError, TypeError):
        return set()
    for path in (file.parent / other for other in others):
        other = path if path.suffix in (".yaml", ".yml") else path / SYSTEM_FILE
        if other.resolve() not in seen:
            found |= _processes(other, seen | {other.resolve()})
    return found


def home_of(system: str | None, namespace: str) -> Home:
    """Find the home of a system's namespace."""
    return Home.of(find(system), namespace)


def running_home(system: str | None, namespace: str) -> Home:
    """Find the home of a system that runs. Raises TarmacError where it does not."""
    home = home_of(system, namespace)
    if not client.is_running(home):
        raise TarmacError(f"{home.root}: the system is not running; start it with `tarmac up`")
    return home


def _runs(file: Path) -> bool:
    """Tell whether any namespace of a system runs."""
    return any(map(client.is_running, client.find_homes(file)))


def _above(here: Path) -> Path | None:
    """Find the nearest `tarmac.yaml`, here or above."""
    for folder in (here, *here.parents):
        if (folder / SYSTEM_FILE).is_file() or any(
            map(client.is_running, client.find_homes(folder / SYSTEM_FILE))
        ):
            return folder / SYSTEM_FILE
    return None


def _known(here: Path) -> Iterator[Path]:
    for folder in (here, *here.parents):
        if (folder / "systems").is_dir():
            yield from sorted((folder / "systems").glob(f"*/{SYSTEM_FILE}"))
            return


def shown(path: Path) -> Path:
    """Write a path as its reader would type it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
