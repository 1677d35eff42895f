/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/cleanup.h"
#include "basic/finding.h"
#include "luo/abi-internal.h"

#define LOST "all that is preserved would be lost, every guest with it"

static const char unknown_remedy[] =
                "Compare include/linux/kho/abi of both kernels, or try the update on a host that can lose its guests.";

static int say(json_object *findings, const char *id, const char *state, const char *running, const char *staged,
                const char *text, const char *remedy) {
        _cleanup_free_ char *evidence = NULL;

        if (asprintf(&evidence, "Running: %s; staged: %s", *running ? running : "not known", staged) < 0) {
                evidence = NULL;
                return -ENOMEM;
        }
        return findings_add(findings, finding_new(id, state, text, evidence, remedy));
}

/* One of the two that a kernel speaks in one version. */
typedef struct Speech {
        const char *id, *name, *option, *misunderstood; /* what becomes of it that another version is handed over */
} Speech;

static int compare(const Speech *speech, const char *running, const char *staged, json_object *findings) {
        char text[320], remedy[192];

        if (!staged) {
                snprintf(text, sizeof(text), "Which version of %s the staged kernel speaks could not be found out.",
                                speech->name);
                return say(findings, speech->id, "warn", running, "not known", text, unknown_remedy);
        }
        if (!*staged) {
                snprintf(text, sizeof(text), "The staged kernel is built without %s: " LOST ".", speech->name);
                snprintf(remedy, sizeof(remedy), "Stage a kernel built with %s=y.", speech->option);
                return say(findings, speech->id, "fail", running, "none", text, remedy);
        }
        if (!*running) {
                snprintf(text, sizeof(text),
                                "The staged kernel speaks %s; what the running one speaks could not be found out.",
                                staged);
                return say(findings, speech->id, "warn", running, staged, text, unknown_remedy);
        }
        if (strcmp(running, staged) != 0) {
                snprintf(text, sizeof(text), "The running kernel speaks %s, the staged one %s: %s.", running, staged,
                                speech->misunderstood);
                snprintf(remedy, sizeof(remedy), "Stage a kernel that speaks %s.", running);
                return say(findings, speech->id, "fail", running, staged, text, remedy);
        }
        snprintf(text, sizeof(text), "Both kernels speak %s.", running);
        return say(findings, speech->id, "ok", running, staged, text, NULL);
}

static bool has_handler(const LuoAbi *abi, const char *name) {
        for (size_t i = 0; i < abi->n_handlers; i++)
                if (strcmp(abi->handlers[i], name) == 0)
                        return true;
        return false;
}

/* Of the same family, in whatever version; NULL: none. */
static const char *relative_of(const LuoAbi *abi, const char *name) {
        uint64_t version;
        size_t family, other;

        if (!abi_name_split(name, &family, &version))
                return NULL;
        for (size_t i = 0; i < abi->n_handlers; i++)
                if (abi_name_split(abi->handlers[i], &other, &version) && other == family &&
                                memcmp(abi->handlers[i], name, family) == 0)
                        return abi->handlers[i];
        return NULL;
}

#define LIST_BYTES (LUO_ABI_HANDLERS_MAX * (sizeof(LuoAbiName) + 2))

static void list_handlers(const LuoAbi *abi, char ret[static LIST_BYTES]) {
        size_t n = 0;

        snprintf(ret, LIST_BYTES, "%s", abi && abi->knows_handlers ? "none" : "not known");
        for (size_t i = 0; abi && i < abi->n_handlers; i++)
                n += (size_t) snprintf(ret + n, LIST_BYTES - n, "%s%s", i > 0 ? ", " : "", abi->handlers[i]);
}

/* One of the running kernel's that the staged one lacks, preferably one that it surely lacks: a module can still
 * bring what its image has not. NULL: none. */
static const char *missing_handler(const LuoAbi *running, const LuoAbi *staged, bool *ret_surely) {
        const char *missing = NULL;

        *ret_surely = false;
        for (size_t i = 0; i < running->n_handlers && !*ret_surely; i++) {
                const char *name = running->handlers[i];

                if (has_handler(staged, name))
                        continue;
                *ret_surely = relative_of(staged, name) || !abi_handler_may_be_module(name);
                if (!missing || *ret_surely)
                        missing = name;
        }
        return missing;
}

static int compare_handlers(const LuoAbi *running, const LuoAbi *staged, json_object *findings) {
        static const char id[] = "fd-handlers";
        char text[320], remedy[192], ours[LIST_BYTES], theirs[LIST_BYTES];
        const char *missing, *relative;
        bool surely;

        list_handlers(running, ours);
        list_handlers(staged, theirs);
        if (!staged || !staged->knows_handlers)
                return say(findings, id, "warn", ours, theirs,
                                "Which files the staged kernel takes over could not be found out.", unknown_remedy);
        if (!relative_of(staged, "memfd-v1"))
                return say(findings, id, "fail", ours, theirs,
                                "The staged kernel takes over no memfd, and with it no guest's memory.",
                                "Stage a kernel built with CONFIG_LIVEUPDATE_MEMFD=y.");
        if (!running->knows_handlers) {
                snprintf(text, sizeof(text),
                                "The staged kernel takes over %s; in which version the running one hands it over could "
                                "not be found out.",
                                relative_of(staged, "memfd-v1"));
                return say(findings, id, "warn", ours, theirs, text, unknown_remedy);
        }

        missing = missing_handler(running, staged, &surely);
        if (!missing)
                return say(findings, id, "ok", ours, theirs,
                                "The staged kernel takes over all that the running one hands over.", NULL);
        relative = relative_of(staged, missing);
        snprintf(remedy, sizeof(remedy), "Stage a kernel that takes over %s.", missing);
        if (surely)
                snprintf(text, sizeof(text), "The running kernel hands over %s, the staged one takes over %s.", missing,
                                relative ?: "nothing of that kind");
        else
                snprintf(text, sizeof(text),
                                "The running kernel hands over %s, which the staged one takes over only if a module of "
                                "it does.",
                                missing);
        return say(findings, id, surely ? "fail" : "warn", ours, theirs, text, remedy);
}

int luo_abi_findings(const LuoAbi *running, const LuoAbi *staged, json_object *findings) {
        static const Speech kho = { "kho-abi", "Kexec Handover", "CONFIG_KEXEC_HANDOVER", LOST },
                            /* kernel/liveupdate/luo_internal.h:luo_restore_fail() */
                            luo = { "luo-abi", "the Live Update Orchestrator", "CONFIG_LIVEUPDATE",
                                    "it would panic at boot, and every guest be lost" };
        int r;

        r = compare(&kho, running->kho, staged ? staged->kho : NULL, findings);
        if (r >= 0)
                r = compare(&luo, running->luo, staged ? staged->luo : NULL, findings);
        if (r >= 0)
                r = compare_handlers(running, staged, findings);
        return r;
}
