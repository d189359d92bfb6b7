# SPDX-License-Identifier: GPL-2.0-only
"""What a call site costs today, what a pool would cost there, and whether that is a gain."""
import bisect
import re
from pathlib import Path

from .sample import site_of
from .watch import CACHED, Problem, read

COSTS = "results.tsv"
VERDICTS = {
    "gain": "a pool would save at least {least:g} million instructions a second",
    "rare": "a pool would save less than {least:g} million instructions a second",
    "held": "most blocks were not freed during the watch, so that a pool would have none to reuse",
    "small": "kmalloc() serves such sizes from per-CPU caches; a pool saves some 100 instructions",
    "slab": "a kmem_cache has per-CPU caches; a pool saves some 100 instructions",
    "charged": "the memory is charged to a cgroup, and a block of a pool is not",
    "pages": "pages for user space or the page cache, or page tables",
    "coherent": "coherent memory for DMA, which a pool does not have",
    "stack": "stacks of tasks",
    "pool": "bytepool itself, which gets memory for its pools",
    "unknown": "the stack trace was lost",
}


class Costs:
    """The instructions of an alloc and a free, as the benchmark counted them on one kernel."""

    def __init__(self, path, release):
        kernels = {}
        for line in read(path).splitlines():
            mode, kernel, case, allocator, size, value, *_ = line.split("\t") + [""] * 6
            if mode == "instructions" and case in ("pair", "set16", "miss"):
                table = kernels.setdefault(kernel, {}).setdefault((case, allocator), [])
                table.append((int(size), float(value)))
        needed = {(case, name) for case in ("pair", "set16")
                  for name in ("bytepool", "kmalloc", "kmem_cache", "vmalloc")}
        kernels = {kernel: tables for kernel, tables in kernels.items() if needed <= tables.keys()}
        if not kernels:
            raise Problem(f"{path} has no counts of instructions")
        here = self.number(release)
        self.kernel = min(kernels, key=lambda kernel: abs(self.number(kernel) - here))
        self.same = self.number(self.kernel) == here
        self.tables = {key: sorted(table) for key, table in kernels[self.kernel].items()}

    @staticmethod
    def number(release):
        """Return the number of a kernel's series. Each major number has 20 minor ones."""
        found = re.match(r"(\d+)\.(\d+)", release)
        return int(found[1]) * 20 + int(found[2]) if found else 0

    def of(self, case, allocator, size):
        """Return the cost of the next measured size, or of the largest."""
        table = self.tables.get((case, allocator)) or self.tables["pair", allocator]
        return table[min(bisect.bisect_left(table, (size,)), len(table) - 1)][1]

    def now(self, block, case):
        """Return the cost of a block today. alloc_pages() costs as much as a large kmalloc()."""
        if block.kind == "vmalloc":
            return self.of(case, "vmalloc", block.size)
        return self.of(case, "kmalloc", max(block.size, CACHED + 1))


def find_results():
    """Return the file of the benchmark's results, in the checkout or as the package has it."""
    places = (Path(__file__).resolve().parents[2] / "bench" / COSTS,
              Path("/usr/share/bytepool") / COSTS)
    for place in places:
        if place.exists():
            return place
    raise Problem(f"no results of the benchmark at {' or '.join(map(str, places))}: use --results")


