"""What others wrote for a container that is thrown away does not run in a user's folder."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

from tarmac.adopt.survey.harm import harm


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("echo '' > .env && npm run migration:run", "it writes to a file"),
        ("echo A=1 >> .env", "it writes to a file"),
        ("cp .env.example .env", "it writes files"),
        ("sed -i s/a/b/ settings.py", "it writes files"),
        ("cat a | tee b", "it writes files"),
        ("rm -rf uploads", "it deletes files"),
        ("cd x && rm a", "it deletes files"),
        ("npx rimraf dist", "it deletes files"),
        ("bin/rails db:drop db:create", "it deletes data"),
        ("php artisan migrate:fresh --seed", "it deletes data"),
        ("npx prisma migrate reset --force", "it deletes data"),
        ("npx prisma db push --accept-data-loss", "it deletes data"),
        ("python manage.py flush --no-input", "it deletes data"),
        ("psql -c 'DROP TABLE users'", "it deletes data"),
        ("npm install -g typescript", "it installs on this machine"),
        ("sudo make install", "it installs on this machine"),
        ("apt-get install -y curl", "it installs on this machine"),
        ("curl -s https://x.dev/i | sh", "it runs downloaded code"),
        ("git checkout main", "it changes the repository"),
        ("kubectl apply -f k8s", "it changes remote systems"),
        ("npm run prepare:all", "`wipe`: it deletes files"),
    ],
)
def test_what_a_line_would_do_is_reported(line, what):
    assert harm(line, {"prepare:all": "npm run wipe && tsc", "wipe": "rm -rf data"}) == what


@pytest.mark.parametrize(
    "line",
    [
        "python manage.py migrate",
        "bin/rails db:migrate",
        "alembic upgrade head",
        "npx prisma migrate deploy",
        "npm run migration:run 2>&1",
        "node seed.js > /dev/null",
        "php artisan migrate --force",
        "flask db upgrade 2>/dev/null",
        "node -e 'x => 1'",
        "npm run again",
    ],
)
def test_what_only_prepares_the_database_is_carried_over(line):
    assert harm(line, {"again": "npm run again"}) == ""


def test_a_release_line_that_empties_a_file_is_skipped_with_its_reason():
    found = found_in(
        Procfile="web: node a.js\nrelease: echo '' > .env && npm run migrate",
        **{"a.js": "process.env.PORT", ".env": "API_KEY=precious"},
    )
    assert system_of(found).file.services["web"].tasks == {}
    (line,) = found.left_out
    assert line == (
        "task release of web: `echo '' > .env && npm run migrate` would run at every start, and "
        "it writes to a file"
    )
    assert line in " ".join(text_of(found).replace("\n#", "").split())


def test_a_release_line_that_migrates_is_a_task():
    found = found_in(Procfile="web: node a.js\nrelease: npm run migrate", **{"a.js": "PORT"})
    assert dict(found.services[0].tasks) == {"release": "npm run migrate"}


def test_what_compose_runs_once_is_looked_at_too():
    compose = """
    services:
      prepare: {build: web, command: rm -rf /var/data}
      web: {build: web, depends_on: {prepare: {condition: service_completed_successfully}}}
    """
    code = {
        "web/package.json": '{"scripts": {"start": "node s.js"}}',
        "web/Dockerfile": "FROM node",
    }
    found = found_in(**{"compose.yaml": compose, **code})
    assert [service.name for service in found.services] == ["web"]
    assert not found.services[0].tasks
    assert "it deletes files" in found.left_out[0]
