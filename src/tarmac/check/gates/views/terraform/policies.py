"""Policy statements of IAM and of AWS Organizations, as Terraform has them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.conditions import TrustCondition, of_block, of_object
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.json_policies import of_text
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement
from tarmac.check.gates.views.terraform.tree import children, line_of, tree

#: In a document, by the name that JSON has for it.
NAMES = {
    "actions": "Action",
    "not_actions": "NotAction",
    "resources": "Resource",
    "not_resources": "NotResource",
    "effect": "Effect",
    "condition": "Condition",
    "principals": "Principal",
}
DOCUMENT, ASSIGNED = "aws_iam_policy_document", ("attribute", "object_elem")


def statements(files: Files) -> Iterator[PolicyStatement]:
    """Yield every statement that is written."""
    for source in sources(files):
        yield from _of_file(source.path, str(source.content))
    for artifact in files.artifacts:
        if artifact.path.endswith(".json") and '"Effect"' in (text := _text(artifact.content)):
            yield from of_text(artifact.path, text)


@lru_cache(maxsize=512)  # several gates ask, and environments share modules
def _of_file(path: str, text: str) -> tuple[PolicyStatement, ...]:
    # Most files have none, and the walk takes as long as the parsing.
    if DOCUMENT not in text and "Effect" not in text:
        return ()
    found = tree(path, text)
    return () if isinstance(found, Finding) else tuple(_statements(found, path, inside=False))


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""


def _statements(node: Any, path: str, *, inside: bool) -> Iterator[PolicyStatement]:
    for child in children(node):
        kind = child.data
        if kind == "block":
            names = [text for part in _names(child) for text in _texts(part)]
            if inside and names[:1] == ["statement"]:
                yield _statement(child.children[-1], child, path)
                continue
            inside_here = inside or names[:2] == ["data", DOCUMENT]
            yield from _statements(child, path, inside=inside_here)
            continue
        found = _parts(child) if kind == "object" else {}
        if "Effect" in found and ("Action" in found or "NotAction" in found):
            yield _statement(child, child, path)
            continue
        yield from _statements(child, path, inside=inside)


def _statement(node: Any, first: Any, path: str) -> PolicyStatement:
    block = first if first.data == "block" else node
    found = _parts(block)
    parts = {name: tuple(_texts(part)) for name, part in found.items()}
    conditions: list[TrustCondition] = []
    if block.data == "block":
        below = _blocks(block, "condition")
        conditions = [one for part in below for one in of_block(part, _texts)]
        if below:
            parts["Condition"] = tuple(text for part in below for text in _texts(part))
    elif "Condition" in found:
        conditions = [*of_object(found["Condition"], _texts)]
    where = f"{path}:{line_of(first)}"
    return PolicyStatement(where, parts, _is_partial(block), tuple(conditions))


def _blocks(block: Any, wanted: str) -> list[Any]:
    """List the blocks of a name directly inside of another one."""
    body = next((c for c in children(block) if c.data == "body"), block)
    inside = [c for c in children(body) if c.data == "block"]
    return [one for one in inside if [t for p in _names(one) for t in _texts(p)][:1] == [wanted]]


def _parts(node: Any) -> dict[str, Any]:
    """Find the arguments and blocks of a statement, by the names that JSON has for them."""
    found: dict[str, Any] = {}
    body = next((c for c in children(node) if c.data == "body"), node)
    for child in children(body):
        if child.data in ASSIGNED:
            name, *_ = [*_texts(child.children[0]), ""]
            found[NAMES.get(name, name)] = child.children[-1]
        elif child.data == "block":
            name, *_ = [text for part in _names(child) for text in _texts(part)]
            found.setdefault(NAMES.get(name, name), child)
    return found


def _is_partial(node: Any) -> bool:
    return any(
        str(part.data).startswith("for_") or "dynamic" in _texts(part.children[0])
        for part in node.iter_subtrees()
        if str(part.data).startswith("for_") or (part.data == "block" and part.children)
    )


def _names(block: Any) -> Iterator[Any]:
    yield from (child for child in children(block) if child.data in ("identifier", "string"))


def _texts(node: Any) -> list[str]:
    """Read names and texts below a node; a template as it is written."""
    if node.data == "string":
        return ["".join(str(token) for token in node.scan_values(lambda _: True)).strip('"')]
    if node.data == "identifier":
        return [str(node.children[0])]
    return [text for child in children(node) for text in _texts(child)]
