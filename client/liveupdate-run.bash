# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for liveupdate-run(1)                                                   -*- shell-script -*-

_liveupdate_run_names() {
        liveupdatectl --json=short workloads 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d '"' -f 4
}

_liveupdate_run() {
        local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} i
        COMPREPLY=()

        # What follows -- is a command of its own.
        for ((i = 1; i < COMP_CWORD; i++)); do
                [[ ${COMP_WORDS[i]} == -- ]] || continue
                if ((COMP_CWORD == i + 1)); then
                        mapfile -t COMPREPLY < <(compgen -c -- "${cur:-qemu-system-}")
                        compopt -o filenames 2>/dev/null
                        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur")
                elif declare -F _comp_command_offset >/dev/null; then
                        _comp_command_offset $((i + 1))
                elif declare -F _command_offset >/dev/null; then
                        _command_offset $((i + 1))
                else
                        compopt -o default 2>/dev/null
                fi
                return
        done

        # --option=value comes as three words.
        if [[ $cur == = ]]; then
                cur=
        elif [[ $option == = ]]; then
                option=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        if [[ $option == --socket ]]; then
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        elif [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W '--help --version --socket= -h --' -- "$cur")
                [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace 2>/dev/null
        else
                mapfile -t COMPREPLY < <(compgen -W "$(_liveupdate_run_names)" -- "$cur")
        fi
}

complete -F _liveupdate_run liveupdate-run
