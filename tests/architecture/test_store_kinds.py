"""Only stores/ knows the kinds of stores: everybody else reads what a kind says about itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

#: Kinds that design and systems name, next to those that have a file today.
KINDS = {"postgres", "redis", "nats", "mail", "rabbitmq", "kafka", "mongodb", "s3"}


def _named_kind(node):
    """Tell whether an expression is something called kind: `kind`, `store.kind`, `spec["kind"]`."""
    match node:
        case (
            ast.Name(id=name)
            | ast.Attribute(attr=name)
            | ast.Subscript(slice=ast.Constant(value=name))
        ):
            return isinstance(name, str) and name.removesuffix("_id").endswith("kind")
    return False


def _literals(node):
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}


def kind_branches(tree, kinds):
    """Return the lines where something named kind is compared with a store kind's name."""
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                if any(_named_kind(s) for s in sides) and any(_literals(s) & kinds for s in sides):
                    lines.append(node.lineno)
            case ast.Match(subject=subject, cases=cases) if _named_kind(subject):
                lines += [c.pattern.lineno for c in cases if _literals(c.pattern) & kinds]
            case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "endswith")):
                if _named_kind(value) and _literals(node) & kinds:
                    lines.append(node.lineno)
            case ast.Subscript(value=ast.Dict(keys=keys), slice=key) if _named_kind(key):
                if any(k is not None and _literals(k) & kinds for k in keys):
                    lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "code",
    [
        "if store.kind == 'postgres': pass",
        "x = 1 if kind in ('redis', 'nats') else 2",
        "if spec['kind'] != 'mail': pass",
        "match binding.kind:\n    case 'nats': pass",
        "port = {'postgres': 5432}[kind]",
    ],
)
def test_a_branch_on_a_kind_is_recognised(code):
    assert kind_branches(ast.parse(code), KINDS)


@pytest.mark.parametrize(
    "code", ["if store.kind not in kinds: pass", "if edge.kind == 'calls': pass", "x = 'postgres'"]
)
def test_other_comparisons_are_allowed(code):
    assert kind_branches(ast.parse(code), KINDS) == []


def test_nobody_outside_stores_branches_on_a_stores_kind(root, shipped):
    kinds = KINDS | {
        Path(path).stem for path in (root / "src/tarmac/stores").glob("*.py") if path.stem[0] != "_"
    }
    tool = [s for s in shipped if s.name.startswith("src/tarmac/")]
    assert tool
    found = [
        f"{s.name}:{line}"
        for s in tool
        if not s.name.startswith("src/tarmac/stores/")
        for line in kind_branches(s.tree, kinds)
    ]
    assert found == []
