/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "config-fixture.h"
#include "config/settings.h"

#define ETC "/etc/liveupdate/liveupdated.conf"
#define RUN "/run/liveupdate/liveupdated.conf"
#define USR "/usr/lib/liveupdate/liveupdated.conf"

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void root_make(void) {
        strcpy(root, "/tmp/test-config-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(root));
}

static void root_remove(void) {
        ck_assert_int_eq(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The path below the root, its directories made. */
static char *place(const char *path) {
        char *full;

        ck_assert_int_gt(asprintf(&full, "%s%s", root, path), 0);
        for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                (void) mkdir(full, 0755);
                *p = '/';
        }
        return full;
}

static void put(const char *path, const char *text) {
        _cleanup_free_ char *full = place(path);
        FILE *f = fopen(full, "we");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void put_link(const char *path, const char *target) {
        _cleanup_free_ char *full = place(path);

        ck_assert_int_eq(symlink(target, full), 0);
}

static Config *load(void) {
        Config *config = NULL;

        ck_assert_int_eq(config_load(root, &config), 0);
        ck_assert_ptr_nonnull(config);
        return config;
}

START_TEST(nothing_there) {
        _cleanup_(config_freep) Config *config = NULL;
        static const char *const expected[][2] = {
                { "MaxBlackoutSec", "10s @ default" },
                { "RestoreTimeoutSec", "1min 30s @ default" },
                { "QuiesceTimeoutSec", "2min @ default" },
                { "StopServices", "yes @ default" },
                { "ChecksumSkip", "prefer @ default" },
                { "VerifyImage", "prefer @ default" },
                { "MeasureImage", "no @ default" },
                { "DevicePolicy", " @ default" },
                { "DrainTimeoutSec", "2s @ default" },
                { "UnsafeDevices", "refuse @ default" },
                { "ReconcileNetwork", "workloads @ default" },
                { "PreserveTmpfs", " @ default" },
                { "AutoStage", "no @ default" },
                { "AutoCommit", "no @ default" },
                { "LogLevel", "info @ default" },
        };

        root_make();
        config = load();
        assert_defaults(config);
        ck_assert_uint_eq(config->n_problems, 0);
        ck_assert_ptr_null(config_problem(config, 0));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                ck_assert_str_eq(shown(config, expected[i][0]), expected[i][1]);
        root_remove();
}
END_TEST

START_TEST(first_main_file_counts) {
        static const char *const files[] = { USR, RUN, ETC };

        root_make();
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                char text[128], expected[128];

                snprintf(text, sizeof(text), "[Update]\nMaxBlackoutSec=%zus\n%s", i + 1,
                                i == 0 ? "StopServices=no\n" : "");
                put(files[i], text);
                config = load();
                snprintf(expected, sizeof(expected), "%zus @ %s:2", i + 1, files[i]);
                ck_assert_str_eq(shown(config, "MaxBlackoutSec"), expected);
                ck_assert_str_eq(shown(config, "StopServices"), i == 0 ? "no @ " USR ":3" : "yes @ default");
        }
        root_remove();
}
END_TEST

START_TEST(drop_ins_in_order_of_names) {
        _cleanup_(config_freep) Config *config = NULL;

        root_make();
        put(ETC,
                        "[Update]\nMaxBlackoutSec=1s\nRestoreTimeoutSec=1s\nQuiesceTimeoutSec=1s\n[Log]"
                        "\nLogLevel=err\n[Drain]\nDevicePolicy=class:02=keep\n");
        put(ETC ".d/10-a.conf", "[Update]\nMaxBlackoutSec=2s\nRestoreTimeoutSec=2s\nQuiesceTimeoutSec=2s\n");
        put(RUN ".d/20-b.conf", "[Update]\nMaxBlackoutSec=3s\nRestoreTimeoutSec=3s\n"
                        "[Drain]\nDevicePolicy=driver:nvme=keep\n");
        put(USR ".d/30-c.conf", "[Update]\nMaxBlackoutSec=4s\n");
        put(ETC ".d/.40-hidden.conf", "[Update]\nMaxBlackoutSec=5s\n");
        put(ETC ".d/50-backup.conf~", "[Update]\nMaxBlackoutSec=5s\n");
        put(ETC ".d/.conf", "[Update]\nMaxBlackoutSec=5s\n");
        config = load();
        ck_assert_str_eq(shown(config, "MaxBlackoutSec"), "4s @ " USR ".d/30-c.conf:2");
        ck_assert_str_eq(shown(config, "RestoreTimeoutSec"), "3s @ " RUN ".d/20-b.conf:3");
        ck_assert_str_eq(shown(config, "QuiesceTimeoutSec"), "2s @ " ETC ".d/10-a.conf:4");
        ck_assert_str_eq(shown(config, "LogLevel"), "err @ " ETC ":6");
        ck_assert_str_eq(shown(config, "DevicePolicy"),
                        "class:02=keep driver:nvme=keep @ " RUN ".d/20-b.conf:5");
        ck_assert_uint_eq(config->n_problems, 0);
        root_remove();
}
END_TEST

START_TEST(same_name_of_drop_ins) {
        static const char *const files[] = { USR ".d/50-x.conf", RUN ".d/50-x.conf", ETC ".d/50-x.conf" };

        root_make();
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_(config_freep) Config *config = NULL;
                char text[128], expected[128];

                snprintf(text, sizeof(text), "[Update]\nMaxBlackoutSec=%zus\n%s", i + 1,
                                i == 0 ? "StopServices=no\n" : "");
                put(files[i], text);
                config = load();
                snprintf(expected, sizeof(expected), "%zus @ %s:2", i + 1, files[i]);
                ck_assert_str_eq(shown(config, "MaxBlackoutSec"), expected);
                ck_assert_int_eq(config->stop_services, i > 0);
        }
        root_remove();
}
END_TEST

START_TEST(masks) {
        _cleanup_(config_freep) Config *config = NULL;

        root_make();
        put(USR, "[Update]\nMaxBlackoutSec=1s\nnonsense\n");
        put_link(ETC, "/dev/null");
        put(USR ".d/10-a.conf", "[Update]\nRestoreTimeoutSec=1s\nnonsense\n");
        put_link(RUN ".d/10-a.conf", "/dev/null");
        put(USR ".d/20-b.conf", "[Update]\nQuiesceTimeoutSec=1s\nnonsense\n");
        put(ETC ".d/20-b.conf", "");
        config = load();
        assert_defaults(config);
        ck_assert_uint_eq(config->n_problems, 0);
        root_remove();
}
END_TEST

/* One that cannot be read stands for what it hides, too, and holds nothing else back. */
START_TEST(what_cannot_be_read) {
        _cleanup_free_ char *fifo = NULL, *directory = NULL, *large = malloc(CONFIG_FILE_BYTES_MAX + 2);
        _cleanup_(config_freep) Config *config = NULL;

        root_make();
        ck_assert_ptr_nonnull(large);
        memset(large, '\n', CONFIG_FILE_BYTES_MAX + 1);
        large[CONFIG_FILE_BYTES_MAX + 1] = 0;

        put(USR, "[Update]\nMaxBlackoutSec=1s\n");
        put_link(ETC, "/nowhere/at/all");
        fifo = place(ETC ".d/10-fifo.conf");
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        directory = place(ETC ".d/20-directory.conf/");
        put(ETC ".d/30-large.conf", large);
        put_link(ETC ".d/40-loop.conf", "40-loop.conf");
        put(ETC ".d/50-\xc3\xb6\n.conf", "nonsense\n");
        large[CONFIG_FILE_BYTES_MAX] = 0;
        memcpy(large, "[Log]\nLogLevel=err", strlen("[Log]\nLogLevel=err"));
        put(ETC ".d/60-just-right.conf", large);
        put(RUN ".d", "no directory");

        config = load();
        assert_problem(config, 0, ETC ": cannot be read: No such file or directory");
        assert_problem(config, 1, RUN ".d: cannot be read: Not a directory");
        assert_problem(config, 2, ETC ".d/10-fifo.conf: not a regular file, passed over");
        assert_problem(config, 3, ETC ".d/20-directory.conf: not a regular file, passed over");
        assert_problem(config, 4, ETC ".d/30-large.conf: larger than 64 KiB, passed over as a whole");
        assert_problem(config, 5, ETC ".d/40-loop.conf: cannot be read: Too many levels of symbolic links");
        assert_problem(config, 6,
                        ETC ".d/50-\\xc3\\xb6\\x0a.conf:1: 'nonsense' must be KEY=VALUE or [SECTION], or"
                            " begin with # for a comment");
        ck_assert_uint_eq(config->n_problems, 7);
        ck_assert_str_eq(shown(config, "MaxBlackoutSec"), "10s @ default");
        ck_assert_str_eq(shown(config, "LogLevel"), "err @ " ETC ".d/60-just-right.conf:2");
        root_remove();
}
END_TEST

START_TEST(too_many_drop_ins) {
        _cleanup_(config_freep) Config *config = NULL;

        root_make();
        for (unsigned i = 0; i <= 256; i++) {
                char path[128], text[64];

                snprintf(path, sizeof(path), USR ".d/%03u.conf", i);
                snprintf(text, sizeof(text), "[Update]\nRestoreTimeoutSec=%u\n", i + 1);
                put(path, text);
        }
        config = load();
        ck_assert_str_eq(shown(config, "RestoreTimeoutSec"), "4min 16s @ " USR ".d/255.conf:2");
        ck_assert_uint_eq(config->n_problems, 1);
        assert_problem(config, 0, "liveupdated.conf.d: more than 256 drop-ins, the rest is passed over");
        root_remove();
}
END_TEST

static void uncomment(char *text) {
        for (bool begins = true; *text; text++) {
                if (begins && text[0] == '#' && isupper((unsigned char) text[1]))
                        text[0] = ' ';
                begins = text[0] == '\n';
        }
}

/* It says nothing, and were its assignments no comments, they would say the defaults. */
START_TEST(shipped_file) {
        _cleanup_(config_freep) Config *config = NULL, *commented = NULL;
        const char *source = getenv("SOURCE_ROOT");
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;

        ck_assert_msg(source, "$SOURCE_ROOT is to be set, as by meson test");
        ck_assert_int_gt(asprintf(&path, "%s/conf/liveupdated.conf", source), 0);
        ck_assert_int_eq(read_file_at(AT_FDCWD, path, CONFIG_FILE_BYTES_MAX, &text, &size), 0);
        commented = from_text(text);
        assert_defaults(commented);
        ck_assert_uint_eq(commented->n_problems, 0);

        uncomment(text);
        config = from_text(text);
        ck_assert_msg(config->n_problems == 0, "%s", config_problem(config, 0));
        assert_defaults(config);
        for (size_t i = 0; i < N_SETTINGS; i++) {
                char line[128];

                snprintf(line, sizeof(line), "%s=%s\n", settings[i].key, settings[i].default_value);
                ck_assert_msg(strstr(text, line), "%s", line);
                ck_assert_ptr_nonnull(strstr(shown(config, settings[i].key), " @ f:"));
        }
}
END_TEST

UNIT_MAIN("config-files", nothing_there, first_main_file_counts, drop_ins_in_order_of_names,
                same_name_of_drop_ins, masks, what_cannot_be_read, too_many_drop_ins, shipped_file)
