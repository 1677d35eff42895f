/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/json.h"
#include "client/image-order.h"
#include "entries-fixture.h"

/* The paths, without the root. */
static void expect_files(const ImageFiles *files, const char *expected) {
        char text[1024] = "";

        for (size_t i = 0; i < files->n; i++) {
                size_t n = strlen(text);

                snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", files->paths[i] + strlen(root));
        }
        ck_assert_str_eq(text, expected);
}

/* By entry or by default, up to the files. */
static int order_by(ImageOrder *order, const ImageOptions *options) {
        int r;

        *order = (ImageOrder) { .options = options, .root = root };
        r = image_order_by_entry(order);
        return r == CTL_OK ? image_order_complete(order) : r;
}

static void expect_refusal(const ImageOptions *options, int code, const char *message, const char *remedy) {
        _cleanup_(image_order_done) ImageOrder order;

        ck_assert_int_eq(order_by(&order, options), code);
        ck_assert_ptr_nonnull(order.message);
        ck_assert_msg(strstr(order.message, message), "%s", order.message);
        ck_assert_msg(strstr(order.remedy, remedy), "%s", order.remedy);
}

static void put_host(void) {
        put_text("/boot/linux", "");
        put_text("/boot/initrd", "");
        put_text("/boot/loader/entries/a.conf",
                        "linux /linux\ninitrd /initrd\ninitrd /second\noptions root=/dev/vda1\ndevicetree /x\n");
        put_text("/boot/loader/entries/bare.conf", "linux /linux\n");
        put_text("/boot/loader/entries/fedora.conf", "linux /linux\noptions $kernelopts\n");
        put_text("/boot/loader/entries/gone.conf", "linux /gone\n");
        put_text("/boot/loader/entries/mips.conf", "linux /linux\narchitecture mips\n");
        put_text("/boot/loader/entries/url.conf", "uki-url http://example.org/x.efi\n");
        put_uki("/boot/EFI/Linux/u+1.efi", { ".linux", "" }, { ".osrel", "ID=u\n" }, { ".profile", "" },
                        { ".profile", "ID=quiet\n" });
        put_text("/boot/EFI/Linux/u.efi.extra.d/own.addon.efi", "");
        put_text("/boot/EFI/Linux/u+1.efi.extra.d/counted.addon.efi", "");
        put_text("/boot/loader/addons/global.addon.efi", "");
        put_text("/boot/loader/entries/with-uki.conf", "uki /EFI/Linux/u+1.efi\noptions quiet\nprofile 1\ninitrd /x\n");
        put_text("/boot/loader/entries/as-linux.conf", "linux /EFI/Linux/u+1.efi\n");
}

START_TEST(needs_entries) {
        TEMPORARY_ROOT();

        put_text("/boot/grub/grub.cfg", "");
        expect_refusal(&(ImageOptions) { .is_default = true }, CTL_USAGE, "GRUB", "stage RELEASE");
        expect_refusal(&(ImageOptions) { .entry = "a" }, CTL_USAGE, "GRUB", "stage RELEASE");
        put_text("/boot/loader/entries/gone.conf", "linux /gone\n");
        expect_refusal(&(ImageOptions) { .is_default = true }, CTL_USAGE, "could take", "--entry=help");
}
END_TEST

START_TEST(says_why_not) {
        TEMPORARY_ROOT();

        put_host();
        expect_refusal(&(ImageOptions) { .entry = "z" }, CTL_USAGE, "no boot loader entry that is called z",
                        "--entry=help");
        expect_refusal(&(ImageOptions) { .entry = "gone" }, CTL_USAGE, "/boot/gone.", "Install");
        expect_refusal(&(ImageOptions) { .entry = "mips" }, CTL_USAGE, "another architecture", "--entry=help");
        expect_refusal(&(ImageOptions) { .entry = "url" }, CTL_USAGE, "over the network", "Fetch");
        expect_refusal(&(ImageOptions) { .entry = "fedora" }, CTL_USAGE, "only GRUB", "--cmdline=");
        expect_refusal(&(ImageOptions) { .entry = "u.efi@quiet", .profile = "0" }, CTL_USAGE, "profile quiet",
                        "--profile=");
        put_text("/boot/loader/entries/gone.conf", "linux\n");
        expect_refusal(&(ImageOptions) { .entry = "gone" }, CTL_USAGE, "makes no sense", "by its path");
        put_text("/boot/loader/entries/u.conf", "linux /linux\n");
        expect_refusal(&(ImageOptions) { .entry = "u" }, CTL_USAGE, "one of several", "--entry=help");
        for (size_t i = 0; i < 512; i++) {
                char path[64];

                snprintf(path, sizeof(path), "/boot/loader/entries/%zu.conf", i);
                put_text(path, "");
        }
        expect_refusal(&(ImageOptions) { .entry = "a" }, CTL_REFUSED, "more than 512", "stage RELEASE");
}
END_TEST

