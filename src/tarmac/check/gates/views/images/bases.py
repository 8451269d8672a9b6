"""Bases of images: whether two builds of one commit get the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.views.images.dockerfiles import filled
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.published import published

#: A base that is an argument of the build as a whole.
_GIVEN = re.compile(r"\$\{?\w+\}?")

#: Images of Alpine, by their name or their tag: their C library is musl, and they have no bash.
ALPINE = re.compile(r"((.*/)?alpine|(.*/)?[\w.-]+:[\w.-]*alpine[\w.-]*)([:@].*)?")
_VERSION = re.compile(r":(?!latest$)")


def base_faults(instruction: Instruction, given: dict[str, str], stages: set[str]) -> Iterator[str]:
    """Yield what is wrong with the base that a FROM names, and add the name of its stage.

    Args:
        given: the defaults of the arguments above it.
        stages: the names of the stages above it.
    """
    words = instruction.operands
    image = filled(words[0] if words else "", given)
    if len(words) == 3:
        stages.add(words[2])
    named = set(re.findall(r"\$\{?(\w+)(?!\w*:-)", words[0] if words else ""))
    if not image or not all(map(given.get, named)):
        yield f"its base is not known ({instruction.rest}); give its ARG a default that is pinned"
    elif image == "scratch" or image in stages or "@sha256:" in image or image.isupper():
        return  # one in capitals a script replaces before the file is built
    elif image.startswith(tuple(published("distroless")["names"])) and not _VERSION.search(image):
        # Its tags are `latest`, `nonroot` and `debug`, and all of them move.
        yield f"its base moves ({image}), and has no versions; pin its digest: @sha256:..."
    elif ":" not in image.rsplit("/", 1)[-1]:
        which = "that a build may give " if _GIVEN.fullmatch(words[0]) else ""
        said = f"its base {which}has no tag ({image}), so its version varies"
        yield f"{said}; pin it: {image}:VERSION"
    elif image.endswith(":latest"):
        yield f"its base is not a fixed version ({image}); pin one"
