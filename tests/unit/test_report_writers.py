"""A report's writers show every character of its text, and make no markup of any."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tarmac.base.report import Status
from tarmac.reports import as_markdown
from tarmac.reports.document import (
    Claim,
    Claims,
    Document,
    Paragraph,
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
            assert inner.type not in MARKUP, (markdown, inner)
            found.append(inner.content)
    return "".join("".join(found).replace("`", "").split())


def of(*blocks, title: str = "T") -> Document:
    section = Section("Of it", tuple(blocks))
    return Document(title, (("system", "shop"),), "All is said.", (section,))


@given(WORDS)
@example("a_b_ `c` _d_")
@example("[a](b) <i> &amp; | ~~x~~")
@example("# a\n- b\n1. c")
def test_markdown_shows_text_of_others_as_it_stands_and_makes_no_markup_of_it(text):
    blocks = (Paragraph(text), Claims((Claim(f"x {text}", Status.PASS, "", (f"y {text}",)),)))
    tokens = MARKDOWN.parse(as_markdown.write(of(*blocks)))
    assert [t.type for t in tokens].count("heading_open") == 2
    assert [t.type for t in tokens].count("bullet_list_open") == 3
    assert not {t.type for t in tokens} & {"html_block", "ordered_list_open", "code_block", "fence"}
    plain = "".join(text.replace("`", "").split())
    seen = shown(as_markdown.write(of(*blocks)))
    assert seen == f"Tsystem:shopAllissaid.Ofit{plain}passx{plain}y{plain}"


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
