/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real tmpfs, in a mount namespace of our own, packed and unpacked by the real program. */

#include <archive.h>
#include <archive_entry.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "basic/io.h"
#include "privileged-fixture.h"
#include "privileged/tmpfs.h"

#define MIB (1024 * 1024)

/* At PATH/old and PATH/new below the temporary root. False: not here. */
static bool prepare(void) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                fputs("no mount namespace: skipped\n", stderr);
                return false;
        }
        ck_assert_int_eq(mkdir(root_path("/old"), 0755), 0);
        ck_assert_int_eq(mkdir(root_path("/new"), 0755), 0);
        ck_assert_int_eq(mount("tmpfs", root_path("/old"), "tmpfs", MS_NOSUID, "size=64m,mode=0750"), 0);
        ck_assert_int_eq(mount("tmpfs", root_path("/new"), "tmpfs", 0, "size=64m"), 0);
        umask(0);
        return true;
}

static void finish(void) {
        while (umount2(root_path("/old"), MNT_DETACH) == 0)
                ;
        while (umount2(root_path("/new"), MNT_DETACH) == 0)
                ;
}

static int archive_new(void) {
        int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("archive", NULL, 0, &fd), 0);
        return fd;
}

static json_object *pack(const char *path, int fd) {
        _cleanup_free_ char *why = NULL;
        json_object *answer = NULL;
        int r = privileged_pack_tmpfs(root_path(path), fd, 64 * MIB, &answer, &why);

        ck_assert_msg(r == 0, "%i: %s", r, why);
        return answer;
}

static size_t unpack(const char *path, int fd, json_object *problems) {
        _cleanup_free_ char *why = NULL;
        size_t n = 0;
        int r = privileged_unpack_tmpfs(root_path(path), fd, "", false, &n, problems, &why);

        ck_assert_msg(r == 0, "%i: %s", r, why);
        return n;
}

static void put_at(const char *path, const char *text, size_t size, off_t offset) {
        _cleanup_fd_ int fd = root_open(path);

        ck_assert_int_eq(pwrite(fd, text, size, offset), (ssize_t) size);
}

static void stamp(const char *path, time_t sec, long nsec) {
        const struct timespec times[] = { { sec + 1, nsec }, { sec, nsec } };

        ck_assert_int_eq(utimensat(AT_FDCWD, root_path(path), times, AT_SYMLINK_NOFOLLOW), 0);
}

