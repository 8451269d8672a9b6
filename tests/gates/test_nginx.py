"""What the gates on nginx's directives refuse, nginx refuses too: one file, broken in many ways."""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from tarmac.base.artifact import Artifact
from tarmac.base.report import Skip
from tarmac.check.gates.subject import Folder
from tarmac.check.gates.views import programs
from tarmac.check.gates.writing import val025_nginx_directives, val026_nginx_words

GATES = (val025_nginx_directives.GATE, val026_nginx_words.GATE)
GOOD = (Path(__file__).parent / "good_nginx.conf").read_text(encoding="utf-8")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[;{}]|[^\s;{}]+")
#: Before which text a directive is moved to be in another block.
PLACES = ("events {", "default_type app", "listen 8081", "proxy_pass http://api/;", "least_conn;")
VALUES = ("10MB", "1.5", "true", "-5", "60sec", "abc")
#: nginx takes the next line for more words of these, in silence.
SWALLOWED = "is one of its words"


@pytest.fixture
def nginx(tmp_path):
    try:
        program = programs.find("nginx")
    except Skip as skip:
        pytest.skip(str(skip))
    for folder in ("cache", "body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (tmp_path / folder).mkdir()

    def refused(text):
        (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
        argv = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        said = subprocess.run(argv, capture_output=True, text=True, check=False)
        return said.stderr if said.returncode else ""

    return refused


def found(text):
    files = Folder([Artifact("nginx.conf", text)], date(2026, 11, 30))
    return [finding.what for gate in GATES for finding in gate.of_files(files)]


def broken():
    """Yield the good file with one mistake each: a name, an end, a word, a value, another block."""
    chosen = random.Random(1)
    statement = []
    for one in _WORD.finditer(GOOD):
        if one[0] not in ("{", "}", ";"):
            statement.append(one)
            continue
        if statement and one[0] == ";":
            first, last = statement[0], statement[-1]
            name, start, end = first[0], first.start(), one.end()
            at = chosen.randrange(max(len(name) - 1, 1))
            swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
            yield "name", GOOD[:start] + swapped + GOOD[first.end() :]
            yield "end", GOOD[: end - 1] + GOOD[end:]
            yield "word", GOOD[: end - 1] + " more" + GOOD[end - 1 :]
            yield "value", GOOD[: last.start()] + chosen.choice(VALUES) + GOOD[last.end() :]
            rest, place = GOOD[:start] + GOOD[end:], chosen.choice(PLACES)
            yield "place", rest.replace(place, f"{GOOD[start:end]} {place}", 1)
        statement = []


def test_nginx_refuses_what_the_gates_do(nginx):
    assert found(GOOD) == []
    assert nginx(GOOD) == ""
    agreed, wrong = Counter(), []
    for kind, text in broken():
        ours, theirs = found(text), nginx(text)
        agreed[bool(ours), bool(theirs)] += 1
        if ours and not theirs and not any(SWALLOWED in said for said in ours):
            wrong.append((kind, ours))
    assert wrong == []
    refused = agreed[True, True] + agreed[False, True]
    assert agreed[True, True] > 0.75 * refused, agreed
    assert refused > 200
