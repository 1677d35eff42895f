/* SPDX-License-Identifier: GPL-2.0 */

/* What rig/kernel.py puts into drivers/pci/access.c of the kernel "stubborn": PCI functions that misbehave on demand,
 * named on the command line (rig.stubborn=, rig.pending=) or in /sys/module/rig/parameters, several with commas
 * between; and with rig.trace=1 a line in the log whenever bus mastering of any function changes. */

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "rig."

static char rig_stubborn[96], rig_pending[96];
static bool rig_trace;
module_param_string(stubborn, rig_stubborn, sizeof(rig_stubborn), 0644);
module_param_string(pending, rig_pending, sizeof(rig_pending), 0644);
module_param_named(trace, rig_trace, bool, 0644);

static bool rig_is_named(const char *list, struct pci_bus *bus, unsigned int devfn)
{
	char name[24];

	if (!list[0])
		return false;
	snprintf(name, sizeof(name), "%04x:%02x:%02x.%d", pci_domain_nr(bus), bus->number, PCI_SLOT(devfn),
		 PCI_FUNC(devfn));
	return strstr(list, name);
}

/* What is written of a stubborn one: bus mastering, once on, stays on. */
static u32 rig_written(struct pci_bus *bus, unsigned int devfn, int pos, u32 value)
{
	u32 now = 0;

	if (pos != PCI_COMMAND)
		return value;
	bus->ops->read(bus, devfn, PCI_COMMAND, 2, &now);
	if (rig_is_named(rig_stubborn, bus, devfn))
		value |= now & PCI_COMMAND_MASTER;
	if (rig_trace && ((now ^ value) & PCI_COMMAND_MASTER))
		pr_info("rig: %04x:%02x:%02x.%d: bus mastering %s\n", pci_domain_nr(bus), bus->number, PCI_SLOT(devfn),
			PCI_FUNC(devfn), value & PCI_COMMAND_MASTER ? "on" : "off");
	return value;
}

/* What user space reads in addition of a pending one: PCI_EXP_DEVSTA_TRPND. */
static u32 rig_read(struct pci_dev *dev, int pos, int len)
{
	int status = dev->pcie_cap + PCI_EXP_DEVSTA;

	if (!dev->pcie_cap || status < pos || status >= pos + len || !rig_is_named(rig_pending, dev->bus, dev->devfn))
		return 0;
	return PCI_EXP_DEVSTA_TRPND << 8 * (status - pos);
}

