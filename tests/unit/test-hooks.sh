#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-hooks.sh DIRECTORY: the hooks, as they are in that directory of the build, with a systemctl that only tells what
# it was asked for. Prints TAP.
# shellcheck disable=SC2016 # for the inner shell to expand
set -u

hooks=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/booted"
n=0 failed=0

cat >"$work/bin/systemctl" <<'END'
#!/bin/sh
printf '%s\n' "$*" >>"$WORK/asked"
[ -z "${FAIL:-}" ] || { echo "it is masked" >&2; exit 1; }
END
cat >"$work/bin/systemd-cat" <<'END'
#!/bin/sh
{ printf '%s: ' "$*"; cat; } >>"$WORK/told"
END
chmod +x "$work/bin/systemctl" "$work/bin/systemd-cat"

# Their places in the installed system become those of this test.
for hook in start-unit.sh debian-postinst.sh debian-postrm.sh 95-liveupdate.install alpm.sh; do
        start_unit=$(sed -n 's/^\[ -[rx] \([^ ]*\) \].*/\1/p' "$hooks/$hook" | head -n 1)
        sed -e "s|/run/systemd/system|$work/booted|" -e "s|${start_unit:-/nowhere}|$work/start-unit.sh|g" \
                "$hooks/$hook" >"$work/$hook"
        chmod +x "$work/$hook"
done

# expect WHAT ASKED TOLD COMMAND...: it ends well, says nothing, and comes to these calls
expect() {
        what=$1 asked=$2 told=$3
        shift 3
        n=$((n + 1))
        rm -f "$work/asked" "$work/told"
        touch "$work/asked" "$work/told"
        said=$(env -u DPKG_ROOT -u DEB_MAINT_PARAMS -u KERNEL_INSTALL_BOOT_ROOT WORK="$work" PATH="$work/bin:$PATH" "$@" 2>&1)
        status=$?
        if [ $status -eq 0 ] && [ -z "$said" ] && [ "$(cat "$work/asked")" = "$asked" ] &&
                [ "$(cat "$work/told")" = "$told" ]; then
                echo "ok $n - $what"
        else
                echo "not ok $n - $what"
                echo "# status $status, said: $said"
                echo "# asked: $(cat "$work/asked")"
                echo "# told: $(cat "$work/told")"
                failed=1
        fi
}

start="--no-block --no-ask-password start --"
paths='usr/lib/modules/6.12.9-arch1-1/vmlinuz
usr/lib/modules/6.6.1-lts/vmlinuz'

expect "Debian installs" "$start liveupdate-stage@6.12.9-amd64.service" "" \
        "$work/debian-postinst.sh" 6.12.9-amd64 /boot/vmlinuz-6.12.9-amd64
expect "Debian removes" "$start liveupdate-unstage@6.12.9-amd64.service" "" \
        "$work/debian-postrm.sh" 6.12.9-amd64 /boot/vmlinuz-6.12.9-amd64
expect "Debian purges" "$start liveupdate-unstage@6.1.service" "" \
        env DEB_MAINT_PARAMS="purge" "$work/debian-postrm.sh" 6.1
expect "Debian removes, in quotes" "$start liveupdate-unstage@6.1.service" "" \
        env DEB_MAINT_PARAMS="'remove' ''" "$work/debian-postrm.sh" 6.1
expect "Debian upgrades in place" "" "" env DEB_MAINT_PARAMS="upgrade 6.1-2" "$work/debian-postrm.sh" 6.1
expect "Debian says nothing" "" "" "$work/debian-postinst.sh"
expect "another root of dpkg" "" "" env DPKG_ROOT=/target "$work/debian-postinst.sh" 6.12.9-amd64
expect "a release with odd characters" "$start liveupdate-stage@6.12.9\\x2brig\\x7e1\\x2db.service" "" \
        "$work/debian-postinst.sh" "6.12.9+rig~1-b"
expect "a failure goes to the journal" "$start liveupdate-stage@6.1.service" \
        "-t liveupdate-hook -p warning: Cannot start liveupdate-stage@6.1.service: it is masked" \
        env FAIL=1 "$work/debian-postinst.sh" 6.1
expect "kernel-install adds" "$start liveupdate-stage@6.1.service" "" \
        "$work/95-liveupdate.install" add 6.1 /boot/id/6.1 /lib/modules/6.1/vmlinuz /boot/initrd
expect "kernel-install removes" "$start liveupdate-unstage@6.1.service" "" \
        "$work/95-liveupdate.install" remove 6.1 /boot/id/6.1