/* One of each kind below /old. */
static void fill(void) {
        static const unsigned char acl[] = {
                2, 0, 0, 0,                         /* POSIX_ACL_XATTR_VERSION */
                1, 0, 6, 0, 255, 255, 255, 255,     /* the owner */
                2, 0, 4, 0, 0x39, 0x30, 0, 0,       /* user 12345 */
                4, 0, 4, 0, 255, 255, 255, 255,     /* the group */
                16, 0, 4, 0, 255, 255, 255, 255,    /* the mask */
                32, 0, 0, 0, 255, 255, 255, 255,    /* others */
        };
        char old[256], to[256];

        root_put("/old/plain", "contents\n");
        ck_assert_int_eq(chown(root_path("/old/plain"), 1234, 70000), 0);
        ck_assert_int_eq(chmod(root_path("/old/plain"), 06751), 0);
        strcpy(old, root_path("/old/plain"));
        strcpy(to, root_path("/old/hard"));
        ck_assert_int_eq(link(old, to), 0);
        root_put("/old/empty", "");
        root_put("/old/d\xc3\xa9p\xff name\n", "odd");
        put_at("/old/sparse", "end", 3, 20 * MIB);
        put_at("/old/sparse", "begin", 5, 0);
        ck_assert_int_eq(truncate(root_path("/old/sparse"), 30 * MIB), 0);
        root_put("/old/hole", "");
        ck_assert_int_eq(truncate(root_path("/old/hole"), 5 * MIB + 1), 0);
        root_put("/old/deep/er/file", "deep");
        ck_assert_int_eq(chmod(root_path("/old/deep"), 02711), 0);
        ck_assert_int_eq(chown(root_path("/old/deep/er"), 7, 8), 0);
        ck_assert_int_eq(symlink("/etc/passwd", root_path("/old/absolute")), 0);
        ck_assert_int_eq(symlink("deep/er", root_path("/old/relative")), 0);
        ck_assert_int_eq(lchown(root_path("/old/relative"), 11, 12), 0);
        ck_assert_int_eq(mkfifo(root_path("/old/fifo"), 0620), 0);
        ck_assert_int_eq(mknod(root_path("/old/char"), S_IFCHR | 0604, makedev(1, 3)), 0);
        ck_assert_int_eq(mknod(root_path("/old/block"), S_IFBLK | 0640, makedev(259, 70000)), 0);
        ck_assert_int_eq(setxattr(root_path("/old/plain"), "trusted.note", "a\0b", 3, 0), 0);
        ck_assert_int_eq(setxattr(root_path("/old/deep"), "trusted.note", "dir", 3, 0), 0);
        ck_assert_int_eq(lsetxattr(root_path("/old/relative"), "trusted.note", "link", 4, 0), 0);
        ck_assert_int_eq(setxattr(root_path("/old/fifo"), "trusted.note", "fifo", 4, 0), 0);
        if (setxattr(root_path("/old/empty"), "system.posix_acl_access", acl, sizeof(acl), 0) == 0)
                ck_assert_int_eq(setxattr(root_path("/old/deep"), "system.posix_acl_default", acl, sizeof(acl), 0), 0);
        stamp("/old/plain", 1000000000, 123456789);
        stamp("/old/relative", 1100000000, 1);
        stamp("/old/fifo", -5, 999999999);
        stamp("/old/deep/er", 1200000000, 5);
        stamp("/old/deep", 1300000000, 6);
}

static size_t xattrs_of(const char *path, char *text, size_t size) {
        ssize_t n = llistxattr(path, text, size);

        ck_assert_int_ge(n, 0);
        return (size_t) n;
}

static void compare_xattrs(const char *a, const char *b) {
        char names[2][4096], values[2][4096];
        size_t n = xattrs_of(a, names[0], sizeof(names[0]));

        ck_assert_uint_eq(n, xattrs_of(b, names[1], sizeof(names[1])));
        for (const char *name = names[0]; name < names[0] + n; name += strlen(name) + 1) {
                ssize_t size = lgetxattr(a, name, values[0], sizeof(values[0]));

                ck_assert_int_ge(size, 0);
                ck_assert_int_eq(lgetxattr(b, name, values[1], sizeof(values[1])), size);
                ck_assert_mem_eq(values[0], values[1], (size_t) size);
        }
}

static void compare_contents(const char *a, const char *b, const struct stat *st) {
        _cleanup_free_ char *text_a = NULL, *text_b = NULL;
        size_t size_a, size_b;
        char target[2][256] = {};

        if (S_ISLNK(st->st_mode)) {
                ck_assert_int_gt(readlink(a, target[0], 255), 0);
                ck_assert_int_gt(readlink(b, target[1], 255), 0);
                ck_assert_str_eq(target[0], target[1]);
        }
        if (!S_ISREG(st->st_mode))
                return;
        ck_assert_int_eq(read_file_at(AT_FDCWD, a, 64 * MIB, &text_a, &size_a), 0);
        ck_assert_int_eq(read_file_at(AT_FDCWD, b, 64 * MIB, &text_b, &size_b), 0);
        ck_assert_uint_eq(size_a, size_b);
        ck_assert_mem_eq(text_a, text_b, size_a);
}

static size_t n_compared;

