"""Only stores/ knows the kinds of stores: everybody else reads what a kind says about itself."""

from __future__ import annotations

import ast
import pkgutil

import pytest

from tarmac.base import registry
from tarmac.catalog import stores
from tarmac.catalog.stores.contents import StoreContents

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


def _is_part_of_a_name(parts, kinds, end):
    """Tell whether one of some texts begins (or ends) a kind's name."""
    return any(
        isinstance(part, str) and part and getattr(kind, end)(part)
        for part in parts
        for kind in kinds
    )


def kind_tables(tree, names):
    """Return the lines of dictionaries and lists of calls that have a row for each of some kinds.

    One name alone is a value like any other; two in one table are a list of kinds to keep.
    """
    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys):
                rows = [k.value for k in keys if isinstance(k, ast.Constant)]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                firsts = [e.args[0] for e in elements if isinstance(e, ast.Call) and e.args]
                rows = [f.value for f in firsts if isinstance(f, ast.Constant)]
            case _:
                continue
        if len({row for row in rows if isinstance(row, str)} & names) > 1:
            lines.append(node.lineno)
    return lines


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
            case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "endswith" as end)):
                if _named_kind(value) and _is_part_of_a_name(_literals(node), kinds, end):
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
        "if store.kind.startswith('post'): pass",
        "x = not server.kind.endswith('mq')",
    ],
)
def test_a_branch_on_a_kind_is_recognised(code):
    assert kind_branches(ast.parse(code), KINDS)


@pytest.mark.parametrize(
    "code",
    [
        "if store.kind not in kinds: pass",
        "if edge.kind == 'calls': pass",
        "x = 'postgres'",
        "if kind.startswith('Role'): pass",
    ],
)
def test_other_comparisons_are_allowed(code):
    assert kind_branches(ast.parse(code), KINDS) == []


def test_nobody_outside_stores_branches_on_a_stores_kind(shipped):
    kinds = KINDS | registry.load(stores, "STORE").keys()
    tool = [s for s in shipped if s.name.startswith("src/tarmac/")]
    assert tool
    found = [
        f"{s.name}:{line}"
        for s in tool
        if not s.name.startswith("src/tarmac/catalog/stores/")
        for line in kind_branches(s.tree, kinds)
    ]
    assert found == []


