# SPDX-License-Identifier: GPL-2.0-only
"""The blocks that a watch has seen, and the call sites that allocated them."""
import re

from .watch import CACHED, PAGE, plain

# The functions of allocators, in which no call site lies.
ALLOCATORS = {
    "kmalloc": r"_*(do_)?(kmalloc|kvmalloc|kv?realloc|kv?memdup|kstrdup|large_kmalloc)"
               r"|v?memdup_user|strndup_user|devm_k|mempool_",
    "slab": r"_*slab_|new_slab|allocate_slab|alloc_slab|kmem_cache_|refill_",
    "vmalloc": r"_*(vmalloc|vzalloc|vm_area_alloc|get_vm_area|alloc_vmap_area)",
    "pages": r"_*(alloc_(frozen_)?pages?|folio_alloc|get_free_page|get_zeroed_page|make_alloc_exact"
             r"|get_page_from|devm_get_free)",
    "tracer": r"\[|_*(trace|event_trigger|kprobe|kretprobe|ftrace|rethook|stack_trace|aggr_pre|opt"
              r"|arch_rethook|arch_ftrace)",
}
ALLOCATORS = {kind: re.compile(names) for kind, names in ALLOCATORS.items()}
# Some functions near the call site show that a pool does not fit.
UNFIT = {
    "pages": r"vma_alloc|filemap_|page_cache_|shmem_|do_huge|do_anonymous|alloc_anon|pgd_alloc"
             r"|pte_alloc|_*p[tum4]d_alloc",
    "coherent": r"dma_alloc|dma_direct_alloc|dma_common_alloc|_*dma_alloc",
    "stack": r"alloc_thread_stack|dup_task_struct",
}
VMALLOC = ("__vmalloc_node_range", "")
UNFIT = {verdict: re.compile(names) for verdict, names in UNFIT.items()}


class Block:
    """An allocation in the sample."""
    __slots__ = ("time", "at", "size", "order", "kind", "stack", "charged", "freed", "freed_at")

    def __init__(self, when, size, kind):
        """The times are in microseconds, so @at and @freed_at have the order of the events."""
        self.time, self.size, self.kind = when, size, kind
        self.at, self.stack, self.charged, self.freed, self.freed_at = 0, (), False, None, None


