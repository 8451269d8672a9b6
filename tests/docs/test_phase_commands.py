"""Every command of the phase pages is run, or its syntax and every name in it are tried.

Each page is typed from top to bottom into a copy of its system, in one process. Run are the
commands that read files and end soon: `tarmac render`, `explain` and amtool. Of those
that want a running system, a cluster or minutes - `tarmac verify` judges by programs of others -
options, files and names must be there: tests/e2e, tests/runtime, tests/containers and
tests/apiserver do what they do.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from packed import find
from pages import ROOT
from rendered import artifacts_of, system_of
from sheet import options, ran

from tarmac.base.artifact import write
from tarmac.cli.main import tarmac as verbs
from tarmac.render import renderer

PHASES = ROOT / "docs/how-to/phases"
PAGES = sorted(PHASES.glob("*/[0-9][0-9]-*.md"))
_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Behind a pipe, and what a shell has by itself.
FILTERS = {"grep", "head", "sort", "python3", "kill"}
PYTEST = options("--junitxml", flags=("-s",))


def commands(text: str) -> list[list[str]]:
    """Split a block into commands without their variables; `|` and `&&` part them."""
    found, waiting = [], ""
    for line in text.replace("\\\n", " ").splitlines():
        waiting += line + "\n"
        try:
            shlex.split(waiting, comments=True)
        except ValueError:  # a quotation goes on in the next line
            continue
        lexer = shlex.shlex(waiting, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split, waiting = True, ""
        found.append([])
        for word in lexer:
            if set(word) <= set("|&;"):
                found.append([])
            elif found[-1] or not re.match(r"[A-Za-z_]+=", word):
                found[-1].append(word)
            elif "$(" in word:  # a variable's value is a command of its own
                break
    assert not waiting.strip(), f"a quotation does not end: {waiting}"
    return [command for command in found if command]


@dataclass
class Shell:
    """Where a page is typed: a folder, in which `cd` moves on."""

    system: str
    root: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        """Begin each page at the top."""
        self.folder = self.root

    def type_in(self, argv: list[str]) -> None:
        """Try one command. Raises AssertionError."""
        program = argv[0].removeprefix(".venv/bin/")
        rule = getattr(self, program, None) or (self.script if "/" in program else None)
        assert rule or program in FILTERS, f"no rule for {argv}"
        if rule:
            rule(argv[1:] if rule != self.script else argv)

    def cd(self, args: list[str]) -> None:
        """Move."""
        self.folder = self.folder / args[0]
        assert self.folder.is_dir(), args

    def tarmac(self, args: list[str]) -> None:
        """Run what reads files alone; of the rest read the arguments."""
        name, *rest = args
        if name in ("render", "explain"):
            done = CliRunner().invoke(verbs, args, catch_exceptions=False)
            assert done.exit_code == 0, done.output
            return
        if ">" in rest:
            rest = rest[: rest.index(">")]
        whole = click.Context(verbs, info_name="tarmac", **verbs.context_settings)
        with verbs.get_command(None, name).make_context(name, rest, parent=whole) as context:
            told = context.params
        own, one = told.get("named", (told.get("system"), None))
        given = told.get("names") or [own]
        assert one is None or (ROOT / f"systems/{own}/{name}s/{one}.yaml").exists(), args
        file = system_of(self.system).file
        assert told.get("env") in {None, *file.environments}, args
        assert told.get("phase") in {None, *renderer.PHASES}, args
        assert given[0] in (None, self.system)
        assert {*given[1:]} <= {*file.services, *file.stores}, args

    def pytest(self, args: list[str]) -> None:
        """Find what it runs."""
        words = PYTEST.parse_args(args).words
        assert words
        assert all((ROOT / word).exists() for word in words), args

    def make(self, args: list[str]) -> None:
        """Find the target, and the service's folder."""
        target, *told = args
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert all((ROOT / "services" / text.removeprefix("SERVICE=")).is_dir() for text in told)

    def script(self, argv: list[str]) -> None:
        """Read a script that is rendered, or a program of this repository."""
        path = next(p for p in (self.folder / argv[0], ROOT / argv[0]) if p.exists())
        assert os.access(path, os.X_OK)
        if b"sh" in path.read_bytes().partition(b"\n")[0]:
            ran(["bash", "-n", path], self.root)
        else:
            compile(path.read_text(), path, "exec")
        if argv[0] == "scripts/ci":
            step, service = argv[1:]
            data = json.loads((self.root / "ci/services.json").read_text())
            assert data["services"][service][step]

    def files(self, args: list[str]) -> None:
        """Find every file or folder that is named."""
        paths = [word for word in args if "/" in word and not word.startswith("key:")]
        assert paths
        assert all([*self.folder.glob(path)] for path in paths), args

    cat = ls = files

    def grep(self, args: list[str]) -> None:
        """Find something, where it is no filter."""
        if "-rh" in args or "-rn" in args:
            assert ran(["grep", *args], self.folder)

    def curl(self, args: list[str]) -> None:
        """Ask a port that the system has on a laptop, or a host of its cluster."""
        (address,) = [e for e in args if re.match(r"(https?://)?[a-z.-]*localhost", e)]
        number = re.match(r"localhost:(\d+)/", address)
        file = system_of(self.system).file
        known = {service.port for service in file.services.values()} | {*file.entry.values()}
        assert (int(number[1]) in known) if number else ".localhost/" in address, args

    def docker(self, args: list[str]) -> None:
        """Find the files and profiles of Compose, or the Dockerfile."""
        if args[0] == "build":
            assert (self.folder / args[args.index("-f") + 1]).is_file()
            return
        flags = ("--detach", "--wait")
        given = options("--file", "--profile", flags=flags).parse_intermixed_args(args[1:])
        services = yaml.safe_load((self.folder / "compose.yaml").read_text())["services"]
        profiles = {name for one in services.values() for name in one.get("profiles", ())}
        assert {*given.profile} <= profiles
        assert {*given.words[1:]} <= services.keys()
        assert all((self.folder / file).is_file() for file in given.file)

    def kubectl(self, args: list[str]) -> None:
        """Find what it applies; what it asks for has a name that the system knows."""
        for flag, path in itertools.pairwise(args):
            assert flag not in ("-f", "-k", "--filename") or (self.folder / path).exists(), args
            if flag in ("-n", "--namespace"):
                spaces = {e.namespace for e in system_of(self.system).file.environments.values()}
                assert path in {*spaces, self.system, "argocd"}, args

    def helm(self, args: list[str]) -> None:
        """Find the chart and its values."""
        given = options("-f --values", "-n --namespace", "--repo", flags=(
            "--install", "--create-namespace", "--wait",
        )).parse_intermixed_args(args)  # fmt: skip
        assert given.words[0] == "upgrade"
        assert all((self.folder / path).is_file() for path in given.values)
        assert given.repo or (self.folder / given.words[2] / "Chart.yaml").is_file()

    def promtool(self, args: list[str]) -> None:
        """Find the unit tests of rules; tests/contract/test_slo_rules.py runs them, for long."""
        assert args[:2] == ["test", "rules"]
        self.files(args[2:])

    def amtool(self, args: list[str]) -> None:
        """Run it, where it is installed."""
        verb, file = args
        assert (self.folder / file).is_file()
        if found := find("amtool"):
            assert ran([found, verb, file], self.folder)

    def git(self, args: list[str]) -> None:
        """Clone the repository of the model, or make a commit, which tests/architecture does."""
        assert args[0] in ("clone", "commit")
        if args[0] == "clone":
            assert args[1] == system_of(self.system).file.delivery.gitops
            for artifact in artifacts_of(self.system, args_environment(self.system)):
                put(
                    self.root,
                    f"environments/{args_environment(self.system)}/{artifact.path}",
                    artifact,
                )


