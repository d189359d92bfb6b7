# SPDX-License-Identifier: GPL-2.0-only
"""Add to the sources what belongs to no call site: includes, pools, and their creation."""
import os
import re

from source import COMMENT, without

INIT = re.compile(r"^(?:module_init|\w+_initcall(?:_sync)?)\((\w+)\);?(?=[ \t]*$)", re.M)
EXIT = re.compile(r"^module_exit\((\w+)\);?(?=[ \t]*$)", re.M)
# A macro that may make the init and the exit function, such as module_platform_driver().
MACRO = re.compile(r"^((?:module|builtin)_(?!init|exit|param)\w+)\(([^()]*)\);?(?=[ \t]*$)", re.M)

CREATE = """\
/* Create a pool of blocks of one size, with a reserve. Return NULL if this fails. */
static struct bytepool *create_pool(const char *name, size_t size, unsigned int reserve)
{
	const struct bytepool_params params = {
		.min_size = ALIGN(size, 8),
		.max_size = ALIGN(size, 8),
	};
	struct bytepool *pool = bytepool_create(name, &params);

	if (IS_ERR(pool))
		return NULL;
	if (reserve && bytepool_reserve(pool, size, reserve, GFP_KERNEL)) {
		bytepool_destroy(pool);
		return NULL;
	}
	return pool;
}
"""
PAGES = """\
/* Return the first page of a block of {name}_pages, or NULL if there is no memory. */
static inline struct page *{name}_get_pages(gfp_t gfp, unsigned int order)
{{
	void *block = bytepool_alloc({name}_pages, PAGE_SIZE << order, gfp);

	return block ? virt_to_page(block) : NULL;
}}
"""
PARAMETERS = {
    "pool": "\t\t.max_size = SZ_1G,\n",
    "pages": "\t\t.min_size = PAGE_SIZE,\n\t\t.max_size = SZ_1G,\n\t\t.flags = BYTEPOOL_CONTIG,\n",
}
INIT_FUNCTION = """\
static int __init {function}(void)
{{
{parameters}	int err;

{creations}	if (!err)
		err = {call};
	if (err < 0) {{
{destructions}	}}
	return err;
}}
"""
EXIT_FUNCTION = """\
static void __exit {function}(void)
{{
	{call};
{destructions}}}
"""
HEADER = """\
/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _{guard}
#define _{guard}

#include <linux/mm.h>
#include "bytepool.h"

{pools}
#endif /* _{guard} */
"""


def after_includes(text, new, first):
    """Insert lines after the last #include of a name with that first character, or after any."""
    depth, offset, ends = 0, 0, {}
    for line in text.splitlines(keepends=True):
        offset += len(line)
        directive = re.match(r"\s*#\s*(if|endif|include\s*(.))", line)
        if not directive:
            continue
        if directive[1].startswith("include"):      # prefer one in as few #if as possible
            for kind in (directive[2], "any"):
                if kind not in ends or depth <= ends[kind][0]:
                    ends[kind] = (depth, offset)
        else:
            depth += 1 if directive[1] == "if" else -1
    guard = re.search(r"^#ifndef (\w+)\n#define \1\b.*\n", text, re.M)
    found = ends.get(first) or ends.get("any") or (0, guard.end() if guard else 0)
    if first not in ends:
        new = "\n" + new
    return text[:found[1]] + new + text[found[1]:]


def expanded(match, drivers):
    """Return the driver that a macro registers, and how to register and unregister it, or None.

    drivers has the macros of the kernel's headers that call module_driver().
    """
    name, *others = [word.strip() for word in match[2].split(",")]
    if match[1] == "module_driver" and len(others) == 2:
        return name, *others
    return (name, *drivers[match[1]]) if match[1] in drivers and not others else None


def module_text(text, configured):
    """Return the text without comments, strings, and what is only there if it is built in."""
    def blank(match):
        symbol = re.match(r"#ifndef (\w+)", match[0])[1]
        return re.sub(r"[^\n]", " ", match[0]) if symbol in configured else match[0]
    return re.sub(r"^#ifndef (?:CONFIG_\w+_)?MODULE$.*?^#(?:endif|else)", blank,
                  without(COMMENT, text), flags=re.M | re.S)


def starts_of(text, drivers):
    """Return the matches of module_init() and its like, and of macros that make it."""
    found = list(INIT.finditer(text))
    for match in MACRO.finditer(text):
        if match[1] in drivers or "driver" in match[1] or match[1].startswith("builtin_"):
            found.append(match)
    return found


def renamed(match, name):
    """Return the text of the match with another name in its first group."""
    return match[0][:match.start(1) - match.start()] + name + match[0][match.end(1) - match.start():]


