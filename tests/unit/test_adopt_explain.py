"""`tarmac init --explain` names the line of the repository that each line of the file is from."""

from __future__ import annotations

from repository import CATALOGUE, KINDS, folder_of, text_of

from tarmac.adopt.survey.survey import survey
from tarmac.adopt.writing.explain import explained

COMPOSE = """
x-app: &app
  environment:
    REDIS_URL: redis://cache:6379
services:
  web:
    build: .
    command: node s.js
    ports: ["3000:3000"]
    environment:
      - DB_HOST=db
  worker:
    <<: *app
    build: .
    command: node w.js
  db: {image: "postgres:16"}
  cache:
    image: redis:7
"""
FILES = {
    "compose.yaml": COMPOSE,
    "package.json": '{"name": "a", "dependencies": {"pg": "1"}}',
    "s.js": "const a = 1\nrequire('pg')\nserve(process.env.DB_HOST, process.env.API_SECRET)\n",
    "w.js": "work(process.env.REDIS_URL)\n",
}


def sources(files):
    """Return the source of each line that has one, by the line's text."""
    root = folder_of(files)
    found = survey(root, CATALOGUE, KINDS)
    text = text_of(found)
    lines = explained(found, root, text)
    assert all(text.splitlines()[line.number - 1].strip() == line.text for line in lines)
    assert [line.number for line in lines] == sorted({line.number for line in lines})
    return {line.text.split(" #")[0]: line.source for line in lines}


def test_each_line_that_a_compose_file_says_has_its_line_there():
    found = sources(FILES)
    assert found["run: [node, s.js]"] == "compose.yaml:7"
    assert found["port: 3000"] == "compose.yaml:8"
    assert found["DB_HOST: db"] == "compose.yaml:10"
    assert found["REDIS_URL: ${stores.cache.url}"] == "compose.yaml:3", "an anchor brought it"
    assert found['db: {kind: postgres, version: "16"}'] == "compose.yaml:15"
    assert found['cache: {kind: redis, version: "7"}'] == "compose.yaml:17"


def test_what_only_the_code_says_has_its_line_in_the_code():
    assert sources(FILES)["secrets: [API_SECRET]"] == "s.js:3"
    script = '{\n"scripts": {\n"start": "node s.js"}}'
    alone = {"web/package.json": script, "web/s.js": "serve(process.env.PORT)"}
    assert sources(alone)["run: [npm, start]"] == "web/package.json:3"


def test_what_is_assumed_has_no_source():
    found = sources({"requirements.txt": "fastapi\n", "main.py": "app = FastAPI()\n"})
    assert not any(line.startswith("port:") for line in found)


def test_a_variable_of_a_file_that_a_service_lists_has_its_line_in_that_file():
    compose = """
    services:
      web: {build: ., command: node s.js, env_file: [a.env, {path: ./b.env}], environment: [C=1]}
      worker: {build: ., command: node w.js, env_file: lost.env}
    """
    files = {
        "docker-compose.yml": compose,
        "a.env": "# first\nA=1\nexport B=1\n",
        "b.env": "# second\nB=2\nC=2\n",
        "lost.env.example": "D=1\n",
        **{name: FILES[name] for name in ("package.json", "s.js", "w.js")},
    }
    found = sources(files)
    assert {key: place for key, place in found.items() if key[1:2] == ":"} == {
        'A: "1"': "a.env:2",
        'B: "2"': "b.env:2",
        'C: "1"': "docker-compose.yml:2",
        'D: "1"': "lost.env.example:1",
    }
