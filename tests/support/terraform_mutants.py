"""Small mistakes in valid Terraform, and what Terraform itself says of each of them.

Used by tests/infrastructure/test_agreement.py. Each mutant is a module of one root, so that
Terraform judges hundreds at once; what it refuses before it looks at values is taken out, and the
others are asked again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from terraformed import Terraform

BASES = Path(__file__).parents[1] / "infrastructure/valid"
#: What callers of the bases give them.
INPUTS = {"network": "", "service": '  image = "x"\n', "data": '  password = "x"\n'}
ROOT = """\
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}
"""
ARGUMENT = re.compile(r"^(\s+)([a-z_]+)(\s*=\s*)(.+)$")
#: What stands behind the first word of a name: another first word is another provider.
REFERENCE = re.compile(r"(?:(?<=var\.)|(?<=local\.)|(?<=each\.)|(?<=_vpc\.)|(?<=_queue\.))\w+")
CALL = re.compile(r"(?<=[ (])([a-z]+)(?=\()")
OPENS = ("{", "(", "[")
ROUNDS = 12

Edit = Callable[[random.Random, list[str], int], None]


@dataclass(frozen=True)
class Mutant:
    """A module with one mistake."""

    name: str
    kind: str
    base: str
    text: str


def misspell(chance: random.Random, word: str) -> str:
    """Change a word as typing does; its first two letters stay."""
    at = chance.randrange(2, len(word)) if len(word) > 2 else len(word)
    changes = (word[:at] + word[at + 1 :], word[:at] + word[at - 1] + word[at:], f"{word}x")
    return chance.choice([one for one in changes if one not in (word, "")])


def within(*kinds: str) -> Callable[[list[str], int], bool]:
    """Return what tells whether a line is an argument within such a block at the top."""

    def is_within(lines: list[str], at: int) -> bool:
        if not ARGUMENT.match(lines[at]) or lines[at].rstrip().endswith(OPENS):
            return False
        tops = (line for line in reversed(lines[:at]) if re.match(r"[a-z]", line))
        return next(tops, "").startswith(kinds)

    return is_within


def matching(pattern: str) -> Callable[[list[str], int], bool]:
    """Return what tells whether a line has a pattern."""
    return lambda lines, at: re.search(pattern, lines[at]) is not None


def name_of(chance: random.Random, lines: list[str], at: int) -> None:
    """Misspell the name of an argument."""
    lines[at] = ARGUMENT.sub(
        lambda found: f"{found[1]}{misspell(chance, found[2])}{found[3]}{found[4]}", lines[at]
    )


def value_of(*values: str) -> Edit:
    """Return what gives an argument another value."""

    def edit(chance: random.Random, lines: list[str], at: int) -> None:
        value = chance.choice(values)
        lines[at] = ARGUMENT.sub(lambda found: f"{found[1]}{found[2]}{found[3]}{value}", lines[at])

    return edit


def word_of(pattern: re.Pattern[str]) -> Edit:
    """Return what misspells the end of a word of a line."""

    def edit(chance: random.Random, lines: list[str], at: int) -> None:
        found = chance.choice(list(pattern.finditer(lines[at])))
        word = misspell(chance, found[0])
        lines[at] = lines[at][: found.start()] + word + lines[at][found.end() :]

    return edit


def added(*texts: str) -> Edit:
    """Return what adds a line behind another one."""
    return lambda chance, lines, at: lines.insert(at + 1, chance.choice(texts))


def again(chance: random.Random, lines: list[str], at: int) -> None:
    """Write an argument, or a whole block at the top, twice."""
    end = at
    while lines[at][0] != " " and lines[end] != "}" and not lines[end].endswith("{}"):
        end += 1
    lines[end + 1 : end + 1] = lines[at : end + 1]


def cut(chance: random.Random, lines: list[str], at: int) -> None:
    """Leave out what closes a text or a bracket."""
    lines[at] = lines[at].rstrip()[:-1]


def gone(chance: random.Random, lines: list[str], at: int) -> None:
    """Leave out a line."""
    del lines[at]


RESOURCE = r'^resource "aws_'
EDITS: dict[str, tuple[Callable[[list[str], int], bool], Edit]] = {
    "argument of a resource misspelt": (within("resource", "data"), name_of),
    "argument of a resource gone": (within("resource", "data"), gone),
    "argument of the language misspelt": (within("variable", "output"), name_of),
    "value of another type": (
        within("resource", "data"),
        value_of('"many"', '["a", "b"]', "{ a = 1 }", "true", '"10x"'),
    ),
    "word that is not taken": (matching(r'^ +(type|status|\w*(tocol|ator)) += "'), value_of('"x"')),
    "number that is not taken": (matching(r"= \d+$"), value_of("-5", "100000000")),
    "type of a resource misspelt": (matching(RESOURCE), word_of(re.compile(r'(?<="aws_)\w+'))),
    "block of the language misspelt": (
        matching(r"^(resource|output)"),
        word_of(re.compile(r"^\w+")),
    ),
    "name misspelt": (matching(REFERENCE.pattern), word_of(REFERENCE)),
    "function misspelt": (matching(CALL.pattern), word_of(CALL)),
    "default of another type": (matching(r"^  default +="), value_of('"many"', '["a"]', "3")),
    "type that is not one": (matching(r"^  type +="), value_of("text", "list(text)", "integer")),
    "two of a block": (matching(r"^(resource|variable|output)"), again),
    "two of an argument": (within("resource", "variable"), again),
    "not closed": (matching(r'["})\]]$'), cut),
    "both loops": (matching(r"^  count += "), added('  for_each = toset(["a"])')),
    "loop gone": (matching(r"^  for_each += "), gone),
    "dependency on nothing": (matching(RESOURCE), added("  depends_on = [aws_sqs_queue.none]")),
    "argument of the provider set": (matching(RESOURCE), added('  arn = "a"')),
}


def mutants(count: int, seed: int) -> list[Mutant]:
    """Make so many of each kind, where there are as many."""
    chance, made, texts = random.Random(seed), list[Mutant](), set[str]()
    for kind, (fits, edit) in EDITS.items():
        places = [(base, at) for base in INPUTS for at in fitting(base, fits)]
        for base, at in chance.sample(places, min(count, len(places))):
            lines = (BASES / f"{base}.tf").read_text().split("\n")
            edit(chance, lines, at)
            if (text := "\n".join(lines)) not in texts:
                texts.add(text)
                made.append(Mutant(f"m{len(made):03}", kind, base, text))
    return made


def fitting(base: str, fits: Callable[[list[str], int], bool]) -> Iterator[int]:
    """Yield the lines of a base that may be edited so."""
    lines = (BASES / f"{base}.tf").read_text().split("\n")
    yield from (at for at in range(len(lines)) if fits(lines, at))


def refused(made: list[Mutant], folder: Path) -> dict[str, str]:
    """Ask Terraform; return what it says of each mutant that it refuses."""
    for one in made:
        (folder / one.name).mkdir()
        (folder / one.name / "main.tf").write_text(one.text)
        (folder / one.name / "worker.zip").touch()
    terraform, said = Terraform.of(folder), dict[str, str]()
    for _ in range(ROUNDS):
        left = [one for one in made if one.name not in said]
        calls = (
            f'\nmodule "{one.name}" {{\n  source = "./{one.name}"\n{INPUTS[one.base]}}}\n'
            for one in left
        )
        (folder / "main.tf").write_text(ROOT + "".join(calls))
        if not (new := dict(answers(terraform))):
            return said
        said |= new
    raise AssertionError("Terraform refuses others each time")


def answers(terraform: Terraform) -> Iterator[tuple[str, str]]:
    """Yield the mutants that Terraform refuses, at the stage that it comes to."""
    begun = terraform.tried("init", "-input=false", "-backend=false")
    if begun.returncode:
        for text in re.split(r"(?m)^Error: ", begun.stderr)[1:]:
            if found := re.search(r"\b(m\d{3})\b", text):
                yield found[1], text
        return
    for one in json.loads(terraform.tried("validate", "-json").stdout)["diagnostics"]:
        found = re.search(r"\b(m\d{3})\b", json.dumps(one))
        if one["severity"] == "error" and found:
            yield found[1], f"{one['summary']}: {one.get('detail', '')}"
