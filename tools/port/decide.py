# SPDX-License-Identifier: GPL-2.0-only
"""Decide which call sites of a module are ported, and give a reason for each of the others."""
import re
from collections import namedtuple

from flow import Flow

# The functions that are ported: name: (family, what the call does, which argument has the pointer).
# An argument of None means that the call returns the pointer.
FAMILIES = {
    "heap": {
        "alloc": "kvmalloc kvzalloc kvmalloc_node kvzalloc_node kvmalloc_array kvcalloc "
                 "kvmalloc_obj kvzalloc_obj kvmalloc_objs kvzalloc_objs vmalloc vzalloc "
                 "vmalloc_node vzalloc_node __vmalloc vmalloc_array vcalloc",
        "free": "kvfree vfree"},
    "page": {"alloc": "alloc_page alloc_pages", "free": "__free_page __free_pages"},
    "address": {"alloc": "__get_free_page __get_free_pages get_zeroed_page alloc_pages_exact",
                "free": "free_page free_pages free_pages_exact"},
    "cache": {"make": "kmem_cache_create KMEM_CACHE", "destroy": "kmem_cache_destroy",
              "alloc": "kmem_cache_alloc kmem_cache_zalloc", "free": "kmem_cache_free"},
    "mempool": {"make": "mempool_create_kmalloc_pool", "destroy": "mempool_destroy",
                "alloc": "mempool_alloc", "free": "mempool_free"},
}
FUNCTIONS = {name: (family, role) for family, roles in FAMILIES.items()
             for role, names in roles.items() for name in names.split()}
# Functions of these allocators that are never ported.
UNPORTED = re.compile(r"""(kvmalloc|kvzalloc|kvcalloc|kvrealloc|kvmemdup|kvfree|vmalloc_(user|32)|
    vmemdup_user|vfree_atomic|mempool_(init|create|exit)|alloc_pages|__get_free_pages|
    __get_dma_pages|kmem_cache_create|devm_(get_free_pages|kvasprintf))\w*$""", re.X)
REFUSED_GFP = re.compile(r"\b(__GFP_DMA\w*|GFP_DMA\w*|\w*ACCOUNT\w*)\b")
CONSTANT = re.compile(r"(sizeof|struct|union|[A-Z_][A-Z0-9_]*|\d\w*|[-+*/()<>&|~ ])*$")
CACHE_FLAGS = re.compile(r"""(0|SLAB_HWCACHE_ALIGN|SLAB_RECLAIM_ACCOUNT|SLAB_MEM_SPREAD|
    SLAB_TEMPORARY|[|\ ])*$""", re.X)

# Any free of these families could be of any block. Caches and mempools have blocks of their own.
COMMON = ("heap", "page", "address")
# Functions outside of these families that free blocks of them.
FREE = re.compile(r"(kfree|kvfree|vfree|free_page|__free_page|put_page)")

# Of smaller objects, SLUB keeps several in a page.
LARGE = 4096

UNKNOWN = "it is not known where the pointer comes from"
UNFREED = "no call was found that frees this block"
# Functions that make a pointer from a number, which may be the address or the page of any block.
FROM_NUMBER = re.compile(r"""(pfn_to_page|phys_to_page|phys_to_virt|__va|vmalloc_to_page|
    pte_page|p[mu]d_page|virt_to_(page|head_page))$""", re.X)

# The functions of a parameter, which the kernel calls before the init function and after the exit.
PARAMETER = re.compile(r"\bmodule_param_call\([^;]*;|\bkernel_param_ops\b[^;={}]*=\s*\{[^;]*;")

Site = namedtuple("Site", "call family role node handle")


