"""Reads HCL as it is usually written, in a sixth of the time that python-hcl2 takes.

Called where Terraform's files are judged, which hands all that is refused here to python-hcl2: that
decides what is HCL, and says where a file is not. So this may refuse anything (directives of
templates, texts over several lines, unusual line ends), and must not take what Terraform refuses.
The nodes are named as in the library's grammar; comments and line ends between them are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tarmac.base.foreign.hcl_words import UnusualError, Word, word_of, words_of


class Node:
    """A part of a file: `data` is its kind, as in the library's trees."""

    __slots__ = ("children", "data")

    def __init__(self, data: str, children: list[Any]) -> None:
        self.data = data
        self.children = children

    def scan_values(self, wanted: Callable[[Any], bool]) -> Iterator[Any]:
        """Yield the tokens below, in order."""
        for child in self.children:
            if isinstance(child, Node):
                yield from child.scan_values(wanted)
            elif wanted(child):
                yield child

    def iter_subtrees(self) -> Iterator[Node]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.iter_subtrees()


#: As tightly as they bind.
_BINARY = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5,
    "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_FIRST = (
    "NAME", "TEXT", "QUOTE", "INT", "FLOAT", "(", "[", "OPEN", "HEREDOC", "HEREDOC_TRIM",
)  # fmt: skip
_LITERALS = ("true", "false", "null")
_KEYWORDS = ("in", "for", "if", "for_each", "else", "endif", "endfor")
#: Nodes in nodes of one expression; more than files have, and far from the end of Python's stack.
_MOST_DEEP = 60


def parse(text: str) -> Node:
    """Read a file. Raises UnusualError."""
    reader = _Reader(words_of(text))
    body = reader.body()
    if reader.kind() != "END":
        raise UnusualError
    return Node("start", [body])


