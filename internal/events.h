/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of the system before which all idle memory goes.
 */
#ifndef _BP_EVENTS_H
#define _BP_EVENTS_H

void bp_events_init(void);
void bp_events_exit(void);

#endif /* _BP_EVENTS_H */
