/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/json.h"
#include "kexec/host-internal.h"
#include "kexec/host.h"
#include "temporary-root.h"

#define LIMIT "/proc/sys/kernel/kexec_load_limit_reboot"
#define DISABLED "/proc/sys/kernel/kexec_load_disabled"
#define LOADED "/sys/kernel/kexec_loaded"
#define LOCKDOWN "/sys/kernel/security/lockdown"
#define POLICY "/sys/kernel/security/ima/policy"
#define CONFIG "/boot/config-7.3-test"
#define CONTROL "/proc/dynamic_debug/control"
#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* A host on which nothing is in the way. */
static void put_host(void) {
        root_put(LOADED, "0\n");
        root_put(DISABLED, "0\n");
        root_put(LIMIT, "-1\n");
        root_put("/proc/sys/kernel/osrelease", "7.3-test\n");
        root_put(CONFIG, "CONFIG_KEXEC_SIG=y\n");
        root_put(LOCKDOWN, "[none] integrity confidentiality\n");
        root_put("/sys/kernel/kexec_crash_loaded", "0\n");
        root_put("/sys/kernel/kexec_crash_size", "0\n");
        root_put("/proc/meminfo", "MemTotal: 4 kB\nCmaTotal: 0 kB\nCmaFree: 0 kB\n");
        root_put("/sys/kernel/debug/kho/out/scratch_phys", "0x1000\n");
        root_put(CONTROL, "kernel/kexec_file.c:847 [kexec_file]kexec_calculate_store_digests =_ "
                     "\"disabling checksum verification in purgatory\\n\"\n");
}

static bool policy_requires;

/* Looks at the host; the finding of that id must be the only one, and have all that it should. Caller frees. */
static json_object *find(const char *id) {
        _cleanup_json_ json_object *findings = json_object_new_array();
        json_object *found = NULL;

        ck_assert_int_eq(kexec_host_findings(root, policy_requires, findings), 0);
        ck_assert_uint_eq(json_object_array_length(findings), 6);
        for (size_t i = 0; i < json_object_array_length(findings); i++) {
                json_object *finding = json_object_array_get_idx(findings, i);
                const char *name, *state, *text, *evidence, *remedy = NULL;

                ck_assert_int_eq(json_get_string(finding, "id", &name), 0);
                ck_assert_int_eq(json_get_string(finding, "state", &state), 0);
                ck_assert_int_eq(json_get_string(finding, "text", &text), 0);
                ck_assert_int_eq(json_get_string(finding, "evidence", &evidence), 0);
                (void) json_get_string(finding, "remedy", &remedy);
                ck_assert_msg(text[strlen(text) - 1] == '.', "%s", text);
                ck_assert_msg((strcmp(state, "ok") == 0) == !remedy, "%s", text);
                if (strcmp(name, id) == 0) {
                        ck_assert_ptr_null(found);
                        found = json_object_get(finding);
                }
        }
        ck_assert_ptr_nonnull(found);
        return found;
}

/* `words` are in the text or the evidence. */
static void assert_found(const char *id, const char *state, const char *words) {
        _cleanup_json_ json_object *finding = find(id);
        const char *found, *text, *evidence;

        ck_assert_int_eq(json_get_string(finding, "state", &found), 0);
        ck_assert_int_eq(json_get_string(finding, "text", &text), 0);
        ck_assert_int_eq(json_get_string(finding, "evidence", &evidence), 0);
        ck_assert_msg(strcmp(found, state) == 0, "%s is %s: %s", id, found, text);
        ck_assert_msg(strstr(text, words) || strstr(evidence, words), "%s: %s (%s)", id, text, evidence);
}

START_TEST(finds_nothing_in_the_way) {
        TEMPORARY_ROOT();

        put_host();
        assert_found("kexec-permitted", "ok", "without a limit");
        assert_found("lockdown", "ok", "not locked down");
        assert_found("ima", "ok", "no IMA");
        assert_found("crash-kernel", "ok", "No crash kernel");
        assert_found("cma", "ok", "KHO is on");
        assert_found("checksum-skip", "ok", "can skip");
}
END_TEST

START_TEST(says_where_it_cannot_look) {
        TEMPORARY_ROOT();

        assert_found("kexec-permitted", "fail", "no kexec");
        assert_found("lockdown", "ok", "not locked down");
        assert_found("crash-kernel", "ok", "without crash kernels");
        assert_found("cma", "warn", "KHO may be off");
        assert_found("checksum-skip", "warn", "cannot be told");
}
END_TEST

