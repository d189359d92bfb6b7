/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All idle memory is given back before memory goes offline and before hibernation.
 */
#ifndef _BP_EVENTS_H
#define _BP_EVENTS_H

void bp_events_init(void);
void bp_events_exit(void);

#endif /* _BP_EVENTS_H */