class Sample:
    """The blocks of the trace buffer."""
    LINE = re.compile(r"^.*-\d+ +\[(\d+)\] \S+ +(\d+\.\d+): (\S.*)$")
    FRAME = re.compile(r"^ => ([^\s+]+)(?:\+\S+)?(?: \[(\w+)\])?")
    FIELD = re.compile(r"(\w+)(?:=|: )(\S+)")

    def __init__(self, watch):
        self.blocks, self.live, self.waiting, self.entered = [], {}, {}, {}
        self.newest = {}  # of the page allocator, by CPU
        self.last, self.stack, self.frames, self.nr_events, self.flushes = {}, None, [], 0, []
        self.stacks = {}
        for line in watch.lines():
            if line.startswith(" => "):
                self.frames.append(line)
            elif not line.startswith("#"):
                self.end_stack()
                self.line(line)
        self.end_stack()
        self.cut(watch)

    def cut(self, watch):
        """If a CPU dropped events, end the sample at the first time when one began to do so."""
        dropped = dict(watch.cpus())
        self.lost = sum(dropped.values())
        self.begin = watch.begin
        self.end = min([watch.end] + [self.last.get(cpu, watch.begin) for cpu in dropped])
        self.seconds = max(self.end - self.begin, 1e-6)
        self.blocks = [block for block in self.blocks if block.time <= self.end]
        for block in self.blocks:
            if block.freed is not None and block.freed > self.end:
                block.freed = None
        self.flushes = sum(when <= self.end for when in self.flushes)

    def end_stack(self):
        """Give the last stack trace to the block for which it was made."""
        if self.frames and self.stack:
            text = "".join(self.frames)
            if text not in self.stacks:
                found = (self.FRAME.match(frame) for frame in self.frames)
                self.stacks[text] = tuple((plain(f[1]), f[2] or "") for f in found if f)
            self.stack.stack = self.stacks[text]
        self.frames, self.stack = [], None

    def line(self, line):
        found = self.LINE.match(line)
        if not found:
            return
        cpu, when, rest = int(found[1]), float(found[2]), found[3]
        self.last[cpu] = when
        if rest.startswith("<stack trace>"):
            # An interrupt may have allocated between an event and its stack trace.
            waiting = self.waiting.get(cpu)
            self.stack = waiting.pop() if waiting else None
            return
        self.nr_events += 1
        event, _, body = rest.partition(": ")
        handler = getattr(self, "on_" + event, None)
        if handler:
            task = line[:found.start(1)].rpartition("-")[2].split()[0]
            block = handler(when, dict(self.FIELD.findall(body)), cpu, task)
            if block:
                block.at = self.nr_events
                block.charged = "ACCOUNT" in body or "accounted=true" in body
                if re.search(r"MOVABLE|GFP_HIGHUSER", body):
                    block.kind = "user"
                self.blocks.append(block)
                self.waiting.setdefault(cpu, []).append(block)

    def free(self, key, when):
        block = self.live.pop(key, None)
        if block:
            block.freed, block.freed_at = when, self.nr_events

    def on_kmalloc(self, when, fields, cpu, _):
        size = int(fields["bytes_alloc"])
        if size <= CACHED:
            return Block(when, int(fields["bytes_req"]), "small")
        # Some kernels have two such events for a block.
        pages = self.newest.get(cpu)
        if pages and PAGE << pages.order == size:
            pages.size = int(fields["bytes_req"])
        return None

    on_kmalloc_node = on_kmalloc

    def on_mm_page_alloc(self, when, fields, cpu, _):
        order = int(fields["order"])
        block = self.newest[cpu] = Block(when, PAGE << order, "pages")
        block.order = order
        self.live["p", int(fields["pfn"], 16)] = block
        return block

    def on_mm_page_free(self, when, fields, *_):
        self.free(("p", int(fields["pfn"], 16)), when)

    def on_alloc_vmap_area(self, when, fields, *_):
        # An area ends with a guard page.
        block = Block(when, int(fields["size"]) - PAGE, "vmalloc")
        self.live["v", int(fields["va_start"])] = block
        return block

    def on_free_vmap_area_noflush(self, when, fields, *_):
        self.free(("v", int(fields["va_start"], 16)), when)

    def on_purge_vmap_area_lazy(self, when, *_):
        self.flushes.append(when)

    def on_vmalloc_entry(self, when, fields, _, task):
        self.entered[task] = Block(when, int(fields["size"]), "vmalloc")
        return self.entered[task]

    def on_vmalloc_return(self, _when, fields, _cpu, task):
        block = self.entered.pop(task, None)
        if block:
            self.live["v", int(fields["addr"], 16)] = block

    def on_vfree_entry(self, when, fields, *_):
        self.free(("v", int(fields["addr"], 16)), when)

    def on_kernel_flush(self, when, *_):
        self.flushes.append(when)


def site_of(block):
    """Return the function, the module and the verdict of a block's call site.

    Return None if the block is part of another allocation, or has no memory. The verdict is ''
    unless the stack trace shows that a pool does not fit.
    """
    inside, first = set(), 0
    if block.kind == "vmalloc" and block.stack:
        # Other functions make mappings, too, but do not allocate memory. A probe may precede it.
        if VMALLOC not in block.stack:
            return None
        first = block.stack.index(VMALLOC)
    for at, (function, module) in enumerate(block.stack[first:], first):
        kinds = [] if module else [kind for kind, names in ALLOCATORS.items()
                                   if names.match(function)]
        if kinds:
            inside.update(kinds)
            continue
        if block.kind in ("pages", "user") and inside & {"slab", "vmalloc"}:
            return None
        if module == "bytepool":
            return function, module, "pool"
        if block.kind == "user":
            return function, module, "pages"
        for verdict, names in UNFIT.items():
            if any(names.match(name) for name, _ in block.stack[at:at + 6]):
                return function, module, verdict
        return function, module, "charged" if block.charged else ""
    return ("unknown", "", "unknown") if block.kind != "pages" else None
