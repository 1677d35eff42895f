/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "basic/finding.h"
#include "basic/json.h"
#include "host/services.h"
#include "kexec/host.h"
#include "kexec/watch.h"
#include "luo/luo.h"
#include "trust/measure.h"
#include "update/check.h"
#include "update/devices.h"
#include "update/handover.h"
#include "update/host.h"
#include "update/requirements.h"

json_object *check_support(void) {
        LuoSupport support = luo_support();
        _cleanup_free_ char *evidence = luo_support_evidence(support);

        return finding_new(luo_support_to_string(support), support == LUO_SUPPORTED ? "ok" : "fail",
                        luo_support_message(support), evidence, luo_support_remedy(support));
}

static int add_all(json_object *findings, json_object *more) {
        for (size_t i = 0; i < json_object_array_length(more); i++)
                if (findings_add(findings, json_object_get(json_object_array_get_idx(more, i))) < 0)
                        return -ENOMEM;
        return 0;
}

/* The units are asked after over the bus, which is not for the middle of an update. */
int check_upkeep(Manager *manager, json_object *findings) {
        _cleanup_json_ json_object *units = NULL;
        const char *problem;
        int r = 0;

        if (!manager->update && services_findings(&units) >= 0)
                r = add_all(findings, units);
        if (r >= 0)
                r = handover_findings(manager, findings);
        for (size_t i = 0; r >= 0 && (problem = config_problem(manager->config, i)); i++)
                r = findings_add(findings, finding_new("config", "warn", problem, NULL,
                                "Mend it, then: systemctl reload liveupdated.service"));
        return r;
}

static int check_workloads(Manager *manager, json_object *findings) {
        _cleanup_json_ json_object *losses = NULL;
        int r = requirements_losses(manager, &losses);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return findings_say(findings, "workloads", "warn", NULL,
                                "Which processes would be lost cannot be found out.");
        if (!losses)
                return findings_say(findings, "workloads", "ok", NULL, "Every virtual machine here can survive: %zu.",
                                registry_size(manager->registry));
        for (size_t i = 0; r >= 0 && i < json_object_array_length(losses); i++)
                r = findings_say(findings, "workloads", "fail",
                                "Shut it down, migrate it away or start it through liveupdate-run; or commit with "
                                "--allow-loss.",
                                "Would be lost: %s.", json_object_get_string(json_object_array_get_idx(losses, i)));
        return r;
}

static int check_measure(const Config *config, json_object *findings) {
        bool is_required = config->measure_image == MEASURE_REQUIRE;
        const char *why;

        if (config->measure_image == MEASURE_NO)
                return 0;
        if (measure_is_possible("", &why))
                return findings_say(findings, "measure", "ok", NULL,
                                "What is started will be measured into PCR 11 and 12 before the jump.");
        return findings_say(findings, "measure", is_required ? "fail" : "warn", "Mend that, or set MeasureImage=no.",
                        "What is started cannot be measured: %s.", why);
}

int check_host(Manager *manager, json_object *findings) {
        const Config *config = manager->config;
        int r;

        r = findings_add(findings, check_support());
        if (r >= 0)
                r = kexec_host_findings("", config->checksum_skip == CHECKSUM_SKIP_REQUIRE, findings);
        if (r >= 0)
                r = check_workloads(manager, findings);
        if (r >= 0)
                r = devices_findings(manager, findings);
        if (r >= 0)
                r = host_findings(manager, findings);
        if (r >= 0)
                r = check_measure(config, findings);
        return r < 0 ? r : check_upkeep(manager, findings);
}

static int check_checksum(const Config *config, const StagedKernel *staged, json_object *findings) {
        bool is_required = config->checksum_skip == CHECKSUM_SKIP_REQUIRE;

        if (config->checksum_skip == CHECKSUM_SKIP_OFF || staged->staged_usec == 0)
                return 0;
        if (staged->load.checksum_skip == CHECKSUM_SKIP_PROVEN)
                return findings_say(findings, "checksum", "ok", NULL,
                                "The load left out the checksum over the segments.");
        return findings_say(findings, "checksum", is_required ? "fail" : "warn",
                        is_required ?
                                        "Run a kernel with the checksum skip and kho=on, or set ChecksumSkip=prefer." :
                                        "Run a kernel with the checksum skip (Linux 7.3 or newer) and kho=on.",
                        "The jump will compute a checksum over all segments, which takes about %.0f ms. %s",
                        (double) staged->checksum_usec / 1000, staged->load.evidence);
}

/* VerifyImage= may have been set after it was staged. */
static int check_signature(const Config *config, const StagedKernel *staged, json_object *findings) {
        if (staged->staged_usec == 0 || config->verify_image != VERIFY_REQUIRE ||
                        staged->signature == SIGNATURE_VERIFIED)
                return 0;
        return findings_say(findings, "signature", "fail", "Stage a kernel that is signed by somebody trusted here.",
                        "VerifyImage=require, and no trusted signature covers what is staged.");
}

int check_staged(const Manager *manager, const StagedKernel *staged, json_object *findings) {
        int r = add_all(findings, staged->findings);

        if (r >= 0)
                r = check_checksum(manager->config, staged, findings);
        return r < 0 ? r : check_signature(manager->config, staged, findings);
}

int check_loaded(const StagedKernel *staged, json_object *findings) {
        static const char remedy[] = "Stage it anew: liveupdatectl stage.";

        if (!staged && kexec_is_loaded() <= 0)
                return 0;
        if (!staged)
                return findings_say(findings, "loaded", "warn", "Stage the kernel that is meant: liveupdatectl stage.",
                                "Nothing is staged here, but somebody else loaded a kernel, which a reboot by kexec "
                                "would start.");
        switch (kexec_loaded_since("", &staged->load)) {
        case KEXEC_LOADED_OURS:
                return findings_say(findings, "loaded", "ok", NULL, "What was staged is what is loaded.");
        case KEXEC_LOADED_OTHER:
                return findings_say(findings, "loaded", "fail", remedy,
                                "Somebody else has called kexec since this kernel was staged: another one may be "
                                "loaded.");
        case KEXEC_LOADED_NOTHING:
                return findings_say(findings, "loaded", "fail", remedy, "Somebody else unloaded what was staged.");
        default:
                return findings_say(findings, "loaded", "warn", remedy,
                                "A kernel is loaded, but whether it still is the staged one, nothing here tells.");
        }
}
