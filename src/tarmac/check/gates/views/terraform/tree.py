"""The syntax tree of a file of Terraform, parsed once for all that read it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tarmac.base.foreign import hcl
from tarmac.base.foreign.hcl_words import UnusualError
from tarmac.base.report import Finding

COMMENT = "new_line_or_comment"
#: Expressions whose value is known with others alone.
COMPUTED = ("function_call", "get_attr_expr_term", "interpolation", "index_expr_term",
            "for_tuple_expr", "for_object_expr", "conditional")  # fmt: skip
#: The end of a text of several lines, with a blank behind it, which Terraform takes and hcl2 not.
_BLANK_END = re.compile(r"(<<-?\s*(\w+)\n(?:.*\n)*?[ \t]*\2)[ \t]+$", re.MULTILINE)


@lru_cache(maxsize=4096)
def tree(path: str, text: str) -> Any:
    """Parse a file; return a finding where it is not HCL."""
    whole = _BLANK_END.sub(r"\1", text)
    whole = whole if whole.endswith("\n") else f"{whole}\n"
    with contextlib.suppress(UnusualError):
        return hcl.parse(whole)
    # Its grammar takes 0.2 s to load: only where a file is unusual, or wrong.
    import hcl2  # noqa: PLC0415
    from lark.exceptions import LarkError, UnexpectedInput  # noqa: PLC0415

    try:
        return hcl2.parses_to_tree(whole)
    except UnexpectedInput as error:
        what = "cannot be read as HCL from here on; correct it, `terraform validate` says more"
        return Finding(f"{path}:{max(error.line, 1)}", what)
    except LarkError as error:
        return Finding(path, f"cannot be read as HCL ({type(error).__name__}); correct it")


def children(node: Any) -> Iterator[Any]:
    """Yield the trees directly below a node, without its tokens."""
    yield from (child for child in node.children if hasattr(child, "children"))


def line_of(node: Any) -> int:
    """Find the line on which a node begins."""
    return int(next(node.scan_values(lambda token: hasattr(token, "line"))).line)


def inner(node: Any) -> Any:
    """Take away what an expression is wrapped in."""
    while str(node.data) in ("expr_term", "object_elem_key"):
        below = [one for one in children(node) if one.data != COMMENT]
        if len(below) != 1:
            break
        node = below[0]
    return node


def words(node: Any) -> str:
    """Read a name or a text as it is written, without quotes."""
    return "".join(str(token) for token in node.scan_values(lambda _: True)).strip('"')


def list_items(node: Any) -> list[Any]:
    """List what is between the brackets of `[a, b]`; nothing of another expression."""
    own = inner(node)
    found = children(own) if own.data == "tuple" else ()
    return [one for one in found if one.data != COMMENT]
