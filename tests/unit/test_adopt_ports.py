"""Where programs listen: in constants, calls, scripts and images, on files of our own."""

from __future__ import annotations

import pytest
from repository import found_in


@pytest.mark.parametrize("compose", [{}, {"compose.yaml": "services: {web: {build: .}}\n"}])
def test_an_image_listens_where_the_stage_below_it_or_an_argument_says(compose):
    dockerfile = (
        "ARG OPEN=8123\nFROM python:3.12 AS base\nEXPOSE $OPEN\nCMD sleep 1\n"
        "FROM python:3.12 AS build\nEXPOSE 9\n"
        "FROM base AS final\nENV OPENED=${OPEN} OTHER=${NONE}\n"
        "COPY . .\nCMD python serve.py\n"
    )
    files = {"requirements.txt": "", "serve.py": "while True:\n    pass\n"}
    (web,) = found_in(**files | compose | {"Dockerfile": dockerfile}).services
    assert web.ports == {"http": 8123}
    assert web.env == {"OPENED": "8123"}
    assert web.run.endswith("python serve.py")


@pytest.mark.parametrize(
    ("script", "port"),
    [
        ("A=1 PORT=3001 react-scripts start", 3001),
        ("cross-env PORT=3002 node a.js", 3002),
        ("react-scripts start", 3000),
        ("SUPPORT=3003 react-scripts start", 3000),
    ],
)
def test_a_port_that_a_script_sets_is_its_own_whatever_it_is_told(script, port):
    files = {
        "package.json": f'{{"scripts": {{"start": "{script}"}}, "dependencies": {{"a": "1"}}}}',
        "a.js": "app.listen(process.env.PORT)\n",
    }
    (web,) = found_in(**files).services
    assert (web.ports["http"], web.fixed) == (port, port != 3000)


@pytest.mark.parametrize(
    ("file", "code", "port"),
    [
        ("main.go", 'const port = "8081"\nAddr: fmt.Sprintf(":%s", port),\n', 8081),
        ("main.go", 'var (\n\tport = 8082\n)\nnet.Listen("tcp", fmt.Sprintf(":%d", port))\n', 8082),
        ("main.go", 'port := ":8083"\nhttp.ListenAndServe(port, nil)\n', 8083),
        ("main.go", 'r := gin.Default()\nr.Run(":8084")\n', 8084),
        ("main.go", 'e.Logger.Fatal(e.Start(":8085"))\n', 8085),
        ("main.go", 'srv := &http.Server{Addr: ":8086", Handler: mux}\n', 8086),
        ("main.go", 'redis.NewClient(&redis.Options{Addr: "cache:6380"})\n', None),
        ("main.go", "port := conf.Port\nhttp.ListenAndServe(port, nil)\n", None),
        ("a.js", "const port = 3001;\napp.listen(port, () => {})\n", 3001),
        ("a.js", "export const PORT: number = 3002\nserver.listen({ port: PORT })\n", 3002),
        ("a.js", "const port = config.port\napp.listen(port)\n", None),
        ("app.py", "PORT = 5001\napp.run(host='0.0.0.0', port=PORT)\n", 5001),
    ],
)
def test_a_number_of_the_code_is_its_port_where_a_constant_holds_it(file, code, port):
    projects = {
        "main.go": {"go.mod": "module a\n"},
        "a.js": {"package.json": '{"scripts": {"start": "node a.js"}}'},
        "app.py": {"Dockerfile": "FROM python:3.12\nCMD python app.py\n", "requirements.txt": ""},
    }
    before = "package main\n" if file.endswith(".go") else ""
    (app,) = found_in(**projects[file] | {file: before + code}).services
    assert (app.ports.get("http"), app.fixed) == (port, port is not None)


def test_of_programs_with_one_port_in_their_code_each_further_one_is_named_with_its_place():
    files = {}
    for name in ("auth", "mail"):
        files[f"{name}/go.mod"] = f"module {name}\n"
        files[f"{name}/main.go"] = 'package main\n\nhttp.ListenAndServe(":8080", nil)\n'
    auth, mail = found_in(**files).services
    assert (auth.fixed, auth.ports, auth.to_do) == (True, {"http": 8080}, ())
    assert (mail.fixed, mail.ports) == (False, {"http": 8081})
    said = "main.go:3 has port 8080, and so has auth, so that one of them ends"
    assert mail.to_do == (f"{said}: have its code read PORT",)


