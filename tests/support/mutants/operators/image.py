"""An image is another one: by the tag `latest`, by none, by another version, without its digest."""

from __future__ import annotations

from collections.abc import Iterator

from mutants.mutant import Mutant, data_of, exchanged, lines_of, parts, retexted
from tarmac.base.artifact import Artifact


def mutate(artifact: Artifact) -> Iterator[Mutant]:
    data = data_of(artifact)
    for path, value in parts(data) if data is not None else ():
        if path[-1] == "image" and isinstance(value, str) and ":" in value:
            for how, new in _others(value):
                yield exchanged(f"image-{how}", artifact, path, value, new)
    for number, line in enumerate(lines_of(artifact)):
        words = line.split()
        if len(words) > 1 and words[0] == "FROM" and ":" in words[1]:
            for how, new in _others(words[1]):
                yield retexted(
                    f"image-{how}", artifact, number, [" ".join(["FROM", new, *words[2:]])]
                )


def _others(image: str) -> Iterator[tuple[str, str]]:
    named, _, _ = image.partition("@")
    name, sign, tag = named.rpartition(":")
    if "/" in tag or not sign:
        return
    yield "latest", f"{name}:latest"
    yield "untagged", name
    yield "version", f"{name}:{tag}0"
