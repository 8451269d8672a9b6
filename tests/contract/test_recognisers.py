"""Every recogniser answers any repository with data, and what is written of that loads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import CATALOGUE, KINDS, folder_of, system_of

from tarmac.adopt.survey.found import Survey
from tarmac.adopt.survey.survey import survey
from tarmac.base.errors import BadInput

every_recogniser = pytest.mark.parametrize("recogniser", CATALOGUE.values(), ids=list(CATALOGUE))

NAMES = (
    *("package.json", "requirements.txt", "pyproject.toml", "go.mod", "pom.xml", "build.gradle"),
    *("Cargo.toml", "Procfile", "Dockerfile", "x.csproj", ".env", "uv.lock", "package-lock.json"),
    *("main.py", "app.py", "server.js", "main.go", "src/main.rs", "Main.java", "manage.py"),
)
FOLDERS = ("", "web/", "services/api/", "apps/a-b/", "1st/")
#: Pieces that mean something to one recogniser or another, broken or whole.
PIECES = (
    *("app = Flask(__name__)\n", "app = FastAPI()\n", "package main\n", "listen(", "8080", "PORT"),
    *('{"scripts": {"start": "', '"}}', '"dev": "vite"', "web: ", "CMD [", '"node", "x"]\n', "\n"),
    *("EXPOSE 80 90/udp\n", "ENTRYPOINT ./a\n", "process.env.", "os.environ['", "DB_HOST", "']"),
    *("API_URL", "=http://localhost:8080/x?y", "postgres://u:p@db/x", "<spring-boot>", '"pg"'),
    *(
        "static void main(String",
        "if __name__ == '__main__':\n",
        "while True:\n",
        "${",
        "}",
        "#",
        "'",
    ),
    *('name = "a"\n', "Microsoft.NET.Sdk.Web", "class S(BaseSettings):\n    a_b: str = 'c'\n"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 70000) | st.sampled_from(PIECES),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("test", "target", "context", "a", "condition")), inner)
    ),
    max_leaves=5,
)
KEYS = ("image", "build", "command", "entrypoint", "ports", "expose", "environment", "env_file")
KEYS = (*KEYS, "depends_on", "healthcheck", "volumes", "working_dir", "profiles", "links", "deploy")
IMAGES = st.sampled_from(("postgres:16", "redis", "nats:2", "mongo", "a/b:c", "axllent/mailpit"))
SERVICE = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6) | st.builds(
    lambda image, more: {"image": image, **more},
    IMAGES,
    st.dictionaries(st.sampled_from(("environment", "ports")), VALUES),
)
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join)


@every_recogniser
def test_it_finds_nothing_in_an_empty_folder(recogniser):
    empty = folder_of({})
    assert recogniser.services(empty) == ()
    assert recogniser.here(empty, ("node", "x")) == ""
    assert recogniser.system(empty, KINDS) is None


@every_recogniser
def test_it_says_what_it_is_by_its_file(recogniser):
    assert CATALOGUE[recogniser.id] is recogniser
    assert recogniser.rank >= 0


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.builds(str.__add__, st.sampled_from(FOLDERS), st.sampled_from(NAMES)), TEXT, max_size=9
    )
)
def test_whatever_is_in_the_files_what_is_written_loads(files):
    found = survey(folder_of(files), CATALOGUE, KINDS)
    assert isinstance(found, Survey)
    if found.services:
        assert system_of(found)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(("web", "db", "a_b", "postgres", "1")), SERVICE))
def test_whatever_a_compose_file_says_what_is_written_loads(services):
    files = {"compose.yaml": json.dumps({"services": services}), "s.js": "x.listen(80)"}
    files |= {"package.json": '{"scripts": {"start": "node s.js"}}', "a/server.js": "listen(81)"}
    try:
        found = survey(folder_of(files), CATALOGUE, KINDS)
    except BadInput:
        return
    if found.services:
        assert system_of(found)
