# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where and how the threads of a guest's QEMU run, as an operator set it at run time and as it is."""

from __future__ import annotations

import re
from typing import Any

from .machine import Machine

LOOK = r"""
echo "@process oom_score_adj=$(cat /proc/$pid/oom_score_adj)"
for task in /proc/$pid/task/*; do
        tid=${task##*/}
        case $tid,$(cat $task/comm) in
        $pid,*) role=main ;;
        *,CPU*) role=$(sed 's/ //; s/\/.*//' $task/comm) ;;
        *) continue ;;
        esac
        echo "@$role cpus=$(sed -n 's/^Cpus_allowed_list:\t//p' $task/status)" \
             "policy=$(chrt -p $tid | sed -n 's/.*policy: //p' | head -n 1)" \
             "priority=$(chrt -p $tid | sed -n 's/.*priority: //p' | head -n 1)" \
             "nice=$(sed 's/.*) //' $task/stat | cut -d ' ' -f 17)" "io=$(ionice -p $tid | tr -d ' ')"
done
"""
CHANGE = r"""
set -ex
for task in /proc/$pid/task/*; do
        tid=${task##*/}
        case $tid,$(cat $task/comm) in
        $pid,*) chrt --batch -p 0 $tid; ionice -c 3 -p $tid ;;
        *,CPU*) taskset -p -c 1 $tid; renice -n -3 -p $tid; ionice -c 2 -n 1 -p $tid ;;
        esac
done
echo 321 >/proc/$pid/oom_score_adj
"""


def change(machine: Machine, pid: int) -> None:
    machine.run(CHANGE, check=True, env={"pid": str(pid)})


def look(machine: Machine, pid: int) -> dict[str, Any]:
    """By role: the process, its first thread, its virtual processors."""
    text = machine.run(LOOK, check=True, env={"pid": str(pid)}).out
    return {role: dict(re.findall(r"(\w+)=(\S*)", fields)) for role, fields in re.findall(r"@(\w+) (.*)", text)}
