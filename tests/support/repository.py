"""Repositories in memory, for what recognises them."""

from __future__ import annotations

import textwrap

from tarmac import adopt
from tarmac.adopt.survey.found import SKIPPED, Folder, Survey
from tarmac.adopt.survey.survey import survey
from tarmac.adopt.writing.write import write
from tarmac.base import registry
from tarmac.model.loader import load
from tarmac.model.system import System

CATALOGUE = registry.load(adopt, "RECOGNISER")
KINDS = frozenset({"postgres", "redis", "mysql", "mail", "nats", "opensearch", "s3"})


#: A program in Python with its image.
FLASK = {
    "requirements.txt": "flask\ncelery\nredis\n",
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD flask run\n",
}


def folder_of(files: dict[str, str]) -> Folder:
    """Make the root of a repository of these files."""
    texts = {name: textwrap.dedent(text).lstrip("\n") for name, text in files.items()}
    listed = [name for name in texts if not SKIPPED & set(name.split("/"))]

    def exists(path: str) -> bool:
        return any(name == path or name.startswith(f"{path}/") for name in texts)

    return Folder("", tuple(sorted(listed)), lambda name: texts.get(name, ""), exists)


def found_in(**files: str) -> Survey:
    """Survey a repository; a file's name is written with `__` for a slash where needed."""
    return survey(folder_of(files), CATALOGUE, KINDS)


def text_of(found: Survey) -> str:
    """Write what was found."""
    return write(found, "demo")


def system_of(found: Survey) -> System:
    """Write what was found, and load it as `up` would."""
    return load("tarmac.yaml", lambda _: text_of(found).encode())


def runs(found: Survey) -> dict[str, str]:
    """Return what each service runs, by its name; what is written loads."""
    assert system_of(found), text_of(found)
    return {service.name: service.run for service in found.services}
