"""Terraform's settings that expose or lose something: assets/terraform_rules.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files as packaged
from typing import Any

import yaml

from tarmac.gates.subject import Files
from tarmac.gates.views.terraform import settings, sources

FILE = packaged("tarmac") / "assets" / "terraform_rules.yaml"
_VARIABLE = re.compile(r"\bvar\.([A-Za-z_][\w-]*)")
_DECLARED = re.compile(r'^[ \t]*variable\s+"?([\w-]+)"?', re.MULTILINE)
_OPEN = re.compile(r"""["'](0\.0\.0\.0/0|::/0)["']""")
#: Ports that the internet may be let in by.
_PUBLIC = frozenset({"80", "443"})


@cache
def terraform_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


def dangers(files: Files) -> Iterator[tuple[str, str]]:
    """Yield where a setting exposes or loses something, and how."""
    refused, needed = terraform_rules()["refused"], terraform_rules()["needed"]
    said: dict[tuple[str, ...], dict[str, str]] = {}
    for setting in settings(files):
        rule = refused.get(setting.name)
        if rule and setting.value in rule["values"]:
            yield setting.where, f"{setting.name} is {setting.value}: {rule['why']}; change it"
        if setting.path[0] == "resource" and len(setting.path) > 3:
            # A block that is written by a loop is there, too.
            own = setting.path[4 if setting.path[3] == "dynamic" else 3]
            said.setdefault((setting.file, *setting.path[1:3]), {})[own] = setting.where
    for (_, kind, name), found in said.items():
        for key in needed.get(kind, ()):
            if key not in found:
                where = next(iter(found.values()))
                yield where, f"{kind} {name} has no {key}: {refused[key]['why']}; write it"


def undeclared(files: Files) -> Iterator[tuple[str, str]]:
    """Yield variables that are not among those that a folder declares; an excerpt has none."""
    texts: dict[str, list[tuple[str, str]]] = {}
    for source in sources(files):
        if source.path.endswith(".tf"):
            folder = source.path.rpartition("/")[0]
            texts.setdefault(folder, []).append((source.path, str(source.content)))
    for found in texts.values():
        declared = {name for _, content in found for name in _DECLARED.findall(content)}
        for path, content in found:
            for number, line in enumerate(content.splitlines(), 1):
                for name in _VARIABLE.findall(line.partition("#")[0]):
                    if declared and name not in declared:
                        what = f"var.{name} is declared nowhere in this folder; declare it"
                        yield f"{path}:{number}", what


def opened(files: Files) -> Iterator[tuple[str, str]]:
    """Yield rules that let the internet in by other ports than those of the web."""
    for source in sources(files):
        ports: set[str] = set()
        inside = ""
        for number, line in enumerate(str(source.content).splitlines(), 1):
            words = line.split("#")[0].split()
            if words and words[-1] == "{":
                inside, ports = words[0], set()
            elif len(words) == 3 and words[0] in ("from_port", "to_port"):
                ports.add(words[2])
            if inside == "ingress" and _OPEN.search(line) and not ports <= _PUBLIC:
                named = ", ".join(sorted(ports))
                yield f"{source.path}:{number}", f"lets the internet in by port {named}; name peers"
