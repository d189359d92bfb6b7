# SPDX-License-Identifier: GPL-2.0-only
"""Find the variables, fields and functions of a module that may hold the same pointers.

A node stands for a place that holds pointers: a variable of a function, a global variable, a field
of a structure, what a function returns, or all pointers to one structure of the module. An
assignment joins both sides into one class, whatever the order of the statements. So if two places
may ever hold the same block, they are in the same class. A class may be too large, which only
means that fewer allocations are ported.
"""
import re

NUMBER = re.compile(r"""(const|volatile|static|signed|unsigned|register)*\s*
    (char|short|int|long|bool|_Bool|float|size_t|ssize_t|loff_t|off_t|gfp_t|umode_t|dev_t|
    sector_t|blkcnt_t|pgoff_t|dma_addr_t|phys_addr_t|resource_size_t|__poll_t|ktime_t|atomic\w*|
    refcount_t|spinlock_t|u?int(8|16|32|64)?_t|__?[usbl]e?(8|16|32|64)|[us](8|16|32|64)|
    enum\s\w+|signed|uint|ushort|uchar|(long\s)?long(\sint)?|long\slong|short\sint|void|
    vm_fault_t)$""", re.X)
QUALIFIED = r"(?:const |volatile |static )*"
IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")
BINARY = [[","], ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="], ["?"],
          ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", ">", "<=", ">="],
          ["<<", ">>"], ["+", "-"], ["*", "/", "%"]]
NO_POINTER = {"||", "&&", "==", "!=", "<", ">", "<=", ">=", "<<", ">>", "*", "/", "%"}
TRANSPARENT = re.compile(r"(const |volatile )*(unsigned long|uintptr_t)$")


def is_holder(kind):
    """Return true if a variable of this type may hold a pointer."""
    if "*" in kind or "[" in kind or TRANSPARENT.match(kind):
        return True
    if kind.startswith(("struct ", "union ", "const struct ")) or kind == "struct":
        return False
    return not NUMBER.match(kind.strip())


class Node:
    """A place, or after joins the representative of a class of places."""

    def __init__(self, name):
        self.name = name
        self.parent = None
        self.target = None              # the node of what the pointer points to
        self.pointer = None             # the node whose target is this one
        self.outside = False            # not the module's own
        self.size = 1                   # of the class
        self.facts = []                 # what happened to the class: flow.py adds to them

    def find(self):
        node = self
        while node.parent:
            node = node.parent
        while self.parent:
            self.parent, self = node, self.parent
        return node


def target(node):
    node = node.find()
    if not node.target:
        node.target = Node(f"*{node.name}")
    return node.target.find()


def join(a, b):
    """Make one class of two, and of what their pointers point to."""
    a, b = a.find(), b.find()
    if a is b:
        return
    b.parent = a
    a.size += b.size
    a.facts += b.facts
    if a.target and b.target:
        join(a.target, b.target)
    else:
        a.target = a.target or b.target


