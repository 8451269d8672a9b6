"""Each tool has a floor and a way to get it, and versions are read as programs print them."""

from __future__ import annotations

import pytest

from tarmac.base.tools import INSTALL, RUNTIMES, TOOLS, find, how_to_get, is_below, version_in


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("git version 2.39.5", "2.39.5"),
        ("v20.20.2\n", "20.20.2"),
        ("Docker version 28.2.2, build e6534b4", "28.2.2"),
        ("Client Version: v1.32.4\nKustomize Version: v5.5.0", "1.32.4"),
        ("v3.17.0+g301108e", "3.17.0"),
        ("argocd: v2.13.1+af54ef8", "2.13.1"),
        ("Terraform v1.11.4\non linux_amd64", "1.11.4"),
        ("aws-cli/2.22.7 Python/3.12.6 Linux/6.1", "2.22.7"),
        ("gh version 2.65.0 (2025-01-06)", "2.65.0"),
        ('openjdk version "17.0.13" 2024-10-15', "17.0.13"),
        ("go version go1.23.4 linux/amd64", "1.23.4"),
        ("11", "11"),
        ("command not found", ""),
        ("", ""),
    ],
)
def test_a_version_is_read_as_the_program_prints_it(printed, version):
    assert version_in(printed) == version


@pytest.mark.parametrize(
    ("version", "floor", "below"),
    [
        ("3.9", "3.11", True),
        ("3.11", "3.11", False),
        ("3.11.7", "3.11", False),
        ("20", "20", False),
        ("1.28.0", "1.28", False),
        ("1.6", "1.28", True),
        ("0.1", "", False),
    ],
)
def test_versions_are_compared_number_by_number(version, floor, below):
    assert is_below(version, floor) is below


def test_every_tool_says_how_to_get_it_and_stands_once():
    names = [tool.name for tool in (*TOOLS, *RUNTIMES)]
    assert len(names) == len(set(names))
    for tool in (*TOOLS, *RUNTIMES):
        assert tool.advice, tool.name
        assert tool.feature, tool.name
        assert set(tool.get) <= {*INSTALL, "see"}
    assert all(tool.floor for tool in TOOLS)


def test_the_floors_are_those_of_the_roadmaps():
    assert {tool.name: tool.floor for tool in TOOLS} == {
        "python3": "3.11",
        "git": "2.40",
        "node": "20",
        "npm": "10",
        "docker": "24",
        "kubectl": "1.28",
        "helm": "3",
        "kustomize": "5",
        "argocd": "2",
        "terraform": "1.6",
        "aws": "2",
        "gh": "2",
    }


def test_a_program_is_found_by_its_name():
    assert find("node").floor == "20"
    assert find("nothing") is None
    assert how_to_get("npm").startswith("brew install node or https://")
    assert how_to_get("nothing") == ""