class Plan:
    """The sites of a module, and the decision for each."""

    def __init__(self, paths, facts, behaviour, own, init, sizes, refused):
        self.flow = Flow(paths, facts, behaviour, FUNCTIONS, own)
        self.module = self.flow.module
        self.init = init                # the function that module_init() names
        self.sizes = sizes              # variable of a cache: bytes of an object
        self.refused = refused          # why nothing can be ported, or None
        self.sites = []
        self.left = []                  # (file, line, sentence)
        self.results = {}
        for call in self.flow.calls:
            self.results[call.function, call.name, (call.line, call.column)] = call
        for call in self.flow.calls:
            if call.name in FUNCTIONS and call.function:
                self.add(call)
        self.structs = {}               # the classes of pointers to structures of the module
        for key, node in self.module.nodes.items():
            if key[0] == "struct":
                self.structs.setdefault(id(node.find()), key[1])
        self.not_calls()
        self.decide()

    def add(self, call):
        """Enter the call of a function that may be ported."""
        family, role = FUNCTIONS[call.name]
        self.module.now = (call.line, call.column)
        values = [self.module.value(call.function, argument) for argument in call.arguments]
        handle = None
        if role in ("alloc", "make"):
            nodes = self.module.call(call.function, [call.name], call.texts)
            if family in ("cache", "mempool") and role == "alloc" and values:
                handle = values[0]
        elif call.name == "kmem_cache_free":
            handle, nodes = values[0], values[1]
        elif call.name == "mempool_free":
            nodes, handle = values[0], values[1]
        else:
            nodes = values[0] if values else []
        for node in nodes[1:]:          # one of several pointers is freed
            self.flow.flow(nodes[0], node, self.where(call))
        if handle is not None:
            handle = handle[0].find() if handle else None
        node = nodes[0].find() if nodes else None
        self.sites.append(Site(call, family, role, node, handle))

    @staticmethod
    def where(call):
        return f"{call.file}:{call.line}"

    def stays(self, path, line, what, why):
        """Report a place that is left."""
        self.left.append((path, line, f"{what} stays, because {why}."))

    def hide(self, path, line, name, why):
        """Report a use of a ported function whose pointer is not known."""
        self.stays(path, line, f"{name}()", why)
        self.hidden.append((path, line, name))

    def not_calls(self):
        """Find uses of the allocators that are no call which spatch has parsed."""
        self.taken = {}                 # name of a function: where its address is used
        self.hidden = []                # uses in macros, and in what spatch does not parse
        seen = {(call.file, call.line, call.name) for call in self.flow.calls}
        for path, source in self.flow.sources.items():
            for index, token in enumerate(source.tokens[:-1]):
                name, line = token.text, token.line
                known = name in FUNCTIONS or name in ("kvfree_rcu", "mempool_kfree")
                if not known and not UNPORTED.match(name):
                    continue
                following, before = source.tokens[index + 1].text, source.tokens[index - 1].text
                if name in FUNCTIONS and following == "(" and (path, line, name) in seen:
                    continue
                if before == "(" and source.tokens[index - 2].text == "__free":
                    self.stays(path, line, f"__free({name})",
                               "the end of a scope frees the block, and no call does")
                elif name in FUNCTIONS and following != "(":
                    self.taken[name] = f"{path}:{line}"
                    self.stays(path, line, name, "a pointer to the function is used")
                elif name in FUNCTIONS:
                    self.hide(path, line, name, "Coccinelle does not parse this statement")
                elif following == "(" and source.body_at(line):
                    self.stays(path, line, f"{name}()", "no rule ports this function")
            for name, macro in source.macros.items():
                for text in sorted(set(macro.body) & set(FUNCTIONS)):
                    self.hide(path, macro.line, text, f"it is in the macro {name}")

    def decide(self):
        """Set self.ported to the sites that are ported, and self.left to what is left."""
        classes = {}
        for site in self.sites:
            if site.node is None:
                classes.setdefault(("none", id(site)), []).append(site)
            else:
                classes.setdefault(id(site.node.find()), []).append(site)
        early = self.before_init()
        reasons = {key: self.refused or self.reason(sites) or
                   next((f"the kernel may call {site.call.function}() before the init function"
                         for site in sites if site.call.function in early), None)
                   for key, sites in classes.items()}
        doubt = next(self.doubts(classes, reasons), None)
        for key, sites in classes.items():
            if sites[0].family in COMMON:
                reasons[key] = reasons[key] or doubt
        self.bind_handles(classes, reasons)
        self.ported = []
        for key, sites in classes.items():
            if not reasons[key]:
                self.ported += sites
                continue
            for site in sites:
                self.stays(site.call.file, site.call.line, f"{site.call.name}()", reasons[key])
        self.left = sorted(set(self.left))

    def before_init(self):
        """Return the functions that parameters of the module may call before it is initialised."""
        names = set()
        for source in self.flow.sources.values():
            for match in PARAMETER.finditer(source.text):
                names.update(re.findall(r"\w+", match[0]))
        found = set()
        while names:
            found |= names
            names = {call.name for call in self.flow.calls
                     if call.function in names and call.name} - found
        return found

    def doubts(self, classes, reasons):
        """Yield why no block but those of caches and mempools can be ported.

        A free whose pointer is not known may free any block. A block that no call frees may be
        freed by any call.
        """
        for key, sites in classes.items():
            for site in sites:
                if site.family not in COMMON:
                    continue
                where, name = self.where(site.call), site.call.name
                if site.role == "free" and (reasons[key] == UNKNOWN or self.from_number(site.node)):
                    yield f"{name}() may free any block ({where})"
                if site.role == "alloc" and reasons[key] == UNFREED:
                    yield f"any call may free this block ({where})"
        for path, line, name in self.hidden:
            family, role = FUNCTIONS[name]
            if role == "free" and family in COMMON:
                yield f"{name}() may free any block ({path}:{line})"
        for where, name in self.flow.blind:
            if FREE.match(name):
                yield f"{name}() may free any block ({where})"

    @staticmethod
    def from_number(node):
        """Return true if the pointer may come from the number of a page or a physical address."""
        return node and any(fact[0] == "result" and FROM_NUMBER.match(fact[1] or "")
                            for fact in node.find().facts)

    def bind_handles(self, classes, reasons):
        """Port a cache or a mempool and all its blocks, or none of them."""
        groups = {}                     # class of the handle: classes of handle and blocks
        for key, sites in classes.items():
            for site in sites:
                if site.role in ("make", "destroy"):
                    groups.setdefault(key, set()).add(key)
                elif site.family in ("cache", "mempool"):
                    handle = id(site.handle.find()) if site.handle else ("none", id(site))
                    groups.setdefault(handle, set()).update((handle, key))
        changed = True
        while changed:
            changed = False
            for handle, keys in groups.items():
                found = [reasons.get(key, "the pool is not created by a function that is ported")
                         for key in keys]
                failed = [reason for reason in found if reason]
                if failed and not all(found):
                    changed = True
                    for key in keys:
                        reasons[key] = reasons.get(key) or failed[0]

    def reason(self, sites):
        """Return why the sites of one class are left, or None if they are ported."""
        node = sites[0].node and sites[0].node.find()
        roles = {site.role for site in sites}
        families = {site.family for site in sites}
        names = sorted({site.call.name + "()" for site in sites if site.role == "alloc"})
        if node is None:
            return UNKNOWN
        if len(families) > 1:
            return self.reason_of_roles(sites, roles) or (
                f"the same pointers hold memory of different allocators: {', '.join(names)}")
        for site in sites:
            if site.call.name in self.taken:
                return f"{self.taken[site.call.name]} uses a pointer to {site.call.name}()"
        if "make" in roles or "destroy" in roles:
            return self.reason_of_handle(sites, node)
        return self.reason_of_node(node, families) or self.reason_of_roles(sites, roles) or \
            self.reason_of_gfp(sites)

    @staticmethod
    def reason_of_roles(sites, roles):
        if "alloc" not in roles:
            return UNKNOWN
        if "free" not in roles:
            return UNFREED
        return None

    @staticmethod
    def reason_of_gfp(sites):
        for site in sites:
            gfp = REFUSED_GFP.search(" ".join(site.call.texts)) if site.role == "alloc" else None
            if gfp and "ACCOUNT" in gfp[0]:
                return f"a pool charges no cgroup, and line {site.call.line} has {gfp[0]}"
            if gfp:
                return f"a pool refuses {gfp[0]}, which line {site.call.line} has"
        return None

    def reason_of_node(self, node, families):
        """Return what the facts say against a port of the blocks of a class."""
        own = id(node) in self.structs
        for what, where, sentence in node.facts:
            if what == "escape" or (what in ("weak", "foreign") and not own):
                return f"{sentence} ({where})"
            if what == "contiguous" and families == {"heap"}:
                return f"{sentence} ({where})"
            if what == "field" and families == {"page"}:
                return f"{sentence}, and the pages of a block belong to the pool ({where})"
            if what == "result":
                reason = self.reason_of_result(where, sentence, own)
                if reason:
                    return reason
        return f"{node.name} is not the module's own" if node.outside else None

    def reason_of_result(self, name, key, own):
        """Return what the result of a call says against a port."""
        if name in FUNCTIONS:
            return None
        does = self.module.behaviour.get(name)
        if does == "recalls" and own:
            return None
        call = self.results.get((key[0], name, key[3]))
        where = f" ({self.where(call)})" if call else ""
        if does == "allocates":
            return f"the same pointers hold memory of {name}(){where}"
        return f"the pointer may come from {key[1].replace(' ', '')}(){where}"

    def reason_of_handle(self, sites, node):
        """Return why a cache or a mempool is left."""
        made = [site for site in sites if site.role == "make"]
        if any(site.role not in ("make", "destroy") for site in sites):
            return "the same pointers hold blocks"
        if len(made) != 1:
            return f"it is created by {len(made) or 'no'} calls of a function that is ported"
        reason = self.reason_of_node(node, set())
        if reason:
            return reason
        places = [key for key, each in self.module.nodes.items() if each.find() is node]
        if len(places) != 1 or places[0][:2] != ("variable", ""):
            return "it is not in a global variable alone"
        if len(made) == len(sites):
            return "no call destroys it"
        reason = self.reason_of_cache(made[0].call)
        if not reason and not self.runs_once(made[0].call.function):
            reason = "it may be created more than once, and the name of a pool is unique"
        return reason or self.reason_of_size(places[0][2])

    def reason_of_size(self, var):
        """Return why a cache of small objects is left. Its objects may not be measured yet."""
        size = int(self.sizes.get(var, LARGE))
        if size >= LARGE:
            return None
        return f"its objects have {size} bytes, and a cache is right for objects below a page"

    def handle_of(self, site):
        """Return the variable that holds the cache or the mempool which the site creates."""
        return next(key[2] for key, node in self.module.nodes.items()
                    if key[0] == "variable" and node.find() is site.node.find())

    def runs_once(self, function, seen=()):
        """Return true if the function only runs when the module is loaded."""
        if function == self.init:
            return True
        node = self.module.nodes.get(("returns", function))
        if not function or function in seen or (node and node.find().facts):
            return False
        callers = [call for call in self.flow.calls if call.name == function]
        return len(callers) == 1 and self.runs_once(callers[0].function, (*seen, function))

    @staticmethod
    def size_of(call):
        """Return the size of the blocks of a cache or a mempool."""
        if call.name == "KMEM_CACHE":
            return f"sizeof(struct {call.arguments[0][0]})"
        size = " ".join(call.arguments[1])
        size = re.sub(r" ?([()]) ?", r"\1", size)
        return size

    def reason_of_cache(self, call):
        arguments = [" ".join(argument) for argument in call.arguments]
        if call.name == "KMEM_CACHE":
            arguments = [f'"{arguments[0]}"', "0", "0", arguments[1], "NULL"]
        if not CONSTANT.match(arguments[1]) and not re.match(r"sizeof ?\(", arguments[1]):
            return f"the size {arguments[1]} is not a constant"
        if call.name == "mempool_create_kmalloc_pool":
            return None
        if len(arguments) != 5:
            return "it is created with unusual arguments"
        if not CACHE_FLAGS.match(arguments[3]):
            return f"a pool has nothing like the flags {arguments[3]}"
        if arguments[2] != "0":
            return f"a pool has no parameter like the alignment {arguments[2]}"
        if arguments[4] != "NULL":
            return f"a pool has no constructor like {arguments[4]}"
        return None if arguments[0].startswith('"') else "its name is not a constant"
