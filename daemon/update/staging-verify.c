/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "update/digests.h"
#include "update/staging-internal.h"

/* A signature that is there and wrong refuses whatever the policy, unless nobody wants to know. */
static bool is_refused(const Staging *staging, SignatureState state) {
        return staging->order->verify == VERIFY_REQUIRE ? state != SIGNATURE_VERIFIED :
                                                          state == SIGNATURE_BROKEN || state == SIGNATURE_REVOKED;
}

static int judge(Staging *staging, const StageFile *file, const Signature *signature) {
        static const char *const reasons[_SIGNATURE_STATE_MAX] = {
                [SIGNATURE_UNCHECKED] = "signature-unchecked",
                [SIGNATURE_ABSENT] = "signature-absent",
                [SIGNATURE_UNKNOWN] = "signature-unknown",
                [SIGNATURE_BROKEN] = "signature-broken",
                [SIGNATURE_REVOKED] = "signature-revoked",
        };
        const char *path = file->path ?: "the image", *detail = signature->detail ?: signature->signer;

        if (signature->state == SIGNATURE_VERIFIED)
                return staging_say(staging, "signature", "ok", NULL, "%s is signed by %s, who is trusted here.", path,
                                signature->signer ?: "somebody");
        if (is_refused(staging, signature->state))
                return staging_refuse(staging, "ImageRefused", reasons[signature->state],
                                signature_state_remedy(signature->state), "%s: %s%s%s%s", path,
                                signature_state_message(signature->state), detail ? " (" : "", detail ?: "",
                                detail ? ")" : "");
        return staging_say(staging, "signature", "warn", signature_state_remedy(signature->state), "%s: %s%s%s%s", path,
                        signature_state_message(signature->state), detail ? " (" : "", detail ?: "",
                        detail ? ")" : "");
}

/* An image without a signature may be trusted by its digest, which costs a look at all of it; only those who ask for
 * trust pay for that. */
static bool needs_digest(const Staging *staging, const ImageSigning *signing) {
        return signing->certificates.bytes > 0 ||
                        (staging->order->verify == VERIFY_REQUIRE && signing->checksum_offset > 0);
}

/* Only a platform with UEFI can have revoked what nobody has signed. */
static bool may_be_revoked(const Image *image) {
        return image->sbat && access("/sys/firmware/efi", F_OK) >= 0;
}

static int verify(const Staging *staging, const ImageFile *file, Signature **ret) {
        const ImageSigning *signing = &file->image->signing;
        bool has_digest = needs_digest(staging, signing);
        char hex[INSPECT_SHA256_HEX_BYTES] = "";
        int r = 0;

        if (!has_digest && !may_be_revoked(file->image)) {
                *ret = calloc(1, sizeof(**ret));
                if (!*ret)
                        return -ENOMEM;
                (*ret)->state = SIGNATURE_ABSENT;
                return 0;
        }
        if (has_digest)
                r = digest_authenticode(staging->parts, file, hex);
        return r < 0 ? r : trust_verify("", file->fd, signing->certificates.offset, signing->certificates.bytes, hex,
                                           file->image->sbat, ret);
}

static int verify_one(Staging *staging, const StageFile *named, const ImageFile *file, Signature **ret) {
        int r = verify(staging, file, ret);

        if (r >= 0)
                return judge(staging, named, *ret);
        if (r == -ENOMEM)
                return r;
        if (staging->order->verify == VERIFY_REQUIRE)
                return staging_refuse(staging, "ImageRefused", "signature-unchecked",
                                "Install liveupdate-inspect with its libraries, or set VerifyImage=off.",
                                "The signature cannot be checked: %s", strerror(-r));
        return staging_say(staging, "signature", "warn", "Install liveupdate-inspect with its libraries.",
                        "The signature cannot be checked: %s", strerror(-r));
}

/* What came from outside of the image is covered by nobody's signature. */
static int refuse_uncovered(Staging *staging) {
        const StageOrder *order = staging->order;
        const char *what = order->n_initrds > 0                            ? "initrds" :
                           order->command_line && !order->from_entry       ? "a command line" :
                           order->command_line                             ? "a boot loader entry's command line" :
                           order->reuses_command_line || !staging_brings_command_line(staging) ?
                                                                             "the running kernel's command line" :
                                                                             NULL;

        if (!what)
                return 0;
        return staging_refuse(staging, "ImageRefused", "not-covered",
                        "Stage a signed UKI that brings its own initrd and command line, or set VerifyImage=prefer.",
                        "VerifyImage=require takes nothing that no signature covers, and %s would be used.", what);
}

static int keep(StagedKernel *staged, Signature *signature) {
        staged->signature = signature->state;
        staged->signer = TAKE_PTR(signature->signer);
        staged->signature_detail = TAKE_PTR(signature->detail);
        return 0;
}

int staging_verify(Staging *staging) {
        const StageOrder *order = staging->order;
        _cleanup_(signature_freep) Signature *signature = NULL;
        int r;

        if (order->verify == VERIFY_OFF)
                return staging_say(staging, "signature", "warn", "Set VerifyImage=prefer or require.",
                                "Signatures are not looked at: VerifyImage=off.");
        r = verify_one(staging, &order->image, &staging->file, &signature);
        if (r == 0 && signature)
                r = keep(staging->staged, signature);
        for (size_t i = 0; r == 0 && i < order->n_addons; i++) {
                _cleanup_(signature_freep) Signature *of_addon = NULL;

                r = verify_one(staging, &order->addons[i], &staging->addon_files[i], &of_addon);
        }
        return r == 0 && order->verify == VERIFY_REQUIRE ? refuse_uncovered(staging) : r;
}
