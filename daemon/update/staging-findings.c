/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What there is to say of an image and its load. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "kexec/fit.h"
#include "update/digests.h"
#include "update/staging-internal.h"

static int find_left_out(Staging *staging) {
        ImageSection sections[_IMAGE_SECTION_MAX];
        size_t n = image_left_out(staging->image, sections), at = 0;
        char names[256] = "";

        for (size_t i = 0; i < n; i++)
                at += (size_t) snprintf(names + at, sizeof(names) - at, "%s%s", i > 0 ? ", " : "",
                                image_section_name(sections[i]));
        if (n == 0)
                return 0;
        return staging_say(staging, "left-out", "ok", NULL,
                        "Sections that a kexec does not hand over are left out: %s.", names);
}

int staging_find_of_image(Staging *staging) {
        const StagedKernel *staged = staging->staged;
        int r;

        r = staging_say(staging, "image", "ok", NULL,
                        "%s, %s for x86-64 with 4 KiB pages as the running one: kernel %.1f MiB, initrd %.1f MiB.",
                        staged->release ?: "A kernel of unknown release", image_kind_to_string(staged->kind),
                        (double) staged->kernel_bytes / (1 << 20), (double) staged->initrd_bytes / (1 << 20));
        return r < 0 ? r : find_left_out(staging);
}

static int find_fit(Staging *staging, const KexecFit *fit) {
        static const char remedy[] = "Use a smaller initrd, or cold-boot this host with a larger kho_scratch=.";
        double needed = (double) fit->needed_bytes / (1 << 20), largest = (double) fit->largest_bytes / (1 << 20);
        int r;

        if (fit->fits)
                return staging_say(staging, "scratch", "ok", NULL,
                                "Kernel and initrd fit the memory set aside for a handover (KHO scratch).");
        r = staging_say(staging, "scratch", "fail", remedy,
                        "The %s does not fit the memory set aside for a handover (KHO scratch): it needs %.1f MiB in "
                        "one piece, and the largest that is left has %.1f MiB.", fit->segment, needed, largest);
        if (r < 0 || staging->order->is_check || staging->order->is_forced)
                return r;
        return staging_refuse(staging, "CheckFailed", NULL, remedy,
                        "The %s does not fit the memory set aside for a handover (KHO scratch): it needs %.1f MiB in "
                        "one piece, and the largest that is left has %.1f MiB.", fit->segment, needed, largest);
}

int staging_find_room(Staging *staging) {
        const ImageBoot *boot = &staging_kernel(staging)->boot;
        const KexecParts parts = {
                .init_bytes = boot->init_bytes,
                .alignment = boot->alignment,
                .preferred_address = boot->preferred_address,
                .initrd_bytes = staging->parts->initrd_bytes,
                .command_line_bytes = strlen(staging->staged->command_line),
                .measurement_bytes = kexec_measurement_bytes(""),
        };
        _cleanup_free_ KexecArea *areas = NULL;
        size_t n_areas = 0;
        KexecFit fit;
        int r;

        r = kexec_scratch_areas("", &areas, &n_areas);
        if (r == -ENOMEM)
                return r;
        if (r == -EOPNOTSUPP)
                return 0; /* `check` says so of the host */
        if (r < 0)
                return staging_say(staging, "scratch", "warn", "Mount debugfs to have it told beforehand.",
                                "Whether kernel and initrd fit the memory set aside for a handover cannot be told: %s",
                                strerror(-r));
        kexec_fit(areas, n_areas, &parts, &fit);
        return find_fit(staging, &fit);
}

static int find_checksum_skip_of_next(Staging *staging) {
        if (staging->contents->has_checksum_skip)
                return staging_say(staging, "next-checksum-skip", "ok", NULL,
                                "The next kernel has the checksum skip, too.");
        return staging_say(staging, "next-checksum-skip", "warn",
                        "Use a kernel that has it (Linux 7.3 or newer), with CONFIG_DYNAMIC_DEBUG=y, which shows it.",
                        "The next kernel shows no checksum skip: the update after this one may take longer.");
}

static int find_unreadable(Staging *staging, int error, const char *detail) {
        if (error == -ENOMEM)
                return error;
        if (error == -EBADMSG)
                return staging_say(staging, "kernel-contents", "fail",
                                "Write the image again: a kernel that cannot be decompressed will not start.",
                                "The compressed kernel is damaged%s%s.", detail ? ": " : "", detail ?: "");
        return staging_say(staging, "kernel-contents", "warn",
                        error == -ENOENT ? "Install liveupdate-inspect with its libraries." :
                                           "Make sure otherwise that it speaks the same ABIs.",
                        "The kernel cannot be looked into, so which ABIs it speaks is not known: %s%s%s",
                        strerror(-error), detail ? ": " : "", detail ?: "");
}

int staging_find_of_contents(Staging *staging) {
        _cleanup_free_ char *detail = NULL;
        LuoAbi abi = {};
        int r = staging->inspection ? 0 : -ENOENT;

        if (r >= 0)
                r = inspect_kernel_wait(staging->inspection, &staging->contents, &detail);
        if (r < 0)
                return find_unreadable(staging, r, detail);
        luo_abi_from_strings(staging->contents->abi, staging->contents->n_abi, &abi);
        r = luo_abi_findings(running_kernel_abi(&staging->running, ""), &abi, staging->staged->findings);
        return r < 0 ? r : find_checksum_skip_of_next(staging);
}

/* How much the jump pays for it; what to think of that is for `check`, by ChecksumSkip=. */
int staging_find_of_load(Staging *staging) {
        StagedKernel *staged = staging->staged;

        if (staging->order->is_check || staged->load.checksum_skip == CHECKSUM_SKIP_PROVEN)
                return 0;
        (void) digest_checksum_cost(staging->parts, &staging_kernel(staging)->boot, &staged->checksum_usec);
        return 0;
}
