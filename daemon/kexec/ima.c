/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/finding.h"
#include "basic/io.h"
#include "basic/kernel-fs.h"
#include "kexec/host-internal.h"

#define POLICY_PATH "/sys/kernel/security/ima/policy"
#define POLICY_BYTES_MAX (1U << 20)

static const struct {
        const char *function, *word;
} hooks[] = {
        [IMA_KERNEL] = { "KEXEC_KERNEL_CHECK", "the kernel" },
        [IMA_INITRD] = { "KEXEC_INITRAMFS_CHECK", "the initrd" },
        [IMA_COMMAND_LINE] = { "KEXEC_CMDLINE", "the command line" },
};

typedef enum Match {
        MATCH_NO,
        MATCH_MAYBE,
        MATCH_YES,
} Match;

static bool starts_with(const char *word, const char *prefix) {
        return strncmp(word, prefix, strlen(prefix)) == 0;
}

/* A rule's conditions, the first that fits counts. What is read is a memfd, so that its file system is tmpfs
 * (mm/shmem.c: shm_mnt) and its owner root. */
static const struct {
        const char *text;
        bool is_whole;
        Match match;
} conditions[] = {
        { "fsmagic=0x1021994", true, MATCH_YES },
        { "fsname=tmpfs", true, MATCH_YES },
        { "mask=MAY_READ", true, MATCH_YES },
        { "mask=^MAY_READ", true, MATCH_YES },
        { "fsmagic=", false, MATCH_NO },
        { "fsname=", false, MATCH_NO },
        { "fs_subtype=", false, MATCH_NO },
        { "fsuuid=", false, MATCH_NO },
        { "func=", false, MATCH_NO },
        { "mask=", false, MATCH_NO },
        { "uid=0", true, MATCH_YES },
        { "euid=0", true, MATCH_YES },
        { "gid=0", true, MATCH_YES },
        { "egid=0", true, MATCH_YES },
        { "fowner=0", true, MATCH_YES },
        { "fgroup=0", true, MATCH_YES },
        /* These say what to do, not when. */
        { "appraise_", false, MATCH_YES },
        { "digest_type=", false, MATCH_YES },
        { "pcr=", false, MATCH_YES },
        { "permit_directio", true, MATCH_YES },
        { "template=", false, MATCH_YES },
};

static bool is_function(const char *word, size_t length, ImaHook hook) {
        const char *function = hooks[hook].function;

        return starts_with(word, "func=") && length == strlen("func=") + strlen(function) &&
                        starts_with(word + strlen("func="), function);
}

static Match condition_match(const char *word, size_t length, ImaHook hook) {
        if (is_function(word, length, hook))
                return MATCH_YES;
        for (size_t i = 0; i < ELEMENTSOF(conditions); i++) {
                const char *text = conditions[i].text;

                if (starts_with(word, text) && (!conditions[i].is_whole || length == strlen(text)))
                        return conditions[i].match;
        }
        return MATCH_MAYBE;
}

static Match rule_match(const char *line, size_t length, ImaHook hook) {
        const char *end = line + length, *word = line + strcspn(line, " \n");
        Match match = MATCH_YES;

        while (word < end) {
                size_t n = strcspn(word, " \n");
                Match m = n > 0 ? condition_match(word, n, hook) : MATCH_YES;

                if (m < match)
                        match = m;
                word += n + 1;
        }
        return match;
}

static void rule_take(const char *line, size_t length, ImaHook hook, bool is_decided[static 2], ImaPolicy *ret) {
        static const char *const actions[2] = { "appraise ", "measure " };
        static const char *const exempts[2] = { "dont_appraise ", "dont_measure " };
        ImaRule *const rules[2] = { &ret->appraise[hook], &ret->measure[hook] };

        for (size_t i = 0; i < 2; i++) {
                if (is_decided[i])
                        continue;
                if (starts_with(line, actions[i]) && rule_match(line, length, hook) != MATCH_NO) {
                        *rules[i] = (ImaRule) {
                                .text = line,
                                .length = (int) length,
                                .takes_appended = memmem(line, length, "|modsig", strlen("|modsig")),
                        };
                        is_decided[i] = true;
                }
                if (starts_with(line, exempts[i]) && rule_match(line, length, hook) == MATCH_YES)
                        is_decided[i] = true;
        }
}

