"""What a thirty-third round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import re
import textwrap

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, system_of, text_of

from tarmac.adopt.containers.build_steps import made_from
from tarmac.adopt.survey.survey import survey
from tarmac.adopt.variables import code_ports

MAIN = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
NEST = "const app = await NestFactory.create(App);\nawait app.listen(3000);\n"
TYPEORM = """
TypeOrmModule.forRoot({
  type: 'postgres',
  host: 'host.docker.internal',
  port: 5435,
  username: 'shop',
  password: 'pw',
});
"""


def test_the_port_beside_a_login_is_no_port_of_the_program():
    files = {"src/app.ts": TYPEORM, "src/main.ts": NEST}
    assert code_ports.literal_port(folder_of(files)) == (3000, "src/main.ts:2")
    listens = TYPEORM.replace("username: 'shop',", "").replace("password: 'pw',", "")
    assert code_ports.literal_port(folder_of({"src/app.ts": listens})) == (5435, "src/app.ts:4")


def test_a_package_is_built_whose_file_its_image_copies_to_the_top():
    image = (
        "FROM golang:1.22\nWORKDIR /app\nCOPY /cmd/web/main.go .\nCOPY . .\nRUN go build -o main"
    )
    assert made_from(image, ("./main",)) == ("go", "run", "./cmd/web")
    plain = image.replace("COPY /cmd/web/main.go .\n", "")
    assert made_from(plain, ("./main",)) == ("go", "run", ".")


def test_an_image_is_of_the_folder_whose_name_says_the_most_of_it():
    compose = """
    services:
      list-todo: {image: "me/shop-list-todo:1"}
      todo: {image: "me/shop-todo:1"}
    """
    files = {"compose.yaml": compose}
    for name in ("todo", "list_todo"):
        files |= {f"{name}/go.mod": f"module {name}\n", f"{name}/main.go": MAIN}
    found = found_in(**files)
    assert {one.name: one.folder for one in found.services} == {
        "list-todo": "list_todo",
        "todo": "todo",
    }


def test_the_last_stage_has_one_package_of_the_repository_before_it():
    image = """
    FROM node:20 AS base
    FROM base AS build
    COPY . /src
    WORKDIR /src
    RUN pnpm install && pnpm run -r build
    FROM base AS web
    WORKDIR /app/services/web
    COPY --from=build /src/services/web/package.json ./package.json
    COPY --from=build /src/services/web/dist ./dist
    CMD ["pnpm", "start:prod"]
    """
    package = '{"name": "web", "scripts": {"build": "tsc", "start:prod": "node dist/main.js"}}'
    files = {
        "compose.yaml": "services:\n  web: {build: {context: ., target: web}}\n",
        "Dockerfile": textwrap.dedent(image).strip(),
        "package.json": '{"name": "all"}',
        "pnpm-workspace.yaml": "packages: ['services/*']\n",
        "pnpm-lock.yaml": "",
        "services/web/package.json": package,
        "services/web/src/main.ts": "createServer().listen(3000)",
    }
    (web,) = found_in(**files).services
    assert (web.folder, web.run) == ("services/web", "pnpm run build && pnpm start:prod")


def test_a_program_that_wants_a_word_and_serves_nothing_is_started_by_hand():
    asks = (
        'package main\nimport ("log"; "os")\nfunc main() {\n'
        '  if len(os.Args) < 2 {\n    log.Fatal("name a poll")\n  }\n  dial(os.Args[1])\n}\n'
    )
    files = {"go.mod": "module shop\n", "cmd/api/main.go": MAIN, "cmd/client/main.go": asks}
    assert [one.name for one in found_in(**files).services] == ["shop"]
    serves = asks.replace("dial(", "http.ListenAndServe(")
    both = found_in(**{**files, "cmd/client/main.go": serves})
    assert [one.name for one in both.services] == ["api", "client"]


def test_an_address_without_a_scheme_is_said_where_a_reference_would_make_a_cycle():
    compose = """
    services:
      a:
        build: .
        ports: ["5001:5001"]
        environment: {A_URL: "a:5001", B_URL: "b:5002"}
      b:
        build: .
        ports: ["5002:5002"]
        environment: {A_URL: "a:5001", B_URL: "b:5002"}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    a, b = sorted(found.services, key=lambda one: one.name)
    assert (a.env["A_URL"], a.env["B_URL"]) == ("localhost:5001", "${services.b.address}")
    assert (b.env["A_URL"], b.env["B_URL"]) == ("localhost:5001", "localhost:5002")
    assert system_of(found)


