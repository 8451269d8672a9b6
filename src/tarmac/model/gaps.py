"""What of a system could not be read: nothing is concluded from it, so no error draws others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gaps:
    """Names that stand in the file and were left out of the model, for what is wrong in them."""

    #: By section, e.g. services.
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Sections that are missing as a whole, e.g. broker.
    sections: frozenset[str] = frozenset()
    #: Services in the model whose parts could not be read.
    incomplete: frozenset[str] = frozenset()

    def and_of(self, other: Gaps) -> Gaps:
        """Add those of another file of the system."""
        names = {
            section: self.names.get(section, frozenset()) | other.names.get(section, frozenset())
            for section in {*self.names, *other.names}
        }
        return Gaps(names, self.sections | other.sections, self.incomplete | other.incomplete)

    def has(self, section: str, name: str) -> bool:
        """Tell whether a name that the model lacks may well be in the file."""
        return section in self.sections or name in self.names.get(section, ())

    def any(self, section: str) -> bool:
        """Tell whether anything of a section is missing."""
        return section in self.sections or bool(self.names.get(section))

    def left_out(self, section: str) -> list[str]:
        """List the names of a section that the model lacks and the file has."""
        return sorted(self.names.get(section, ()))
