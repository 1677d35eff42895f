/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "kexec/checksum.h"
#include "unit.h"

/* As Linux 7.3.4 shows them. */
#define LIST_HEAD                                                                                            \
        "# filename:lineno [module]function flags format\n"                                                  \
        "init/main.c:1232 [main]trace_initcall_start_cb =_ \"calling  %pS @ %i\\n\"\n"                       \
        "kernel/kexec_file.c:206 [kexec_file]kimage_validate_signature =p \"kernel signature verification "  \
        "failed (%d).\\n\"\n"
#define LIST_SITE(flags)                                                                                     \
        "kernel/kexec_file.c:847 [kexec_file]kexec_calculate_store_digests =" flags                          \
        " \"disabling checksum verification in purgatory\\n\"\n"
#define RECORD "7,1234,98765432,-;disabling checksum verification in purgatory\n"

START_TEST(finds_site) {
        ChecksumSite site = {};

        ck_assert_int_eq(checksum_site_parse(LIST_HEAD LIST_SITE("_") "mm/x.c:1 [x]f =_ \"y\"\n", &site),
                        CHECKSUM_SKIP_PROVEN);
        ck_assert_str_eq(site.path, "kernel/kexec_file.c");
        ck_assert_uint_eq(site.line, 847);
        ck_assert(!site.is_printing);
        ck_assert_int_eq(checksum_site_parse(LIST_SITE("pmfl"), &site), CHECKSUM_SKIP_PROVEN);
        ck_assert(site.is_printing);
        ck_assert_int_eq(checksum_site_parse("../src/" LIST_SITE("fl"), &site), CHECKSUM_SKIP_PROVEN);
        ck_assert_str_eq(site.path, "../src/kernel/kexec_file.c");
        ck_assert(!site.is_printing);
}
END_TEST

START_TEST(finds_no_site) {
        static const struct {
                const char *list;
                ChecksumSkip expected;
        } lists[] = {
                { LIST_HEAD,                                                                   CHECKSUM_SKIP_ABSENT  },
                { "",                                                                          CHECKSUM_SKIP_UNKNOWN },
                { "# filename:lineno [module]function flags format\n",                         CHECKSUM_SKIP_UNKNOWN },
                { "drivers/a.c:1 [a]f =_ \"disabling checksum verification in purgatory\"\n",  CHECKSUM_SKIP_UNKNOWN },
                { "xkernel/kexec_file.c:1 [a]f =_ \"disabling checksum verification in purgatory\"\n",
                  CHECKSUM_SKIP_UNKNOWN },
                { "kernel/kexec_file.c:1 [a]f =_ \"not disabling checksum verification in purgatory\"\n",
                  CHECKSUM_SKIP_ABSENT },
                { "kernel/kexec_file.c:x [a]f =_ \"disabling checksum verification in purgatory\"\n",
                  CHECKSUM_SKIP_ABSENT },
                { "kernel/kexec_file.c",                                                       CHECKSUM_SKIP_ABSENT  },
                { "kernel/kexec_file.c:847 [kexec_file",                                       CHECKSUM_SKIP_ABSENT  },
        };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                ChecksumSite site;

                ck_assert_msg(checksum_site_parse(lists[i].list, &site) == lists[i].expected, "%s", lists[i].list);
        }
}
END_TEST

START_TEST(knows_record) {
        static const char *const others[] = {
                "", ";", "7", "7,1,2,-", "7,1,2,-;kexec: something else\n",
                "15,1,2,-;disabling checksum verification in purgatory\n", /* facility 1: from user space */
                "12,1,2,-;disabling checksum verification in purgatory\n",
                "4294967303,1,2,-;disabling checksum verification in purgatory\n",
                "disabling checksum verification in purgatory\n",
                "x;disabling checksum verification in purgatory\n",
        };

        ck_assert(checksum_record_matches(RECORD, strlen(RECORD)));
        ck_assert(!checksum_record_matches(RECORD, strlen(RECORD) - 2));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                ck_assert_msg(!checksum_record_matches(others[i], strlen(others[i])), "%s", others[i]);
}
END_TEST

/* A watch over files that stand for the kernel's. */
typedef struct Rig {
        char control[32], kmsg[32];
        const char *controls[3];
        int control_fd, kmsg_fd;
        ChecksumWatch watch;
        char evidence[256];
} Rig;

static void rig_begin(Rig *rig, const char *list) {
        *rig = (Rig) { .watch = CHECKSUM_WATCH_EMPTY };
        ck_assert_int_eq(memfd_new_with("control", list, strlen(list), &rig->control_fd), 0);
        ck_assert_int_eq(memfd_new_with("kmsg", RECORD, strlen(RECORD), &rig->kmsg_fd), 0); /* of an older load */
        snprintf(rig->control, sizeof(rig->control), "/proc/self/fd/%i", rig->control_fd);
        snprintf(rig->kmsg, sizeof(rig->kmsg), "/proc/self/fd/%i", rig->kmsg_fd);
        rig->controls[0] = "/nonexistent/control";
        rig->controls[1] = rig->control;
        checksum_watch_begin(&rig->watch, rig->controls, rig->kmsg);
}