def wrapped(text, name, kinds, drivers, configured):
    """Create the pools before the module's init function, and destroy them after its exit."""
    plain = module_text(text, configured)
    start, end = starts_of(plain, drivers)[0], EXIT.search(plain)
    macro = start.re is MACRO
    if macro:
        driver, register, unregister = expanded(start, drivers)
        init = (f"{driver}_init", f"{register}(&{driver})")
        leave = (f"{driver}_exit", f"{unregister}(&{driver})")
    else:
        init, leave = [(f"{match[1]}_with_pools", f"{match[1]}()") for match in (start, end)]
    parameters = creations = destructions = ""
    for kind in kinds:
        shown = name if kind == "pool" else f"{name}_{kind}"
        parameters += f"\tconst struct bytepool_params {kind} = {{\n{PARAMETERS[kind]}\t}};\n"
        creations += f'\t{name}_{kind} = bytepool_create("{shown}", &{kind});\n'
        destructions = f"\tbytepool_destroy({name}_{kind});\n" + destructions
    for index, kind in enumerate(kinds):
        creations += "\tif (!err)\n\t" if index else ""
        creations += f"\terr = PTR_ERR_OR_ZERO({name}_{kind});\n"
    created = INIT_FUNCTION.format(function=init[0], call=init[1], parameters=parameters,
                                   creations=creations,
                                   destructions=destructions.replace("\t", "\t\t"))
    if len(kinds) == 1:
        created = created.replace("if (err < 0) {", "if (err < 0)")
        created = created.replace("\t}\n\treturn err", "\treturn err")
    destroyed = EXIT_FUNCTION.format(function=leave[0], call=leave[1], destructions=destructions)
    if macro:
        edits = [(start, f"{created}module_init({init[0]});\n\n{destroyed}module_exit({leave[0]});")]
    else:
        edits = [(start, created + renamed(start, init[0])), (end, destroyed + renamed(end, leave[0]))]
    for match, new in sorted(edits, key=lambda pair: -pair[0].start()):
        before = text[:match.start()]
        text = before + ("" if before.endswith("\n\n") else "\n") + new + text[match.end():]
    return text


class Editor:
    """The edits of one module, whose call sites have been changed already."""

    def __init__(self, plan):
        self.name = re.sub(r"\W", "_", plan["module"])
        self.start = plan["start"]      # the file with module_init()
        self.kinds = plan["kinds"]      # which of "pool" and "pages" are needed
        self.drivers = plan["drivers"]  # the macros that make init and exit functions
        self.configured = plan["configured"]
        self.handles = plan["handles"]  # the variables of the caches and mempools
        self.makes = plan["makes"]      # the files that create these
        self.touched = plan["touched"]  # the files with a changed call site
        self.header = os.path.join(os.path.dirname(self.start), f"{self.name}_pools.h")
        self.texts = {}
        for path in plan["sources"]:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.texts[path] = file.read()

    def edit(self):
        new = [kind for kind in self.kinds if not self.declared(f"{self.name}_{kind}")]
        users = {path for path, text in self.texts.items()
                 if re.search(rf"\b{self.name}_(pool|pages|get_pages)\b", text)}
        if new:
            self.texts[self.start] = wrapped(self.texts[self.start], self.name, new,
                                             self.drivers, self.configured)
        for path in self.texts:
            self.retype(path)
        shared = os.path.exists(self.header) or bool(users - {self.start})
        pools = [f"{self.name}_{kind}" for kind in ("pool", "pages") if kind in self.kinds]
        pages = PAGES.format(name=self.name) if "pages" in new else ""
        if new and shared:
            self.write_header(pools, pages)
        for path in sorted(set(self.touched) | {self.start} if new else set(self.touched)):
            parts = [f"{'' if shared else 'static '}struct bytepool *{self.name}_{kind};\n"
                     for kind in new if path == self.start]
            if pages and path == self.start and not shared:
                parts.append(f"\n{pages}")
            if path in self.makes:
                parts.append(("\n" if parts else "") + CREATE)
            own = shared and (path in users or path == self.start)
            self.include(path, self.header if own else "bytepool.h", parts)
        for path, text in self.texts.items():
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text.replace("? : 1", "?: 1"))

    def declared(self, var):
        return any(re.search(rf"\bstruct bytepool \*{var}\b", text) for text in self.texts.values())

    def include(self, path, header, parts):
        """Add an #include and what has to follow it."""
        text = self.texts[path]
        names = [f'"{os.path.relpath(header, os.path.dirname(path) or ".")}"']
        if header == "bytepool.h":
            names = ['"bytepool.h"']
        new = "".join(f"#include {name}\n" for name in names if f"#include {name}\n" not in text)
        if parts:
            new += "\n" + "".join(parts)
        if new:
            text = after_includes(text, new, '"')
        names = ["<linux/err.h>"] if parts else []
        names += ["<linux/sizes.h>"] if parts and path == self.start and self.kinds else []
        names += ["<linux/mm.h>"] if re.search(r"\bPAGE_ALIGN\(", text) else []
        new = "".join(f"#include {name}\n" for name in names if f"#include {name}\n" not in text)
        self.texts[path] = after_includes(text, new, "<") if new else text

    def retype(self, path):
        """Change the types of the variables that held caches and mempools."""
        for var in self.handles:
            old = rf"\b(struct kmem_cache|mempool_t|struct mempool_s) \*{var}\b"
            self.texts[path] = re.sub(old, f"struct bytepool *{var}", self.texts[path])

    def write_header(self, pools, pages):
        guard = re.sub(r"\W", "_", os.path.basename(self.header)).upper()
        declarations = "".join(f"extern struct bytepool *{var};\n" for var in pools)
        with open(self.header, "w", encoding="utf-8") as file:
            file.write(HEADER.format(guard=guard, pools=declarations + (pages and f"\n{pages}")))
