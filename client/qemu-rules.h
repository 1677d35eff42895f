/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a QEMU command line may not ask for. Private to qemu-args.c. `option` is without its dashes, `value`
 * may be NULL. 0 or what qemu_args_parse() says. */
int qemu_rules_check(const char *option, const char *value, char **ret_problem);
