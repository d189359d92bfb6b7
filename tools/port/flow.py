# SPDX-License-Identifier: GPL-2.0-only
"""Enter the facts that spatch printed into the places of a module, and collect its call sites.

A place gets a fact (what, where, sentence) for each thing that a port has to know of it:
escape		code outside of the module gets the block, and may free it
foreign		the pointer may come from outside of the module
weak		either of both, which is harmless for a pointer to a structure of the module
other		the place also holds memory of an allocator that is not ported
contiguous	the block has to be physically contiguous
ported		a function that is ported gets it
"""
import re
from collections import namedtuple

from places import Module, is_holder, join, split_arguments, target
from source import WORDS, Source, declared, words

Call = namedtuple("Call", "file line column function name arguments texts")
IGNORED = WORDS | {"__attribute__", "__free", "__must_hold", "__acquires", "__releases", "__printf",
                   "defined", "_Static_assert", "static_assert", "typeof", "alignof",
                   "scoped_guard", "guard", "__section", "__aligned"}
# Names that code outside of the module uses.
OUTSIDE = re.compile(r"\b(?:EXPORT_SYMBOL\w*|module_param\w*)\(([^()]*)\)")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


def read_behaviour(path, borrows):
    """Read the file `outside`, and add what the user knows."""
    behaviour = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            does, *names = line.split() or ["#"]
            if not does.startswith("#"):
                behaviour.update((name, does) for name in names if name not in behaviour)
    behaviour.update((name, "borrows") for name in borrows)
    return behaviour


def is_content(node):
    """Return true if the place is what a pointer points to, which most often is a number."""
    return node.name.startswith("*")


