"""Where the objects of an Application come from, and which differences it leaves to others."""

from __future__ import annotations

import fnmatch

from tarmac.base.foreign.reading import Fields, items, text


class Source:
    """A repository and a folder in it, or a chart."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def path(self) -> str | None:
        """The folder in the repository."""
        found = self.data.get("path")  # an element of a set has any type
        return None if found is None else str(found)

    @property
    def repository(self) -> str | None:
        """The repository's URL."""
        return text(self.data, "repoURL")

    @property
    def revision(self) -> str:
        """The branch, tag or commit that is followed; empty where none is named."""
        return str(self.data.get("targetRevision") or "")

    @property
    def chart(self) -> str | None:
        """The name of a published chart."""
        return text(self.data, "chart")

    @property
    def release(self) -> str | None:
        """The name of the chart's release."""
        return text(self.data, "helm", "releaseName")

    @property
    def value_files(self) -> tuple[str, ...]:
        """The files of values for the chart."""
        return items(self.data, "helm", "valueFiles")

    @property
    def tools(self) -> frozenset[str]:
        """The programs that make objects of its files: of `helm`, `kustomize` and `chart`."""
        return frozenset({"helm", "kustomize", "chart"} & self.data.keys())

    @property
    def recursive(self) -> bool:
        """Whether the folders in its folder are read, too."""
        return bool(self._directory("recurse"))

    @property
    def include(self) -> str:
        """The glob of the files that are read; empty: all."""
        return str(self._directory("include") or "")

    @property
    def exclude(self) -> str:
        """The glob of the files that are not read; empty: none."""
        return str(self._directory("exclude") or "")

    def takes(self, name: str) -> bool:
        """Tell whether a plain file is read, by its path in the folder.

        Args:
            name: from the folder of the source on; `{a,b}` in a glob is either, `*` is anything.
        """
        included = not self.include or _matches(name, self.include)
        return included and not (self.exclude and _matches(name, self.exclude))

    def _directory(self, key: str) -> object:
        directory = self.data.get("directory") or {}
        return directory.get(key)


def _matches(name: str, pattern: str) -> bool:
    inner = pattern[1:-1] if pattern.startswith("{") and pattern.endswith("}") else pattern
    parts = inner.split(",") if inner != pattern else [pattern]
    return any(fnmatch.fnmatchcase(name, part.strip()) for part in parts)


class IgnoredDifference:
    """Fields of some objects that an Application leaves to others."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def kind(self) -> str | None:
        """The kind of the objects; `*`: all."""
        return text(self.data, "kind")

    @property
    def name(self) -> str | None:
        """The name of the object; None or empty: any."""
        return text(self.data, "name")

    @property
    def pointers(self) -> tuple[str, ...]:
        """The fields as JSON pointers."""
        return items(self.data, "jsonPointers")

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields, those that are expressions for jq among them."""
        return (*self.pointers, *items(self.data, "jqPathExpressions"))