START_TEST(finds_what_is_permitted) {
        static const struct {
                const char *loaded, *disabled, *limit, *state, *words;
        } hosts[] = {
                { "0\n", "1\n", "-1\n", "fail", "does not allow" },
                { "1\n", "1\n", "-1\n", "warn", "can be started" },
                { "0\n", "0\n", "0\n", "fail", "as many loads" },
                { "1\n", "0\n", "0\n", "warn", "can be started" },
                { "0\n", "0\n", "1\n", "warn", "allows 1 more" },
                { "1\n", "0\n", "2\n", "warn", "allows 2 more" },
                { "0\n", "0\n", "3\n", "ok", "allows 3 more" },
                { "0\n", "0\n", "2147483640\n", "ok", "without a limit" },
                { "0\n", "0\n", "x\n", "ok", "without a limit" }, /* not a number: not a kernel that limits */
        };
        TEMPORARY_ROOT();

        put_host();
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                root_put(LOADED, hosts[i].loaded);
                root_put(DISABLED, hosts[i].disabled);
                root_put(LIMIT, hosts[i].limit);
                assert_found("kexec-permitted", hosts[i].state, hosts[i].words);
        }
        ck_assert_int_eq(unlink(root_path(LIMIT)), 0); /* before Linux 6.3 */
        assert_found("kexec-permitted", "ok", "kexec_load_limit_reboot=-1");
}
END_TEST

START_TEST(finds_lockdown) {
        static const struct {
                const char *lockdown, *config, *state, *words;
                bool secure_boot;
        } hosts[] = {
                { "none [integrity] confidentiality\n", "CONFIG_KEXEC_SIG=y\n", "warn", "signed kernels only" },
                { "none integrity [confidentiality]\n", "CONFIG_KEXEC_SIG=y\n", "warn", "confidentiality" },
                { "none [integrity] confidentiality\n", "# CONFIG_KEXEC_SIG is not set\n", "ok", "without the check" },
                { "none [integrity] confidentiality\n", NULL, "warn", "may load signed" },
                { "[none] integrity confidentiality\n", NULL, "ok", "not locked down" },
                { "[none] integrity confidentiality\n", "CONFIG_KEXEC_SIG=y\nCONFIG_KEXEC_SIG_FORCE=y\n", "warn",
                  "required" },
                { "[none] integrity confidentiality\n", "CONFIG_KEXEC_SIG=y\nCONFIG_IMA_ARCH_POLICY=y\n", "ok",
                  "not locked down" },
                { "[none] integrity confidentiality\n", "CONFIG_KEXEC_SIG=y\nCONFIG_IMA_ARCH_POLICY=y\n", "warn",
                  "required", .secure_boot = true },
                { "[none] integrity confidentiality\n", "CONFIG_KEXEC_SIG=y\n", "ok", "not locked down",
                  .secure_boot = true },
                { "something else\n", "CONFIG_KEXEC_SIG=y\n", "warn", "cannot be told" },
                { "[", "CONFIG_KEXEC_SIG=y\n", "warn", "cannot be told" },
                { "[integrityx]\n", "CONFIG_KEXEC_SIG=y\n", "warn", "cannot be told" },
        };
        TEMPORARY_ROOT();

        put_host();
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                root_put(LOCKDOWN, hosts[i].lockdown);
                root_put(CONFIG, hosts[i].config ?: "");
                if (!hosts[i].config)
                        ck_assert_int_eq(unlink(root_path(CONFIG)), 0);
                root_put_bytes(SECURE_BOOT, hosts[i].secure_boot ? "\6\0\0\0\1" : "\6\0\0\0\0", 5);
                assert_found("lockdown", hosts[i].state, hosts[i].words);
        }
}
END_TEST

