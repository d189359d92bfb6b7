// SPDX-License-Identifier: GPL-2.0-only
//
// Turn the call sites of caches and mempools that tools/port/plan chose into calls of bytepool, if
// the new call needs more than the arguments of the old one. The plan has the new call.

@initialize:python@
@@
import os

with open(os.environ["PORT_SITES"], encoding="utf-8") as file:
    sites = dict((tuple(line.split("\t")[:3]), line.rstrip("\n").split("\t")[4]) for line in file)

def planned(p):
    return sites.get((p[0].file, p[0].line, p[0].column), "") != ""

@handle@
identifier f;
expression list es;
position p : script:python() { planned(p) };
@@
f@p(es)

@script:python new_call@
p << handle.p;
new;
@@
coccinelle.new = cocci.make_expr(sites[p[0].file, p[0].line, p[0].column])

@@
identifier handle.f;
expression list handle.es;
position handle.p;
expression new_call.new;
@@
- f@p(es)
+ new
