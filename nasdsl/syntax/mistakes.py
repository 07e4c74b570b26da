"""Syntax errors as a person would put them: no names of terminals, and the word that was probably meant."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass

from nasdsl.diagnostics.diagnostic import Diagnostic, Label
from nasdsl.source import Source, Span
from nasdsl.syntax.unexpected import Unexpected
from nasdsl.syntax.words import (
    CLOSING,
    KEYWORDS,
    OPENING,
    STARTS,
    Word,
    begins_statement,
    is_body,
    open_brackets,
    statement_start,
    word_at,
)

_WORDS = {"COMPARE": "a comparison", "NAME": "a name", "NUMBER": "a number", "STRING": "a string", "RANGE": "`..`"}
_SIGNS = {
    "LBRACE": "{", "RBRACE": "}", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "COMMA": ",", "COLON": ":",
    "EQUAL": "=", "DOT": ".", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "CARET": "^", "_PIPE": ">>",
    "_ARROW": "->",
}  # fmt: skip
_STATEMENTS = {"_BLOCK", "_CHOOSE", "_PICK", "_WIDTH", "_GRID", "_ROUTE", "_TO", "_FOR", "_TASK", "_REQUIRE"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "CARET", "COMPARE", "RANGE", "AND", "OR", "IN", "DOT", "_PIPE"}
_FOREIGN_WORDS = {
    "def": "block", "fn": "block", "func": "block", "function": "block", "class": "space", "let": "", "var": "",
    "const": "", "while": "for", "foreach": "for", "search": "choose", "choice": "choose", "select": "pick",
    "constraint": "require", "assert": "require", "output": "task", "head": "task", "using": "from", "include": "from",
}  # fmt: skip
OUTSIDE = "stands outside the space"
_WITH_IN = {
    "choose": "{ a, b }", "pick": "2 of 0..4", "width": "{4, 6, 8}", "depth": "1..=4", "route": "grid to [3, 1]",
    "for": "0..4 { ... }",
}  # fmt: skip
_SIGN_HELP = {
    ";": ("statements need no semicolon", "remove it"),
    "#": ("`#` begins no comment", "write: // a comment"),
    "'": ("strings stand in double quotes", 'write: "..."'),
    "`": ("strings stand in double quotes", 'write: "..."'),
    "&": ("`&` is no operator", "write: and"),
    "&&": ("`&&` is no operator", "write: and"),
    "|": ("`|` is no operator", "write `or` between conditions, and x >> f(...) to apply an operation"),
    "||": ("`||` is no operator", "write: or"),
    "|>": ("`|>` is no operator", "write: x >> f(...)"),
    "!": ("`!` is no operator", "write: not"),
    "**": ("`**` is no operator", "a power is written with `^`: 2^i"),
    "%": ("`%` is no operator", "there is no remainder; a - b*floor(a/b) is one"),
    "?": ("`?` is no operator", "write: A if CONDITION else B"),
    "@": ("`@` is no operator", "a map is given to an operation by x >> f(...)"),
    "\\": ("a line needs no backslash at its end", "remove it: line ends mean nothing"),
    ":=": ("`:=` defines nothing", "write: name = value"),
    "+=": ("`+=` is no operator", "a name is defined once; give the new value a name of its own"),
    "-=": ("`-=` is no operator", "a name is defined once; give the new value a name of its own"),
    "*=": ("`*=` is no operator", "a name is defined once; give the new value a name of its own"),
    "/=": ("`/=` is no operator", "a name is defined once; give the new value a name of its own"),
    "=>": ("`=>` is no operator", "at least is written `>=`"),
}


def expected_words(terminals: Set[str]) -> str:
    """What the parser could have read, as a person would say it."""
    parts = []
    if terminals >= _STATEMENTS:
        parts.append("a statement")
        terminals = terminals - _STATEMENTS - {"_INPUT", "_RETURN", "_PRESET", "_DEPTH", "_PREDICT", "TIED", "SHARED",
                                               "AUX", "NAME"}  # fmt: skip
    if {"_SPACE", "_FROM", "_EXTERN"} <= terminals:
        parts.append("a space, a block, an import or an extern")
        terminals = terminals - {"_SPACE", "_FROM", "_EXTERN", "_BLOCK", "TIED", "SHARED"}
    if len(terminals & _OPERATORS) > 4:
        parts.append("an operator")
        terminals = terminals - _OPERATORS - {"LSQB", "LPAR", "_IF"}
    if {"NUMBER", "STRING", "NAME"} <= terminals:
        parts.append("an expression")
        terminals = terminals - {"NUMBER", "STRING", "NAME", "QUANTITY", "LPAR", "LSQB", "LBRACE", "MINUS", "NOT"}
    for name in sorted(terminals - {"$END"}):
        sign = _SIGNS.get(name)
        parts.append(_WORDS.get(name) or f"`{sign or name.strip('_').lower()}`")
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts) or "the end of the file"


def meant_keyword(text: str) -> str | None:
    """The word that begins statements and that someone who wrote `text` probably meant.

    >>> meant_keyword("chose"), meant_keyword("Block"), meant_keyword("def"), meant_keyword("y")
    ('choose', 'block', 'block', None)
    """
    if text in STARTS:
        return text
    if text.lower() in STARTS:
        return text.lower()
    near = difflib.get_close_matches(text.lower(), sorted(STARTS), 1, 0.75)
    return near[0] if near else _FOREIGN_WORDS.get(text) or None


@dataclass(frozen=True, slots=True)
class _Error:
    """The place of an error with what stands around it."""

    source: Source
    words: list[Word]
    place: int
    expected: Set[str]

    @property
    def found(self) -> Word:
        return self.words[self.place]

    @property
    def before(self) -> Word | None:
        return self.words[self.place - 1] if self.place else None

    @property
    def after(self) -> str:
        return self.words[self.place + 1].text if self.place + 1 < len(self.words) else ""

    @property
    def head(self) -> Word:
        return self.words[statement_start(self.words, self.place)]

    def diagnostic(
        self, message: str, hint: str | None = None, *, at: Word | None = None, note: str = "",
        code: str = "E0101", labels: tuple[Label, ...] = (),
    ) -> Diagnostic:  # fmt: skip
        span = (at or self.found).span(self.source)
        return Diagnostic(code, message, span, note, labels, hint)


def diagnose(source: Source, words: list[Word], error: Unexpected) -> Diagnostic:
    """The diagnostic for a text that breaks the grammar.

    Args:
        source: The text.
        words: Its words; those of statements that were already complained about may be missing.
        error: What the parser found.
    """
    if error.offset is None:
        return _end(source, words, error.expected)
    place = word_at(words, error.offset)
    if place == len(words) or words[place].start > error.offset:
        return _character(source, error.offset)
    found = _Error(source, words, place, error.expected)
    for rule in (_foreign_sign, _glued, _reserved, _unclosed, _dangling, _keyword, _sign_meant, _habit, _outside):
        diagnostic = rule(found)
        if diagnostic is not None:
            return diagnostic
    hint = _keyword_expected(found.found.text, found.expected)
    return found.diagnostic(
        f"found `{_short(found.found.text)}` where {expected_words(found.expected)} was expected",
        hint,
        note="unexpected",
    )


def _end(source: Source, words: list[Word], expected: Set[str]) -> Diagnostic:
    """The file ends too early; if a brace was never closed, the one that was probably forgotten is shown."""
    end = len(source.text.rstrip())
    span = Span(source, max(0, end - 1), end)
    opened = open_brackets(words, len(words))
    if not opened:
        return Diagnostic("E0102", f"the file ends where {expected_words(expected)} was expected", span, "the end")
    place = _misindented(source, words)
    opener = words[opened[-1] if place is None else place]
    message = f"this `{opener.text}` is never closed"
    labels = () if place is None else (Label(words[_closer(words, place)].span(source), "this closes it instead"),)
    return Diagnostic(
        "E0102", message, opener.span(source), "opened here", labels,
        help=f"write `{OPENING[opener.text]}` where it ends",
    )  # fmt: skip


def _misindented(source: Source, words: list[Word]) -> int | None:
    """The first `{` whose `}` begins a line and stands further left than the line of the `{`."""
    stack: list[int] = []
    for i, word in enumerate(words):
        if word.text == "{":
            stack.append(i)
        elif word.text == "}" and stack:
            opener = stack.pop()
            if word.first and _indent(source, word) < _indent(source, words[opener]):
                return opener
    return None


def _closer(words: list[Word], opener: int) -> int:
    depth = 0
    for i in range(opener, len(words)):
        depth += (words[i].text == "{") - (words[i].text == "}")
        if depth == 0:
            return i
    return opener


def _indent(source: Source, word: Word) -> int:
    line = source.line(source.position(word.start)[0])
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())


def _character(source: Source, start: int) -> Diagnostic:
    """A character that belongs to no word."""
    span = Span(source, start, start + 1)
    return Diagnostic("E0101", f"found {_named(source.text[start])}, which has no meaning", span, help="remove it")


def _named(character: str) -> str:
    name = unicodedata.name(character, "an unprintable character").lower()
    return f"`{character}` (U+{ord(character):04X}, {name})" if character.isprintable() else (
        f"U+{ord(character):04X}, {name}"
    )  # fmt: skip


def _foreign_sign(e: _Error) -> Diagnostic | None:
    text = e.found.text
    if text == "*" and e.before is not None and e.before.text == "*":
        text = "**"
    if text == "=" and e.before is not None and e.before.text in "+-*/":
        text = e.before.text + "="
    if text in _SIGN_HELP:
        message, hint = _SIGN_HELP[text]
        return e.diagnostic(message, hint, note="not part of the language" if text in "#;" else "")
    if e.found.kind == "string" and not (len(text) > 1 and text.endswith('"')):
        return e.diagnostic("the string does not end on its line", 'close it with `"`')
    if e.found.kind == "string" and "\\" in text:
        return e.diagnostic("a string holds no backslash", "write `/` in paths")
    if e.found.kind == "sign" and ord(text[0]) > 126:
        plain = unicodedata.normalize("NFKC", text)
        plain = {"“": '"', "”": '"', "„": '"', "‘": '"', "’": '"', "×": "*", "≤": "<=", "≥": ">=", "≠": "!=", "–": "-",
                 "−": "-", "→": "->", "÷": "/", "·": "*", "…": "..", "»": ">>"}.get(text, plain)  # fmt: skip
        hint = f"write `{plain}`" if plain.isascii() else "remove it"
        return e.diagnostic(f"found {_named(text)}, which has no meaning", hint)
    if e.found.kind == "name" and not text.isascii():
        return e.diagnostic(f"`{text}` is no name", "names have letters a to z, digits and `_`")
    if text == "." and re.fullmatch(r"\d+", e.after) and not (e.before and e.before.text == ".."):
        return e.diagnostic("a number needs a digit before its point", f"write: 0.{e.after}")
    return None


def _reserved(e: _Error) -> Diagnostic | None:
    """A keyword where a name must stand: as an argument, after `block`, or on the left of `=`."""
    word, before = e.found, e.before
    hint = "call it something else, such as `{}_`"
    message = "`{}` is a word of the language and cannot be a name"
    defines = e.after in ("=", "[") and word.text not in ("to", "input", "return")
    starts = begins_statement(e.words, e.place) and word.first and not defines
    if word.text in KEYWORDS and "NAME" in e.expected and not starts:
        alone = e.expected == {"NAME"}
        if alone or e.after in ("=", ",", ")", "[", "]", "+", "-", "*", "/", "."):
            return e.diagnostic(message.format(word.text), hint.format(word.text), note="reserved", code="E0103")
    if before is e.head and before.text in KEYWORDS - {"input", "return", "to"} and word.text in ("=", "[", ","):
        # `depth = 3`: the keyword was read as the beginning of another statement
        return e.diagnostic(
            message.format(before.text), hint.format(before.text), at=before, note="reserved", code="E0103"
        )
    return None


def _unclosed(e: _Error) -> Diagnostic | None:
    """A new statement, or another bracket, where a bracket is still open."""
    opened = open_brackets(e.words, e.place)
    if not opened or (e.expected >= _STATEMENTS and e.found.text in CLOSING):
        return _too_many(e, opened)
    opener = e.words[opened[-1]]
    if is_body(e.words, opened[-1]) and opener.text == "{":
        if e.found.text in ("space", "extern", "from") and e.found.first:
            if not open_brackets(e.words, len(e.words)):
                message = f"`{e.found.text}` cannot stand inside a body"
                label = (Label(opener.span(e.source), "inside this one"),)
                return e.diagnostic(message, "move it to the beginning of the file", labels=label)
            label = (Label(e.found.span(e.source), f"`{e.found.text}` stands outside every body"),)
            return e.diagnostic("this `{` is never closed", "write `}` where it ends", at=opener, labels=label,
                                code="E0102", note="opened here")  # fmt: skip
        return None
    mismatch = e.found.text in CLOSING and CLOSING[e.found.text] != opener.text
    mismatch = mismatch or (e.found.text == "=" and opener.text == "[")
    after_operand = e.before is not None and e.before.ends_operand
    mismatch = mismatch or (e.found.text == "{" and opener.text != "{" and after_operand)
    is_item = e.found.kind != "sign" and not e.found.first and e.found.text not in KEYWORDS
    if "COMMA" in e.expected and after_operand and is_item:
        return e.diagnostic(f"a `,` is missing before `{e.found.text}`", "write it between the two")
    if not mismatch and not begins_statement(e.words, e.place, inside=True):
        return None
    closing = OPENING[opener.text]
    labels: tuple[Label, ...] = (Label(e.found.span(e.source), f"`{closing}` is missing before it"),)
    hint = f"write `{closing}` where it ends"
    comment = re.compile(r"[^\n]*?(//[^\n]*)").match(e.source.text, opener.start)
    if comment and closing in comment.group(1):
        place = Span(e.source, comment.start(1), comment.end(1))
        labels = (*labels, Label(place, "a comment, which is not read"))
        hint = "divide with `/`: `//` begins a comment"
    message = f"this `{opener.text}` is not closed before `{_short(e.found.text)}`"
    return e.diagnostic(message, hint, at=opener, labels=labels, note="opened here")


def _too_many(e: _Error, opened: list[int]) -> Diagnostic | None:
    if not opened and e.found.text == "}":
        return e.diagnostic("this `}` closes nothing", "remove it, or look for a `}` too many above it")
    if e.found.text in (")", "]") and (not opened or e.words[opened[-1]].text == "{"):
        return e.diagnostic(f"this `{e.found.text}` closes nothing", "remove it")
    return None


def _dangling(e: _Error) -> Diagnostic | None:
    """A line that ends with an operator, and a new statement on the next."""
    place = e.place if e.found.first else e.place - 1
    if place < 1 or not e.words[place].first:
        return None
    word, before = e.words[place], e.words[place - 1]
    if before.ends_operand or before.text in ("{", "}", ",", ";") or open_brackets(e.words, place) != open_brackets(
        e.words, statement_start(e.words, place)
    ):  # fmt: skip
        return None
    defines = word.kind == "name" and place < e.place and e.found.text in ("=", ":=", "+=")
    if word.text in STARTS or word.text == "}" or defines:
        return e.diagnostic(f"the statement ends after `{before.text}`", "write what is missing, or remove it",
                            at=before, note="something must follow")  # fmt: skip
    return None


def _glued(e: _Error) -> Diagnostic | None:
    """A number and a name without a space: an exponent, an unknown unit, a name that begins with a digit."""
    if e.found.kind == "number" and e.place + 1 < len(e.words) and e.words[e.place + 1].start == e.found.end:
        after = e.words[e.place + 1]
        if after.kind == "name" and e.found.first:
            hint = f"names begin with a letter or `_`: {after.text}{e.found.text}"
            return e.diagnostic(f"`{e.found.text}{after.text}` is no name", hint)
    near = [i for i in (e.place, e.place - 1) if i > 0 and e.words[i - 1].kind == "number" and not e.words[i].first]
    if not near or (e.words[near[0]].start > e.words[near[0] - 1].end and e.head.text != "require"):
        return None
    place = near[0]
    number, word = e.words[place - 1], e.words[place]
    if word.kind != "name" or word.text in KEYWORDS:
        return None
    if re.fullmatch(r"[eE]\d*", word.text):
        return e.diagnostic("numbers are written out, without an exponent", "write 1000 or 0.001, or 10^6", at=word)
    hint = "units are us, ms, s, uJ, mJ, J, K, M, G, B, KB, MB and GB, and stand in `require` only"
    text = e.source.text[number.start : word.end]
    return e.diagnostic(f"`{text}` is neither a number with a unit nor a name", hint, at=word)


def _keyword(e: _Error) -> Diagnostic | None:
    """A misspelled keyword, or one of another language, at the beginning of the statement or where one must follow."""
    before, word = e.before, e.found
    if word.text == "import" and e.expected >= _STATEMENTS:
        return _statement_typo(e, word)
    if before is not None and before.kind == "name" and before.text not in KEYWORDS and "EQUAL" in e.expected:
        starts = e.words[statement_start(e.words, e.place)] is before or before.first
        if starts and word.text not in ("=", ",", "[", "==", ":"):
            return _statement_typo(e, before)
    if word.kind == "name" and word.text not in KEYWORDS and (e.expected & {"_SPACE", "_LOSS"}):
        return _statement_typo(e, word)
    return None


def _statement_typo(e: _Error, word: Word) -> Diagnostic | None:
    if word.text in ("if", "else", "elif", "switch", "match", "case"):
        return None
    if word.text == "import":
        return e.diagnostic("an import names its file first", 'write: from "other.nas" import f', at=word)
    meant = meant_keyword(word.text)
    if word.text in ("let", "var", "const"):
        return e.diagnostic(f"`{word.text}` is not needed", "write: name = value", at=word)
    near = meant or _keyword_expected(word.text, e.expected)
    if near is None and word.first and e.expected & {"_SPACE"}:
        return None
    hint = f"did you mean `{near}`?" if meant else near
    if near is None and e.found is word:
        return None
    after = e.words[e.place].text if e.found is not word else ""
    if near is None and after in ("(", ">>", ".", "+", "-", "*", "/"):
        message, hint = "an expression alone is no statement", "give the result a name: y = ..."
        return e.diagnostic(message, hint, at=word)
    return e.diagnostic(f"`{word.text}` starts no statement", hint, at=word, note="unexpected")


def _sign_meant(e: _Error) -> Diagnostic | None:
    """`=`, `==` and `:` in each other's place."""
    text, opened = e.found.text, open_brackets(e.words, e.place)
    bracket = e.words[opened[-1]].text if opened else ""
    if text == "=" and e.head.text == "input":
        return e.diagnostic("an input has a shape after `:`", "write: input image: [3, 224, 224]")
    if text == "=" and "COMPARE" in e.expected and "EQUAL" not in e.expected:
        return e.diagnostic("`=` gives a name its value; it compares nothing", "write `==` to compare")
    kind = e.head.text
    if "_OF" in e.expected and kind == "pick":
        return e.diagnostic("`pick` is followed by how many `of` which", "write: pick name in 2 of 0..4")
    if "IN" in e.expected and kind in _WITH_IN and not e.expected & _OPERATORS - {"IN"}:
        return e.diagnostic(f"`{kind} name` is followed by `in`", f"write: {kind} name in {_WITH_IN[kind]}")
    if text == "==" and e.before is e.head:
        return e.diagnostic("`==` compares; it gives no name its value", "write: name = value")
    if text == "," and (e.expected >= _STATEMENTS or "_REQUIRE" in e.expected):
        return e.diagnostic("statements need no comma between them", "remove it")
    if text in (":", "->") and {"EQUAL", "LBRACE"} <= e.expected:
        return e.diagnostic("the body of a block stands in braces, or follows `=`", "write: block f(x) { return ... }")
    if "_ARROW" in e.expected and kind == "extern":
        return e.diagnostic(
            "an extern says which shape it makes", 'write: extern f(x) -> [c, h, w] from "module:Class"'
        )
    if text == ":" and ("EQUAL" in e.expected or bracket == "("):
        what = "an argument" if bracket == "(" else "a name"
        return e.diagnostic(f"{what} is given its value by `=`", "write `=` instead of `:`")
    if text == ":" and "LBRACE" in e.expected:
        return e.diagnostic("a body stands in braces", "write `{` here, and `}` where it ends")
    if text == "=" and "LBRACE" in e.expected and e.head.text in ("space", "preset", "grid"):
        return e.diagnostic(f"a {e.head.text} has its body in braces", f"write: {e.head.text} name {{ ... }}")
    return None


