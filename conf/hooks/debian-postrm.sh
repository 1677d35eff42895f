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

[ -r @start_unit@ ] || exit 0
set -- unstage "${1:-}"
. @start_unit@
