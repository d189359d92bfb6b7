# SPDX-License-Identifier: GPL-2.0-only
"""A trace instance that watches the kernel's allocators for a while."""
import contextlib
import os
import re
import resource
import signal
import time
from pathlib import Path

PAGE = resource.getpagesize()
# kmalloc() serves larger blocks from the page allocator, and smaller ones from caches for each CPU.
CACHED = 2 * PAGE
NAME = "bytepool_advise"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Problem(Exception):
    """The program cannot do its work. The message is for the user."""


def read(path):
    return Path(path).read_text(encoding="utf-8", errors="replace")


def append(path, line):
    """Append a line to a file of tracefs. Some of these files cannot seek, as open() does."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, (line + "\n").encode("ascii"))
    finally:
        os.close(file)


def plain(function):
    """Return the name without the suffixes of the compiler and of allocation profiling."""
    return re.sub(r"(_noprof)?(\.\w+)*$", "", function)


class Watch:
    """A trace instance with the events of the allocators, which exists inside `with`."""
    begin = end = 0.0
    hist_lost = 0

    def __init__(self, tracefs, buffer_kb):
        self.tracefs, self.buffer_kb = find_tracefs(tracefs), buffer_kb
        self.name = f"{NAME}_{os.getpid()}"
        self.others = f"common_pid != {os.getpid()}"
        self.dir = self.tracefs / "instances" / self.name
        self.trace, self.counted, self.notes = None, {}, []

    def write(self, path, text):
        (self.dir / path).write_text(text + "\n", encoding="ascii")

    def option(self, name, value):
        """Set an option of the instance, which begins with those of the top level."""
        if (self.dir / "options" / name).exists():
            self.write(f"options/{name}", str(value))

    def __enter__(self):
        try:
            self.remove_leftovers()
            self.dir.mkdir()
            self.set_up()
        except OSError as error:
            self.__exit__()
            raise Problem(explain(error)) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if self.trace:
            self.trace.close()  # An instance with an open file cannot be removed.
        remove(self.tracefs, self.name)

    def remove_leftovers(self):
        """Remove what an earlier run has left that was killed."""
        for left in (self.tracefs / "instances").glob(NAME + "_*"):
            if not Path("/proc", left.name.rpartition("_")[2]).exists():
                remove(self.tracefs, left.name)

    def set_up(self):
        self.write("tracing_on", "0")
        self.write("trace_clock", "mono")
        self.write("buffer_size_kb", str(max(self.buffer_kb // os.cpu_count(), 64)))
        # Without the offset, a stack trace does not name the module of a function.
        for name, value in {"overwrite": 0, "hash-ptr": 1, "sym-offset": 1, "sym-addr": 0,
                            "stacktrace": 0, "irq-info": 1, "context-info": 1, "fields": 0,
                            "raw": 0, "hex": 0, "bin": 0, "userstacktrace": 0}.items():
            self.option(name, value)
        # User space and the page cache have movable pages, of type 1.
        pages = f"order > 0 && migratetype != 1 && {self.others}"
        self.event("kmem/mm_page_alloc", pages, pages)
        self.event("kmem/mm_page_free", "order > 0")
        # A large kmalloc() gets its block from the page allocator, and only its event has the size
        # that the caller wants. A small one needs a stack trace if kvmalloc_node() is its caller.
        wrapped = [f"(bytes_alloc <= {CACHED} && call_site >= {first:#x} && call_site < {end:#x})"
                   for first, end in wrappers()]
        filtered = " || ".join([f"bytes_alloc > {CACHED}"] + wrapped)
        self.event("kmem/kmalloc", filtered, " || ".join(wrapped))
        self.event("kmem/kmalloc_node", filtered, " || ".join(wrapped), must=False)
        self.watch_vmalloc()
        for event in ("kmem_cache_alloc_node", "kmem_cache_alloc", "kmalloc_node", "kmalloc"):
            self.histogram(f"kmem/{event}")

    def event(self, event, condition="", with_stack="", must=True):
        """Let the buffer get an event if @condition, and its stack trace if @with_stack."""
        path = f"events/{event}"
        if not (self.dir / path).exists():
            if must:
                raise Problem(f"the tracepoint {event.replace('/', ':')} is missing: "
                              "this needs a kernel with CONFIG_EVENT_TRACING")
            return False
        if condition:
            self.write(f"{path}/filter", condition)
        if with_stack:
            append(self.dir / path / "trigger", f"stacktrace if {with_stack}")
        self.write(f"{path}/enable", "1")
        return True

    def watch_vmalloc(self):
        """Watch vmalloc by its tracepoints. An older kernel needs probes of its functions."""
        if self.event("vmalloc/alloc_vmap_area", with_stack=self.others, must=False):
            self.event("vmalloc/free_vmap_area_noflush")
            self.event("vmalloc/purge_vmap_area_lazy")
            return
        function = "__vmalloc_node_range"
        probes = {f"p:{self.name}/vmalloc_entry {function} size=$arg1:u64": self.others,
                  f"r:{self.name}/vmalloc_return {function} addr=$retval:x64": "",
                  f"p:{self.name}/vfree_entry vfree addr=$arg1:x64": "",
                  f"p:{self.name}/kernel_flush flush_tlb_kernel_range": ""}
        try:
            for probe in probes:
                append(self.tracefs / "kprobe_events", probe)
        except OSError:
            self.notes.append("vmalloc() was not watched: the kernel has neither its tracepoints "
                              "nor probes for it")
            return
        for probe, with_stack in probes.items():
            self.event(probe.split()[0].split(":")[1], with_stack=with_stack)

    def histogram(self, event):
        path = f"events/{event}"
        if not (self.dir / path).exists():
            return
        if not (self.dir / path / "hist").exists():
            self.notes.append(f"{event} was not counted: the kernel has no CONFIG_HIST_TRIGGERS")
            return
        self.control(path)
        self.counted[path] = 0.0

    def run(self, seconds):
        for path in self.counted:
            self.control(path, ":clear")
            self.counted[path] = time.monotonic()
        self.begin = time.monotonic()
        self.write("tracing_on", "1")
        time.sleep(seconds)
        self.write("tracing_on", "0")
        self.end = time.monotonic()
        for path, since in self.counted.items():
            self.control(path, ":pause")
            self.counted[path] = time.monotonic() - since

    def control(self, path, command=""):
        """Make the histogram of an event, or change it by a command. It leaves out this program."""
        append(self.dir / path / "trigger", "hist:keys=call_site.sym,bytes_alloc:size=16384"
               f"{command} if {self.others}")

    def histograms(self):
        """Yield the event, function, module, size and rate of each entry. Count lost hits."""
        entry = re.compile(r"\{ call_site: \[\w+\] (\S+)(?:\s+\[(\w+)\])?\s*,"
                           r" bytes_alloc:\s*(\d+) \} hitcount:\s*(\d+)")
        for path, seconds in self.counted.items():
            text = read(self.dir / path / "hist")
            self.hist_lost += sum(map(int, re.findall(r"Dropped: (\d+)", text)))
            for function, module, size, hits in entry.findall(text):
                yield (path.rpartition("/")[2], plain(function), module, int(size),
                       int(hits) / seconds)

    def cpus(self):
        """Yield the number of each CPU that dropped events, and how many it dropped."""
        for stats in (self.dir / "per_cpu").glob("cpu*/stats"):
            lost = sum(map(int, re.findall(r"(?:overrun|dropped events): (\d+)", read(stats))))
            if lost:
                yield int(stats.parent.name[3:]), lost

    def lines(self):
        self.trace = open(self.dir / "trace", encoding="utf-8", errors="replace")
        return self.trace


def remove(tracefs, name):
    """Remove a trace instance and its probes."""
    with contextlib.suppress(OSError):
        (tracefs / "instances" / name).rmdir()
    with contextlib.suppress(OSError):
        if f"{name}/" in read(tracefs / "kprobe_events"):
            append(tracefs / "kprobe_events", f"-:{name}/")


def find_tracefs(path):
    places = ([Path(path)] if path else
              [Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing")])
    for place in places:
        with contextlib.suppress(OSError):
            if (place / "instances").is_dir():
                return place
    if "tracefs" not in read("/proc/filesystems"):
        raise Problem("this kernel has no tracefs: this needs a kernel with CONFIG_EVENT_TRACING")
    raise Problem(f"no tracefs at {places[0]}: mount -t tracefs tracefs {places[0]}")


def explain(error):
    with contextlib.suppress(OSError):
        if "[confidentiality]" in read("/sys/kernel/security/lockdown"):
            return ("the kernel is locked down, so that nobody can trace it: "
                    "boot without lockdown=confidentiality")
    if isinstance(error, PermissionError):
        return f"{error.filename}: no permission to trace: run this as root, outside of containers"
    return f"{error.filename}: {error.strerror}"


def wrappers():
    """Return the addresses of kvmalloc_node(), which is the call site of its kmalloc()."""
    found, start = [], None
    with open("/proc/kallsyms", encoding="ascii") as file:
        for line in file:
            if start and int(line.split()[0], 16) > start:
                found.append((start, int(line.split()[0], 16)))
                start = None
            if "kvmalloc_node" in line and plain(line.split()[2]).strip("_") == "kvmalloc_node":
                start = int(line.split()[0], 16)  # or 0, if root may not see addresses, either
            if "[" in line:
                break  # The symbols of modules follow those of the kernel, which are in order.
    return found
