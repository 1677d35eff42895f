#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the hooks of all package managers come to: start-unit stage|unstage RELEASE...
# It waits for nothing and never fails; what systemctl has to say goes to the journal.
set -u

[ -d /run/systemd/system ] && [ -z "${DPKG_ROOT:-}" ] && [ $# -ge 2 ] || exit 0

action=$1
shift
for release; do
        shift
        [ -n "$release" ] || continue
        # A unit's name may hold nothing else. Dashes need no escape: liveupdatectl knows what %I makes of them.
        case $release in
        *[!A-Za-z0-9:_.-]*) release=$(systemd-escape -- "$release") ;;
        esac
        set -- "$@" "liveupdate-$action@$release.service"
done
[ $# -ge 1 ] || exit 0

said=$(systemctl --no-block --no-ask-password start -- "$@" 2>&1 </dev/null) ||
        printf '%s\n' "Cannot start $*: $said" | systemd-cat -t liveupdate-hook -p warning
exit 0