def _habit(e: _Error) -> Diagnostic | None:
    """What other languages have and this one has not."""
    text, before = e.found.text, e.before
    first = e.place == statement_start(e.words, e.place) or e.found.first
    if text in ("if", "elif", "else", "while", "switch", "match", "with", "try", "lambda") and (
        first or text in ("elif", "lambda")
    ):
        hint = "write A if CONDITION else B in an expression, or `when` after a loop, a link or a task"
        return e.diagnostic(f"there is no `{text}` statement", hint)
    if text == "for" and before is not None:
        opened = open_brackets(e.words, e.place)
        if opened and e.words[opened[-1]].text in "[{":
            hint = "write sum(f(x) for x in xs) or concat(...), or a loop that defines y[i]"
            return e.diagnostic("there are no comprehensions outside a call", hint)
    if text == "." and before is not None and before.text == "..":
        return e.diagnostic("a range has two points", "write 0..4 (without its end) or 0..=4")
    if before is not None and before.text == "," and text in CLOSING:
        return e.diagnostic("nothing follows this `,`", "remove it", at=before)
    return None


def _outside(e: _Error) -> Diagnostic | None:
    """A statement outside every body; a `}` too many may have closed the space above it."""
    if not {"_SPACE", "_FROM"} <= e.expected or open_brackets(e.words, e.place):
        return None
    closed = e.before is not None and e.before.text == "}"
    labels = (Label(e.before.span(e.source), "everything is closed here"),) if e.before and closed else ()
    return e.diagnostic(
        f"`{_short(e.found.text)}` {OUTSIDE}", labels=labels, note="unexpected",
        hint="statements stand in space name { ... }; a file has imports, externs, blocks and a space beside it",
    )  # fmt: skip


def _keyword_expected(found: str, expected: Set[str]) -> str | None:
    keywords = [name.strip("_").lower() for name in expected if re.fullmatch(r"_?[A-Z]{2,}", name)]
    near = difflib.get_close_matches(found.lower(), keywords, 1, 0.66)
    return f"did you mean `{near[0]}`?" if near else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