static int compare_one(const char *a, const struct stat *st, int type, struct FTW *ftw) {
        struct stat other;
        char b[512];

        snprintf(b, sizeof(b), "%s/new%s", root, a + strlen(root) + strlen("/old"));
        if (S_ISSOCK(st->st_mode) || ftw->level == 0)
                return 0;
        ck_assert_msg(lstat(b, &other) == 0, "%s", b);
        ck_assert_msg(st->st_mode == other.st_mode, "%s: %o %o", b, st->st_mode, other.st_mode);
        ck_assert_int_eq(st->st_uid, other.st_uid);
        ck_assert_int_eq(st->st_gid, other.st_gid);
        ck_assert_int_eq(st->st_nlink, other.st_nlink);
        if (!S_ISDIR(st->st_mode))
                ck_assert_int_eq(st->st_size, other.st_size);
        ck_assert_msg(st->st_blocks == other.st_blocks, "%s: %li %li", b, (long) st->st_blocks, (long) other.st_blocks);
        ck_assert_int_eq(st->st_rdev, other.st_rdev);
        ck_assert_msg(st->st_mtim.tv_sec == other.st_mtim.tv_sec && st->st_mtim.tv_nsec == other.st_mtim.tv_nsec,
                        "%s", b);
        compare_xattrs(a, b);
        compare_contents(a, b, st);
        n_compared++;
        return 0;
}

START_TEST(every_kind_of_file_comes_back) {
        _cleanup_json_ json_object *answer = NULL, *problems = json_object_new_array();
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = -EBADF, socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
        json_object *told;
        uint64_t n, bytes;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        fill();
        strcpy(address.sun_path, root_path("/old/socket"));
        ck_assert_int_eq(bind(socket_fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(mkdir(root_path("/old/other"), 0755), 0);
        ck_assert_int_eq(mount("tmpfs", root_path("/old/other"), "tmpfs", 0, NULL), 0);
        root_put("/old/other/secret", "not ours");
        fd = archive_new();
        answer = pack("/old", fd);
        ck_assert_int_eq(json_get_array(answer, "problems", &told), 0);
        ck_assert_uint_eq(json_object_array_length(told), 2);
        ck_assert(is_told(told, "socket", "left out"));
        ck_assert(is_told(told, "other", "another file system"));
        ck_assert_int_eq(json_get_u64(answer, "files", &n), 0);
        ck_assert_int_eq(json_get_u64(answer, "bytes", &bytes), 0);
        ck_assert_uint_lt(bytes, MIB); /* holes are none of it */
        ck_assert_ptr_nonnull(strstr(text_of(answer), "size=65536k"));
        ck_assert_ptr_nonnull(strstr(text_of(answer), "nosuid"));

        /* Bytes after the end, as a memfd has that is a whole number of pages. */
        ck_assert_int_eq(ftruncate(fd, (off_t) (bytes + 12345)), 0);
        ck_assert_uint_eq(unpack("/new", fd, problems), n - 1);
        ck_assert_str_eq(text_of(problems), "[]");
        ck_assert_int_eq(umount2(root_path("/old/other"), MNT_DETACH), 0);
        ck_assert_int_eq(rmdir(root_path("/old/other")), 0);
        ck_assert_int_eq(nftw(root_path("/old"), compare_one, 16, FTW_PHYS), 0);
        ck_assert_uint_eq(n_compared, n - 1);

        /* Again: all of it is the same. */
        ck_assert_uint_eq(unpack("/new", fd, problems), 0);
        ck_assert_str_eq(text_of(problems), "[]");
        finish();
}
END_TEST

START_TEST(what_is_there_is_left_alone) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t size;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        fill();
        fd = archive_new();
        json_object_put(pack("/old", fd));
        root_put("/new/plain", "Contents\n");
        ck_assert_int_eq(chown(root_path("/new/plain"), 1234, 70000), 0);
        ck_assert_int_eq(chmod(root_path("/new/plain"), 06751), 0);
        ck_assert_int_eq(mkdir(root_path("/new/deep"), 0700), 0);
        ck_assert_int_eq(symlink("/etc/hosts", root_path("/new/absolute")), 0);
        ck_assert_int_eq(mkdir(root_path("/new/fifo"), 0700), 0);
        root_put("/new/empty", "no more");
        (void) unpack("/new", fd, problems);
        ck_assert_uint_eq(json_object_array_length(problems), 4);
        ck_assert(is_told(problems, "plain", "not as it was"));
        ck_assert(is_told(problems, "absolute", "not as it was"));
        ck_assert(is_told(problems, "fifo", "not as it was"));
        ck_assert(is_told(problems, "empty", "not as it was"));
        ck_assert_int_eq(read_file_at(AT_FDCWD, root_path("/new/plain"), MIB, &text, &size), 0);
        ck_assert_str_eq(text, "Contents\n");
        ck_assert_int_eq(stat(root_path("/new/deep"), &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0700);
        ck_assert_int_eq(stat(root_path("/new/deep/er/file"), &st), 0);
        finish();
}
END_TEST

/* As if the one before had been killed in the midst of it. */
START_TEST(what_was_interrupted_is_gone_on_with) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int fd = -EBADF;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        fill();
        fd = archive_new();
        json_object_put(pack("/old", fd));
        ck_assert_int_eq(mkdir(root_path("/new/deep"), 01700), 0);
        ck_assert_int_eq(mkdir(root_path("/new/deep/er"), 01700), 0);
        ck_assert_uint_gt(unpack("/new", fd, problems), 0);
        ck_assert_str_eq(text_of(problems), "[]");
        n_compared = 0;
        ck_assert_int_eq(nftw(root_path("/old"), compare_one, 16, FTW_PHYS), 0);
        ck_assert_uint_gt(n_compared, 10);
        finish();
}
END_TEST

START_TEST(what_finds_no_room_is_tried_again) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_free_ char *why = NULL, *bytes = calloc(1, 2 * MIB);
        _cleanup_fd_ int fd = archive_new();
        struct stat st;
        size_t n = 0;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        memset(bytes, 'x', 2 * MIB - 1);
        root_put("/old/big", bytes);
        root_put("/old/little", "x");
        json_object_put(pack("/old", fd));
        ck_assert_int_eq(mount("tmpfs", root_path("/new"), "tmpfs", MS_REMOUNT, "size=1m"), 0);
        ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), fd, "rw,nodev", false, &n, problems, &why),
                        -ENOSPC);
        ck_assert_int_eq(access(root_path("/new/big"), F_OK), -1);
        ck_assert_int_eq(access(root_path("/new/little"), F_OK), 0);
        ck_assert_int_eq(mount("tmpfs", root_path("/new"), "tmpfs", MS_REMOUNT, "size=8m"), 0);
        free(TAKE_PTR(why));
        ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), fd, "rw,nodev", false, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(stat(root_path("/new/big"), &st), 0);
        ck_assert_int_eq(st.st_size, 2 * MIB - 1);
        ck_assert(is_told(problems, "nodev", "not any more"));
        finish();
}
END_TEST

