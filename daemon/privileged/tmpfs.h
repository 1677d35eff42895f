/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tmpfs into a pax archive and out of it, by libarchive for the format alone: which file is meant is always said by a
 * directory's fd and one name, since users may write there meanwhile. */

#include <archive.h>
#include <archive_entry.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "basic/cleanup.h"

#define TMPFS_DEPTH_MAX 128U
#define TMPFS_OPTIONS_BYTES_MAX 1024U
#define TMPFS_XATTR_BYTES_MAX 65536U /* XATTR_SIZE_MAX, XATTR_LIST_MAX of include/uapi/linux/limits.h */
#define TMPFS_BUFFER_BYTES (1U << 20)
#define TMPFS_FILE_BYTES_MAX (1LL << 40) /* with its holes, which take time, too */

/* The mounted one's root directory. -ENOTCONN: nothing is mounted there, and *ret_fd is the directory below;
 * -ENOTSUP: another file system is. *ret_options (NULL is fine): as /proc/self/mountinfo has them. -EINVAL where the
 * path is not absolute and canonical. */
int tmpfs_open(const char *path, int *ret_fd, char **ret_options, char **ret_why);
/* Mounts one on that directory, and opens it. */
int tmpfs_mount(const char *path, int directory_fd, const char *options, int *ret_fd, char **ret_why);
/* Makes it read-only if it was, now that it is filled. */
int tmpfs_seal(const char *path, int root_fd, const char *options, char **ret_why);

/* For mount(2): flags, and the data of the file system, with all that is not known or not sane left out. */
void tmpfs_parse_options(const char *text, unsigned long *ret_flags, char data[static TMPFS_OPTIONS_BYTES_MAX]);

typedef struct TmpfsCount {
        uint64_t n_files, n_bytes;
} TmpfsCount;

/* What cannot be packed, or changed meanwhile, is a sentence in `problems`. */
int tmpfs_pack(int root_fd, int archive_fd, uint64_t bytes_max, TmpfsCount *ret, json_object *problems, char **ret_why);
/* `is_new`: the root directory gets its attributes, too. -EBADMSG: the archive is damaged; what could be read of it is
 * unpacked. -ENOSPC, -EDQUOT, -EROFS: not all of it found room. It may be tried again, as often as one likes: what is
 * there as it was is passed over. */
int tmpfs_unpack(int root_fd, int archive_fd, bool is_new, size_t *ret_n_changes, json_object *problems,
                char **ret_why);

/* The directory that `path` is in, and its last part, in `path`. -EBADMSG: it leads elsewhere. */
int tmpfs_open_parent(int root_fd, const char *path, int *ret_fd, const char **ret_name);
/* Without following the last part. */
int tmpfs_open_beneath(int root_fd, const char *path, int flags);

/* Extended attributes, access lists among them, of what `fd` refers to, which may be an O_PATH one. */
int tmpfs_xattrs_get(int fd, struct archive_entry *entry);
/* -errno of the first that cannot be set; the others are. */
int tmpfs_xattrs_set(int fd, struct archive_entry *entry);
/* Owner, mode, extended attributes, times: of what was just made. -errno of the first that cannot be as it was. */
int tmpfs_attributes_set(int fd, struct archive_entry *entry);
/* Whether `fd`, whose contents are not looked at, has type, owner, mode, size, device number and target of `entry`. */
bool tmpfs_is_same(int fd, const struct stat *st, struct archive_entry *entry);

/* For a sentence: printable ASCII, in `text`. */
const char *tmpfs_printable(const char *name, char text[static 256]);

static inline void archive_read_freep(struct archive **archive) {
        if (*archive)
                (void) archive_read_free(*archive);
}
static inline void archive_entry_freep(struct archive_entry **entry) {
        archive_entry_free(*entry);
}