expect "kernel-install does another thing" "" "" "$work/95-liveupdate.install" inspect 6.1
expect "kernel-install in another root" "" "" \
        env KERNEL_INSTALL_BOOT_ROOT=/mnt/boot "$work/95-liveupdate.install" add 6.1 /boot/id/6.1 /mnt/vmlinuz
expect "pacman installs" "$start liveupdate-stage@6.12.9-arch1-1.service liveupdate-stage@6.6.1-lts.service" "" \
        sh -c 'printf "%s\n" "$2" | "$1" stage' - "$work/alpm.sh" "$paths"
expect "pacman removes" "$start liveupdate-unstage@6.12.9-arch1-1.service liveupdate-unstage@6.6.1-lts.service" "" \
        sh -c 'printf "%s\n" "$2" | "$1" unstage' - "$work/alpm.sh" "$paths"
expect "pacman names none" "" "" sh -c '"$1" stage </dev/null' - "$work/alpm.sh"

# in_hook FILE SECTION KEY: all values, a line each
in_hook() {
        awk -v section="[$2]" -v key="$3" '
                /^[[:space:]]*(#|$)/ { next }
                /^\[/ { at = $0; next }
                at == section && $1 == key { sub(/^[^=]*= */, ""); print }' "$1"
}

# What of a hook pacman does not know, see alpm-hooks(5).
strange_in_hook() {
        awk '/^[[:space:]]*(#|$)/ { next }
                /^\[(Trigger|Action)\]$/ { at = $0; next }
                at == "[Trigger]" && /^Type = Path$/ { next }
                at == "[Trigger]" && /^Operation = (Install|Upgrade|Remove)$/ { next }
                at == "[Trigger]" && /^Target = [^ \/][^ ]*$/ { next }
                at == "[Action]" && /^(Description = .+|When = PostTransaction|Exec = \/.+|NeedsTargets)$/ { next }
                { print }' "$1"
}

# hook FILE ACTION OPERATIONS: pacman calls the script with this, after these operations on a kernel, and no other file
hook() {
        file=$hooks/$1
        n=$((n + 1))
        exec=$(in_hook "$file" Action Exec) pattern=$(in_hook "$file" Trigger Target)
        matched=""
        for path in usr/lib/modules/6.6.1-lts/vmlinuz usr/lib/modules/6.6.1-lts/modules.dep boot/vmlinuz-linux; do
                # shellcheck disable=SC2254 # it is a pattern, where a star goes across slashes, too
                case $path in $pattern) matched="$matched $path" ;; esac
        done
        if [ -z "$(strange_in_hook "$file")" ] && [ "$matched" = " usr/lib/modules/6.6.1-lts/vmlinuz" ] &&
                [ "$(in_hook "$file" Trigger Operation | tr '\n' ' ')" = "$3 " ] &&
                [ "$(in_hook "$file" Trigger Type)" = Path ] && [ "$(in_hook "$file" Action When)" = PostTransaction ] &&
                [ "${exec##*/libalpm/}" = "scripts/liveupdate $2" ] && grep -qx NeedsTargets "$file"; then
                echo "ok $n - $1"
        else
                echo "not ok $n - $1"
                echo "# strange: $(strange_in_hook "$file")"
                echo "# Exec: $exec, Target: $pattern, matches:$matched"
                echo "# Operation: $(in_hook "$file" Trigger Operation | tr '\n' ' ')"
                failed=1
        fi
        expect "$1 names a script that does it" "$start liveupdate-$2@6.6.1-lts.service" "" \
                sh -c 'echo "$2" | $1' - "$work/alpm.sh ${exec#* }" usr/lib/modules/6.6.1-lts/vmlinuz
}

hook 95-liveupdate.hook stage "Install Upgrade"
hook 95-liveupdate-remove.hook unstage Remove

rmdir "$work/booted"
expect "no systemd" "" "" "$work/debian-postinst.sh" 6.1
mkdir "$work/booted"
mv "$work/start-unit.sh" "$work/gone"
expect "removed, but not purged" "" "" "$work/debian-postinst.sh" 6.1
expect "removed, but the plugin is there" "" "" "$work/95-liveupdate.install" add 6.1
expect "removed, but pacman's hook is there" "" "" sh -c 'printf "%s\n" "$2" | "$1" stage' - "$work/alpm.sh" "$paths"

echo "1..$n"
exit $failed