class Module:
    """The places of a module, and the values of its expressions."""

    def __init__(self, structs, unions, functions, behaviour, macros, own):
        self.structs = structs          # tag or typedef: {field: type}
        self.functions = functions      # name: (name, type) of each parameter
        self.macros = macros            # name: source.Macro
        self.own = own                  # `.field` of outside structures that only the module uses
        self.behaviour = behaviour      # name of an outside function: see the file `outside`
        self.types = {}                 # (function or "", name): type
        self.nodes = {}
        self.expanding = set()          # macros
        self.calls = {}                 # (function, callee, arguments, place): what a call returns
        self.sites = {}                 # (function, callee, arguments): sorted places in the file
        self.now = (0, 0)               # the line and column of the fact that is entered
        self.where = ""                 # its file and line
        for fields in unions.values():
            for tag, name in fields[1:]:
                join(self.node("field", *fields[0]), self.node("field", tag, name))

    def node(self, *key):
        if key not in self.nodes:
            self.nodes[key] = Node(".".join(str(part) for part in key[1:]) or key[0])
            self.nodes[key].outside = key[0] == "outside"
        return self.nodes[key]

    def tag(self, kind):
        """Return the structure of the module that the type points to directly, or None."""
        match = re.match(QUALIFIED + r"(?:struct |union )?(\w+) \*(?: const)?$", kind or "")
        return match[1] if match and match[1] in self.structs else None

    def declare(self, function, name, kind):
        """Enter a variable. All pointers to a structure of the module are one class."""
        kind = re.sub(r"\b(static|extern|register|__read_mostly|__initdata) ", "", kind)
        known = self.types.get((function, name))
        if known is None or is_holder(kind) or not is_holder(known):
            self.types[function, name] = kind
        self.tie(self.node("variable", function, name), kind)

    def tie(self, node, kind):
        """Join the node with the class of the structure that its type points to."""
        pointers = len(re.findall(r"\*|\[", kind))
        bare = re.sub(r"[*\[].*", "", kind).strip() + " *"
        tag = self.tag(bare)
        if not tag or not pointers:
            return
        if "[" in kind and "*" not in kind:
            return
        for _ in range(pointers - 1):
            node = target(node)
        join(node, self.node("struct", tag))

    def type_of(self, function, texts):
        """Return the type of a simple expression, or None."""
        while texts[:1] == ["("] and self.close(texts, 0) == len(texts) - 1:
            texts = texts[1:-1]
        if len(texts) == 1:
            for scope in (function, ""):
                if (scope, texts[0]) in self.types:
                    return self.types[scope, texts[0]]
            return None
        if texts[:1] == ["("]:
            close = self.close(texts, 0)
            return " ".join(texts[1:close]) if self.is_type(texts[1:close]) else None
        if texts[:1] == ["&"]:
            kind = self.type_of(function, texts[1:])
            return f"{kind} *" if kind else None
        if texts[-1:] == ["]"]:
            at = self.open(texts)
            kind = self.type_of(function, texts[:at])
            return re.sub(r" (\*|\[[^\]]*\])$", "", kind) if kind else None
        if len(texts) > 2 and texts[-2] in ("->", "."):
            tag = self.struct_of(self.type_of(function, texts[:-2]))
            if tag in self.structs:
                return self.structs[tag].get(texts[-1])
        return None

    @staticmethod
    def struct_of(kind):
        """Return the tag of a structure, or of one that is pointed to, also if it is unknown."""
        match = re.match(QUALIFIED + r"(struct |union )?(\w+)(?: \*)?(?: const)?$", kind or "")
        if not match or match[2] in ("struct", "union"):
            return None
        return match[2] if match[1] or not NUMBER.match(match[2]) else None

    @staticmethod
    def close(texts, start):
        depth = 0
        for at in range(start, len(texts)):
            depth += (texts[at] in "([{") - (texts[at] in ")]}")
            if depth == 0:
                return at
        return len(texts) - 1

    @staticmethod
    def open(texts):
        """Return the index of the bracket that the last token closes."""
        depth = 0
        for at in range(len(texts) - 1, -1, -1):
            depth += (texts[at] in ")]}") - (texts[at] in "([{")
            if depth == 0:
                return at
        return 0

    def is_type(self, texts):
        """Return true if the tokens between parentheses are a type."""
        if not texts or not all(IDENTIFIER.match(text) or text in "*[]" for text in texts):
            return False
        if texts[0] in ("struct", "union", "enum", "const", "unsigned", "signed", "volatile",
                        "__force"):
            return True
        return texts[-1] == "*" or bool(NUMBER.match(" ".join(texts))) or texts[0].endswith("_t")

    def field(self, function, base, name):
        """Return the node of a field, or None if it cannot hold a pointer."""
        tag = self.struct_of(self.type_of(function, base))
        if f".{name}" in self.own:
            return self.node("field", "", name)
        if tag and tag not in self.structs:
            return self.node("outside", f"{tag}.{name}")
        if tag and name in self.structs[tag]:
            tags = [tag]
        else:                           # of which structure is not known, or it is a nested one
            tags = [each for each, fields in self.structs.items() if name in fields]
        if not tags:
            return self.node("outside", f".{name}")
        tags = [each for each in tags if is_holder(self.structs[each][name])]
        nodes = [self.node("field", each, name) for each in tags]
        for node in nodes[1:]:
            join(nodes[0], node)
        return nodes[0] if nodes else None

    def variable(self, function, name):
        for scope in (function, ""):
            if (scope, name) in self.types:
                holds = is_holder(self.types[scope, name])
                return [self.node("variable", scope, name)] if holds else []
        if name in self.macros and name not in self.expanding:
            self.expanding.add(name)
            nodes = self.value(function, self.macros[name].body)
            self.expanding.discard(name)
            return nodes
        if name in self.functions or name in ("false", "true") or not re.search("[a-z]", name):
            return []
        return [self.node("outside", name)]

    def value(self, function, texts):
        """Return the nodes that the value of an expression may come from."""
        if not texts:
            return []
        for level in BINARY:
            at = self.split(texts, level)
            if at is not None:
                return self.binary(function, texts, at)
        return self.unary(function, texts)

    def split(self, texts, operators):
        """Return the index of the operator at which an expression is split, or None."""
        found = None
        depth = 0
        for at, text in enumerate(texts):
            depth += (text in "([{") - (text in ")]}")
            if depth or text not in operators or not at or not self.is_operand(texts, at):
                continue
            found = at
            if operators[0] in ("=", "?"):
                break                   # these operators group from right to left
        return found

    def is_operand(self, texts, at):
        """Return true if an operand ends before the index, so that an operator follows."""
        before = texts[at - 1]
        if before == ")":
            start = self.open(texts[:at])
            return not self.is_type(texts[start + 1:at - 1]) or \
                (start > 0 and bool(IDENTIFIER.match(texts[start - 1])))
        return before in "]}" or before in ("++", "--") or bool(re.match(r"[\w\"']", before))

    def binary(self, function, texts, at):
        operator, left, right = texts[at], texts[:at], texts[at + 1:]
        if operator in NO_POINTER:
            return []
        if operator == "?":
            depth = 0
            for colon, text in enumerate(right):
                depth += (text == "?") - (text == ":")
                if depth < 0:
                    chosen = self.value(function, right[:colon] or left)
                    return chosen + self.value(function, right[colon + 1:])
        if operator == ",":
            return self.value(function, right)
        first, second = self.value(function, left), self.value(function, right)
        if operator == "-":
            return [] if second else first
        if operator == "=":
            return first or second
        return first + second

    def unary(self, function, texts):
        first = texts[0]
        if first in ("!", "~") or first == "sizeof":
            return []
        if first == "{":
            return self.literal(function, texts)
        if first in ("++", "--", "+", "-"):
            return self.value(function, texts[1:])
        if first == "&":
            return self.address(function, texts[1:])
        if first == "*":
            return [target(node) for node in self.value(function, texts[1:])]
        if first == "(":
            close = self.close(texts, 0)
            inside = texts[1:close]
            if close < len(texts) - 1 and texts[close + 1] == "{":
                return self.literal(function, texts[close + 1:])
            if close < len(texts) - 1 and self.is_type(inside):
                return self.cast(function, " ".join(inside), texts[close + 1:])
            if close == len(texts) - 1:
                return [] if inside[:1] == ["{"] else self.value(function, inside)
        return self.postfix(function, texts)

    def literal(self, function, texts):
        """Note that a structure without a name gets the values in braces. Return no node."""
        for part in split_arguments(texts[1:self.close(texts, 0)]):
            if part[:1] == ["."] and "=" in part:
                part = part[part.index("=") + 1:]
            for node in self.value(function, part):
                sentence = "it is stored in a structure without a name"
                node.find().facts.append(("escape", self.where, sentence))
        return []

    def cast(self, function, kind, texts):
        nodes = self.value(function, texts)
        tag = self.tag(kind)
        if tag:                         # the same class as all pointers to the structure
            for node in nodes:
                join(self.node("struct", tag), node)
            return nodes or [self.node("struct", tag)]
        if not is_holder(kind):
            for node in nodes:
                sentence = f"its address becomes a number, {kind}"
                node.find().facts.append(("escape", self.where, sentence))
            return []
        return nodes

    def address(self, function, texts):
        while texts[:1] == ["("] and self.close(texts, 0) == len(texts) - 1:
            texts = texts[1:-1]
        if texts[-1:] == ["]"]:         # a pointer into the array
            return self.value(function, texts[:self.open(texts)])
        nodes = []
        for node in self.value(function, texts):
            if not node.pointer:
                node.pointer = Node(f"&{node.name}")
                node.pointer.target = node
            nodes.append(node.pointer)
        base = texts[:-2]
        if base and texts[-2] == "->" and not self.tag(self.type_of(function, base)):
            nodes += self.value(function, base)
        return nodes

    def postfix(self, function, texts):
        last = texts[-1]
        if len(texts) == 1:
            return self.variable(function, last) if IDENTIFIER.match(last) else []
        if last in ("++", "--"):
            return self.value(function, texts[:-1])
        if last == "]":
            return [target(node) for node in self.value(function, texts[:self.open(texts)])]
        if texts[-2] in ("->", "."):
            node = self.field(function, texts[:-2], last)
            return [node] if node else []
        if last == ")":
            at = self.open(texts)
            return self.call(function, texts[:at], texts[at + 1:-1])
        return []

    def is_variable(self, function, name):
        """Return true if the name is a variable, so that a call goes through a pointer."""
        if (function, name) in self.types:
            return True
        return ("", name) in self.types and name not in self.functions

    def is_harmless(self, name):
        """Return true if the macro is an expression without calls that could free a block."""
        macro = self.macros.get(name)
        if not macro or macro.parameters is None or set(macro.body) & {"{", ";", "=", "##", "#"}:
            return False
        calls = {text for text, after in zip(macro.body, macro.body[1:])
                 if after == "(" and IDENTIFIER.match(text)}
        return all(self.behaviour.get(call) in ("nothing", "borrows", "returns") for call in calls)

    @staticmethod
    def expand(macro, arguments):
        """Return the tokens of a macro's body with the arguments."""
        values = dict(zip(macro.parameters, arguments))
        return [each for text in macro.body for each in values.get(text, [text])]

    def call(self, function, callee, texts):
        """Return the nodes of what a call returns."""
        arguments = split_arguments(texts)
        name = callee[0] if len(callee) == 1 else None
        if name in self.functions and not self.is_variable(function, name):
            return [self.node("returns", name)]
        if name in self.macros and self.is_harmless(name):
            return self.value(function, self.expand(self.macros[name], arguments))
        does = self.behaviour.get(name)
        if does in ("returns", "copies"):
            return self.value(function, arguments[0]) if arguments else []
        if does in ("borrows", "nothing", "contiguous"):
            return []
        if name in ("container_of", "list_entry", "list_first_entry", "list_last_entry", "rb_entry",
                    "hlist_entry", "list_first_entry_or_null", "list_next_entry", "from_timer",
                    "timer_container_of", "container_of_const", "rb_entry_safe"):
            tag = [text for text in (arguments + [[]])[1] if text not in ("struct", "union")]
            if tag and tag[0] in self.structs:
                return [self.node("struct", tag[0])]
        key = (function, " ".join(callee), " ".join(texts))
        sites = self.sites.get(key, [(0, 0)])
        key += (next((site for site in sites if site >= self.now), sites[-1]),)
        if key not in self.calls:
            self.calls[key] = Node(f"{' '.join(callee)}()")
            self.calls[key].facts.append(("result", name, key))
            for text in self.macros[name].body if name in self.macros else ():
                for tag, fields in self.structs.items():
                    if text in fields and is_holder(fields[text]):
                        join(self.node("field", tag, text), self.calls[key])
        return [self.calls[key]]


def split_arguments(texts):
    """Return the tokens of each argument."""
    arguments = [[]]
    depth = 0
    for text in texts:
        depth += (text in "([{") - (text in ")]}")
        if text == "," and depth == 0:
            arguments.append([])
        else:
            arguments[-1].append(text)
    return arguments if arguments != [[]] else []
