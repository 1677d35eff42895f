/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What anybody could do with a kexec, without the daemon:
 *   kexec KERNEL [INITRD [COMMAND_LINE]]             loads and jumps at once
 *   kexec --load KERNEL [INITRD [COMMAND_LINE]]      loads only, as kexec -s -l
 *   kexec --time FILE KERNEL [INITRD [COMMAND_LINE]] the same, behind reading FILE; prints how long both took, in us
 *   kexec --crash KERNEL [INITRD [COMMAND_LINE]]     as kexec -s -p
 *   kexec --load-segment                             by kexec_load(2), as kexec -c -l: a page that is no kernel
 *   kexec --unload                                   as kexec -u */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int unload(void) {
        return syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL, (unsigned long) KEXEC_FILE_UNLOAD) < 0;
}

static int load_segment(void) {
        static char page[4096];
        unsigned long address = 16UL << 20;
        struct kexec_segment segment = {
                .buf = page,
                .bufsz = sizeof(page),
                .mem = (void *) address,
                .memsz = sizeof(page),
        };

        if (syscall(SYS_kexec_load, address, 1UL, &segment, (unsigned long) KEXEC_ARCH_DEFAULT) < 0) {
                perror("kexec_load");
                return 1;
        }
        return 0;
}

static long long now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static bool read_to_end(const char *path) {
        static char buffer[1 << 20];
        int fd = open(path, O_RDONLY);
        ssize_t n = -1;

        while (fd >= 0 && (n = read(fd, buffer, sizeof(buffer))) > 0)
                ;
        if (n < 0)
                perror(path);
        close(fd);
        return n == 0;
}

static bool load(int argc, char **argv, unsigned long flags) {
        char line[4096] = "";
        int kernel, initrd = -1, own = open("/proc/cmdline", O_RDONLY);
        if (own >= 0 && read(own, line, sizeof(line) - 1) > 0)
                line[strcspn(line, "\n")] = 0;
        if (argc > 2)
                snprintf(line, sizeof(line), "%s", argv[2]);
        kernel = open(argv[0], O_RDONLY);
        if (argc > 1)
                initrd = open(argv[1], O_RDONLY);
        if (kernel < 0 || (argc > 1 && initrd < 0)) {
                perror("open");
                return false;
        }
        if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(line) + 1, line,
                    flags | (initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0)) < 0) {
                perror("kexec_file_load");
                return false;
        }
        return true;
}

static int load_timed(int argc, char **argv) {
        long long began = now_usec();

        if (argc < 2 || !read_to_end(argv[0]) || !load(argc - 1, argv + 1, 0))
                return 1;
        printf("%lld\n", now_usec() - began);
        return 0;
}

int main(int argc, char **argv) {
        const char *mode = argc > 1 && strncmp(argv[1], "--", 2) == 0 ? argv[1] : "";
        int first = *mode ? 2 : 1;

        if (strcmp(mode, "--unload") == 0)
                return unload();
        if (strcmp(mode, "--load-segment") == 0)
                return load_segment();
        if (strcmp(mode, "--time") == 0)
                return load_timed(argc - first, argv + first);
        if (argc <= first)
                return 2;
        if (!load(argc - first, argv + first, strcmp(mode, "--crash") == 0 ? KEXEC_FILE_ON_CRASH : 0))
                return 1;
        if (*mode)
                return 0;
        reboot(LINUX_REBOOT_CMD_KEXEC);
        perror("reboot");
        return 1;
}