START_TEST(finds_ima) {
        static const struct {
                const char *policy, *state, *words;
        } hosts[] = {
                { "", "ok", "leaves a kexec alone" },
                { "dont_measure fsmagic=0x9fa0 \nmeasure func=FILE_CHECK mask=MAY_READ uid=0 \n", "ok", "leaves" },
                { "measure func=KEXEC_KERNEL_CHECK \n", "ok", "measures the kernel" },
                { "measure func=KEXEC_CMDLINE \n", "ok", "measures the command line" },
                { "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig \n", "warn", "refuses the kernel" },
                { "appraise func=KEXEC_INITRAMFS_CHECK appraise_type=imasig \n", "warn", "refuses the initrd" },
                { "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig \n", "warn", "modsig" },
                { "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig \n"
                  "appraise func=KEXEC_INITRAMFS_CHECK \n", "warn", "refuses the initrd" },
                { "measure func=KEXEC_KERNEL_CHECK \nappraise func=KEXEC_KERNEL_CHECK appraise_type=imasig \n", "warn",
                  "imasig" },
                /* The first that is for a memfd counts. */
                { "dont_appraise fsmagic=0x1021994 \nappraise fowner=0 \n", "ok", "leaves" },
                { "appraise fowner=0 \ndont_appraise fsmagic=0x1021994 \n", "warn", "refuses the kernel" },
                { "dont_appraise fsmagic=0x1021994 func=KEXEC_KERNEL_CHECK \nappraise fowner=0 \n", "warn",
                  "refuses the initrd" },
                { "dont_appraise fsname=tmpfs \nappraise func=KEXEC_KERNEL_CHECK \n", "ok", "leaves" },
                { "dont_appraise fsmagic=0xef53 \nappraise func=KEXEC_KERNEL_CHECK \n", "warn", "refuses" },
                { "appraise fsmagic=0xef53 \nappraise fsuuid=1 \nappraise fsname=ext4 \nappraise mask=MAY_EXEC \n",
                  "ok", "leaves" },
                /* What is not known: what asks is taken to be for us, what exempts is not. */
                { "dont_appraise obj_type=x \nappraise func=KEXEC_KERNEL_CHECK obj_type=y \n", "warn", "refuses" },
                { "appraise func=KEXEC_KERNEL_CHECKER \nappraise func= \nappraise", "ok", "leaves" },
        };
        TEMPORARY_ROOT();

        put_host();
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++) {
                root_put(POLICY, hosts[i].policy);
                assert_found("ima", hosts[i].state, hosts[i].words);
        }
        /* Without CONFIG_IMA_READ_POLICY it may be gone, once there is one. */
        ck_assert_int_eq(unlink(root_path(POLICY)), 0);
        assert_found("ima", "warn", "does not show");
}
END_TEST

START_TEST(tells_which_rule) {
        static const char text[] = "dont_measure fsmagic=0x9fa0 \n"
                                   "measure func=KEXEC_CMDLINE template=ima-buf \n"
                                   "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig \n";
        ImaPolicy policy;

        ima_policy_parse(text, &policy);
        ck_assert_ptr_null(policy.measure[IMA_KERNEL].text);
        ck_assert_ptr_null(policy.appraise[IMA_INITRD].text);
        ck_assert_ptr_eq(policy.measure[IMA_COMMAND_LINE].text, strstr(text, "measure func"));
        ck_assert_ptr_eq(policy.appraise[IMA_KERNEL].text, strstr(text, "appraise func"));
        ck_assert(policy.appraise[IMA_KERNEL].takes_appended);
        ck_assert_int_eq(policy.measure[IMA_COMMAND_LINE].length,
                        (int) strlen("measure func=KEXEC_CMDLINE template=ima-buf "));
}
END_TEST

START_TEST(finds_crash_kernel) {
        TEMPORARY_ROOT();

        put_host();
        root_put("/sys/kernel/kexec_crash_loaded", "1\n");
        root_put("/sys/kernel/kexec_crash_size", "268435456\n");
        assert_found("crash-kernel", "ok", "left alone");
        assert_found("crash-kernel", "ok", "256 MiB");
}
END_TEST

START_TEST(finds_cma) {
        TEMPORARY_ROOT();

        put_host();
        ck_assert_int_eq(unlink(root_path("/sys/kernel/debug/kho/out/scratch_phys")), 0);
        ck_assert_int_eq(rmdir(root_path("/sys/kernel/debug/kho/out")), 0);
        assert_found("cma", "warn", "KHO is off, and there is no CMA");
        root_put("/proc/meminfo", "CmaTotal:         131072 kB\nCmaFree:          100000 kB\n");
        assert_found("cma", "warn", "unless all of it finds room");
        assert_found("cma", "warn", "CmaTotal 131072 KiB, CmaFree 100000 KiB");
        root_put("/sys/class/misc/liveupdate", "");
        assert_found("cma", "ok", "KHO is on");
}
END_TEST

START_TEST(finds_checksum_skip) {
        TEMPORARY_ROOT();

        put_host();
        root_put(CONTROL, "kernel/fork.c:1 [fork]x =_ \"y\"\n");
        assert_found("checksum-skip", "warn", "cannot skip");
        policy_requires = true;
        assert_found("checksum-skip", "fail", "cannot skip");
        root_put(CONTROL, "");
        assert_found("checksum-skip", "fail", "cannot be told");
        put_host();
        assert_found("checksum-skip", "ok", "can skip");
}
END_TEST

UNIT_MAIN("kexec-host", finds_nothing_in_the_way, says_where_it_cannot_look, finds_what_is_permitted, finds_lockdown,
          finds_ima, tells_which_rule, finds_crash_kernel, finds_cma, finds_checksum_skip)
