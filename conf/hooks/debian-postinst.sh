#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# /etc/kernel/postinst.d/zz-liveupdate RELEASE [IMAGE]: a kernel was installed.
set -u
[ -r @start_unit@ ] || exit 0
set -- stage "${1:-}"
. @start_unit@ # not as a process of its own: apt waits for it