class _Reader:
    """Reads words in order; `inside` is true where an end of line says nothing."""

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.at = 0
        self.inside = False
        self.deep = 0

    def kind(self) -> str:
        """Tell the kind of the next word."""
        if self.inside:
            self.skip_lines()
        return self.words[self.at].type

    def skip_lines(self) -> None:
        while self.words[self.at].type == "NL":
            self.at += 1

    def take(self, *kinds: str) -> Word:
        """Take the next word. Raises UnusualError: it is of another kind."""
        if self.kind() not in kinds:
            raise UnusualError
        word = self.words[self.at]
        self.at += 1
        return word

    def body(self) -> Node:
        found: list[Any] = []
        self.skip_lines()
        while self.kind() == "NAME":
            name = self.take("NAME")
            first = _named(name)
            if self.kind() == "=":
                equals = self.take("=")
                found.append(Node("attribute", [first, equals, self.expression()]))
            else:
                found.append(self.block(first))
            if self.kind() in ("CLOSE", "END"):
                break
            self.take("NL")
            self.skip_lines()
        return Node("body", found)

    def block(self, first: Node) -> Node:
        parts: list[Any] = [first]
        while (kind := self.kind()) in ("NAME", "TEXT"):
            word = self.take("NAME", "TEXT")
            parts.append(_named(word) if kind == "NAME" else _plain(word))
        parts.append(self.take("OPEN"))
        self.enter(inside=False)
        one_line = self.kind() != "NL"
        parts.append(self.body())
        inner = parts[-1].children
        # In one line there is one argument at most, and no block.
        if one_line and (len(inner) > 1 or any(child.data == "block" for child in inner)):
            raise UnusualError
        self.deep -= 1
        parts.append(self.take("CLOSE"))
        return Node("block", parts)

    def enter(self, *, inside: bool) -> bool:
        """Go one bracket deeper; return what `inside` was."""
        before, self.inside = self.inside, inside
        self.deep = _deeper(self.deep)
        return before

    def leave(self, before: bool, *kinds: str) -> Word:
        """Take what closes a bracket."""
        word = self.take(*kinds)
        self.inside = before
        self.deep -= 1
        return word

    def expression(self) -> Node:
        left = self.binary(1)
        if self.kind() != "?":
            return left
        question = self.take("?")
        before = self.enter(inside=self.inside)
        yes = self.expression()
        colon = self.take(":")
        found = Node("conditional", [left, question, yes, colon, self.expression()])
        self.inside = before
        self.deep -= 1
        return found

    def binary(self, least: int) -> Node:
        left, deep = self.unary(), self.deep
        while (binds := _BINARY.get(self.kind(), 0)) >= least:
            deep = _deeper(deep)
            word = self.take(*_BINARY)
            right = self.binary(binds + 1)
            term = Node("binary_term", [Node("binary_operator", [word]), right])
            left = Node("binary_op", [left, term])
        return left

    def unary(self) -> Node:
        if self.kind() in ("-", "!"):
            word = self.take("-", "!")
            return Node("unary_op", [word, self.term()])
        return self.term()

    def term(self) -> Node:
        term, deep = Node("expr_term", self.first()), self.deep
        while True:
            kind, deep = self.kind(), _deeper(deep)
            if kind == ".":
                dot = self.take(".")
                if self.kind() == "INT":
                    below = Node("short_index", [dot, self.take("INT")])
                    term = _around("index_expr_term", term, below)
                elif self.kind() == "*":
                    below = Node("attr_splat", [dot, self.take("*")])
                    term = _around("attr_splat_expr_term", term, below)
                else:
                    below = Node("get_attr", [dot, _identifier(self.take("NAME"))])
                    term = _around("get_attr_expr_term", term, below)
            elif kind == "[":
                opening = self.take("[")
                before = self.enter(inside=True)
                if self.kind() == "*":
                    parts: list[Any] = [opening, self.take("*"), self.leave(before, "]")]
                    term = _around("full_splat_expr_term", term, Node("full_splat", parts))
                else:
                    parts = [opening, self.expression(), self.leave(before, "]")]
                    term = _around("index_expr_term", term, Node("braces_index", parts))
            else:
                return term

    def first(self) -> list[Any]:
        """Read what a term begins with."""
        word = self.take(*_FIRST)
        match word.type:
            case "NAME":
                if self.words[self.at].type == "(":
                    return [self.call(word)]
                return [_operand(word)]
            case "TEXT":
                return [_plain(word)]
            case "QUOTE":
                return [self.template(word)]
            case "INT":
                return [Node("int_lit", [word])]
            case "FLOAT":
                return [Node("float_lit", [word])]
            case "HEREDOC":
                return [Node("heredoc_template", [word])]
            case "HEREDOC_TRIM":
                return [Node("heredoc_template_trim", [word])]
            case "(":
                before = self.enter(inside=True)
                return [word, self.expression(), self.leave(before, ")")]
            case "[":
                return [self.tuple(word)]
            case _:
                return [self.object(word)]

    def call(self, name: Word) -> Node:
        parts: list[Any] = [_identifier(name), self.take("(")]
        before = self.enter(inside=True)
        given: list[Any] = []
        while self.kind() != ")":
            given.append(self.expression())
            if self.kind() == ")":
                break
            given.append(self.take(",", "..."))
            if given[-1] == "..." and self.kind() != ")":
                raise UnusualError
        if given:
            parts.append(Node("arguments", given))
        parts.append(self.leave(before, ")"))
        return Node("function_call", parts)

    def template(self, quote: Word) -> Node:
        parts: list[Any] = [quote]
        # An end of line may be within an expression, not in the text around it.
        before = self.enter(inside=False)
        while (word := self.take("CHARS", "INTERPOLATION", "QUOTE")).type != "QUOTE":
            if word.type == "CHARS":
                parts.append(Node("string_part", [word]))
                continue
            around = self.enter(inside=True)
            inner = [word, self.expression(), self.leave(around, "CLOSE")]
            parts.append(Node("string_part", [Node("interpolation", inner)]))
        self.inside = before
        self.deep -= 1
        return Node("string", [*parts, word])

    def tuple(self, opening: Word) -> Node:
        before = self.enter(inside=True)
        if self.is_loop():
            parts = [opening, self.intro(), self.expression(), *self.condition()]
            return Node("for_tuple_expr", [*parts, self.leave(before, "]")])
        parts = [opening]
        while self.kind() != "]":
            parts.append(self.expression())
            if self.kind() == "]":
                break
            parts.append(self.take(","))
        return Node("tuple", [*parts, self.leave(before, "]")])

    def object(self, opening: Word) -> Node:
        before = self.enter(inside=True)
        if self.is_loop():
            parts: list[Any] = [opening, self.intro(), self.expression(), self.take("=>")]
            parts.append(self.expression())
            parts += [self.take("...")] if self.kind() == "..." else []
            return Node("for_object_expr", [*parts, *self.condition(), self.leave(before, "CLOSE")])
        parts = [opening]
        self.inside = False
        self.skip_lines()
        while self.kind() != "CLOSE":
            parts.append(self.element())
            if self.kind() == "CLOSE":
                break
            if (word := self.take("NL", ",")).type == ",":
                parts.append(word)
            self.skip_lines()
        return Node("object", [*parts, self.leave(before, "CLOSE")])

    def element(self) -> Node:
        word = self.words[self.at]
        if word.type == "NAME" and word in _KEYWORDS:
            key = Node("keyword", [self.take("NAME")])
        else:
            key = self.expression()
        sign = self.take("=", ":")
        return Node("object_elem", [Node("object_elem_key", [key]), sign, self.expression()])

    def is_loop(self) -> bool:
        self.skip_lines()
        word, following = self.words[self.at], self.words[min(self.at + 1, len(self.words) - 1)]
        return word.type == "NAME" and word == "for" and following.type not in ("=", ":")

    def intro(self) -> Node:
        parts: list[Any] = [self.take("NAME"), _identifier(self.take("NAME"))]
        if self.kind() == ",":
            parts += [self.take(","), _identifier(self.take("NAME"))]
        parts.append(self.take("NAME"))
        if parts[-1] != "in":
            raise UnusualError
        parts.append(self.expression())
        return Node("for_intro", [*parts, self.take(":")])

    def condition(self) -> list[Node]:
        if self.kind() != "NAME":
            return []
        word = self.take("NAME")
        if word != "if":
            raise UnusualError
        return [Node("for_cond", [word, self.expression()])]


def _deeper(deep: int) -> int:
    if deep >= _MOST_DEEP:
        raise UnusualError
    return deep + 1


def _around(data: str, term: Node, below: Node) -> Node:
    return Node("expr_term", [Node(data, [term, below])])


def _identifier(word: Word) -> Node:
    if word in _KEYWORDS:
        raise UnusualError
    return Node("identifier", [word])


def _operand(word: Word) -> Node:
    return Node("literal_value", [word]) if word in _LITERALS else _identifier(word)


def _named(word: Word) -> Node:
    """Make the name of an argument or a block, for which no word is reserved."""
    if word in _KEYWORDS:
        return Node("keyword", [word])
    return Node("literal_value" if word in _LITERALS else "identifier", [word])


def _plain(word: Word) -> Node:
    """Make a text that has no expression in it."""
    quote = word_of("QUOTE", '"', word.line)
    inner = word[1:-1]
    parts = [Node("string_part", [word_of("CHARS", inner, word.line)])] if inner else []
    return Node("string", [quote, *parts, quote])
