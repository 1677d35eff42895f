#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-completion.bash DIRECTORY: the completions in that directory, asked as an interactive bash asks them. Prints TAP.
set -u

source "$1/liveupdatectl.bash" || exit 1
source "$1/liveupdate-run.bash" || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
touch next.efi 'with space'
mkdir directory
n=0 failed=0

# What there is on this machine is not known.
_liveupdatectl_releases() {
        printf '%s\n' 7.3.4-rig-b 7.3.4-rig-a 7.3.4-rig-b
}
liveupdatectl() {
        case $* in
        '--json=short workloads') echo '{"workloads":[{"name":"web","kind":"qemu"},{"name":"db.1"}]}' ;;
        'stage --entry=help') printf '%s\n' 'debian-7.3.conf  Debian, 7.3 (default)' 'debian-7.2.conf  Debian' 'b.efi' ;;
        esac
}

# expect WHAT FUNCTION EXPECTED WORD...: of the last word
expect() {
        local what=$1 function=$2 expected=$3 got
        shift 3
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        COMPREPLY=()
        n=$((n + 1))
        "$function" "$1" "${!#}" ''
        got=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -s -d ' ')
        if [[ $got == "$expected" ]]; then
                echo "ok $n - $what"
        else
                printf '%s\n' "not ok $n - $what" "# expected: $expected" "# got: $got"
                failed=1
        fi
}

ctl() {
        expect "liveupdatectl $1" _liveupdatectl "$2" liveupdatectl "${@:3}"
}

run() {
        expect "liveupdate-run $1" _liveupdate_run "$2" liveupdate-run "${@:3}"
}

common='--help --json= --socket= --version -h -j'
ctl 'all verbs' 'check commit config devices monitor report stage status unstage workloads' ''
ctl 'begun verb' 'stage status' 'sta'
ctl 'verb after options' 'commit config' --json = short -j --socket = /run/x co
ctl 'options' "$common" -
ctl 'options of a verb without any' "$common" status -
image='--addon= --cmdline= --default --entry= --help --initrd= --json= --no-addons --profile= --reuse-cmdline'
ctl 'options of check' "$image --socket= --version" check --
ctl 'an option of stage' '--addon= --automatic' stage --a
ctl 'another of stage' '--force' stage --f
ctl 'options of unstage' '--release=' unstage --r
ctl 'options of commit' '--allow-loss --automatic' commit --a
ctl 'another of commit' '--if-staged' commit --i
ctl 'a third of commit' '--force' commit --f
ctl 'releases and files' '7.3.4-rig-a 7.3.4-rig-b directory next.efi with space' stage ''
ctl 'images to check' '7.3.4-rig-a 7.3.4-rig-b directory next.efi with space' check ''
ctl 'a file' 'next.efi' stage --initrd = x n
ctl 'an addon' 'next.efi' stage --addon = n
ctl 'entries' 'debian-7.2.conf debian-7.3.conf' stage --entry = deb
ctl 'entries to check' 'b.efi debian-7.2.conf debian-7.3.conf help' check --entry =
ctl 'a profile' '' stage --profile = ''
ctl 'a value, just begun' 'directory next.efi with space' stage --initrd =
ctl 'a value, begun' 'with space' stage --initrd = w
ctl 'a value, apart' 'next.efi' stage --initrd n
ctl 'a command line' '' stage --cmdline = ''
ctl 'a release to unstage' '7.3.4-rig-a 7.3.4-rig-b' unstage --release = 7
ctl 'ways of JSON' 'off pretty short' --json =
ctl 'options of devices' '--all' devices --a
ctl 'nothing after commit' '' commit ''

run 'names' 'db.1 web' ''
run 'a begun name' 'web' w
run 'options' '-- --help --socket= --version -h' -
run 'a socket' 'directory' --socket = d
run 'a file as command' 'next.efi' web -- next

echo "1..$n"
exit $failed
