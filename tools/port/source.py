# SPDX-License-Identifier: GPL-2.0-only
"""The text of a module's sources: tokens, declarations of structures, and bodies of functions.

spatch tells what it has parsed. This module reads the same files without parsing them, so that
the caller can compare both, and notices what spatch did not understand.
"""
import bisect
import re
from collections import namedtuple

Token = namedtuple("Token", "text line column")
Body = namedtuple("Body", "name first last")        # lines; the name is that of the function
Macro = namedtuple("Macro", "file line parameters body")
Field = namedtuple("Field", "name type union")      # union: a number, or None

TOKEN = re.compile(r"""[A-Za-z_]\w*|\d[\w.]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'
                   |->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|\.\.\.
                   |\S""", re.X)
COMMENT = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n(?:[^\n\\]|\\.)*)*", re.M | re.S)
ATTRIBUTE = re.compile(r"""__((maybe_|always_)?unused|used|rcu|user|iomem|percpu|packed|read_mostly
                       |ro_after_init|init\w*|exit\w*|cacheline\w*|force)$""", re.X)
WORDS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "case", "goto"}


def words(text):
    """Return the tokens of an expression or a type that spatch printed."""
    return TOKEN.findall(text)


def without(pattern, text, keep=""):
    """Replace the matches of the pattern by spaces, unless they begin with a character of keep."""
    def blank(match):
        if match[0][0] in keep:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])
    return pattern.sub(blank, text)


def matching(tokens, start, opening="{", closing="}"):
    """Return the index of the token that closes the one at start."""
    depth = 0
    for at in range(start, len(tokens)):
        if tokens[at].text == opening:
            depth += 1
        elif tokens[at].text == closing:
            depth -= 1
            if depth == 0:
                return at
    return len(tokens) - 1


class Source:
    """One file of the module."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        plain = without(COMMENT, self.text, "\"'")
        self.directives = [(match[0], plain.count("\n", 0, match.start()) + 1)
                           for match in DIRECTIVE.finditer(plain)]
        self.tokens = self.tokenize(without(DIRECTIVE, plain))
        self.macros = {}                # name: Macro
        for text, line in self.directives:
            define = re.match(r"\s*#\s*define\s+(\w+)(\([^)]*\))?(.*)", text, re.S)
            if define:
                parameters = words(define[2])[1:-1:2] if define[2] else None
                body = words(define[3].replace("\\\n", " "))
                self.macros[define[1]] = Macro(path, line, parameters, body)
        self.structs = {}               # tag or typedef: list of Field
        self.unions = 0
        self.typedefs = {}              # name: tag
        self.bodies = []
        self.read()

    @staticmethod
    def tokenize(text):
        starts = [0] + [match.end() for match in re.finditer("\n", text)]
        tokens = []
        for match in TOKEN.finditer(text):
            line = bisect.bisect_right(starts, match.start())
            tokens.append(Token(match[0], line, match.start() - starts[line - 1]))
        return tokens

    def read(self):
        """Find the structures and functions at the top level of the file."""
        at = 0
        tokens = self.tokens
        while at < len(tokens):
            if tokens[at].text != "{":
                at += 1
                continue
            end = self.closing(at)
            before = [token.text for token in tokens[max(0, at - 30):at]]
            tag = self.tag(before)
            if tag is not None:
                self.read_struct(tag, at, end)
            elif before and before[-1] != "=":
                name = self.function_name(at)
                if name:
                    self.bodies.append(Body(name, tokens[at].line, tokens[end].line))
            at = end + 1

    def closing(self, at):
        """Return the index of the brace that closes the one at the top level.

        Both branches of an #if may open a block that is closed once. So a brace in the first
        column closes what braces in the middle of a line do not.
        """
        end = matching(self.tokens, at)
        for index in range(at + 1, end):
            if self.tokens[index].text == "}" and self.tokens[index].column == 0:
                return index
        return end

    @staticmethod
    def tag(before):
        """Return the tag if the tokens introduce a structure, "" if it has none, else None."""
        before = [word for word in before if not word.startswith("__")]
        if before[-1:] and before[-1] in ("struct", "union"):
            return ""
        if len(before) > 1 and before[-2] in ("struct", "union"):
            return before[-1]
        return None

    def function_name(self, brace):
        """Return the name of the function whose body begins at the brace, or None."""
        at = brace - 1
        while at >= 0 and self.tokens[at].text not in (";", "}"):
            at -= 1
        depth = 0
        for index in range(at + 1, brace):
            text = self.tokens[index].text
            if text == "(":
                name = self.tokens[index - 1].text
                if depth == 0 and re.match(r"[A-Za-z_]\w*$", name) and \
                        not name.startswith("__attribute"):
                    return name
                depth += 1
            elif text == ")":
                depth -= 1
        return None

    def read_struct(self, tag, start, end):
        fields = self.fields(start + 1, end, None)
        names = [tag] if tag else []
        after = end + 1
        while after < len(self.tokens) and self.tokens[after].text not in (";", "=", "{"):
            name = self.tokens[after].text
            if re.match(r"[A-Za-z_]\w*$", name) and not name.startswith("__"):
                names.append(name)
            after += 1
        for name in names:
            self.structs.setdefault(name, []).extend(fields)
            self.typedefs[name] = names[0]

    def fields(self, at, end, union):
        """Return the fields that are declared in tokens[at:end]."""
        found = []
        while at < end:
            stop = at
            while stop < end and self.tokens[stop].text not in (";", "{"):
                stop += 1
            if stop < end and self.tokens[stop].text == "{":
                close = matching(self.tokens, stop)
                inner = union
                texts = [token.text for token in self.tokens[at:stop]]
                if "union" in texts and inner is None:
                    self.unions += 1
                    inner = (self.path, self.unions)
                found += self.fields(stop + 1, close, inner)
                semicolon = close
                while semicolon < end and self.tokens[semicolon].text != ";":
                    semicolon += 1
                name = [token.text for token in self.tokens[close + 1:semicolon]]
                found += [Field(word, "struct", inner) for word in name
                          if re.match(r"[a-z_]\w*$", word)]
                at = semicolon + 1
                continue
            found += [Field(name, kind, union) for name, kind in
                      declared([token.text for token in self.tokens[at:stop]])]
            at = stop + 1
        return found

    def body_at(self, line):
        """Return the Body that has the line, or None."""
        for body in self.bodies:
            if body.first <= line <= body.last:
                return body
        return None


def declared(texts):
    """Return the pairs (name, type) that a declaration without initialiser declares."""
    pairs = []
    depth = 0
    parts = [[]]
    for text in texts:
        if text in "([":
            depth += 1
        elif text in ")]":
            depth -= 1
        if text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(text)
    base = None
    for part in parts:
        if "(" in part:                 # a pointer to a function, or an attribute
            star = [index for index in range(len(part) - 2) if part[index:index + 2] == ["(", "*"]]
            if star:
                pairs.append((part[star[0] + 2], "function *"))
                base = base or ""
                continue
            part = part[:part.index("(") - 1]
        ends = [index for index, text in enumerate(part) if text in ("[", ":")]
        head = part[:ends[0]] if ends else part
        while len(head) > 1 and ATTRIBUTE.match(head[-1]):
            head = head[:-1]
        if not head or not re.match(r"[A-Za-z_]\w*$", head[-1]):
            continue
        array = " [ ]" * part.count("[")
        if base is None:
            base = " ".join(text for text in head[:-1] if text != "*")
        stars = " *" * head.count("*")
        pairs.append((head[-1], base + stars + array))
    return pairs