def args_environment(system: str) -> str:
    """Name the environment that a page writes into its clone."""
    return "prod" if system == "travel" else "production"


def put(root: Path, path: str, artifact) -> None:
    """Write one file as it is rendered."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(write(artifact, "Rendered by a test."))
    (root / path).chmod(0o755 if artifact.executable else 0o644)


@pytest.fixture(scope="module", params=sorted({page.parent.name for page in PAGES}))
def root(request, tmp_path_factory):
    """Copy a system into a repository of git; what it is made of is linked."""
    root = tmp_path_factory.mktemp("typed") / request.param
    apart = shutil.ignore_patterns(".tarmac", "deploy")
    own = f"systems/{request.param}"
    shutil.copytree(ROOT / own, root / own, ignore=apart)
    for name in ("services", "kit", "uv.lock", "pyproject.toml"):
        (root / name).symlink_to(ROOT / name)
    (root / "tests.xml").touch()  # what pytest would write there
    ran(["git", "init", "--quiet"], root)
    return root


def test_what_pages_tell_to_type_can_be_typed(root, monkeypatch):
    """In the pages' order: a later phase takes what an earlier one has rendered."""
    wrong = {}
    for page in (page for page in PAGES if page.parent.name == root.name):
        for block in _BLOCK.findall(page.read_text()):
            shell = Shell(root.name, root)
            for argv in commands(block):
                monkeypatch.chdir(shell.folder)
                try:
                    shell.type_in(argv)
                except AssertionError as error:
                    wrong[f"{page.name}: {shlex.join(argv)}"] = str(error)
    assert wrong == {}