START_TEST(only_a_tmpfs_is_packed) {
        static const char *const paths[] = { "/", "/proc", "/dev/null", "tmp", "/tmp/", "//tmp", "/tmp/../tmp", "/./tmp",
                "", "/nowhere" };
        _cleanup_fd_ int fd = archive_new();
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        ck_assert_int_eq(mkdir(root_path("/new/below"), 0755), 0);
        ck_assert_int_eq(symlink("old", root_path("/link")), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_json_ json_object *answer = NULL;
                _cleanup_free_ char *why = NULL;

                ck_assert_int_lt(privileged_pack_tmpfs(paths[i], fd, MIB, &answer, &why), 0);
                ck_assert_ptr_nonnull(why);
        }
        for (size_t i = 0; i < 3; i++) {
                static const char *const below[] = { "/new/below", "/link", "/nothing" };
                static const int errors[] = { -ENOTSUP, -EINVAL, -ENOENT };
                _cleanup_json_ json_object *answer = NULL;
                _cleanup_free_ char *why = NULL;

                ck_assert_int_eq(privileged_pack_tmpfs(root_path(below[i]), fd, MIB, &answer, &why), errors[i]);
        }
        finish();
}
END_TEST

START_TEST(more_than_is_allowed_is_refused) {
        _cleanup_json_ json_object *answer = NULL;
        _cleanup_free_ char *why = NULL, *bytes = calloc(1, 2 * MIB);
        _cleanup_fd_ int fd = archive_new();
        struct stat st;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        memset(bytes, 'x', 2 * MIB);
        root_put_bytes("/old/big", bytes, 2 * MIB);
        ck_assert_int_eq(privileged_pack_tmpfs(root_path("/old"), fd, MIB, &answer, &why), -E2BIG);
        ck_assert_ptr_nonnull(strstr(why, "1048576"));
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_le(st.st_size, MIB);
        finish();
}
END_TEST

