#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# /etc/kernel/postrm.d/zz-liveupdate RELEASE [IMAGE]: a kernel was removed.
set -u

# An upgrade of the package in place removes nothing. Some maintainer scripts quote their parameters.
case ${DEB_MAINT_PARAMS:-remove} in
remove* | purge* | \'remove* | \'purge*) ;;
*) exit 0 ;;
esac

[ -x @start_unit@ ] && @start_unit@ unstage "${1:-}"
exit 0
