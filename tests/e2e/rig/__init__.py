# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig: real kernels in QEMU, with the product inside. See README.md beside this package."""
