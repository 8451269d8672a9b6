"""The reader of usual HCL: the same as python-hcl2 says, and nothing that Terraform refuses."""

from __future__ import annotations

import random
from importlib.resources import files

import hcl2
import pytest
from lark.exceptions import LarkError

from tarmac.base.foreign import hcl
from tarmac.base.foreign.hcl_words import UnusualError
from tarmac.check.gates.terraform.inf012_event_patterns import _written
from tarmac.check.gates.views.terraform import policies, settings

ASSETS = files("tarmac") / "assets" / "terraform"
USUAL = """
# a comment
module "eks" {
  source   = "./modules/eks" // where it is
  names    = [for name, one in var.groups : upper(name) if one.size > 2 && !one.spare]
  groups   = { for name in keys(var.postgres) : name => module.postgres[name].endpoint... }
  min_size = -2
  price    = 1.5e3
  size     = var.large ? 3 : (var.small ? 1 : 2)
  nested   = { "a b" : "x-${lookup(var.tags, "k", "none")}-y", in = null, (local.key) = [1, 2,], }
  all      = aws_subnet.private[*].id
  old      = aws_subnet.private.*.id
  sum      = 1 + 2 * 3 % var.n
  cost     = "$${not.read} 5 % of $"
  script   = <<-EOT
    echo "${var.name}"
  EOT
  for_each = toset(["a", "b"])

  dynamic "ingress" {
    for_each = var.ports
    content { from_port = ingress.value }
  }
  /* and one more */
  lifecycle {}
}
"""
REFUSED = [
    "a = 1 b = 2\n",
    "a = \n",
    "a { b = 1\n",
    "a {} }\n",
    "a = [1 2]\n",
    "a = { b = 1 c = 2 }\n",
    'a = "x\ny"\n',
    'a = "${b"\n',
    'a = "%{ if b }x%{ endif }"\n',
    "a = 1 +\n2\n",
    "a = f(1, )...\n",
    "a = f(x..., 1)\n",
    "a { b = 1, c = 2 }\n",
    "a { b { c = 1 } }\n",
    "a = 5x\n",
    "a = [for x b : x]\n",
    "a = <<E\nx\n",
    "a =" + "[" * 500 + "]" * 500 + "\n",
    "a = b" + ".c" * 500 + "\n",
    "a = 1" + " + 1" * 500 + "\n",
    "a = " + "b ? c : " * 500 + "d\n",
]


def told(node: object) -> object:
    """All that gates read in a tree."""
    return (
        list(settings._walk(node, (), "f")),
        list(policies._statements(node, "f", inside=False)),
        repr(list(_written(node))),
    )


def texts() -> list[str]:
    """Every file of Terraform that ships with Tarmac, and one with all that is usual."""
    shipped = [path for path in ASSETS.rglob("*") if path.suffix in (".tf", ".tfvars", ".hcl")]
    return [USUAL, *(f"{path.read_text(encoding='utf-8').rstrip()}\n" for path in sorted(shipped))]


def test_usual_files_are_read_as_by_the_library():
    found = texts()
    assert len(found) > 50
    for text in found:
        assert told(hcl.parse(text)) == told(hcl2.parses_to_tree(text))


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_wrong_or_unusual_is_left_to_the_library(text):
    with pytest.raises(UnusualError):
        hcl.parse(text)


def test_a_mutated_file_is_read_as_by_the_library_or_left_to_it():
    chosen, found = random.Random(7), [text for text in texts() if len(text) < 1500]
    signs = ["\n", " ", '"', "{", "}", "[", "]", "(", ")", "=", ".", ",", "${", "%{", "5", "for"]
    read = 0
    for _ in range(150):
        text = chosen.choice(found)
        place = chosen.randrange(len(text))
        text = text[:place] + chosen.choice(signs) + text[place + chosen.choice((0, 1)) :] + "\n"
        try:
            ours = hcl.parse(text)
        except UnusualError:
            continue
        try:
            theirs = hcl2.parses_to_tree(text)
        except LarkError as error:
            pytest.fail(
                f"read, and not HCL to the library ({error}): {text[place - 40 : place + 40]}"
            )
        assert told(ours) == told(theirs)
        read += 1
    assert read > 20


def test_lines_are_those_of_the_file():
    found = {one.path: one.line for one in settings._walk(hcl.parse(USUAL), (), "f")}
    assert found["module", "eks", "source"] == 4
    assert found["module", "eks", "for_each"] == 18
    assert found["module", "eks", "dynamic", "ingress", "for_each"] == 21
