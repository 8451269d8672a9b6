"""A compose file that Compose refuses is refused with its place, and nothing is written."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from repository import found_in

from tarmac.base.errors import BadInput
from tarmac.cli.main import tarmac

WEB = "services:\n  web:\n    image: nginx\n"
REFUSED = {
    "services: [web]\n": "1:1: `services` is not a mapping; write each service under its name",
    "services:\n  web: nginx\n": "2:3: service web is not a mapping; give it an `image`",
    "services:\n  web:\n    ports: ['80']\n": "2:3: service web has neither `image` nor `build`",
    f"{WEB}    ports: '80'\n": "4:5: `ports` of web is a text; write a list",
    f"{WEB}    enviroment: {{A: b}}\n": "4:5: web has a key `enviroment`, which Compose does not "
    "know; did you mean 'environment'?",
    f"{WEB}    depends_on: [dbb]\n  db: {{image: redis}}\n": "4:5: web needs service 'dbb', which "
    "this file does not have; did you mean 'db'?",
    f"{WEB}    volumes: ['data:/x']\n": "4:5: web uses 'data', which is not below `volumes`",
    f"{WEB}    secrets: [key]\n": "4:5: web uses 'key', which is not below `secrets`",
    f"{WEB}  web:\n    image: redis\n": "4:3: key web is there twice, first in line 2; join the",
}
TAKEN = [
    f"{WEB}    x-note: [1]\n    newest_key: 1\n",
    f"{WEB}    networks: [default]\n",
    f"{WEB}    volumes: [./a:/b, /c, 'C:\\d:/e', data:/x]\nvolumes: {{data: }}\n",
    f"{WEB}    depends_on: {{db: {{condition: service_started, required: false}}}}\n",
    "x-a: &a {image: nginx, tty: true}\nservices:\n  web:\n    <<: *a\n    image: redis\n",
    f"{WEB}    ports: !reset []\n    command:\n",
    "include: [other.yaml]\nservices:\n  web: {image: nginx, depends_on: [db]}\n",
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_compose_refuses_is_refused_with_its_place(text):
    with pytest.raises(BadInput) as refused:
        found_in(**{"compose.yaml": text})
    assert str(refused.value).startswith(f"compose.yaml:{REFUSED[text]}")


@pytest.mark.parametrize("text", TAKEN)
def test_what_compose_takes_is_taken(text):
    assert found_in(**{"compose.yaml": text}).origins == ("compose.yaml",)


def test_a_file_that_others_are_laid_over_may_be_a_part():
    part = f"{WEB}    depends_on: [db]\n"
    for name in ("docker-compose.db.yml", "compose.override.yaml"):
        found = found_in(**{"compose.yaml": part, name: "services: {db: {image: redis}}\n"})
        assert [store.name for store in found.stores] == ["db"]


def test_a_second_file_that_compose_does_not_read_is_named():
    found = found_in(**{"compose.yaml": WEB, "docker-compose.yml": WEB})
    assert "docker-compose.yml: Compose reads compose.yaml, which is beside it" in found.left_out


def test_nothing_is_written_of_what_is_refused(tmp_path):
    (tmp_path / "compose.yaml").write_text(f"{WEB}    ports: '80'\n")
    done = CliRunner().invoke(tarmac, ["init", str(tmp_path)])
    assert done.exit_code == 2 or isinstance(done.exception, BadInput)
    assert [file.name for file in tmp_path.iterdir()] == ["compose.yaml"]