def exporters_named(tree, exporters):
    """Return the lines of texts that are an exporter's id: a key of a table, a side of a branch."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in exporters
    ]


def test_an_exporters_id_is_recognised():
    code = "PANELS = {'redis-exporter': panels}"
    assert exporters_named(ast.parse(code), {"redis-exporter"}) == [1]
    assert exporters_named(ast.parse("x = 'redis-exporters'"), {"redis-exporter"}) == []


def test_no_table_of_a_renderer_is_keyed_by_an_exporter(shipped):
    kinds = registry.load(stores, "STORE").values()
    # One whose exporter is its server itself has that exporter's id for its own.
    exporters = {kind.exporter.id for kind in kinds if kind.exporter} - {kind.id for kind in kinds}
    assert len(exporters) >= 5
    renderers = [s for s in shipped if s.name.startswith("src/tarmac/render/")]
    assert renderers
    found = [f"{s.name}:{line}" for s in renderers for line in exporters_named(s.tree, exporters)]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "names = {'postgres': 'db', 'redis': 'cache'}",
        "SERVERS = (Server('postgres', 5432), Server('redis', 6379))",
    ],
)
def test_a_table_of_kinds_is_recognised(code):
    assert kind_tables(ast.parse(code), KINDS)


@pytest.mark.parametrize("code", ["x = {'mail': 1, 'disk': 2}", "f(a('postgres'), b('redis'))"])
def test_other_tables_are_allowed(code):
    assert kind_tables(ast.parse(code), KINDS) == []


def test_nobody_outside_stores_keeps_a_table_of_kinds_or_of_their_exporters(shipped):
    kinds = registry.load(stores, "STORE")
    exporters = {kind.exporter.id for kind in kinds.values() if kind.exporter}
    assert len(exporters) > 3
    found = {
        s.name
        for s in shipped
        if s.name.startswith("src/tarmac/") and not s.name.startswith("src/tarmac/catalog/stores/")
        if kind_tables(s.tree, KINDS | kinds.keys()) or kind_tables(s.tree, exporters)
    }
    assert found == set(), "a row belongs into the file of its kind, as a field of it"


def _names_address(node):
    """Tell whether an expression has something called a scheme or a URL in it."""
    names = [
        n.id if isinstance(n, ast.Name) else n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Name | ast.Attribute)
    ]
    return any("scheme" in name or "url" in name.lower() for name in names)


def scheme_branches(tree, schemes):
    """Return the lines that decide by the scheme of a store's URL, or keep one for that."""
    begun = tuple(f"{scheme}://" for scheme in schemes)

    def is_scheme(value):
        return isinstance(value, str) and (value in schemes or value.startswith(begun))

    lines = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                found = _names_address(node) and any(map(is_scheme, _literals(node)))
            case ast.Match(subject=subject, cases=cases):
                patterns = (v for one in cases for v in _literals(one.pattern))
                found = _names_address(subject) and any(map(is_scheme, patterns))
            case ast.Call(func=ast.Attribute(attr="startswith" | "removeprefix"), args=args):
                found = any(map(is_scheme, (v for arg in args for v in _literals(arg))))
            case ast.Assign(value=ast.Constant() | ast.Tuple() | ast.List() as value):
                found = any(isinstance(v, str) and v in begun for v in _literals(value))
            case _:
                continue
        if found:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize(
    "code",
    [
        "if urlsplit(url).scheme == 'mysql': pass",
        "if scheme not in ('postgresql', 'redis'): pass",
        "if url.startswith(('postgres://', 'postgresql://')): pass",
        "x = url.removeprefix('redis://')",
        "SQL = ('postgres://', 'postgresql://')",
        "match scheme:\n    case 'redis': pass",
    ],
)
def test_a_branch_on_a_stores_scheme_is_recognised(code):
    assert scheme_branches(ast.parse(code), {"postgres", "postgresql", "redis", "mysql"})


@pytest.mark.parametrize(
    "code",
    [
        "if scheme not in kind.external: pass",
        "if url.startswith('https://'): pass",
        "url = f'postgresql://{host}'",
        "x = 'redis'",
    ],
)
def test_other_uses_of_schemes_are_allowed(code):
    assert scheme_branches(ast.parse(code), {"postgres", "postgresql", "redis", "mysql"}) == []


def test_nobody_but_the_files_of_the_kinds_branches_on_the_scheme_of_a_stores_url(shipped):
    kinds = registry.load(stores, "STORE").values()
    schemes = {scheme for kind in kinds for scheme in kind.external} - {"http", "https", "tls"}
    assert {"postgresql", "mysql", "redis", "mongodb", "s3"} <= schemes
    own = {kind.contents.partition(":")[0].replace(".", "/") for kind in kinds if kind.contents}
    files = tuple(f"src/{module}" for module in own)
    found = [
        f"{s.name}:{line}"
        for s in shipped
        if s.name.startswith("src/tarmac/")
        and not s.name.startswith(("src/tarmac/catalog/stores/", *files))
        for line in scheme_branches(s.tree, schemes)
    ]
    assert found == [], "say it in the file of the kind, e.g. as its `contents`"


def test_the_contents_that_a_kind_names_are_there_and_no_two_kinds_share_a_scheme_of_theirs():
    kinds = [kind for kind in registry.load(stores, "STORE").values() if kind.contents]
    assert {kind.id for kind in kinds} == {"postgres", "mysql", "redis"}
    for kind in kinds:
        assert isinstance(pkgutil.resolve_name(kind.contents), StoreContents)
    schemes = [scheme for kind in kinds for scheme in kind.external]
    assert len(schemes) == len(set(schemes))