START_TEST(it_is_mounted_where_it_is_not) {
        _cleanup_json_ json_object *answer = NULL, *problems = json_object_new_array();
        _cleanup_fd_ int fd = archive_new();
        _cleanup_free_ char *why = NULL, *options = NULL;
        struct stat st;
        size_t n = 0;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        root_put("/old/file", "x");
        ck_assert_int_eq(chown(root_path("/old"), 42, 43), 0);
        ck_assert_int_eq(mount(NULL, root_path("/old"), NULL,
                        MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID, NULL), 0);
        answer = pack("/old", fd);
        options = strdup(json_object_get_string(json_object_object_get(answer, "options")));
        ck_assert_int_eq(umount(root_path("/new")), 0);
        ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), fd, options, false, &n, problems, &why), -ENOTCONN);
        ck_assert_ptr_nonnull(why);
        ck_assert_uint_eq(n, 0);
        ck_assert_int_eq(access(root_path("/new/file"), F_OK), -1);
        free(TAKE_PTR(why));

        ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), fd, options, true, &n, problems, &why), 0);
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(text_of(problems), "[]");
        ck_assert_int_eq(stat(root_path("/new"), &st), 0);
        ck_assert_int_eq(st.st_mode & 07777, 0750);
        ck_assert_int_eq(st.st_uid, 42);
        ck_assert_int_eq(st.st_gid, 43);
        json_object_put(answer);
        answer = pack("/new", fd);
        ck_assert_str_eq(json_object_get_string(json_object_object_get(answer, "options")), options);
        finish();
}
END_TEST

typedef struct Evil {
        const char *path, *link, *hard;
        mode_t type;
} Evil;

static void write_evil(int fd, const Evil *evil, size_t n) {
        struct archive *archive = archive_write_new();

        ck_assert_int_eq(archive_write_set_format_pax(archive), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_open_fd(archive, fd), ARCHIVE_OK);
        for (size_t i = 0; i < n; i++) {
                struct archive_entry *entry = archive_entry_new();

                archive_entry_set_pathname(entry, evil[i].path);
                archive_entry_set_filetype(entry, evil[i].type);
                archive_entry_set_perm(entry, 0666);
                archive_entry_set_size(entry, evil[i].type == AE_IFREG && !evil[i].hard ? 4 : 0);
                if (evil[i].link)
                        archive_entry_set_symlink(entry, evil[i].link);
                if (evil[i].hard)
                        archive_entry_set_hardlink(entry, evil[i].hard);
                ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
                if (archive_entry_size(entry) > 0)
                        ck_assert_int_eq(archive_write_data(archive, "evil", 4), 4);
                archive_entry_free(entry);
        }
        ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
}

START_TEST(nothing_leads_out) {
        const Evil evil[] = {
                { "/absolute", NULL, NULL, AE_IFREG },
                { "../outside", NULL, NULL, AE_IFREG },
                { "a/../../outside", NULL, NULL, AE_IFREG },
                { "..", NULL, NULL, AE_IFDIR },
                { "link", "../target", NULL, AE_IFLNK },
                { "link/outside", NULL, NULL, AE_IFREG },
                { "link", NULL, NULL, AE_IFREG },
                { "dangling", "../outside", NULL, AE_IFLNK },
                { "dangling", NULL, NULL, AE_IFREG },
                { "stolen", NULL, "../target/secret", AE_IFREG },
                { "stolen", NULL, "link/secret", AE_IFREG },
                { "stolen", NULL, "theirs", AE_IFREG },
                { "mounted/file", NULL, NULL, AE_IFREG },
                { "a//b", NULL, NULL, AE_IFREG },
                { "no/directory", NULL, NULL, AE_IFREG },
        };
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int fd = archive_new();
        struct stat st;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        root_put("/target/secret", "s");
        root_put("/new/theirs", "not of the archive");
        ck_assert_int_eq(mkdir(root_path("/new/mounted"), 0777), 0);
        ck_assert_int_eq(mount("tmpfs", root_path("/new/mounted"), "tmpfs", 0, NULL), 0);
        write_evil(fd, evil, ELEMENTSOF(evil));
        ck_assert_uint_eq(unpack("/new", fd, problems), 2); /* the two symbolic links */
        ck_assert_uint_eq(json_object_array_length(problems), ELEMENTSOF(evil) - 2);
        ck_assert_int_eq(access(root_path("/outside"), F_OK), -1);
        ck_assert_int_eq(access(root_path("/target/outside"), F_OK), -1);
        ck_assert_int_eq(access("/absolute", F_OK), -1);
        ck_assert_int_eq(access(root_path("/new/absolute"), F_OK), -1);
        ck_assert_int_eq(access(root_path("/new/mounted/file"), F_OK), -1);
        ck_assert_int_eq(access(root_path("/new/stolen"), F_OK), -1);
        ck_assert_int_eq(lstat(root_path("/target/secret"), &st), 0);
        ck_assert_int_eq(st.st_nlink, 1);
        ck_assert_int_eq(umount(root_path("/new/mounted")), 0);
        finish();
}
END_TEST