@pytest.mark.parametrize("compose", ["", "services: {pages: {build: .}}\n"])
@pytest.mark.parametrize(
    ("script", "proxy", "is_told"),
    [
        ("react-scripts start", '"http://localhost:8000"', True),
        ("react-scripts start", "{}", False),
        ("vite", '"http://localhost:8000"', False),
    ],
)
def test_react_scripts_start_beside_a_proxy(compose, script, proxy, is_told):
    files = {
        "package.json": f'{{"scripts": {{"start": "{script}", "dev": "{script}"}}, '
        f'"proxy": {proxy}}}',
        "a.js": "",
    }
    image = {"compose.yaml": compose, "Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n"}
    (pages,) = found_in(**files | (image if compose else {})).services
    told = "DANGEROUSLY_DISABLE_HOST_CHECK=true npm "
    assert pages.run.startswith(told) is is_told
    assert pages.ports


@pytest.mark.parametrize(
    ("start", "dev", "run"),
    [
        ("next start", "next dev", "npm run dev -- -H 127.0.0.1 -p $PORT"),
        ("vite preview", "vite", "npm run dev -- --host 127.0.0.1 --port $PORT --strictPort"),
        ("next start", "tsc -w", "npm start -- -H 127.0.0.1 -p $PORT"),
    ],
)
def test_pages_that_an_image_has_built_are_served_by_the_server_for_work(start, dev, run):
    files = {
        "compose.yaml": "services: {web: {build: .}}\n",
        "Dockerfile": "FROM node:20\nCOPY . .\nRUN npm run build\nCMD npm start\n",
        "package.json": f'{{"scripts": {{"start": "{start}", "dev": "{dev}"}}}}',
        "a.js": "",
    }
    (web,) = found_in(**files).services
    assert web.run == run


@pytest.mark.parametrize(("more", "value"), [("", None), ("os.environ['API_HOST']\n", "web")])
def test_a_port_alone_that_is_called_for_the_program_is_its_own(more, value):
    files = {
        "store/requirements.txt": "",
        "store/main.py": f"import os\nos.environ['API_PORT']\n{more}while True:\n    pass\n",
        "web/package.json": '{"scripts": {"dev": "vite"}}',
    }
    found = {service.name: service for service in found_in(**files).services}
    said = found["store"].env.get("API_PORT")
    assert said == (value and f"${{services.{value}.port}}")


@pytest.mark.parametrize(
    ("given", "told"),
    [(":8080", "127.0.0.1:${services.app.port}"), ("8080", "${services.app.port}")],
)
def test_a_variable_that_is_given_an_address_is_told_one(given, told):
    files = {
        "compose.yaml": f'services: {{app: {{build: ., environment: {{SERVER_PORT: "{given}"}}, '
        'ports: ["8081:8080"]}}\n',
        "Dockerfile": 'FROM alpine\nCOPY . .\nCMD ["app"]\n',
        "go.mod": "module app\n",
        "main.go": 'package main\nvar at = os.Getenv("SERVER_PORT")\n',
    }
    (app,) = found_in(**files).services
    assert app.env == {"SERVER_PORT": told}


def test_a_server_that_is_bound_by_a_scheme_is_told_its_port():
    files = {
        "compose.yaml": "services: {cable: {build: ., ports: ['2:2'], "
        "command: puma --bind tcp://0.0.0.0:28080 cable/config.ru}}\n",
        "Dockerfile": "FROM ruby:3.4\nCOPY . .\n",
        "Gemfile": 'gem "puma"\n',
        "cable/config.ru": "",
    }
    (cable,) = found_in(**files).services
    assert cable.run == "bundle exec puma --bind tcp://127.0.0.1:$PORT cable/config.ru"
    assert not cable.fixed


TWO_PORTS = """
const (
	web   = "8081"
	calls = "5001"
)
net.Listen("tcp", fmt.Sprintf(":%s", calls))
Addr: fmt.Sprintf(":%s", web),
"""


@pytest.mark.parametrize(
    "code", [TWO_PORTS, 'net.Listen("tcp", ":5001")\nhttp.ListenAndServe(":8081", nil)\n']
)
def test_of_two_ports_in_the_code_the_one_for_browsers_is_the_main_one(code):
    files = {"go.mod": "module a\n", "main.go": f"package main\n{code}"}
    (app,) = found_in(**files).services
    assert app.ports == {"http": 8081}
