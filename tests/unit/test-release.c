/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/io.h"
#include "client/release.h"
#include "temporary-root.h"

#define RELEASE "7.3.4-rig-b"

static void put_text(const char *path, const char *text) {
        _cleanup_fd_ int fd = root_open(path);

        ck_assert_int_eq(write_full(fd, text, strlen(text)), 0);
}

static void put(const char *path) {
        put_text(path, "");
}

/* NULL: none. */
static void expect(const char *release, const char *kernel, const char *initrd) {
        _cleanup_(kernel_files_done) KernelFiles files = {};
        int r = release_find(root, release, &files);

        if (!kernel) {
                ck_assert_int_eq(r, -ENOENT);
                return;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_str_eq(files.kernel + strlen(root), kernel);
        if (initrd)
                ck_assert_str_eq(files.initrd + strlen(root), initrd);
        else
                ck_assert_ptr_null(files.initrd);
}

START_TEST(finds_nothing) {
        TEMPORARY_ROOT();
        _cleanup_(kernel_files_done) KernelFiles files = {};

        expect(RELEASE, NULL, NULL);
        put("/boot/vmlinuz-7.3.4-rig-a");
        put("/boot/initrd.img-" RELEASE);
        put("/etc/kernel/entry-token");
        expect(RELEASE, NULL, NULL);
        ck_assert_int_eq(release_find(root, "", &files), -EINVAL);
        ck_assert_int_eq(release_find(root, "../boot", &files), -EINVAL);
}
END_TEST

START_TEST(finds_what_debian_has) {
        TEMPORARY_ROOT();

        put("/boot/vmlinuz-" RELEASE);
        put("/boot/initrd.img-7.3.4-rig");
        expect(RELEASE, "/boot/vmlinuz-" RELEASE, NULL);
        put("/boot/initrd.img-" RELEASE);
        expect(RELEASE, "/boot/vmlinuz-" RELEASE, "/boot/initrd.img-" RELEASE);
}
END_TEST

START_TEST(finds_what_fedora_has) {
        TEMPORARY_ROOT();

        put("/usr/lib/modules/" RELEASE "/vmlinuz");
        expect(RELEASE, "/usr/lib/modules/" RELEASE "/vmlinuz", NULL);
        put("/boot/initramfs-" RELEASE ".img");
        expect(RELEASE, "/usr/lib/modules/" RELEASE "/vmlinuz", "/boot/initramfs-" RELEASE ".img");
        put("/boot/vmlinuz-" RELEASE);
        expect(RELEASE, "/boot/vmlinuz-" RELEASE, "/boot/initramfs-" RELEASE ".img");
}
END_TEST

START_TEST(finds_what_suse_has) {
        TEMPORARY_ROOT();

        put("/boot/vmlinuz-" RELEASE);
        put("/boot/initrd-" RELEASE);
        expect(RELEASE, "/boot/vmlinuz-" RELEASE, "/boot/initrd-" RELEASE);
}
END_TEST

START_TEST(finds_what_kernel_install_made) {
        TEMPORARY_ROOT();
        static const char *const boots[] = { "/boot/efi", "/boot", "/efi" }; /* each before those that were there */

        put("/usr/lib/modules/" RELEASE "/vmlinuz");
        put_text("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        put("/boot/00000000000000000000000000000000/" RELEASE "/linux");
        expect(RELEASE, "/usr/lib/modules/" RELEASE "/vmlinuz", NULL);
        for (size_t i = 0; i < ELEMENTSOF(boots); i++) {
                char kernel[128], initrd[128];

                snprintf(kernel, sizeof(kernel), "%s/0123456789abcdef0123456789abcdef/" RELEASE "/linux", boots[i]);
                put(kernel);
                expect(RELEASE, kernel, NULL);
                snprintf(initrd, sizeof(initrd), "%s/0123456789abcdef0123456789abcdef/" RELEASE "/initrd.img-" RELEASE,
                                boots[i]);
                put(initrd);
                expect(RELEASE, kernel, initrd);
        }

        put("/boot/efi/Default/" RELEASE "/linux");
        put_text("/etc/kernel/entry-token", "fleet\n");
        put("/boot/fleet/" RELEASE "/linux");
        put("/boot/fleet/" RELEASE "/initrd");
        put("/efi/fleet/7.3.4-rig/linux");
        expect("7.3.4-rig", "/efi/fleet/7.3.4-rig/linux", NULL);
        expect(RELEASE, "/boot/fleet/" RELEASE "/linux", "/boot/fleet/" RELEASE "/initrd");
}
END_TEST

START_TEST(finds_a_uki) {
        TEMPORARY_ROOT();

        put("/usr/lib/modules/6.1/vmlinuz");
        put("/efi/EFI/Linux/debian-6.12.efi");
        put("/efi/EFI/Linux/debian-6.1-amd64.efi");
        put("/efi/EFI/Linux/debian-5.6.1.efi");
        put("/efi/EFI/Linux/debian-6.1.efi.signed");
        put("/efi/EFI/Linux/debian-6.1+.efi");
        put("/efi/EFI/Linux/debian-6.1+3x.efi");
        expect("6.1", "/usr/lib/modules/6.1/vmlinuz", NULL);
        put("/boot/efi/EFI/Linux/6.1+2-1.efi");
        expect("6.1", "/boot/efi/EFI/Linux/6.1+2-1.efi", NULL);
        put("/efi/EFI/Linux/b-6.1.efi");
        put("/efi/EFI/Linux/a-6.1+3.efi");
        put("/efi/EFI/Linux/c_6.1.efi");
        expect("6.1", "/efi/EFI/Linux/a-6.1+3.efi", NULL);
        expect("6.1+", "/efi/EFI/Linux/debian-6.1+.efi", NULL);
}
END_TEST

START_TEST(finds_what_pacman_has) {
        TEMPORARY_ROOT();

        put("/usr/lib/modules/6.12.9-arch1-1/vmlinuz");
        put_text("/usr/lib/modules/6.12.9-arch1-1/pkgbase", "linux\n");
        put("/boot/vmlinuz-linux-lts");
        put("/boot/initramfs-linux-lts.img");
        put("/efi/EFI/Linux/arch-linux-lts.efi");
        expect("6.12.9-arch1-1", "/usr/lib/modules/6.12.9-arch1-1/vmlinuz", NULL);
        put("/boot/vmlinuz-linux");
        put("/boot/initramfs-linux.img");
        expect("6.12.9-arch1-1", "/boot/vmlinuz-linux", "/boot/initramfs-linux.img");
        expect("6.12.8-arch1-1", NULL, NULL);
        put("/efi/EFI/Linux/arch-linux.efi");
        expect("6.12.9-arch1-1", "/efi/EFI/Linux/arch-linux.efi", NULL);
}
END_TEST

START_TEST(finds_the_initrd_of_an_image) {
        TEMPORARY_ROOT();
        _cleanup_free_ char *initrd = NULL;

        put("/boot/initramfs-" RELEASE ".img");
        ck_assert_int_eq(release_find_initrd(root, "/elsewhere/vmlinuz-" RELEASE, &initrd), 0);
        ck_assert_str_eq(initrd + strlen(root), "/boot/initramfs-" RELEASE ".img");
        ck_assert_int_eq(release_find_initrd(root, "/boot/vmlinuz-7.3.4", &initrd), -ENOENT);
        ck_assert_int_eq(release_find_initrd(root, "/boot/bzImage", &initrd), -ENOENT);
        ck_assert_int_eq(release_find_initrd(root, "/boot/vmlinuz-", &initrd), -ENOENT);
        ck_assert(kernel_is_uki("/efi/EFI/Linux/x.efi"));
        ck_assert(!kernel_is_uki("/efi"));
}
END_TEST

static const char *from(int (*func)(const char *, char **), const char *word) {
        static char text[128];
        _cleanup_free_ char *release = NULL;
        int r = func(word, &release);

        snprintf(text, sizeof(text), "%s", r < 0 ? strerror(-r) : release);
        return text;
}

START_TEST(reads_releases) {
        char longest[66];

        ck_assert_str_eq(from(release_from_word, RELEASE), RELEASE);
        ck_assert_str_eq(from(release_from_word, "7.3.4/rig/b"), RELEASE);
        ck_assert_str_eq(from(release_from_word, "6.1+_~rc1"), "6.1+_~rc1");
        ck_assert_str_eq(from(release_from_word, ""), strerror(EINVAL));
        ck_assert_str_eq(from(release_from_word, ".."), strerror(EINVAL));
        ck_assert_str_eq(from(release_from_word, "a b"), strerror(EINVAL));
        ck_assert_str_eq(from(release_from_word, "a\nb"), strerror(EINVAL));
        ck_assert_str_eq(from(release_from_word, "a\x80"), strerror(EINVAL));
        ck_assert_str_eq(from(release_from_path, "/boot/vmlinuz-" RELEASE), RELEASE);
        ck_assert_str_eq(from(release_from_path, "vmlinuz-" RELEASE), RELEASE);
        ck_assert_str_eq(from(release_from_path, "/root/bzImage"), "bzImage");
        ck_assert_str_eq(from(release_from_path, "/boot/"), strerror(EINVAL));

        memset(longest, 'x', sizeof(longest));
        longest[65] = 0;
        ck_assert(!release_is_valid(longest));
        longest[64] = 0;
        ck_assert(release_is_valid(longest));
}
END_TEST

UNIT_MAIN("release", finds_nothing, finds_what_debian_has, finds_what_fedora_has, finds_what_suse_has,
        finds_what_kernel_install_made, finds_a_uki, finds_what_pacman_has, finds_the_initrd_of_an_image,
        reads_releases)