void ima_policy_parse(const char *text, ImaPolicy *ret) {
        *ret = (ImaPolicy) {};
        for (ImaHook hook = 0; hook < _IMA_HOOK_MAX; hook++) {
                bool is_decided[2] = {};

                for (const char *line = text; *line;) {
                        size_t length = strcspn(line, "\n");

                        rule_take(line, length, hook, is_decided, ret);
                        line += length + (line[length] == '\n');
                }
        }
}

static void evidence_of_rule(const ImaRule *rule, char *ret, size_t size) {
        snprintf(ret, size, POLICY_PATH ": %.*s", rule->length, rule->text);
}

/* security/integrity/ima/ima_appraise.c:ima_appraise_measurement() looks for security.ima, which a memfd has not, or
 * for a signature appended to the file, where the rule takes that; else ima_main.c:process_measurement() answers
 * EACCES. */
static int finding_of_appraisal(const ImaRule *rule, const char *word, json_object *findings) {
        char evidence[256], text[256];

        evidence_of_rule(rule, evidence, sizeof(evidence));
        if (rule->takes_appended) {
                snprintf(text, sizeof(text), "IMA refuses %s (EACCES) unless a signature is appended to it (modsig).",
                                word);
                return findings_add(findings,
                                finding_new("ima", "warn", text, evidence,
                                                "Sign the kernel with the kernel's scripts/sign-file."));
        }
        snprintf(text, sizeof(text),
                        "IMA refuses %s (EACCES): it asks for a signature in the file's extended attributes, and what "
                        "it gets is a memfd, which has none.",
                        word);
        return findings_add(findings,
                        finding_new("ima", "warn", text, evidence,
                                        "Exempt memfds ahead of that rule of IMA's policy (dont_appraise "
                                        "fsmagic=0x1021994), or boot with ima_appraise=log."));
}

static int finding_of_policy(const char *policy_text, json_object *findings) {
        char evidence[256] = POLICY_PATH, text[256] = "IMA's policy leaves a kexec alone.";
        ImaPolicy policy;

        ima_policy_parse(policy_text, &policy);
        /* What can be met without a change of policy is told last. */
        for (int appended = 0; appended < 2; appended++)
                for (ImaHook hook = IMA_KERNEL; hook <= IMA_INITRD; hook++) {
                        const ImaRule *rule = &policy.appraise[hook];

                        if (rule->text && rule->takes_appended == appended)
                                return finding_of_appraisal(rule, hooks[hook].word, findings);
                }

        for (ImaHook hook = 0; hook < _IMA_HOOK_MAX; hook++) {
                const ImaRule *rule = &policy.measure[hook];

                if (!rule->text)
                        continue;
                snprintf(text, sizeof(text), "IMA measures %s of a kexec, and refuses nothing.", hooks[hook].word);
                evidence_of_rule(rule, evidence, sizeof(evidence));
                break;
        }
        return findings_add(findings, finding_new("ima", "ok", text, evidence, NULL));
}

static int finding_of_error(int error, json_object *findings) {
        char evidence[128];

        errno = -error;
        snprintf(evidence, sizeof(evidence), POLICY_PATH ": %m");
        return findings_add(findings,
                        finding_new("ima", "warn",
                                        "IMA does not show its policy, which may refuse a kernel without a signature "
                                        "of IMA's own.",
                                        evidence,
                                        "Stage the kernel: EACCES is IMA's refusal, and the audit log says what it "
                                        "missed."));
}

/* security/integrity/ima/ima_fs.c:ima_open_policy() answers EACCES without CONFIG_IMA_READ_POLICY. */
int host_find_ima(const char *root, json_object *findings) {
        _cleanup_fd_ int fd = kernel_fs_open(root, KERNEL_FS_SECURITY);
        _cleanup_free_ char *text = NULL;
        int r = fd;

        if (r == -ENODEV || r == -ENOENT || (r >= 0 && faccessat(fd, "ima", F_OK, 0) < 0 && errno == ENOENT))
                return findings_add(findings,
                                finding_new("ima", "ok", "The kernel has no IMA, or it is off.",
                                                "/sys/kernel/security/ima does not exist", NULL));
        if (r >= 0)
                r = read_file_at(fd, "ima/policy", POLICY_BYTES_MAX, &text, NULL);
        if (r == -ENOMEM)
                return r;
        return r < 0 ? finding_of_error(r, findings) : finding_of_policy(text, findings);
}
