/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>
#include <sys/mount.h>

#include "privileged/tmpfs.h"

/* mm/shmem.c, shmem_show_options(), and show_mnt_opts() of fs/proc_namespace.c. What is shown of labels and quotas is
 * not what mount(2) takes. */
static const struct {
        const char *name;
        unsigned long flag; /* 0: the file system's own */
} known[] = {
        { "ro", MS_RDONLY },
        { "nosuid", MS_NOSUID },
        { "nodev", MS_NODEV },
        { "noexec", MS_NOEXEC },
        { "noatime", MS_NOATIME },
        { "nodiratime", MS_NODIRATIME },
        { "relatime", MS_RELATIME },
        { "nosymfollow", MS_NOSYMFOLLOW },
        { "size", 0 },
        { "nr_blocks", 0 },
        { "nr_inodes", 0 },
        { "mode", 0 },
        { "uid", 0 },
        { "gid", 0 },
        { "huge", 0 },
        { "mpol", 0 },
        { "noswap", 0 },
        { "inode32", 0 },
        { "inode64", 0 },
};

/* A comma before a digit is one of a list, as in mpol=bind:0,2: shmem_next_opt(). */
static size_t option_length(const char *text) {
        size_t n = 0;

        while (text[n] && (text[n] != ',' || isdigit((unsigned char) text[n + 1])))
                n++;
        return n;
}

static bool is_sane(const char *option, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (!isalnum((unsigned char) option[i]) && !strchr("=:,._%-", option[i]))
                        return false;
        return true;
}

static void take(const char *option, size_t length, unsigned long *flags, char *data) {
        size_t name_length = strcspn(option, "="), used = strlen(data);

        name_length = name_length < length ? name_length : length;
        for (size_t i = 0; i < ELEMENTSOF(known); i++) {
                if (strlen(known[i].name) != name_length || strncmp(known[i].name, option, name_length) != 0)
                        continue;
                *flags |= known[i].flag;
                if (known[i].flag || !is_sane(option, length) || used + length + 2 > TMPFS_OPTIONS_BYTES_MAX)
                        return;
                if (used > 0)
                        data[used++] = ',';
                memcpy(data + used, option, length);
                data[used + length] = 0;
                return;
        }
}

void tmpfs_parse_options(const char *text, unsigned long *ret_flags, char data[static TMPFS_OPTIONS_BYTES_MAX]) {
        *ret_flags = 0;
        data[0] = 0;
        while (*text) {
                size_t length = option_length(text);

                take(text, length, ret_flags, data);
                text += length + (text[length] == ',');
        }
}
