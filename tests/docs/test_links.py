"""Every relative link in the repository's pages leads to a file, and every anchor to a heading."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def pages():
    """Return the Markdown files that git knows or would take, in a stable order."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(path for path in listed.splitlines() if (ROOT / path).is_file())


def anchors(text):
    """Return the anchors of a page's headings, spelled as GitHub spells them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", _CODE.sub("", text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def broken_links(path, text):
    """Return the links of one page that lead nowhere; addresses of other hosts are not followed."""
    broken = []
    for link in _LINK.findall(_CODE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.read_text())
        ):
            broken.append(link)
    return broken


def test_every_relative_link_of_a_page_leads_somewhere():
    broken = {page: broken_links(ROOT / page, (ROOT / page).read_text()) for page in pages()}
    assert {page: links for page, links in broken.items() if links} == {}


def test_a_link_that_leads_nowhere_is_recognised(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One `thing`, said\n")
    text = "[a](gone.md) [b](page.md#one-thing-said) [c](page.md#two) [d](https://example.com/x)"
    assert broken_links(page, text) == ["gone.md", "page.md#two"]


def test_every_page_under_docs_can_be_reached_from_another_page():
    linked = set()
    for page in pages():
        for link in _LINK.findall((ROOT / page).read_text()):
            linked.add((ROOT / page).parent.joinpath(link.partition("#")[0]).resolve())
    folders = {path for path in linked if path.is_dir()}
    orphans = [
        page
        for page in pages()
        if page.startswith("docs/")
        and page != "docs/README.md"
        and (ROOT / page) not in linked
        and (ROOT / page).parent not in folders
    ]
    assert orphans == []
