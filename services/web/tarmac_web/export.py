"""Writes the static files by the names under which pages ask for them.

`python -m tarmac_web.export FOLDER`, for a bucket behind a CDN, which is to have each file
before the first page that names it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tarmac_web import assets


def export(folder: Path) -> list[Path]:
    """Write every file below a folder, as its address says, and return their paths."""
    loaded = assets.load()
    written = []
    for name, asset in loaded.by_name.items():
        path = folder / loaded.path(name).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(asset.body)
        written.append(path)
    return written


def main() -> int:
    """Export to the folder that the command line names."""
    if len(sys.argv) != 2:
        print("usage: python -m tarmac_web.export FOLDER", file=sys.stderr)
        return 2
    print(f"{len(export(Path(sys.argv[1])))} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
