"""A report's writers show every character of its text, and make no markup of any."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tarmac.base.report import Status
from tarmac.reports import as_html, as_markdown, plots
from tarmac.reports.document import (
    Claim,
    Claims,
    Document,
    Paragraph,
    Plot,
    Section,
    Step,
    Steps,
    Table,
    verdict,
)

#: As forges read it.
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
#: What has a meaning in Markdown or HTML, letters, and what no line has.
WORDS = st.text(st.sampled_from("ab1 `*_[]()<>&|~#+-=.!\\/:@\"'\n\té"), max_size=30)
MARKUP = {"link_open", "image", "html_inline", "em_open", "s_open"}


def shown(markdown: str) -> str:
    """Return the text that a reader of Markdown sees, without spaces and backticks."""
    found = []
    for token in MARKDOWN.parse(markdown):
        for inner in token.children or ():
            if inner.content in ("<code>", "</code>") and inner.type == "html_inline":
                continue  # of code that has a bar
            assert inner.type not in MARKUP, (markdown, inner)
            found.append(inner.content)
    return "".join("".join(found).replace("`", "").split())


class Page(HTMLParser):
    """The elements of a page, their attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.words.append(data)


def of(*blocks, title: str = "T") -> Document:
    section = Section("Of it", tuple(blocks))
    return Document(title, (("system", "shop"),), "All is said.", (section,))


@given(WORDS)
@example("a_b_ `c` _d_")
@example("[a](b) <i> &amp; | ~~x~~")
@example("# a\n- b\n1. c")
@example("`a|<b>`")
def test_markdown_shows_text_of_others_as_it_stands_and_makes_no_markup_of_it(text):
    blocks = (Paragraph(text), Claims((Claim(f"x {text}", Status.PASS, "", (f"y {text}",)),)))
    tokens = MARKDOWN.parse(as_markdown.write(of(*blocks)))
    assert [t.type for t in tokens].count("heading_open") == 2
    assert [t.type for t in tokens].count("bullet_list_open") == 3
    assert not {t.type for t in tokens} & {"html_block", "ordered_list_open", "code_block", "fence"}
    plain = "".join(text.replace("`", "").split())
    seen = shown(as_markdown.write(of(*blocks)))
    assert seen == f"Tsystem:shopAllissaid.Ofit{plain}passx{plain}y{plain}"


@given(WORDS | st.text(max_size=20))
@example("</style><script>alert(1)</script>")
@example('"><img src=x onerror=alert(1)>')
@example("\x00\x0b`a``b")
def test_html_shows_text_of_others_as_it_stands_and_makes_no_markup_of_it(text):
    text = f"x{text}"
    page = as_html.write(of(*blocks_of(text), title=text))
    seen, plain = Page(page), Page(as_html.write(of(*blocks_of("x"), title="x")))
    assert [t for t in seen.tags if t != "code"] == [t for t in plain.tags if t != "code"]
    assert seen.names <= plain.names
    assert not {"script", "link", "img"} & {*seen.tags}
    assert not {"src", "href", "style"} & seen.names
    shown = "".join("".join(seen.words).replace("`", "").split())
    kept = "".join(as_html.CONTROLS.sub("\ufffd", text).replace("`", "").split())
    # A label of a plot is cut, and it is there once more in full.
    assert shown.count(kept) >= 11


def blocks_of(text):
    return (
        Paragraph(text), Table((text,), ((text,),)), Steps((Step(text, (text,)),)),
        Claims((Claim(text, Status.FAIL, text, (text,), text, (text,)),)),
        Plot(plots.bars([plots.Bar(text, 1.0, text)], text), text),
    )  # fmt: skip


@given(st.lists(WORDS, min_size=2, max_size=2))
@example(["a|b", "`a|b`"])
def test_a_cell_of_a_markdown_table_stays_one_cell(cells):
    written = as_markdown.write(of(Table(("Head", "Head"), (("x", *cells[1:]), tuple(cells)))))
    types = [token.type for token in MARKDOWN.parse(written)]
    assert (types.count("td_open"), types.count("th_open")) == (4, 2)


@given(WORDS)
def test_a_command_is_code_whatever_it_has(text):
    written = as_markdown.code(f"a {text} b")
    (inline,) = (token for token in MARKDOWN.parse(written) if token.type == "inline")
    (only,) = inline.children
    assert (only.type, only.content) == ("code_inline", " ".join(f"a {text} b".split()))


def test_a_claim_says_its_level_its_proof_and_what_would_show_it():
    claim = Claim(
        "Pods restart", Status.NEEDS_CLUSTER, "tested@tree", ("gate REL001: passes",),
        "no node ran it", ("kubectl get pods",),
    )  # fmt: skip
    steps = Steps((Step("Look at it.", ("kubectl get nodes",)),))
    assert as_markdown.write(of(Claims((claim,)), steps)).partition("## Of it")[2] == (
        "\n\n- **needs cluster** Pods restart (so far tested@tree)\n  - gate REL001: passes\n"
        "  - missing: no node ran it\n  - to show it: `kubectl get pods`\n\n"
        "1. Look at it.\n   - `kubectl get nodes`\n"
    )


def test_a_section_passes_only_where_all_of_it_is_shown():
    passes, skipped, empty = Status.PASS, Status.SKIPPED, Status.NOT_APPLICABLE
    assert verdict([passes, passes]) == "PASS"
    assert [verdict(x) for x in ([], [skipped], [passes, empty], [passes, skipped])] == ["OPEN"] * 4
    assert verdict([passes, skipped, Status.FAIL]) == verdict([Status.ERROR]) == "FAIL"


def test_a_bar_is_as_long_as_its_figure_and_its_mark_stands_at_what_was_asked():
    figures = [plots.Bar("a", 10.0, "10 s", 40.0), plots.Bar("b", 80.0, "80 s", 40.0, False)]
    drawn = plots.bars(figures, "seconds")
    short, long = drawn.findall("rect")
    assert (short.get("class"), long.get("class")) == ("good", "failed")
    assert 8 * float(short.get("width")) == float(long.get("width")) == plots.LONGEST
    marks = [line.get("x1") for line in drawn.findall("line") if line.get("class") == "asked"]
    assert marks == [f"{plots.LEFT + plots.LONGEST / 2:.1f}"] * 2


def test_markdown_has_the_table_of_a_plot_and_no_picture():
    drawing = plots.bars([plots.Bar("a", 1.0, "1 s")], "seconds")
    written = as_markdown.write(of(Table(("A",), (("1 s",),)), Plot(drawing, "seconds")))
    assert "| 1 s |" in written
    assert "svg" not in written
