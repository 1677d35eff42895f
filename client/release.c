/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/io.h"
#include "client/release.h"

#define RELEASE_BYTES_MAX 64U
#define INITRDS_MAX 4U

/* What stands for %R, %P, %T and %B in the table below. */
typedef struct Names {
        const char *root, *release;
        char *pkgbase; /* pacman's name of the package; NULL on other systems */
        const char *token, *boot;
} Names;

typedef struct Layout {
        const char *kernel;
        const char *initrds[INITRDS_MAX];
} Layout;

/* Kernels of which some tool has made a whole with an initrd come before bare ones. */
static const Layout layouts[] = {
        { "/boot/vmlinuz-%R", { "/boot/initrd.img-%R", "/boot/initramfs-%R.img", "/boot/initrd-%R" } },
        { "%B/%T/%R/linux",
                { "%B/%T/%R/initrd", "%B/%T/%R/initrd.img-%R", "%B/%T/%R/initrd.img", "%B/%T/%R/initrd-%R" } },
        { "%B/EFI/Linux/*%R.efi", {} },
        { "%B/EFI/Linux/*%P.efi", {} },
        { "/boot/vmlinuz-%P", { "/boot/initramfs-%P.img" } },
        { "/usr/lib/modules/%R/vmlinuz", { "/boot/initrd.img-%R", "/boot/initramfs-%R.img", "/boot/initrd-%R" } },
};

static const char *const boot_directories[] = { "/efi", "/boot", "/boot/efi" };

void kernel_files_done(KernelFiles *files) {
        free(files->kernel);
        free(files->initrd);
        *files = (KernelFiles) {};
}

bool release_is_valid(const char *release) {
        size_t n = strlen(release);

        if (n == 0 || n > RELEASE_BYTES_MAX || strcmp(release, ".") == 0 || strcmp(release, "..") == 0)
                return false;
        for (; *release; release++)
                if (*release <= ' ' || *release > '~' || *release == '/')
                        return false;
        return true;
}

int release_from_word(const char *word, char **ret) {
        _cleanup_free_ char *release = strdup(word);

        if (!release)
                return -ENOMEM;
        for (char *p = release; (p = strchr(p, '/'));)
                *p = '-';
        if (!release_is_valid(release))
                return -EINVAL;
        *ret = TAKE_PTR(release);
        return 0;
}

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* What follows vmlinuz-, borrowed from `path`, or NULL. */
static const char *named_release(const char *path) {
        static const char prefix[] = "vmlinuz-";
        const char *name = last_part(path);

        return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : NULL;
}

int release_from_path(const char *path, char **ret) {
        return release_from_word(named_release(path) ?: last_part(path), ret);
}

bool kernel_is_uki(const char *path) {
        size_t n = strlen(path);

        return n >= 4 && strcmp(path + n - 4, ".efi") == 0;
}

static const char *names_get(const Names *names, char letter) {
        return letter == 'R' ? names->release :
               letter == 'P' ? names->pkgbase :
               letter == 'T' ? names->token :
               letter == 'B' ? names->boot :
                               NULL;
}

/* -ENOENT for one that needs a name there is none of. */
static int expand(const Names *names, const char *template, char **ret) {
        _cleanup_free_ char *path = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&path, &size);
        bool is_whole = true;

        if (!f)
                return -ENOMEM;
        fputs(names->root, f);
        for (const char *p = template; *p; p++) {
                const char *name;

                if (*p != '%') {
                        fputc(*p, f);
                        continue;
                }
                name = names_get(names, *++p);
                is_whole = is_whole && name;
                fputs(name ?: "", f);
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        if (!is_whole)
                return -ENOENT;
        *ret = TAKE_PTR(path);
        return 0;
}

/* Boot counting of systemd-boot: +3 or +2-1. */
static const char *skip_tries(const char *s) {
        const char *p = s;

        if (*p != '+' || strspn(p + 1, "0123456789") == 0)
                return s;
        p += 1 + strspn(p + 1, "0123456789");
        if (*p == '-')
                p += 1 + strspn(p + 1, "0123456789");
        return p;
}

/* Whether `file` is [PREFIX-]STEM[+TRIES].efi: 6.1 is not in debian-6.12.efi, nor in debian-6.1-amd64.efi. */
static bool is_uki_named(const char *file, const char *stem) {
        for (const char *p = file; (p = strstr(p, stem)); p++)
                if ((p == file || p[-1] == '-' || p[-1] == '_') &&
                                strcmp(skip_tries(p + strlen(stem)), ".efi") == 0)
                        return true;
        return false;
}

