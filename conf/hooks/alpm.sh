#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Called by pacman's hooks, with stage or unstage; the kernels are on standard input: usr/lib/modules/RELEASE/vmlinuz
set -u

action=${1:-}
set --
while IFS= read -r path; do
        release=${path%/vmlinuz}
        set -- "$@" "${release##*/}"
done

[ -x @start_unit@ ] && @start_unit@ "$action" "$@"
exit 0
