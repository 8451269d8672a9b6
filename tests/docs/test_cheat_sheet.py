"""Every command of the cheat sheet holds: it is run, or its syntax and its names are tried.

tests/apiserver/test_cheat_sheet.py runs those of kubectl and helm on a real API server.
"""

from __future__ import annotations

import os
import re

import apiserver
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


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return laid_out(tmp_path_factory.mktemp("root"))


def tarmac(each, root):
    name, *args = each.argv[1:]
    if name in ("explain", "render", "verify"):
        assert ran(each.argv, root)
    elif name in ("diff", "promote"):
        assert ran(each.argv, ROOT)
    else:  # it wants a system that runs: its arguments are read, and no more
        # Below it, as when it is typed: a command keeps how it was first asked for help.
        whole = click.Context(verbs, info_name="tarmac", **verbs.context_settings)
        with verbs.get_command(None, name).make_context(name, args, parent=whole) as context:
            system, *names = context.params.get("names", [context.params.get("system")])
            names += context.params.get("scale", {})
        assert system == "shop"
        assert {*names} <= {*MODEL.services, *MODEL.stores}


def kubectl(each, root):
    given = sheet_kubectl.told(each)
    sheet_kubectl.check(each, given)
    files = [] if each.argv[1] == "logs" else given.f
    assert all((root / each.folder / path).exists() for path in (*files, *given.k))
    if each.argv[1] == "kustomize":
        assert len(built(root / each.folder / given.words[0])) > 5
    home = apiserver.home()
    if program := home / "kubectl" if home else find("kubectl"):
        ran([program, *each.argv[1:], "--help"], root)  # refuses a flag that it does not have


def helm(each, root):
    verb, *rest = each.argv[1:]
    if verb in ("lint", "template", "upgrade"):  # an upgrade: what it would hand over
        rest = [word for word in rest if word != "--install"]
        argv = ["lint" if verb == "lint" else "template", *rest]
    else:
        given = options("-n").parse_intermixed_args(rest)
        assert given.n == [sheet_kubectl.NAMESPACE]
        assert {*given.words[verb == "get" :][:1]} <= {*MODEL.services}
        argv = [verb, *rest, "--help"]
    assert ran([tool("helm"), *argv], root / each.folder)


def docker(each, root):
    assert each.argv[1] == "compose"
    flags = ("--detach", "--wait", "--follow", "--quiet")
    given = options("--file", "--profile", flags=flags).parse_intermixed_args(each.argv[2:])
    folder, verb = root / each.folder, given.words[0]
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    assert {*given.words[1:]} <= services.keys()
    assert {*given.profile} <= {
        name for one in services.values() for name in one.get("profiles", ())
    }
    assert all((folder / file).is_file() for file in given.file)
    if program := docker_here._programs()[1]:
        before = each.argv[2 : each.argv.index(verb)]
        ran([program, *before, "config", "--quiet"], folder, each.variables)
        ran([program, *each.argv[2:], "--help"], folder, each.variables)


def kind(each, root):
    given = options("--name").parse_intermixed_args(each.argv[1:])
    assert given.words in (["get", "clusters"], ["export", "kubeconfig"], ["delete", "cluster"])
    setup = (root / "systems/shop/deploy/kind/scripts/setup.sh").read_text()
    assert all(f"\nbegin {name} " in setup for name in given.name)


def promtool(each, root):
    file = root / each.folder / each.argv[-1]
    assert file.is_file()
    if program := find("promtool"):
        assert ran([program, *each.argv[1:]], root / each.folder)


def amtool(each, root):
    assert any((root / each.folder / word).is_file() for word in each.argv[2:])
    if program := find("amtool"):
        assert ran([program, *each.argv[1:]], root / each.folder)


def curl(each, root):
    (address,) = options(flags=("-fsS",)).parse_args(each.argv[1:]).words
    host, _, path = address.partition("/")
    assert path in {"health/ready", "metrics"}
    sheet_kubectl.check_name(host.replace("localhost", "3003"))


def script(each, root):
    path = root / each.folder / each.argv[0]
    assert os.access(path, os.X_OK)
    assert not each.argv[1:]
    ran(["bash", "-n", path], root)  # secrets.sh has run: the fixture typed it


RULES = {
    rule.__name__: rule for rule in (tarmac, kubectl, helm, docker, kind, curl, promtool, amtool)
}


@pytest.mark.parametrize("each", typed(), ids=lambda each: each.line.partition("  #")[0].strip())
def test_a_command_of_the_cheat_sheet_holds(each, root):
    rule = script if each.argv[0].endswith(".sh") else RULES.get(each.argv[0])
    assert rule, f"no rule for {each.line}"
    rule(each, root)


def test_the_page_has_every_topic_and_no_block_that_is_not_read():
    text = PAGE.read_text()
    assert {*re.findall(r"^```(\w+)", text, re.MULTILINE)} == {"sh"}
    there, _, not_there = text.partition("## Not there yet")
    topics = (
        "Cluster",
        "Services",
        "Helm",
        "Troubleshooting",
        "Security",
        "Cost",
        "Argo CD",
        "Canaries",
        "Observability",
        "Releases",
        "Docker Compose",
    )
    assert {f"## {each}" for each in topics} <= {*there.splitlines()}
    assert "helm rollback" in there
    assert all(each in not_there for each in ("Grafana", "Terraform", "Gatekeeper", "Chaos"))
