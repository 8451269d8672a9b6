"""Every command of the cheat sheet holds: it is run, or its syntax and its names are tried.

tests/apiserver/test_cheat_sheet.py runs those of kubectl and helm on a real API server. Programs of
others judge what is rendered in tests/gates/test_programs.py, and promtool's unit tests run in
tests/contract/test_slo_rules.py: here `tarmac verify` judges without them.
"""

from __future__ import annotations

import os
import re
import shutil

import apiserver
import built as built_programs
import click
import docker_here
import pytest
import sheet_kubectl
import yaml
from packed import built, find, tool
from rendered import ROOT, system_of
from sheet import PAGE, laid_out, options, ran, typed

from tarmac.cli.main import tarmac as verbs

MODEL = system_of("shop").file
ARGOCD_FLAGS = ("--core", "--refresh", "--health", "--dry-run")
#: Verbs that run drills, and the file of what they run.
DRILLS = {"drill": "drills/{}.yaml", "game-day": "game-days/{}.yaml"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return laid_out(tmp_path_factory.mktemp("root"))


def tarmac(command, root):
    name, *args = command.argv[1:]
    if name in ("explain", "render", "verify"):
        whole = name == "verify" and "--files" not in args
        assert ran([*command.argv, *(["--in-memory"] if whole else [])], root)
    elif name in ("diff", "promote") or {"--list", "--explain", "--export"} & {*args}:
        assert ran(command.argv, ROOT)
    elif name in DRILLS:  # minutes each: tests/drills runs them
        verbs.get_command(None, name).make_context(name, [*args])
        system, named = args[:2]
        assert (ROOT / "systems" / system / DRILLS[name].format(named)).is_file()
    else:  # it wants a system that runs: its arguments are read, and no more
        # Below it, as when it is typed: a command keeps how it was first asked for help.
        whole = click.Context(verbs, info_name="tarmac", **verbs.context_settings)
        with verbs.get_command(None, name).make_context(name, args, parent=whole) as context:
            own, _ = context.params.get("named", (context.params.get("system"), None))
            system, *names = context.params.get("names", [own])
            names += context.params.get("scale", {})
        assert system == "shop"
        assert {*names} <= {*MODEL.services, *MODEL.stores}


def kubectl(command, root):
    given = sheet_kubectl.told(command)
    sheet_kubectl.check(command, given)
    files = [] if command.argv[1] == "logs" else given.f
    assert all((root / command.folder / path).exists() for path in (*files, *given.k))
    if command.argv[1] == "kustomize":
        assert len(built(root / command.folder / given.words[0])) > 5
    home = apiserver.home()
    if program := home / "kubectl" if home else find("kubectl"):
        ran([program, *command.argv[1:], "--help"], root)  # refuses a flag that it does not have


def helm(command, root):
    verb, *rest = command.argv[1:]
    if verb in ("lint", "template", "upgrade"):  # an upgrade: what it would hand over
        rest = [word for word in rest if word != "--install"]
        argv = ["lint" if verb == "lint" else "template", *rest]
    else:
        given = options("-n").parse_intermixed_args(rest)
        assert given.n == [sheet_kubectl.NAMESPACE]
        assert {*given.words[verb == "get" :][:1]} <= {*MODEL.services}
        argv = [verb, *rest, "--help"]
    assert ran([tool("helm"), *argv], root / command.folder)


def docker(command, root):
    assert command.argv[1] == "compose"
    flags = ("--detach", "--wait", "--follow", "--quiet")
    given = options("--file", "--profile", flags=flags).parse_intermixed_args(command.argv[2:])
    folder, verb = root / command.folder, given.words[0]
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    assert {*given.words[1:]} <= services.keys()
    assert {*given.profile} <= {
        name for one in services.values() for name in one.get("profiles", ())
    }
    assert all((folder / file).is_file() for file in given.file)
    if program := docker_here._programs()[1]:
        before = command.argv[2 : command.argv.index(verb)]
        ran([program, *before, "config", "--quiet"], folder, command.variables)
        ran([program, *command.argv[2:], "--help"], folder, command.variables)


def kind(command, root):
    given = options("--name").parse_intermixed_args(command.argv[1:])
    assert given.words in (["get", "clusters"], ["export", "kubeconfig"], ["delete", "cluster"])
    setup = (root / "systems/shop/deploy/kind/scripts/setup.sh").read_text()
    assert all(f"\nbegin {name} " in setup for name in given.name)


def promtool(command, root):
    file = root / command.folder / command.argv[-1]
    assert file.is_file()
    if program := find("promtool"):
        tests = command.argv[1] == "test"
        argv = (*command.argv[1:3], "--help") if tests else command.argv[1:]
        assert ran([program, *argv], root / command.folder)


def amtool(command, root):
    assert any((root / command.folder / word).is_file() for word in command.argv[2:])
    if program := find("amtool"):
        assert ran([program, *command.argv[1:]], root / command.folder)


def curl(command, root):
    (address,) = options(flags=("-fsS",)).parse_args(command.argv[1:]).words
    host, _, path = address.partition("/")
    assert path in {"health/ready", "metrics"}
    sheet_kubectl.check_name(host.replace("localhost", "3003"))


def terraform(command, root):
    # tests/infrastructure/test_cheat_sheet.py runs them with the provider.
    folder, (verb, *rest) = root / command.folder, command.argv[1:]
    assert (folder / "main.tf").is_file()
    if program := shutil.which("terraform"):
        shown = ran([program, verb, "-help"], folder)
        flags = [word.partition("=") for word in rest if word.startswith("-")]
        assert all(f"  {flag}" in shown for flag, _, _ in flags)
    files = [word.rpartition("=")[2] for word in rest if word.endswith(".hcl")]
    assert all((folder / file).is_file() for file in files)


def argocd(command, root):
    followed = {one["metadata"]["name"]: one["spec"] for one in sheet_kubectl.APPLICATIONS}
    given = options("--project", "--timeout", flags=ARGOCD_FLAGS).parse_intermixed_args(
        command.argv[1:]
    )
    assert given.core, "it asks the cluster: there may be no server to log in to"
    assert {*given.words[2:]} <= followed.keys()
    assert {*given.project} <= {spec["project"] for spec in followed.values()}
    if program := built_programs.newest("argocd-*/argocd"):
        assert ran([program, *command.argv[1:], "--help"], root)  # refuses an unknown flag


def script(command, root):
    path = root / command.folder / command.argv[0]
    assert os.access(path, os.X_OK)
    assert not command.argv[1:]
    ran(["bash", "-n", path], root)  # secrets.sh has run: the fixture typed it


RULES = {
    rule.__name__: rule
    for rule in (
        *(tarmac, kubectl, helm, docker, kind, curl, promtool, amtool),
        *(terraform, argocd),
    )
}


@pytest.mark.parametrize(
    "command", typed(), ids=lambda command: command.line.partition("  #")[0].strip()
)
def test_a_command_of_the_cheat_sheet_holds(command, root):
    rule = script if command.argv[0].endswith(".sh") else RULES.get(command.argv[0])
    assert rule, f"no rule for {command.line}"
    rule(command, root)


def test_the_page_has_every_topic_and_no_block_that_is_not_read():
    text = PAGE.read_text()
    assert {*re.findall(r"^```(\w+)", text, re.MULTILINE)} == {"sh"}
    topics = (
        "Cluster",
        "Services",
        "Helm",
        "Troubleshooting",
        "Security",
        "Cost",
        "Terraform",
        "Chaos",
        "Argo CD",
        "Canaries",
        "Observability",
        "Releases",
        "Docker Compose",
    )
    assert {f"## {topic}" for topic in topics} <= {*text.splitlines()}
    assert "helm rollback" in text
