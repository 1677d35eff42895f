/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/finding.h"
#include "basic/io.h"
#include "basic/kernel-fs.h"
#include "kexec/host-internal.h"
#include "kexec/kernel-config.h"

#define SECURE_BOOT_PATH "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

typedef enum Lockdown {
        LOCKDOWN_NONE,
        LOCKDOWN_INTEGRITY,
        LOCKDOWN_CONFIDENTIALITY,
        LOCKDOWN_UNKNOWN,
} Lockdown;

static const char *const modes[] = {
        [LOCKDOWN_NONE] = "none",
        [LOCKDOWN_INTEGRITY] = "integrity",
        [LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
        [LOCKDOWN_UNKNOWN] = "unknown",
};

/* Whether kexec_file_load(2) looks at signatures, from the kernel's configuration. */
typedef enum Signatures {
        SIGNATURES_UNKNOWN,
        SIGNATURES_IGNORED,
        SIGNATURES_CHECKED, /* but required only under lockdown */
        SIGNATURES_REQUIRED,
} Signatures;

static const char *const signatures_words[] = { "unknown", "off", "on", "required" };

/* "none [integrity] confidentiality": security/lockdown/lockdown.c:lockdown_read() */
static Lockdown lockdown_parse(const char *text) {
        const char *p = strchr(text, '[');

        for (Lockdown mode = LOCKDOWN_NONE; p && mode < LOCKDOWN_UNKNOWN; mode++)
                if (strncmp(p + 1, modes[mode], strlen(modes[mode])) == 0 && p[1 + strlen(modes[mode])] == ']')
                        return mode;
        return LOCKDOWN_UNKNOWN;
}

static Lockdown lockdown_read(const char *root) {
        _cleanup_fd_ int fd = kernel_fs_open(root, KERNEL_FS_SECURITY);
        _cleanup_free_ char *text = NULL;
        int r = fd;

        if (fd >= 0)
                r = read_file_at(fd, "lockdown", 256, &text, NULL);
        if (r == -ENOENT || r == -ENODEV)
                return LOCKDOWN_NONE;
        return r < 0 ? LOCKDOWN_UNKNOWN : lockdown_parse(text);
}

/* An EFI variable's attributes come first, four bytes. */
static bool is_secure_boot(int root_fd) {
        _cleanup_free_ char *value = NULL;
        size_t size;

        return read_file_at(root_fd, SECURE_BOOT_PATH, 64, &value, &size) >= 0 && size == 5 && value[4] == 1;
}

/* security/integrity/ima/ima_efi.c:arch_get_ima_policy() requires them, too. */
static int signatures_read(const char *root, Signatures *ret) {
        _cleanup_fd_ int root_fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *config = NULL;
        int r;

        *ret = SIGNATURES_UNKNOWN;
        r = root_fd < 0 ? -errno : kernel_config_read(root_fd, &config);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (!kernel_config_has(config, "CONFIG_KEXEC_SIG"))
                *ret = SIGNATURES_IGNORED;
        else if (kernel_config_has(config, "CONFIG_KEXEC_SIG_FORCE") ||
                        (kernel_config_has(config, "CONFIG_IMA_ARCH_POLICY") && is_secure_boot(root_fd)))
                *ret = SIGNATURES_REQUIRED;
        else
                *ret = SIGNATURES_CHECKED;
        return 0;
}

/* kernel/kexec_file.c:kimage_validate_signature(). NULL: an unsigned kernel will do. */
static const char *why_signed(Lockdown mode, Signatures signatures) {
        if (signatures == SIGNATURES_REQUIRED)
                return "The running kernel loads signed kernels only.";
        if (mode == LOCKDOWN_NONE || signatures == SIGNATURES_IGNORED)
                return NULL;
        if (mode == LOCKDOWN_UNKNOWN)
                return "Whether the kernel is locked down cannot be told; it may load signed kernels only.";
        return signatures == SIGNATURES_CHECKED ? "The kernel is locked down, and loads signed kernels only."
                                                : "The kernel is locked down, and may load signed kernels only.";
}

int host_find_lockdown(const char *root, json_object *findings) {
        Lockdown mode = lockdown_read(root);
        Signatures signatures;
        char evidence[160];
        const char *why;
        int r;

        r = signatures_read(root, &signatures);
        if (r < 0)
                return r;
        snprintf(evidence, sizeof(evidence), "/sys/kernel/security/lockdown: %s; CONFIG_KEXEC_SIG: %s", modes[mode],
                        signatures_words[signatures]);
        why = why_signed(mode, signatures);
        if (why)
                return findings_add(findings,
                                finding_new("lockdown", "warn", why, evidence,
                                                "Stage a kernel signed with a key that this host trusts."));
        return findings_add(findings,
                        finding_new("lockdown", "ok",
                                        mode == LOCKDOWN_NONE
                                                        ? "The kernel is not locked down, and loads unsigned kernels."
                                                        : "The kernel is locked down, but built without the check of "
                                                          "signatures at a kexec.",
                                        evidence, NULL));
}
