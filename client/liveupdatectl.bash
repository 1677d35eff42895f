# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for liveupdatectl(1)                                                    -*- shell-script -*-

_liveupdatectl_releases() {
        local path
        for path in /boot/vmlinuz-* /usr/lib/modules/*/; do
                [[ -e $path ]] || continue
                path=${path%/}
                path=${path##*/}
                printf '%s\n' "${path#vmlinuz-}"
        done
}

# Of the boot loader, as far as its partition may be read.
_liveupdatectl_entries() {
        local id rest
        while read -r id rest; do
                printf '%s\n' "$id"
        done < <(liveupdatectl stage --entry=help 2>/dev/null)
}

# The word after the options before it; empty if there is none yet.
_liveupdatectl_verb() {
        local i
        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                --json | --socket)
                        [[ ${COMP_WORDS[i + 1]} == = ]] && i=$((i + 1))
                        i=$((i + 1))
                        ;;
                -*) ;;
                *)
                        printf '%s' "${COMP_WORDS[i]}"
                        return
                        ;;
                esac
        done
}

_liveupdatectl_files() {
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$1")
}

_liveupdatectl() {
        local image='--entry= --default --initrd= --addon= --no-addons --profile= --cmdline= --reuse-cmdline'
        local -A options=(
                [check]=$image
                [stage]="$image --force --automatic"
                [unstage]='--release='
                [devices]='--all'
                [commit]='--allow-loss --force --automatic --if-staged'
        )
        local verbs='status check stage unstage commit workloads devices report monitor config'
        local common='--help --version --json= --socket= -h -j'
        local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} verb
        COMPREPLY=()

        # --option=value comes as three words.
        if [[ $cur == = ]]; then
                cur=
        elif [[ $option == = ]]; then
                option=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        case $option in
        --json)
                mapfile -t COMPREPLY < <(compgen -W 'pretty short off' -- "$cur")
                return
                ;;
        --socket | --initrd | --addon)
                _liveupdatectl_files "$cur"
                return
                ;;
        --release)
                mapfile -t COMPREPLY < <(compgen -W "$(_liveupdatectl_releases | sort -u)" -- "$cur")
                return
                ;;
        --entry)
                mapfile -t COMPREPLY < <(compgen -W "$(_liveupdatectl_entries) help" -- "$cur")
                return
                ;;
        --cmdline | --profile)
                return
                ;;
        esac

        verb=$(_liveupdatectl_verb)
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$common ${verb:+${options[$verb]-}}" -- "$cur")
                [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null
        elif [[ -z $verb ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
        elif [[ $verb == stage || $verb == check ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_liveupdatectl_releases | sort -u)" -- "$cur")
                _liveupdatectl_files "$cur"
        fi
}

complete -F _liveupdatectl liveupdatectl
