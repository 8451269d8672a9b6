"""Twice the services in a repository are twice the work of `tarmac init`, in lines of Python."""

from __future__ import annotations

import pytest
from growth import MOST, counted
from repository import CATALOGUE, KINDS, text_of

from tarmac.adopt.survey.found import Folder
from tarmac.adopt.survey.survey import survey

COUNTS = (60, 120)
DOCKERFILE = """\
FROM python:3.12
COPY . .
EXPOSE {port}
ENV URL=http://s{other}:80/ PEER=s{other}:80 LEVEL=info
CMD ["python", "server.py"]
"""
SERVER = "import os\nprint(os.environ['URL'], os.environ['S{other}_URL'], os.environ['PEER'])\n"


def folders(count):
    """Make a repository with a folder for each service, which calls one beside it."""
    texts = {}
    for number in range(count):
        other = number + 1 if number % 10 < 9 else number
        made = {"port": 8000 + number, "other": other}
        texts[f"services/s{number}/Dockerfile"] = DOCKERFILE.format(**made)
        texts[f"services/s{number}/server.py"] = SERVER.format(**made)
    return texts


def composed(count):
    """Make the same, with a file for Compose that names the services."""
    lines = [
        f"  s{number}: {{build: services/s{number}, ports: ['{8000 + number}:80']}}\n"
        for number in range(count)
    ]
    return {**folders(count), "compose.yaml": "".join(["services:\n", *lines])}


@pytest.mark.parametrize("make", [folders, composed])
def test_twice_the_services_are_twice_the_work(make):
    work = []
    for count in COUNTS:
        texts = make(count)
        root = Folder(
            "",
            tuple(sorted(texts)),
            lambda name, t=texts: t.get(name, ""),
            lambda name, t=texts: name in t,
        )
        found = []
        work.append(counted(lambda root=root, found=found: found.append(look(root))))
        assert found[0].count("${services.s") >= count
    assert work[1] / work[0] < MOST


def look(root):
    """Survey a repository, and write its system."""
    return text_of(survey(root, CATALOGUE, KINDS))
