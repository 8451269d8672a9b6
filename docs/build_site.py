"""Build the documentation site into dist/site/ from docs/, strictly and without a network.

`make site` calls it, and tests/docs/test_site.py. Pages keep the links that a reader of the
repository follows; here the kit's page and those of the repository's root are copied beside the
others, and a link to any other file outside docs/ becomes plain text. It changes nothing in docs/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
#: Pages from outside docs/, and where the site has them.
GUESTS = {
    "kit/README.md": "reference/kit-guide.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
FOLDERS = {"docs/decisions": "decisions/index.md"}
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def staged(text: str, source: str, page: str) -> str:
    """Return a page's text with links that work in the site.

    Args:
        text: the page.
        source: its path in the repository.
        page: its path in the site.
    """

    def link(match: re.Match[str]) -> str:
        words, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match.group()
        path, _, anchor = target.partition("#")
        found = os.path.normpath(Path(source).parent / path)
        place = GUESTS.get(found) or FOLDERS.get(found)
        if not place and found.startswith("docs/") and (ROOT / found).is_file():
            place = "index.md" if found == "docs/README.md" else found.removeprefix("docs/")
        if not place:
            return words
        moved = os.path.relpath(place, Path(page).parent)
        return f"[{words}]({moved}{'#' if anchor else ''}{anchor})"

    return _LINK.sub(link, text)


def stage(folder: Path) -> None:
    """Write every page of the site into a folder, as Markdown."""
    pages = {
        path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).as_posix()
        for path in sorted(DOCS.rglob("*"))
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    pages["docs/README.md"] = "index.md"
    decisions = [page for page in pages.values() if page.startswith("decisions/")]
    for source, page in (pages | GUESTS).items():
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".md":
            text = (ROOT / source).read_text(encoding="utf-8")
            target.write_text(staged(text, source, page), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    lines = ["# Decisions", "", "Each is one page, in the order in which they were made.", ""]
    for page in decisions:
        title = (folder / page).read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        lines.append(f"- [{title}]({Path(page).name})")
    (folder / "decisions/index.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def build(dist: Path) -> subprocess.CompletedProcess[str]:
    """Build the site below a folder: `docs/` is what it is made of, `site/` the result."""
    for previous in (dist / "docs", dist / "site"):
        shutil.rmtree(previous, ignore_errors=True)
    stage(dist / "docs")
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= {"docs_dir": "docs", "site_dir": "site"}
    (dist / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    zensical = Path(sys.executable).with_name("zensical")
    return subprocess.run(
        [zensical, "build", "--strict", "--clean", "--config-file", dist / "mkdocs.yml"],
        cwd=dist,
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> int:
    """Build dist/site/ and say where it begins."""
    built = build(ROOT / "dist")
    print(built.stdout + built.stderr, end="")
    if built.returncode == 0:
        print("open dist/site/index.html")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