def size_class(size):
    """Round a size up to the size class of a pool with the default parameters."""
    step = 8 if size <= 32 else 1 << (size - 1).bit_length() - 3
    return -(-size // step) * step


def replay(blocks):
    """Return the number of hits of a pool, the most blocks in use, and the bytes that it holds.

    A pool serves an allocation from an idle block of that class, if it has one. It gives no
    memory back during the watch, because the default timeout is five minutes.
    """
    events = [(b.at, True, size_class(b.size)) for b in blocks]
    events += [(b.freed_at, False, size_class(b.size)) for b in blocks if b.freed is not None]
    idle, held, hits, used, most = {}, 0, 0, 0, 0
    for _, is_alloc, size in sorted(events):
        used += 1 if is_alloc else -1
        most = max(most, used)
        if not is_alloc:
            idle[size] = idle.get(size, 0) + 1
        elif idle.get(size):
            idle[size] -= 1
            hits += 1
        else:
            held += size
    return hits, most, held


def lifetime(blocks, end):
    """Return the median of the lifetimes, and whether it is a lower bound.

    A block that is still in use may live longer than it has until now.
    """
    lives = sorted((b.freed - b.time, False) if b.freed is not None else (end - b.time, True)
                   for b in blocks)
    return lives[len(lives) // 2]


def judge(key, blocks, small_rate, sample, costs, least):
    """Return what is known of a call site with large blocks."""
    function, module, verdict = key
    hits, most, held = replay(blocks)
    case = "pair" if most == 1 else "set16"
    share = hits / len(blocks)
    now = sum(costs.now(block, case) for block in blocks) / len(blocks)
    pool = sum(share * costs.of(case, "bytepool", block.size) +
               (1 - share) * costs.of("miss", "bytepool", block.size)
               for block in blocks) / len(blocks)
    rate = len(blocks) / sample.seconds
    life, longer = lifetime(blocks, sample.end)
    saved = max(rate * (now - pool), 0)
    if not verdict:
        if 2 * sum(block.freed is None for block in blocks) > len(blocks):
            verdict = "held"
        else:
            verdict = "gain" if saved > 0 and saved >= least * 1e6 else "rare"
    return {
        "function": function, "module": module or None, "verdict": verdict, "rate": rate,
        "size_min": min(b.size for b in blocks), "size_max": max(b.size for b in blocks),
        "life_seconds": life, "life_is_lower_bound": longer,
        "past_caches": rate / (rate + small_rate),
        "vmalloc": sum(b.kind == "vmalloc" for b in blocks) / len(blocks),
        "hit_rate": share, "most_blocks": most, "pool_bytes": held,
        "instructions_now": now, "instructions_pool": pool,
        "saved_per_second": saved if verdict in ("gain", "rare") else 0,
    }


def cached_site(function, module, event, sizes, costs):
    """Return what is known of a call site whose blocks all come from caches for each CPU."""
    slab = event.startswith("kmem_cache")
    allocator = "kmem_cache" if slab else "kmalloc"
    rate = sum(sizes.values())

    def mean(name):
        return sum(part * costs.of("pair", name, size) for size, part in sizes.items()) / rate
    return {
        "function": function, "module": module or None, "verdict": "slab" if slab else "small",
        "rate": rate, "size_min": min(sizes), "size_max": max(sizes), "life_seconds": None,
        "life_is_lower_bound": False, "past_caches": 0.0, "vmalloc": 0.0, "hit_rate": None,
        "most_blocks": None, "pool_bytes": None, "instructions_now": mean(allocator),
        "instructions_pool": mean("bytepool"), "saved_per_second": 0,
    }


def all_sites(watch, sample, costs, args):
    """Return the call sites, the largest gain first."""
    large, small, cached = {}, {}, {}
    for block in sample.blocks:
        key = site_of(block)
        if key and block.kind == "small":
            sizes = cached.setdefault((*key[:2], "kmalloc"), {})
            sizes[block.size] = sizes.get(block.size, 0) + 1 / sample.seconds
        elif key:
            large.setdefault(key, []).append(block)
    for event, function, module, size, rate in watch.histograms():
        slab = event.startswith("kmem_cache")
        if (size > CACHED and not slab) or re.match("_*kvmalloc_node", function):
            continue  # the sample has it
        sizes = cached.setdefault((function, module, "kmem_cache" if slab else "kmalloc"), {})
        sizes[size] = sizes.get(size, 0) + rate
    for (function, module, event), sizes in cached.items():
        if event == "kmalloc":
            small[function, module] = sum(sizes.values())
    sites = [judge(key, blocks, small.get(key[:2], 0), sample, costs, args.gain)
             for key, blocks in large.items()]
    have_large = {key[:2] for key in large}
    sites += [cached_site(*key, sizes, costs) for key, sizes in cached.items()
              if key[2] != "kmalloc" or key[:2] not in have_large]
    if args.module:
        sites = [site for site in sites if site["module"] == args.module]
    return sorted(sites, key=lambda s: (s["verdict"] != "gain", -s["saved_per_second"],
                                        s["past_caches"] == 0, -s["rate"]))