def test_files_of_servers_alone_in_several_folders_are_one_system():
    files = {
        **{f"web/{name}": text for name, text in FLASK.items()},
        "infra/db/compose.yaml": "services:\n  db: {image: postgres:16}\n",
        "infra/queue/compose.yaml": "services:\n  queue: {image: rabbitmq:3}\n",
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})
    assert [one.name for one in found.stores] == ["db"]
    assert found.broker is not None
    assert found.broker.kind == "rabbitmq"
    other = {**files, "infra/queue/compose.yaml": "services:\n  queue: {build: .}\n"}
    assert survey(folder_of(other), CATALOGUE, KINDS | {"rabbitmq"}).broker is None


@pytest.mark.parametrize(
    "named",
    [
        "container_name: shop-store",
        "networks: {default: {aliases: [shop-store]}}",
        "hostname: shop-store",
    ],
)
def test_a_server_has_the_name_that_code_has_for_it(named):
    compose = f"""
    services:
      web: {{build: ., command: python app.py, depends_on: [db], environment: {{A_HOST: db}}}}
      db: {{image: postgres:16, {named}}}
    """
    says = "engine = create_engine('postgresql://me:pw@shop-store:5432/x')\n"
    files = {**FLASK, "compose.yaml": compose, "data.py": says}
    files["requirements.txt"] = "flask\nsqlalchemy\npsycopg2\n"
    found = found_in(**files)
    assert [store.name for store in found.stores] == ["shop-store"]
    (web,) = found.services
    assert "shop-store" in (*web.stores, *web.calls)
    assert "hosts: true" in text_of(found)
    both = {**files, "more.py": "connect('postgresql://me:pw@db:5432/x')\n"}
    assert [store.name for store in found_in(**both).stores] == ["db"]


def test_a_server_in_front_has_no_program_of_the_folder_that_it_is_built_from():
    compose = """
    services:
      web: {build: ., command: python app.py, ports: ["5000:5000"]}
      proxy: {build: {context: ., dockerfile: docker/proxy/Dockerfile}, ports: ["80:80"]}
    """
    front = "FROM nginx:1\nCOPY docker/proxy/nginx.conf /etc/nginx/nginx.conf\nCOPY pages /pages\n"
    files = {
        **FLASK,
        "compose.yaml": compose,
        "docker/proxy/Dockerfile": front,
        "docker/proxy/nginx.conf": "location / { proxy_pass http://web:5000; }",
        "pages/a.css": "",
    }
    assert [*runs(found_in(**files))] == ["web"]


def test_what_a_container_sets_up_is_told_what_that_container_is():
    compose = """
    services:
      web: {build: ., command: python app.py, environment: {A: "1"}, depends_on: {migrate: {
        condition: service_completed_successfully}}}
      migrate: {build: ., command: python make.py, environment: {A: "2", ADMIN: "yes"}}
    """
    (web,) = found_in(**FLASK, **{"compose.yaml": compose, "make.py": ""}).services
    assert web.env == {"A": "1", "ADMIN": "yes"}


@pytest.mark.parametrize("script", ["npx serve -s dist", "serve dist", "http-server ./build"])
def test_a_front_end_is_served_for_work_where_its_image_serves_built_pages(script):
    package = f'{{"scripts": {{"dev": "vite", "build": "vite build", "pages": "{script}"}}}}'
    files = {
        "compose.yaml": "services:\n  pages: {build: .}\n",
        "Dockerfile": 'FROM node:20\nWORKDIR /app\nCOPY . .\nCMD ["npm", "run", "pages"]\n',
        "package.json": package,
    }
    assert runs(found_in(**files))["pages"].startswith("npm run dev -- --host 127.0.0.1")
    bare = {
        **files,
        "Dockerfile": files["Dockerfile"].replace('"npm", "run", "pages"', '"serve", "dist"'),
    }
    assert runs(found_in(**bare))["pages"].startswith("npm run dev -- --host 127.0.0.1")


