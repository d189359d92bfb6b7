// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: a flag masks them, and a pending one runs when they are on again.
 */
#include "control.h"
#include "cpu.h"

void (*shim_hardirq)(void);
void (*shim_softirq)(void);

void shim_raise_softirq(void)
{
	shim_self.softirq_pending = true;
}

static void irq_run(void)
{
	struct shim_task *self = &shim_self;

	self->irqs_off = true;
	self->irq_pending = false;
	preempt_disable();
	self->irqs++;
	self->hardirq++;
	if (shim_hardirq)
		shim_hardirq();
	self->hardirq--;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (self->softirq_pending && !self->softirq) {
		self->softirq_pending = false;
		self->softirq++;
		self->irqs_off = false;
		if (shim_softirq)
			shim_softirq();
		self->irqs_off = true;
		self->softirq--;
	}
	self->irqs--;
	shim_section_end();
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->irqs_off = false;
}

/* An interrupt that arrives after the last check runs at the next one. */
void shim_interrupt(void)
{
	struct shim_task *self = &shim_self;

	if (!self->there)
		return;
	if (self->irqs_off) {
		self->irq_pending = true;
		return;
	}
	irq_run();
}

unsigned long shim_irq_save(void)
{
	bool flags = shim_self.irqs_off;

	shim_self.irqs_off = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return flags;
}

void shim_irq_restore(unsigned long flags)
{
	struct shim_task *self = &shim_self;

	if (flags)
		return;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	self->irqs_off = false;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	while (unlikely(self->irq_pending) && !self->irqs_off)
		irq_run();
}
