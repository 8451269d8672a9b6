"""The documentation site builds strictly, reaches every page, and loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
#: What a page's own text links to; everything that a browser loads by itself is the site's.
_LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|icon|preconnect))"
    r"[^>]*\bhref=[\"']?(?:https?:)?//"
)


@pytest.fixture(scope="module")
def site():
    """Return docs/build_site.py as a module: docs/ is no package."""
    spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs/build_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(site, tmp_path_factory):
    """Build the site once."""
    dist = tmp_path_factory.mktemp("dist")
    done = site.build(dist)
    assert done.returncode == 0, done.stdout + done.stderr
    return dist


def pages_of(entries):
    """Return the pages of a navigation, at any depth."""
    for entry in entries:
        for value in entry.values():
            yield from [value] if isinstance(value, str) else pages_of(value)


def test_every_page_is_in_the_site(built):
    markdown = {p.relative_to(built / "docs") for p in (built / "docs").rglob("*.md")}
    html = {p.relative_to(built / "site") for p in (built / "site").rglob("*.html")}
    names = {"README": "index"}
    wanted = {p.with_name(f"{names.get(p.stem, p.stem)}.html") for p in markdown}
    assert len(wanted) > 80
    assert wanted - html == set()


def test_llms_txt_leads_to_each_page_of_the_navigation_as_text(built):
    text = (built / "site/llms.txt").read_text()
    found = re.findall(r"^- \[.+\]\((.+?)\)", text, re.MULTILINE)
    named = set(pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(found) == sorted(named - {"index.md"})
    assert all((built / "site" / page).read_text().startswith(("#", "<!--")) for page in found)
    assert "(explanation/why.md): A team of three to thirty people has several services" in text


def test_the_navigation_has_each_page_but_phases_and_decisions(built):
    named = set(pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    pages = {p.relative_to(built / "docs").as_posix() for p in (built / "docs").rglob("*.md")}
    numbered = {page for page in pages if re.search(r"/\d+-", page)}
    assert named == pages - numbered


def test_a_page_loads_nothing_from_another_host(built):
    pages = list((built / "site").rglob("*.html"))
    assert [str(p) for p in pages if _LOADED.search(p.read_text(encoding="utf-8"))] == []
    assert _LOADED.search('<link rel="stylesheet" href="https://fonts.example/a.css">')
    assert not _LOADED.search('<link rel="stylesheet" href="assets/a.css">')


def test_a_link_that_leads_nowhere_ends_the_build(site, tmp_path, monkeypatch):
    stage = site.stage

    def broken(folder):
        stage(folder)
        (folder / "index.md").write_text("# Home\n\n[gone](gone.md)\n")

    monkeypatch.setattr(site, "stage", broken)
    done = site.build(tmp_path)
    assert done.returncode != 0
    assert "page does not exist" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[kit](../../kit/README.md#test)", "[kit](../reference/kit-guide.md#test)"),
        ("[a](travel.md) [b](../README.md)", "[a](travel.md) [b](../index.md)"),
        ("[the file](../../systems/shop/tarmac.yaml)", "the file"),
        (
            "[web](https://example.com) [here](#use-it)",
            "[web](https://example.com) [here](#use-it)",
        ),
        ("[pages](../decisions)", "[pages](../decisions/index.md)"),
    ],
)
def test_a_link_out_of_the_documentation_becomes_one_of_the_site_or_text(site, text, expected):
    assert site.staged(text, "docs/tutorial/the-shop.md", "tutorial/the-shop.md") == expected
