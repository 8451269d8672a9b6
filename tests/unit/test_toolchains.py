"""Which version of a language a repository asks for, in every form that its tools write it."""

from __future__ import annotations

import pytest

from tarmac.base import registry, toolchains
from tarmac.base.toolchains.ranges import fits, ranges, version
from tarmac.base.toolchains.toolchain import named_in, uses, wish

CATALOGUE = registry.load(toolchains, "TOOLCHAIN")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=22", "22.0.0 24.1.0", "20.20.2"),
        ("^18 || ^20.1", "18.9.0 20.1.0", "19.0.0 20.0.9 21.0.0"),
        ("18.x", "18.20.1", "19.0.0 17.9.9"),
        ("18 - 20", "18.0.0 20.9.0", "21.0.0 17.0.0"),
        (">=18 <23", "22.9.9 18.0.0", "23.0.0"),
        (">18", "19.0.0", "18.9.9"),
        ("<=3.12", "3.12.9 3.9.1", "3.13.0"),
        ("~20.1", "20.1.7", "20.2.0"),
        ("~1", "1.9.0", "2.0.0"),
        ("^0.4", "0.4.9", "0.5.0"),
        ("^3.9", "3.12.1", "3.8.0 4.0.0"),
        (">=3.11,<3.14", "3.13.0", "3.14.0 3.10.9"),
        (">=3.11, !=3.12.0", "3.11.0", "3.10.0"),
        ("~=3.11", "3.13.0", "4.0.0"),
        ("==3.11.*", "3.11.9", "3.12.0"),
        ("~> 3.2.1", "3.2.9", "3.3.0 3.2.0"),
        ("v20.11.0", "20.11.0", "20.11.1"),
    ],
)
def test_a_range_is_read_as_its_tool_means_it(text, inside, outside):
    wanted = ranges(text)
    assert all(fits(version(number), wanted) for number in inside.split())
    assert not any(fits(version(number), wanted) for number in outside.split())


@pytest.mark.parametrize("text", ["lts/*", "latest", "*", ""])
def test_what_names_no_version_asks_for_none(text):
    assert ranges(text) == ()


@pytest.mark.parametrize(
    ("language", "file", "text", "said", "line", "newest"),
    [
        (
            "node",
            "package.json",
            '{\n "engines": {\n  "npm": "9",\n  "node": ">=22"}}',
            ">=22",
            4,
            22,
        ),
        ("node", ".nvmrc", "v20.11.1\n", "20.11.1", 1, 20),
        ("node", ".tool-versions", "go 1.2\nnodejs 18.2.0\n", "18.2.0", 2, 18),
        ("go", "go.mod", "module x\n\ngo 1.27.0\n", "1.27.0", 3, 1),
        ("java", "pom.xml", "<a>\n<java.version>21</java.version>", "21", 2, 21),
        ("java", "pom.xml", "<maven.compiler.source>1.8</maven.compiler.source>", "1.8", 1, 8),
        (
            "java",
            "build.gradle",
            "java { toolchain {\n languageVersion = JavaLanguageVersion.of(17) } }",
            "17",
            2,
            17,
        ),
        ("java", "build.gradle.kts", "kotlin {\n  jvmToolchain(21)\n}", "21", 2, 21),
        ("java", "build.gradle", "sourceCompatibility = '11'", "11", 1, 11),
        ("java", ".tool-versions", "java temurin-21.0.2+13.0.LTS", "21", 1, 21),
        ("rust", "Cargo.toml", '[package]\nrust-version = "1.80"', "1.80", 2, 1),
        ("ruby", "Gemfile", 'source "x"\nruby "3.2.2"', "3.2.2", 2, 3),
        ("ruby", ".ruby-version", "ruby-3.3.0", "3.3.0", 1, 3),
        ("python", "pyproject.toml", '[project]\nrequires-python = ">=3.12"', ">=3.12", 2, 3),
        ("python", "pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"', "^3.9", 2, 3),
        ("python", "Pipfile", '[requires]\npython_version = "3.7"', "3.7", 2, 3),
        ("python", "Dockerfile", "FROM docker.io/python:3.13-slim AS x", "3.13", 1, 3),
    ],
)
def test_a_file_says_which_version_it_is_for(language, file, text, said, line, newest):
    found = wish(CATALOGUE[language], "web/", {f"web/{file}": text}.get)
    assert (found.text, found.place) == (said, f"web/{file}:{line}")
    assert found.wanted[0][0][0] == newest


def test_a_file_that_says_nothing_leaves_it_to_the_next():
    files = {"package.json": "{}", ".node-version": "20"}
    found = wish(CATALOGUE["node"], "", lambda name: files.get(name, ""))
    assert (found.place, found.is_strict) == (".node-version:1", False)
    assert wish(CATALOGUE["node"], "", lambda _: "") is None


@pytest.mark.parametrize(
    ("language", "command", "expected"),
    [
        ("node", "test -e x || npm install", True),
        ("node", "./node_modules/.bin/vite", False),
        ("java", "./mvnw -q spring-boot:run", True),
        ("python", "uv run python -m app", True),
        ("python", ".venv/bin/python app.py", False),
        ("python", "python3.12 -m venv .venv", True),
        ("go", "cargo run", False),
    ],
)
def test_a_command_needs_the_language_that_its_programs_are_of(language, command, expected):
    assert uses(CATALOGUE[language], command) is expected


def test_an_old_java_has_the_same_number_however_it_calls_itself():
    java = CATALOGUE["java"]
    assert java.reads("1.8.0_312")[:1] == java.reads("8.0.312")[:1] == (8,)
    assert java.reads("temurin-25-jdk-amd64")[:1] == (25,)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("{ python3.8 -m venv .venv || python3.7 -m venv .venv; } || python3 -m venv .venv", "3.8"),
        ("python3 -m venv .venv", ""),
        (".venv/bin/python3.8 main.py", ""),
    ],
)
def test_a_command_may_name_the_version_itself(command, said):
    found = named_in(CATALOGUE["python"], ("sh -c true", command))
    assert (found.text if found else "") == said
    assert found is None or not found.is_strict
    assert named_in(CATALOGUE["go"], (command,)) is None
