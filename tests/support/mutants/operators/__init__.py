"""Ways to break a file, a family in each module: `mutate(artifact) -> Iterator[Mutant]`."""