class Flow:
    """The places of a module with their facts, and its call sites."""

    def __init__(self, paths, facts, behaviour, ported, own):
        self.sources = {path: Source(path) for path in paths}
        self.facts = [line.rstrip("\n").split("\t") for line in facts]
        self.ported = ported            # the functions that are ported, which have no behaviour
        self.calls = []
        self.blind = []                 # frees by outside functions of what is not known to be a pointer
        self.passed = []                # function, its parameter, and the node of an argument
        self.copied = []                # the nodes of pointers to memory that is copied
        self.own = own                  # fields of outside structures that the module alone uses
        self.macros = {}
        structs, unions = {}, {}
        for source in self.sources.values():
            self.macros.update(source.macros)
            for tag, fields in source.structs.items():
                known = structs.setdefault(source.typedefs.get(tag, tag), {})
                structs[tag] = known
                known.update((field.name, field.type) for field in fields)
                for field in fields:
                    if field.union and is_holder(field.type):
                        unions.setdefault(field.union, []).append((tag, field.name))
        functions = {}
        self.twice = set()              # functions that are defined twice
        for fact in self.of_kind("function"):
            if fact[5] in functions:
                self.twice.add(fact[5])
            functions[fact[5]] = [pair for part in split_arguments(words(fact[6]))
                                  for pair in declared(part)]
        for source in self.sources.values():
            for body in source.bodies:
                functions.setdefault(body.name, [])
        self.module = Module(structs, unions, functions, behaviour, self.macros, own)
        self.tie_fields(structs)
        self.enter()

    def of_kind(self, *kinds):
        return [fact for fact in self.facts if fact[0] in kinds]

    def tie_fields(self, structs):
        for tag, fields in structs.items():
            for name, kind in fields.items():
                if is_holder(kind):
                    self.module.tie(self.module.node("field", tag, name), kind)

    @staticmethod
    def scope(fact):
        """Return the function that a fact is in, or "" at the top level."""
        return "" if fact[4] == "something_else" else fact[4]

    @staticmethod
    def note(node, what, where, sentence):
        node.find().facts.append((what, where, sentence))

    def enter(self):
        """Enter all facts."""
        module = self.module
        for fact in self.of_kind("declare", "initialise", "list"):
            scope = self.scope(fact)
            if scope == fact[6]:        # spatch calls a global variable its own element
                scope = ""
            module.declare(scope, fact[6], fact[5])
        for function, parameters in module.functions.items():
            for name, kind in parameters:
                module.declare(function, name, kind)
        for fact in self.of_kind("call"):
            key = (self.scope(fact), " ".join(words(fact[5])), " ".join(words(fact[6])))
            module.sites.setdefault(key, []).append((int(fact[2]), int(fact[3])))
        for sites in module.sites.values():
            sites.sort()
        for fact in self.facts:
            kind, path, line, column, _ = fact[:5]
            function, where = self.scope(fact), f"{path}:{line}"
            module.now, module.where = (int(line), int(column)), where
            if kind == "assign":
                self.assign(function, where, words(fact[5]), words(fact[6]))
            elif kind == "initialise":
                self.assign(function, where, [fact[6]], words(fact[7]))
            elif kind == "list":
                self.initialise(function, where, fact[5], fact[6], words(fact[7]))
            elif kind == "return":
                for node in module.value(function, words(fact[5])):
                    self.flow(module.node("returns", function), node, where)
            elif kind == "iterate":
                for argument in split_arguments(words(fact[6]))[:1]:
                    for node in module.value(function, argument):
                        self.note(node, "weak", where, f"{fact[5]}() sets the pointer")
            elif kind == "call":
                self.call(fact)
        self.module.now = (0, 0)
        self.find_taken()
        self.find_unseen()
        self.join_all()
        self.propagate()

    def flow(self, to, node, where):
        """Let a pointer flow from one place to another."""
        outside = [each for each in (to, node) if each.outside]
        if not outside:
            join(to, node)
            return
        if to.outside:
            sentence = f"it is stored in {to.name}, which is not the module's own"
            field = "." + to.name.rpartition(".")[2]
            kept = self.module.behaviour.get(field) == "keeps"
            self.note(node, "weak" if kept else "escape", where, sentence)
        if node.outside:
            sentence = f"it comes from {node.name}, which is not the module's own"
            self.note(to, "weak", where, sentence)

    def assign(self, function, where, left, right):
        nodes = self.module.value(function, right)
        places = self.module.value(function, left)
        if not places:
            cast = "uintptr_t" in right or {"unsigned", "long"} <= set(right)
            for node in nodes:
                result = self.module.nodes.get(("returns", node.name)) is node
                if cast or not (result or is_content(node)):
                    self.note(node, "escape", where, f"{' '.join(left)} is not known to be a pointer")
        for place in places:
            for node in nodes:
                self.flow(place, node, where)
        if len(left) > 2 and left[-2] == "->":
            for node in self.module.value(function, left[:-2]):
                self.note(node, "field", where, f"{' '.join(left)} is set")

    def initialise(self, function, where, kind, name, texts):
        """Enter the values of `{ .field = value, value }`."""
        for part in split_arguments(texts):
            if part[:1] == ["."] and "=" in part:
                at = part.index("=")
                self.assign(function, where, [name] + part[:at], part[at + 1:])
            elif "[" in kind or "*" in kind:
                self.assign(function, where, [name, "[", "0", "]"], part)
            else:
                for node in self.module.value(function, part):
                    self.note(node, "escape", where, "it is stored in a field without a name")

    def call(self, fact):
        module = self.module
        function, where = self.scope(fact), f"{fact[1]}:{fact[2]}"
        callee, texts = words(fact[5]), words(fact[6])
        arguments = split_arguments(texts)
        name = callee[0] if len(callee) == 1 else None
        call = Call(fact[1], int(fact[2]), int(fact[3]), function, name, arguments, texts)
        self.calls.append(call)
        if name in self.ported:
            for argument in arguments:
                for node in module.value(function, argument):
                    self.note(node, "ported", where, name)
            return
        pointer = not name or module.is_variable(function, name)
        if not pointer and name in module.functions:
            parameters = module.functions[name]
            for index, argument in enumerate(arguments):
                for node in module.value(function, argument):
                    known = index < len(parameters)
                    if known and is_holder(parameters[index][1]) and name not in self.twice:
                        self.passed.append((name, parameters[index][0], node))
                    elif not (known and is_content(node)):
                        self.note(node, "escape", where, f"{name}() gets it in an unknown way")
            return
        does = None if pointer else module.behaviour.get(name)
        if not pointer and module.is_harmless(name):
            does = "borrows"
        if does == "copies" and len(arguments) > 1:
            for to in module.value(function, arguments[0]):
                for node in module.value(function, arguments[1]):
                    self.copied.append((to, node))
        shown = fact[5].replace(" ", "")
        if does == "frees" and arguments and not module.value(function, arguments[0]):
            self.blind.append((where, name))
        for argument in arguments:
            for node in module.value(function, argument):
                self.pass_on(node, where, shown, "pointer" if pointer else does)

    def pass_on(self, node, where, name, does):
        """Note what a function outside of the module does with an argument."""
        if node.name.startswith("&"):
            self.note(target(node), "escape", where, f"{name}() gets the address of the pointer")
            return
        if does in ("borrows", "returns", "copies", "nothing", "allocates", "recalls"):
            return
        if does == "contiguous":
            self.note(node, "contiguous", where, f"{name}() needs physically contiguous memory")
        elif does == "keeps":
            self.note(node, "weak", where, f"{name}() stores it outside of the module")
        elif does == "frees":
            self.note(node, "escape", where, f"{name}() frees it or takes it over")
        elif does == "needs":
            self.note(node, "escape", where, f"{name}() does not work with a block of a pool")
        elif does == "pointer":
            self.note(node, "escape", where, f"{name}() is called through a pointer, and gets it")
        elif name in self.macros:
            self.note(node, "escape", where, f"{name}() is a macro, and gets it")
        else:
            self.note(node, "escape", where, f"{name}() is outside of the module, and gets it")

    def take(self, name, where):
        """Note that code outside of the module may call a function."""
        module = self.module
        for parameter, kind in module.functions[name]:
            if is_holder(kind) and not module.tag(kind):
                self.note(module.node("variable", name, parameter), "foreign", where,
                          f"code outside of the module may call {name}() with another pointer")
        self.note(module.node("returns", name), "weak", where,
                  f"code outside of the module may get it from {name}()")

    def find_taken(self):
        """Find the functions whose addresses are taken."""
        functions = self.module.functions
        for source in self.sources.values():
            for at, token in enumerate(source.tokens[:-1]):
                if token.text in functions and source.tokens[at + 1].text != "(" and \
                        source.tokens[at - 1].text not in ("->", "."):
                    self.take(token.text, f"{source.path}:{token.line}")
            for macro in source.macros.values():
                for text in set(macro.body) & set(functions):
                    self.take(text, f"{source.path}:{macro.line}")
            self.find_exported(source)

    def find_exported(self, source):
        """Find the global variables that code outside of the module uses."""
        names = {name for match in OUTSIDE.finditer(source.text) for name in words(match[1])}
        for name in sorted(name for name in names if ("", name) in self.module.types):
            for node in self.module.variable("", name):
                self.note(node, "escape", source.path,
                          f"code outside of the module gets the variable {name}")

    def find_unseen(self):
        """Find calls and assignments that spatch has not parsed."""
        seen = {(fact[1], int(fact[2]), int(fact[3])) for fact in self.facts}
        parsed = {fact[5] for fact in self.of_kind("function")}
        for source in self.sources.values():
            for body in source.bodies:
                if body.name not in parsed:
                    self.take(body.name, f"{source.path}:{body.first}")
            for at, token in enumerate(source.tokens):
                if token.text in ("__free", "__cleanup") and source.body_at(token.line):
                    self.distrust(source, source.body_at(token.line).name, at,
                                  "the end of its scope frees it")
                if token.text not in "(=" or (source.path, token.line, token.column) in seen:
                    continue
                body = source.body_at(token.line)
                before = source.tokens[at - 1].text if at else ""
                if not body:
                    continue
                if token.text == "(" and (not IDENTIFIER.match(before) or before in IGNORED):
                    continue
                if token.text == "=" and source.tokens[at - 2].text == ".":
                    continue
                if self.module.behaviour.get(before) in ("borrows", "nothing"):
                    continue
                self.distrust(source, body.name, at)

    def distrust(self, source, function, at, why="Coccinelle does not parse this statement"):
        """Mark the places in the statement around a token as unknown."""
        tokens = source.tokens
        first = last = at
        while first > 0 and tokens[first - 1].text not in ";{}":
            first -= 1
        while last < len(tokens) - 1 and tokens[last].text not in ";{}":
            last += 1
        where = f"{source.path}:{tokens[at].line}"
        module = self.module
        for index in range(first, last):
            text = tokens[index].text
            if not IDENTIFIER.match(text):
                continue
            nodes = []
            if tokens[index - 1].text in ("->", "."):
                nodes = [module.node("field", tag, text) for tag, fields in module.structs.items()
                         if text in fields and is_holder(fields[text])]
            elif text in module.functions:
                self.take(text, where)
            else:
                nodes = module.variable(function, text)
            for node in nodes:
                self.note(node, "escape", where, why)

    def nr_classes(self):
        return len({id(node.find()) for node in self.module.nodes.values()})

    def join_all(self):
        """Join the places that hold the same pointers, until nothing changes."""
        before = 0
        while before != self.nr_classes():
            before = self.nr_classes()
            self.join_passed()
            self.fields_of_joined()

    def join_passed(self):
        """Join parameters with the arguments that they get, unless the function only borrows.

        A function borrows if a parameter and the variables to which it assigns it are its own, and
        if there is no fact about them. So a function that fills any buffer does not join the
        buffers of its callers.
        """
        module = self.module
        while True:
            self.join_copied()
            copies = self.copying()
            members = {}
            for key, node in module.nodes.items():
                members.setdefault(id(node.find()), []).append((key, node))
            rest = []
            for name, parameter, node in self.passed:
                own = module.node("variable", name, parameter).find()
                mine = members.get(id(own), [])
                borrows = self.is_bare(own) and own.size == len(mine) and all(
                    key[:2] == ("variable", name) and not each.pointer for key, each in mine)
                # To copy a block is to copy the pointers in it.
                if borrows and id(own) in copies:
                    borrows = not node.find().target and not any(
                        key[0] == "struct" for key, _ in members.get(id(node.find()), ()))
                if borrows:
                    rest.append((name, parameter, node))
                else:
                    join(own, node)
            if len(rest) == len(self.passed):
                return
            self.passed = rest

    def copying(self):
        """Return the classes of pointers to memory that is copied, also by functions that get them."""
        copies = {id(node.find()) for pair in self.copied for node in pair}
        before = -1
        while before != len(copies):
            before = len(copies)
            for name, parameter, node in self.passed:
                if id(self.module.node("variable", name, parameter).find()) in copies:
                    copies.add(id(node.find()))
        return copies

    def join_copied(self):
        """Join the contents of copied memory, if it has pointers."""
        while True:
            found = [pair for pair in self.copied if any(node.find().target for node in pair)]
            if not found:
                return
            self.copied = [pair for pair in self.copied if pair not in found]
            for to, node in found:
                join(target(to), target(node))

    def is_bare(self, node):
        """Return true if the only facts of a class and of its contents are of the kind `foreign`."""
        inner = node.target and node.target.find()
        return all(fact[0] == "foreign" for fact in node.facts) and not node.pointer and \
            (not inner or (inner.size == 1 and self.is_bare(inner)))

    def fields_of_joined(self):
        """Join the fields of the same name if their structures share a class."""
        module = self.module
        while True:
            before = self.nr_classes()
            classes = {}
            for key, node in list(module.nodes.items()):
                if key[0] == "struct":
                    classes.setdefault(id(node.find()), []).append(key[1])
            for tags in classes.values():
                for tag in tags[1:]:
                    for name in set(module.structs[tag]) & set(module.structs[tags[0]]):
                        join(module.node("field", tags[0], name), module.node("field", tag, name))
            if before == self.nr_classes():
                return

    def propagate(self):
        """Note that code outside that gets a pointer also gets the memory that it points to."""
        nodes = list(self.module.nodes.values()) + list(self.module.calls.values())
        todo = [node.find() for node in nodes]
        while todo:
            node = todo.pop()
            reasons = [fact for fact in node.facts if fact[0] in ("escape", "foreign", "weak")]
            if node.outside:
                reasons.append(("foreign", "", f"{node.name} is not the module's own"))
            inner = node.target and node.target.find()
            if inner and reasons and not any(fact[0] == "escape" for fact in inner.facts):
                self.note(inner, "escape", *reasons[0][1:])
                todo.append(inner)
