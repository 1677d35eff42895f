#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# /etc/kernel/postinst.d/zz-liveupdate RELEASE [IMAGE]: a kernel was installed.
set -u
[ -x @start_unit@ ] && @start_unit@ stage "${1:-}"
exit 0
