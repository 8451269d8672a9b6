"""Which version of a language a repository is for, and where others than PATH's are installed.

One file for each language, with `TOOLCHAIN`. Pure data and readers of text: `local` looks at the
machine, and `doctor`, `up` and `init` say what it lacks.
"""

from __future__ import annotations

SHARED = ("ranges", "toolchain")
