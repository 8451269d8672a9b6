"""The contracts of extensions are what tests/contract/extend.txt says: a change is made on purpose.

UPDATE_EXTEND=1 writes that file. Its difference is read in review: what may change when stands in
the docstring of tarmac.extend, and a line of CHANGELOG.md tells those that extend Tarmac.
"""

from __future__ import annotations

import enum
import inspect
import os
import re
from functools import cached_property
from pathlib import Path

from tarmac import extend

PINNED = Path(__file__).with_name("extend.txt")


#: Names in annotations that Python itself brings.
PLAIN = {
    *("AbstractAsyncContextManager", "Awaitable", "Coroutine"),
    *("AbstractContextManager", "Any", "Callable", "Collection", "Iterable", "Iterator", "Mapping"),
    *("Literal", "None", "Path", "Self", "Sequence"),
}


def pinned(annotation):
    """Write a type as it is pinned: one that is not a contract itself may be called otherwise."""
    text = str(annotation)
    own = set(re.findall(r"\b[A-Z]\w+", text)) - PLAIN - set(extend.__all__)
    return "(not a contract)" if own else text


def described(name, value):
    """Yield a line for a contract, and one for each of its public parts."""
    if inspect.isfunction(value):
        signature = re.sub(r"<function (\w+) at \w+>", r"\1", str(inspect.signature(value)))
        yield f"{name}{signature}"
    elif not inspect.isclass(value):
        yield f"{name}: {value!r}"
    elif issubclass(value, enum.Enum):
        yield f"{name}: {', '.join(member.name for member in value)}"
    else:
        bases = [base.__name__ for base in value.__bases__ if base.__name__ in extend.__all__]
        yield f"class {name}" + (f"({', '.join(bases)})" if bases else "")
        if hasattr(value, "__dataclass_fields__"):
            for parameter in inspect.signature(value).parameters.values():
                # A default is a matter of behaviour; whether there is one is of the contract.
                optional = parameter.default is not inspect.Parameter.empty
                yield f"    {parameter.name}: {pinned(parameter.annotation)}{' = ...' * optional}"
        for part, what in sorted(vars(value).items()):
            if not part.startswith("_") and inspect.isfunction(what):
                yield f"    {part}{pinned(inspect.signature(what))}"
            elif not part.startswith("_") and isinstance(what, (property, cached_property)):
                read = what.fget if isinstance(what, property) else what.func
                yield f"    {part} -> {pinned(inspect.signature(read).return_annotation)}"


def test_names_and_signatures_change_on_purpose_only():
    lines = [line for name in extend.__all__ for line in described(name, getattr(extend, name))]
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_EXTEND"):
        PINNED.write_text(text)
    assert text.splitlines() == PINNED.read_text().splitlines()


def test_all_of_it_is_documented_and_listed():
    public = {name for name in vars(extend) if name[0] not in "_@"} - {"annotations"}
    assert public == set(extend.__all__)
    plain = {"PHASES", "Text", "Witness"}
    bare = [n for n in extend.__all__ if n not in plain and not getattr(extend, n).__doc__]
    assert bare == []
    assert "semantic versioning" in extend.__doc__
    for group in (
        "tarmac.stores",
        "tarmac.renderers",
        "tarmac.gates",
        "tarmac.recognisers",
        "tarmac.faults",
    ):
        assert group in extend.__doc__