/* The path of a UKI named after `pattern`, DIRECTORY / * STEM .efi; the one first by name of several. */
static int find_uki(const char *pattern, char **ret) {
        const char *star = strstr(pattern, "/*");
        _cleanup_free_ char *directory = strndup(pattern, (size_t) (star - pattern)), *stem = NULL, *found = NULL;
        _cleanup_closedir_ DIR *d = NULL;

        stem = strndup(star + 2, strlen(star + 2) - strlen(".efi"));
        if (!directory || !stem)
                return -ENOMEM;
        d = opendir(directory);
        if (!d)
                return -errno;
        for (const struct dirent *entry; (entry = readdir(d));) {
                if (!is_uki_named(entry->d_name, stem) || (found && strcmp(found, entry->d_name) <= 0))
                        continue;
                free(found);
                found = strdup(entry->d_name);
                if (!found)
                        return -ENOMEM;
        }
        if (!found)
                return -ENOENT;
        return asprintf(ret, "%s/%s", directory, found) < 0 ? -ENOMEM : 0;
}

/* *ret is left alone where there is none. */
static int find_file(const Names *names, const char *template, char **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = expand(names, template, &path);
        if (r < 0)
                return r;
        if (strchr(template, '*'))
                return find_uki(path, ret);
        if (access(path, F_OK) < 0)
                return -errno;
        *ret = TAKE_PTR(path);
        return 0;
}

static int find_initrd(const Names *names, const Layout *layout, char **ret) {
        int r = -ENOENT;

        for (size_t i = 0; i < INITRDS_MAX && layout->initrds[i]; i++) {
                r = find_file(names, layout->initrds[i], ret);
                if (r >= 0 || r == -ENOMEM)
                        break;
        }
        return r;
}

static int find_files(const Names *names, const Layout *layout, KernelFiles *ret) {
        _cleanup_(kernel_files_done) KernelFiles files = {};
        int r;

        r = find_file(names, layout->kernel, &files.kernel);
        if (r < 0)
                return r;
        r = find_initrd(names, layout, &files.initrd);
        if (r == -ENOMEM)
                return r;
        *ret = TAKE(files, (KernelFiles) {});
        return 0;
}

/* The first line of a small file below the root, or NULL. */
static char *read_name(const char *root, const char *path) {
        _cleanup_free_ char *full = NULL, *text = NULL;
        size_t size;

        if (asprintf(&full, "%s%s", root, path) < 0) {
                full = NULL;
                return NULL;
        }
        if (read_file_at(AT_FDCWD, full, 4096, &text, &size) < 0)
                return NULL;
        text[strcspn(text, "\n")] = 0;
        return release_is_valid(text) ? TAKE_PTR(text) : NULL;
}

static char *read_pkgbase(const char *root, const char *release) {
        char path[sizeof("/usr/lib/modules//pkgbase") + RELEASE_BYTES_MAX];

        snprintf(path, sizeof(path), "/usr/lib/modules/%s/pkgbase", release);
        return read_name(root, path);
}

int release_find(const char *root, const char *release, KernelFiles *ret) {
        _cleanup_free_ char *entry_token = NULL, *machine_id = NULL, *pkgbase = NULL;
        Names names = { .root = root, .release = release };
        const char *tokens[3];
        int r;

        if (!release_is_valid(release))
                return -EINVAL;
        names.pkgbase = pkgbase = read_pkgbase(root, release);
        tokens[0] = entry_token = read_name(root, "/etc/kernel/entry-token");
        tokens[1] = machine_id = read_name(root, "/etc/machine-id");
        tokens[2] = "Default";

        for (size_t i = 0; i < ELEMENTSOF(layouts); i++)
                for (size_t t = 0; t < ELEMENTSOF(tokens); t++)
                        for (size_t b = 0; b < ELEMENTSOF(boot_directories); b++) {
                                names.token = tokens[t];
                                names.boot = boot_directories[b];
                                r = find_files(&names, &layouts[i], ret);
                                if (r >= 0 || r == -ENOMEM)
                                        return r;
                        }
        return -ENOENT;
}

int release_find_initrd(const char *root, const char *kernel, char **ret) {
        const char *release = named_release(kernel);

        if (!release || !release_is_valid(release))
                return -ENOENT;
        return find_initrd(&(Names) { .root = root, .release = release }, &layouts[0], ret);
}