static const struct {
        ImageOptions options;
        const char *kernel, *command_line, *profile, *initrds, *addons; /* NULL: none */
        bool is_from_entry;
} orders[] = {
        { { .entry = "a" }, "/boot/linux", "root=/dev/vda1", NULL, "/boot/initrd /boot/second", "", true },
        { { .entry = "a.conf", .command_line = "b" }, "/boot/linux", "b", NULL, "/boot/initrd /boot/second", "",
                false },
        { { .entry = "a", .reuse_command_line = true }, "/boot/linux", NULL, NULL, "/boot/initrd /boot/second", "",
                false },
        { { .entry = "bare" }, "/boot/linux", "", NULL, "", "", true },
        { { .entry = "fedora", .command_line = "b" }, "/boot/linux", "b", NULL, "", "", false },
        { { .entry = "u.efi" }, "/boot/EFI/Linux/u+1.efi", NULL, NULL, "",
                "/boot/loader/addons/global.addon.efi /boot/EFI/Linux/u.efi.extra.d/own.addon.efi", false },
        { { .entry = "u.efi@quiet", .no_addons = true }, "/boot/EFI/Linux/u+1.efi", NULL, "quiet", "", "", false },
        { { .entry = "u.efi", .profile = "1", .no_addons = true }, "/boot/EFI/Linux/u+1.efi", NULL, "1", "", "",
                false },
        { { .entry = "with-uki", .no_addons = true }, "/boot/EFI/Linux/u+1.efi", "quiet", "1", "", "", true },
        { { .entry = "as-linux", .no_addons = true }, "/boot/EFI/Linux/u+1.efi", NULL, NULL, "", "", false },
        { { .is_default = true, .no_addons = true }, "/boot/EFI/Linux/u+1.efi", NULL, NULL, "", "", false },
};

static void expect_text(const char *text, const char *expected) {
        if (expected)
                ck_assert_str_eq(text, expected);
        else
                ck_assert_ptr_null(text);
}

START_TEST(takes_entries) {
        TEMPORARY_ROOT();

        put_host();
        for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
                _cleanup_(image_order_done) ImageOrder order;
                int r = order_by(&order, &orders[i].options);

                ck_assert_msg(r == CTL_OK, "%zu: %s", i, order.message);
                ck_assert_str_eq(order.kernel + strlen(root), orders[i].kernel);
                expect_text(order.command_line, orders[i].command_line);
                expect_text(order.profile, orders[i].profile);
                expect_files(&order.initrds, orders[i].initrds);
                expect_files(&order.addons, orders[i].addons);
                ck_assert_int_eq(order.is_from_entry, orders[i].is_from_entry);
        }
}
END_TEST

START_TEST(appends_to_an_entry) {
        TEMPORARY_ROOT();
        _cleanup_(image_order_done) ImageOrder order;
        _cleanup_json_ json_object *parameters = json_object_new_object();
        _cleanup_free_ char *extra = NULL, *expected = NULL;
        ImageOptions options = { .entry = "a" };

        put_host();
        put_text("/boot/second", "");
        put_text("/extra", "");
        extra = strdup(root_path("/extra"));
        options.initrds.values[options.initrds.n++] = extra;
        ck_assert_int_eq(order_by(&order, &options), CTL_OK);
        expect_files(&order.initrds, "/boot/initrd /boot/second /extra");

        ck_assert_int_eq(image_order_open(&order, parameters), CTL_OK);
        ck_assert_uint_eq(order.n_fds, 4);
        ck_assert(asprintf(&expected, "{\"path\":\"%s/boot/linux\",\"fileDescriptor\":0,\"initrds\":["
                                      "{\"path\":\"%s/boot/initrd\",\"fileDescriptor\":1},"
                                      "{\"path\":\"%s/boot/second\",\"fileDescriptor\":2},"
                                      "{\"path\":\"%s/extra\",\"fileDescriptor\":3}],"
                                      "\"commandLine\":\"root=/dev/vda1\",\"fromEntry\":true}",
                                  root, root, root, root) > 0);
        ck_assert_str_eq(json_object_to_json_string_ext(parameters, JSON_C_TO_STRING_PLAIN |
                                                                                    JSON_C_TO_STRING_NOSLASHESCAPE),
                        expected);
}
END_TEST

START_TEST(replaces_what_was_found_for_a_release) {
        TEMPORARY_ROOT();
        _cleanup_(image_order_done) ImageOrder found = {}, given = {};
        ImageOptions none = {}, some = {};

        put_text("/boot/vmlinuz-7.3.4", "");
        put_text("/boot/initrd.img-7.3.4", "");
        found = (ImageOrder) { .options = &none, .root = root };
        ck_assert_int_eq(image_order_by_release(&found, "7.3.4"), CTL_OK);
        expect_files(&found.initrds, "/boot/initrd.img-7.3.4");
        ck_assert_int_eq(image_order_by_release(&found, "7.3.5"), CTL_USAGE);
        ck_assert(strstr(found.message, "7.3.5"));

        some.initrds.values[some.initrds.n++] = "/x";
        given = (ImageOrder) { .options = &some, .root = root };
        ck_assert_int_eq(image_order_by_release(&given, "7.3.4"), CTL_OK);
        ck_assert_uint_eq(given.initrds.n, 0);
}
END_TEST

START_TEST(has_room_for_so_many) {
        TEMPORARY_ROOT();
        _cleanup_(image_order_done) ImageOrder order;
        char path[64];

        put_host();
        for (size_t i = 0; i < 14; i++) {
                snprintf(path, sizeof(path), "/boot/loader/addons/%02zu.addon.efi", i);
                put_text(path, "");
        }
        expect_refusal(&(ImageOptions) { .entry = "u.efi" }, CTL_REFUSED, "own.addon.efi is one too many",
                        "--no-addons");
        ck_assert_int_eq(order_by(&order, &(ImageOptions) { .entry = "u.efi", .no_addons = true }), CTL_OK);
}
END_TEST

UNIT_MAIN("image-order", needs_entries, says_why_not, takes_entries, appends_to_an_entry,
                replaces_what_was_found_for_a_release, has_room_for_so_many)
