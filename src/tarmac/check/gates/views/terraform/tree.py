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


def list_items(node: Any) -> list[Any]:
    """List what is between the brackets of `[a, b]`; nothing of another expression."""
    while str(node.data) == "expr_term" and len(list(children(node))) == 1:
        node = next(children(node))
    found = list(children(node)) if node.data == "tuple" else []
    return [one for one in found if one.data != "new_line_or_comment"]
