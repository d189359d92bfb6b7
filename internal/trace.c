// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints, as internal/trace.h declares them.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
