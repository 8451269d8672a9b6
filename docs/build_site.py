"""Build the documentation site into dist/site/ from docs/, strictly and without a network.

`make site` calls it, and tests/docs/test_site.py. Pages keep the links that a reader of the
repository follows; here the kit's page and those of the repository's root are copied beside the
others, and a link to any other file outside docs/ becomes plain text. It changes nothing in docs/.
Beside the pages lie their sources, and llms.txt, which lists them for programs that read text.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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


def sections(nav: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each section of the navigation with its pages as (title, path)."""
    for entry in nav:
        for title, inside in entry.items():
            if not isinstance(inside, str):
                pages = [(title, page) for one in inside for title, page in one.items()]
                yield title, [pair for pair in pages if isinstance(pair[1], str)]
                yield from sections([one for one in inside if not _is_page(one)])


def _is_page(entry: Mapping[str, Any]) -> bool:
    return all(isinstance(inside, str) for inside in entry.values())


def listing(config: Mapping[str, Any], folder: Path) -> str:
    """Write llms.txt: each page as Markdown with its first sentence, for programs that read."""
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}"]
    for section, pages in sections(config["nav"]):
        lines += ["", f"## {section}", ""]
        for title, page in pages:
            text = (folder / page).read_text(encoding="utf-8")
            said = first_sentence(text)
            lines.append(f"- [{title}]({page})" + (f": {said}" if len(said) > len(title) else ""))
    return "\n".join([*lines, ""])


def first_sentence(text: str) -> str:
    """Return the first sentence of a page, its links as plain text."""
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", text))
    prose = next((part for part in paragraphs if part and part[0] not in "#<|-`>!"), "")
    plain = " ".join(_LINK.sub(r"\1", prose).split())
    return re.split(r"(?<=[.?])\s", plain, maxsplit=1)[0]


def build(dist: Path) -> subprocess.CompletedProcess[str]:
    """Build the site below a folder: `docs/` is what it is made of, `site/` the result."""
    for previous in (dist / "docs", dist / "site"):
        shutil.rmtree(previous, ignore_errors=True)
    stage(dist / "docs")
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    config |= {"docs_dir": "docs", "site_dir": "site"}
    (dist / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    zensical = Path(sys.executable).with_name("zensical")
    built = subprocess.run(
        [zensical, "build", "--strict", "--clean", "--config-file", dist / "mkdocs.yml"],
        cwd=dist,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode == 0:
        (dist / "site/llms.txt").write_text(listing(config, dist / "docs"), encoding="utf-8")
        for page in (dist / "docs").rglob("*.md"):
            shutil.copyfile(page, dist / "site" / page.relative_to(dist / "docs"))
    return built


def main() -> int:
    """Build dist/site/ and say where it begins."""
    built = build(ROOT / "dist")
    print(built.stdout + built.stderr, end="")
    if built.returncode == 0:
        print("open dist/site/index.html")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
