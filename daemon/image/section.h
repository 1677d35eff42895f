/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image.h"

/* "All of the sections defined above are singletons" but for device trees, says the UKI specification; systemd-stub has
 * some more of which it takes the one that fits the machine. */
bool section_may_repeat(ImageSection section);
