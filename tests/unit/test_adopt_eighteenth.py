"""What an eighteenth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest

from tarmac.adopt.containers.container import plain


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("alembic upgrade head\ngunicorn app:app\n", "alembic upgrade head && gunicorn app:app"),
        ("# tables\nflask db upgrade &&\nflask run", "flask db upgrade && flask run"),
        ("set -e\n./wait-for-it.sh db:5432\nflask run \\\n  --port 80", "flask run --port 80"),
        ("while ! nc -z db 5432; do sleep 1; done\nflask run", "flask run"),
        ("flask run", "flask run"),
    ],
)
def test_commands_that_a_shell_is_given_one_a_line_are_run_one_after_the_other(text, line):
    assert " ".join(plain(("sh", "-c", text))) == line


@pytest.mark.parametrize(
    "text",
    [
        "if [ -n $A ]\nthen\nflask run\nfi",
        "cat <<EOF\nflask run\nEOF",
        "for one in a b; do\nflask $one\ndone",
    ],
)
def test_lines_that_are_parts_of_a_command_are_no_commands(text):
    assert "&&" not in plain(("bash", "-c", text))
