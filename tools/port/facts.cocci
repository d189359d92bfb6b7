// SPDX-License-Identifier: GPL-2.0-only
//
// Print what tools/port/plan needs to know of a file, one fact a line: each assignment,
// declaration, call, iterator, return and function, with its position.

@initialize:python@
@@
import re

def fact(kind, p, *texts):
    where = [p[0].file, p[0].line, p[0].column, p[0].current_element]
    print("\t".join([kind, *where, *(re.sub(r"\s", " ", str(text)) for text in texts)]))

@a_assignment@
expression l, r;
position p;
@@
l =@p r

@script:python@
p << a_assignment.p;
l << a_assignment.l;
r << a_assignment.r;
@@
fact("assign", p, l, r)

@a_declaration@
type T;
identifier x;
position p;
@@
T x@p;

@script:python@
p << a_declaration.p;
x << a_declaration.x;
T << a_declaration.T;
@@
fact("declare", p, T, x)

@a_initialisation@
type T;
identifier x;
expression r;
position p;
@@
T x =@p r;

@script:python@
p << a_initialisation.p;
x << a_initialisation.x;
T << a_initialisation.T;
r << a_initialisation.r;
@@
fact("initialise", p, T, x, r)

@a_list@
type T;
identifier x;
initializer list rs;
position p;
@@
T x =@p { rs };

@script:python@
p << a_list.p;
x << a_list.x;
T << a_list.T;
rs << a_list.rs;
@@
fact("list", p, T, x, rs)

@a_call@
expression f;
expression list es;
position p;
@@
f(@p es)

@script:python@
p << a_call.p;
f << a_call.f;
es << a_call.es;
@@
fact("call", p, f, es)

@a_iteration@
iterator I;
expression list es;
statement S;
position p;
@@
I(@p es) S

@script:python@
p << a_iteration.p;
I << a_iteration.I;
es << a_iteration.es;
@@
fact("iterate", p, I, es)

@a_end@
expression e;
position p;
@@
return@p e;

@script:python@
p << a_end.p;
e << a_end.e;
@@
fact("return", p, e)

@a_definition@
identifier fun;
parameter list ps;
position p;
@@
fun@p(ps) { ... }

@script:python@
p << a_definition.p;
fun << a_definition.fun;
ps << a_definition.ps;
@@
fact("function", p, fun, ps)