START_TEST(a_damaged_archive) {
        _cleanup_json_ json_object *problems = json_object_new_array();
        _cleanup_fd_ int fd = archive_new(), garbage = archive_new();
        _cleanup_free_ char *why = NULL;
        struct stat st;
        size_t n = 0;
        TEMPORARY_ROOT();

        if (!prepare())
                return;
        root_put("/old/a/file", "a");
        put_at("/old/a/big", "x", 1, MIB - 1);
        put_at("/old/a/big", "x", 1, 0);
        json_object_put(pack("/old", fd));
        ck_assert_int_eq(fstat(fd, &st), 0);
        for (off_t size = st.st_size - 1024 - 1; size > 512; size -= 512 + 13) {
                ck_assert_int_eq(ftruncate(fd, size), 0);
                free(TAKE_PTR(why));
                ck_assert_int_eq(umount(root_path("/new")), 0);
                ck_assert_int_eq(mount("tmpfs", root_path("/new"), "tmpfs", 0, NULL), 0);
                ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), fd, "", false, &n, problems, &why),
                                -EBADMSG);
                ck_assert_ptr_nonnull(strstr(why, "damaged"));
        }
        free(TAKE_PTR(why));
        ck_assert_int_eq(write_full(garbage, "garbage garbage garbage", 23), 0);
        ck_assert_int_eq(privileged_unpack_tmpfs(root_path("/new"), garbage, "", false, &n, problems, &why), -EBADMSG);
        finish();
}
END_TEST

START_TEST(options) {
        static const struct {
                const char *text, *data;
                unsigned long flags;
        } cases[] = {
                { "", "", 0 },
                { "rw,nosuid,nodev,noexec,relatime,rw,size=1024k,mode=755,uid=1", "size=1024k,mode=755,uid=1",
                        MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME },
                { "rw,mpol=bind:0,2-3,huge=always,inode64", "mpol=bind:0,2-3,huge=always,inode64", 0 },
                { "ro,seclabel,context=x,usrquota,size=5%", "size=5%", MS_RDONLY },
                { "size=1\\040,mode=7\"7,uid=1;2,gid=3", "gid=3", 0 },
                { "sizes=3,siz=3,=3,,,,noswap", "noswap", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char data[TMPFS_OPTIONS_BYTES_MAX];
                unsigned long flags;

                tmpfs_parse_options(cases[i].text, &flags, data);
                ck_assert_str_eq(data, cases[i].data);
                ck_assert_uint_eq(flags, cases[i].flags);
        }
}
END_TEST

UNIT_MAIN("privileged-tmpfs", every_kind_of_file_comes_back, what_is_there_is_left_alone,
          what_was_interrupted_is_gone_on_with, what_finds_no_room_is_tried_again, only_a_tmpfs_is_packed,
          more_than_is_allowed_is_refused, it_is_mounted_where_it_is_not, nothing_leads_out, a_damaged_archive, options)