def test_lines_that_a_script_hands_to_a_shell_are_its_own():
    script = """
    #!/bin/sh
    sh -c "python manage.py migrate"
    sh -c "django-admin createsuperuser --noinput"
    sh -c "python manage.py runserver 0.0.0.0:8000"
    """
    files = {
        "compose.yaml": "services:\n  web: {build: ., command: ./run.sh}\n",
        "Dockerfile": "FROM python:3.12\nWORKDIR /code\nCOPY . .\n",
        "run.sh": textwrap.dedent(script).strip(),
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
    }
    (web,) = found_in(**files).services
    made = " ".join(web.tasks.values())
    assert "PATH=.venv/bin:$PATH python manage.py migrate && django-admin createsuperuser" in made
    assert "--noinput || true" in made


def test_a_wait_for_a_service_that_is_not_there_is_left_out_and_said():
    compose = """
    services:
      web: {build: ., command: python app.py, depends_on: [db, payments]}
      db: {image: postgres:16}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert [*runs(found)] == ["web"]
    assert "web: it waits for payments, which its file does not have" in found.left_out
    optional = compose.replace("[db, payments]", "{payments: {required: false}}")
    assert found_in(**FLASK, **{"compose.yaml": optional}).left_out == ()


def test_a_containers_own_name_is_no_scheme_and_no_word_of_a_command():
    compose = """
    services:
      jobs:
        build: .
        container_name: worker
        command: celery -A app worker
        environment: {DATABASE_URL: "postgres://a:b@postgres:5432/shop"}
      db: {image: postgres:16, container_name: postgres}
    """
    (jobs,) = found_in(**FLASK, **{"compose.yaml": compose}).services
    assert jobs.run.endswith("celery -A app worker")
    assert jobs.env["DATABASE_URL"].startswith(("postgres://", "${stores.db.url}"))
    waits = compose.replace("celery -A app worker", "python app.py --db-host=postgres postgres")
    (jobs,) = found_in(**FLASK, **{"compose.yaml": waits}).services
    assert jobs.run.endswith("--db-host=db db")


def test_each_program_of_a_workspace_of_nest_is_one():
    settings = """
    {"monorepo": true, "root": "apps/web", "projects": {
      "web": {"type": "application", "root": "apps/web"},
      "shop": {"type": "application", "root": "apps/shop"},
      "shared": {"type": "library", "root": "libs/shared"}}}
    """
    files = {
        "package.json": '{"scripts": {"start:dev": "concurrently npm:dev-*"}}',
        "nest-cli.json": settings,
        "apps/web/src/main.ts": NEST,
        "apps/shop/src/main.ts": NEST.replace("3000", "3001"),
        "libs/shared/src/main.ts": "",
    }
    found = found_in(**files)
    assert {one.name: (one.run, [*one.ports.values()]) for one in found.services} == {
        "web": ("npx nest start web", [3000]),
        "shop": ("npx nest start shop", [3001]),
    }


def test_what_a_function_of_a_script_does_is_done_where_it_is_called():
    script = """
    #!/bin/bash
    prepare() {
      if [ ! -f /done ]; then
        python manage.py migrate
        touch /done
      fi
    }
    prepare
    python manage.py runserver 0.0.0.0:8000
    """
    files = {
        "compose.yaml": "services:\n  web: {build: .}\n",
        "Dockerfile": "FROM python:3.12\nWORKDIR /code\nCOPY . .\nCMD ./start.sh\n",
        "start.sh": textwrap.dedent(script).strip(),
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
    }
    (web,) = found_in(**files).services
    assert web.run == ".venv/bin/python manage.py runserver 127.0.0.1:$PORT"
    assert web.tasks["prepare"].endswith("python manage.py migrate")


def test_a_file_of_node_that_listens_nowhere_has_no_port_of_the_settings_beside_it():
    compose = """
    services:
      web: {build: ., command: npm run web, ports: ["3000:3000"]}
      mails: {build: ., command: npm run mails}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "package.json": '{"scripts": {"web": "nodemon web.js", "mails": "nodemon mails.js"}}',
        "settings.js": "module.exports = {port: process.env.PORT}",
        "web.js": "const s = require('./settings');\napp.listen(s.port)",
        "mails.js": "const s = require('./settings');\nqueue.process(send)",
    }
    found = {one.name: [*one.ports] for one in found_in(**files).services}
    assert found == {"web": ["http"], "mails": []}