static ChecksumSkip rig_end(Rig *rig) {
        ChecksumSkip state = checksum_watch_verdict(&rig->watch, rig->evidence, sizeof(rig->evidence));

        checksum_watch_end(&rig->watch);
        ck_assert_int_eq(rig->watch.kmsg_fd, -EBADF);
        close(rig->kmsg_fd);
        return state;
}

static void assert_query(Rig *rig, const char *query) {
        char found[64] = {};

        ck_assert_int_gt(pread(rig->control_fd, found, strlen(query), 0), 0);
        ck_assert_str_eq(found, query);
}

START_TEST(proves_a_load) {
        static const char record[] = "6,1,2,-;other\n";
        Rig rig;

        rig_begin(&rig, LIST_HEAD LIST_SITE("_"));
        assert_query(&rig, "file kernel/kexec_file.c line 847 +p\n");
        ck_assert_int_eq(pwrite(rig.kmsg_fd, record, strlen(record), (off_t) strlen(RECORD)), (ssize_t) strlen(record));
        ck_assert_int_eq(rig_end(&rig), CHECKSUM_SKIP_ABSENT);
        assert_query(&rig, "file kernel/kexec_file.c line 847 -p\n");

        rig_begin(&rig, LIST_HEAD LIST_SITE("_"));
        ck_assert_int_eq(pwrite(rig.kmsg_fd, RECORD, strlen(RECORD), (off_t) strlen(RECORD)), (ssize_t) strlen(RECORD));
        ck_assert_int_eq(rig_end(&rig), CHECKSUM_SKIP_PROVEN);
        ck_assert_ptr_nonnull(strstr(rig.evidence, CHECKSUM_MESSAGE));
        ck_assert_ptr_null(strchr(rig.evidence, '\n'));
        assert_query(&rig, "file kernel/kexec_file.c line 847 -p\n");
}
END_TEST

START_TEST(leaves_on_what_was_on) {
        Rig rig;

        rig_begin(&rig, LIST_SITE("p") LIST_HEAD);
        ck_assert_int_eq(rig_end(&rig), CHECKSUM_SKIP_ABSENT);
        assert_query(&rig, "kernel/kexec_file.c:847 ");
}
END_TEST

START_TEST(says_what_it_cannot_see) {
        const char *const none[] = { "/nonexistent/control", NULL };
        ChecksumWatch watch = CHECKSUM_WATCH_EMPTY;
        char evidence[256];
        Rig rig;

        ck_assert_int_eq(checksum_skip_listed(none), CHECKSUM_SKIP_UNKNOWN);
        checksum_watch_begin(&watch, none, "/dev/null");
        ck_assert_int_eq(checksum_watch_verdict(&watch, evidence, sizeof(evidence)), CHECKSUM_SKIP_UNKNOWN);
        checksum_watch_end(&watch);

        rig_begin(&rig, LIST_HEAD);
        ck_assert_int_eq(checksum_skip_listed(rig.controls), CHECKSUM_SKIP_ABSENT);
        ck_assert_int_eq(rig_end(&rig), CHECKSUM_SKIP_ABSENT);
        ck_assert_ptr_nonnull(strstr(rig.evidence, "does not list"));

        rig_begin(&rig, LIST_SITE("_"));
        checksum_watch_end(&rig.watch);
        checksum_watch_begin(&rig.watch, rig.controls, "/nonexistent/kmsg");
        ck_assert_int_eq(rig_end(&rig), CHECKSUM_SKIP_UNKNOWN);
}
END_TEST

START_TEST(refuses_load) {
        char cmdline[KEXEC_CMDLINE_BYTES_MAX + 2];
        KexecLoadResult result;

        memset(cmdline, 'c', sizeof(cmdline));
        cmdline[sizeof(cmdline) - 1] = 0;
        ck_assert_int_eq(kexec_load(-EBADF, -EBADF, cmdline, &result), -E2BIG);
        ck_assert_int_eq(kexec_load(-EBADF, -EBADF, "quiet", &result), -EBADF);
        /* What was loaded before, if anything, is not touched by that. */
        ck_assert_uint_eq(result.calls_before, result.calls_left);
}
END_TEST

START_TEST(has_words) {
        static const int errors[] = { EPERM, ENOEXEC, EBUSY, EADDRNOTAVAIL, EKEYREJECTED, ENOSYS, EINVAL, ENOMEM,
                EBADF, E2BIG, EACCES };

        ck_assert_str_eq(checksum_skip_to_string(CHECKSUM_SKIP_PROVEN), "proven");
        ck_assert_str_eq(checksum_skip_to_string((ChecksumSkip) 9), "unknown");
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                ck_assert_str_ne(kexec_error_remedy(-errors[i]), kexec_error_remedy(0));
                ck_assert_str_eq(kexec_error_remedy(-errors[i]), kexec_error_remedy(errors[i]));
        }
}
END_TEST

UNIT_MAIN("kexec", finds_site, finds_no_site, knows_record, proves_a_load, leaves_on_what_was_on,
          says_what_it_cannot_see, refuses_load, has_words)
