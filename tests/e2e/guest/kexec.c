/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kexec KERNEL [INITRD [COMMAND_LINE]]: loads and jumps at once, for scenarios of the rig that need no more.
 * kexec --unload: what anybody could do behind the daemon's back. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
        char line[4096] = "";
        int kernel, initrd = -1, own = open("/proc/cmdline", O_RDONLY);

        if (argc < 2)
                return 2;
        if (strcmp(argv[1], "--unload") == 0)
                return syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, (unsigned long) KEXEC_FILE_UNLOAD) < 0;
        if (own >= 0 && read(own, line, sizeof(line) - 1) > 0)
                line[strcspn(line, "\n")] = 0;
        if (argc > 3)
                snprintf(line, sizeof(line), "%s", argv[3]);
        kernel = open(argv[1], O_RDONLY);
        if (argc > 2)
                initrd = open(argv[2], O_RDONLY);
        if (kernel < 0 || (argc > 2 && initrd < 0)) {
                perror("open");
                return 1;
        }
        if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(line) + 1, line,
                    initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0) < 0) {
                perror("kexec_file_load");
                return 1;
        }
        reboot(LINUX_REBOOT_CMD_KEXEC);
        perror("reboot");
        return 1;
}