@pytest.mark.parametrize(
    ("told", "runs_as"),
    [
        ("worker -A app --loglevel=info", "celery -A app worker --loglevel=info"),
        ("worker --app=app -l info", "celery --app=app worker -l info"),
        ("beat -l info -A app -b redis://x", "celery -A app -b redis://x beat -l info"),
        ("-A app worker -l info", "celery -A app worker -l info"),
    ],
)
def test_the_app_of_celery_is_said_before_what_it_is_to_do(told, runs_as):
    compose = f"services:\n  jobs: {{build: ., command: celery {told}}}\n"
    (jobs,) = found_in(**FLASK, **{"compose.yaml": compose}).services
    said = re.sub(r"\$\w+", "redis://x", jobs.run)
    assert said.endswith(runs_as)


def test_the_tools_of_a_script_that_no_list_has_are_brought():
    package = """{
      "scripts": {"start": "cross-env MODE=a nodemon a.js"}, "devDependencies": {"nodemon": "3"}
    }"""
    files = {"package.json": package, "a.js": "app.listen(3000)"}
    (web,) = found_in(**files).services
    assert web.run == "npx --yes -p cross-env -c 'npm start'"
    listed = package.replace('"nodemon": "3"', '"nodemon": "3", "cross-env": "7"')
    (web,) = found_in(**{**files, "package.json": listed}).services
    assert web.run == "npm start"


def test_a_script_that_goes_to_a_folder_and_tries_until_it_is_done_starts_there():
    script = """
    #!/bin/sh
    until cd /app/shop
    do
        echo "Waiting for the volume"
    done
    until python manage.py migrate
    do
        echo "Waiting for the database"
        sleep 2
    done
    gunicorn shop.wsgi --bind 0.0.0.0:8000
    """
    compose = """
    services:
      web:
        build: {context: ., dockerfile: docker/web/Dockerfile}
        entrypoint: /app/docker/web/start.sh
    """
    files = {
        "compose.yaml": compose,
        "docker/web/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install x\n",
        "docker/web/start.sh": textwrap.dedent(script).strip(),
        "requirements.txt": "django\ngunicorn\n",
        "shop/manage.py": "import django\n",
        "shop/shop/wsgi.py": "application = 1\n",
    }
    (web,) = found_in(**files).services
    assert web.folder == "shop"
    assert web.run.startswith(".venv/bin/python -m gunicorn shop.wsgi")
    assert web.tasks["prepare"] == "PATH=.venv/bin:$PATH python manage.py migrate"


def test_a_server_that_only_an_image_installs_is_installed_beside_the_list():
    compose = """
    services:
      web:
        build: {context: ., dockerfile: docker/web/Dockerfile}
        command: "gunicorn app:app -b 0.0.0.0:8000"
        ports: ["8000:8000"]
    """
    image = "FROM python:3.12\nRUN pip install gunicorn\nCOPY requirements.txt .\n"
    files = {**FLASK, "compose.yaml": compose, "docker/web/Dockerfile": image}
    (web,) = found_in(**files).services
    assert "-r requirements.txt gunicorn" in web.tasks["install"]
    for named in ("gunicorn==23.0.0", "-r base.txt"):
        listed = {"requirements.txt": f"{FLASK['requirements.txt']}\n{named}\n"}
        (web,) = found_in(**{**files, **listed, "base.txt": "gunicorn\n"}).services
        assert "requirements.txt gunicorn" not in web.tasks["install"]
