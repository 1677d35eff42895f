/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "trust/trust.h"

static const struct {
        const char *name, *message, *remedy;
} states[] = {
        [SIGNATURE_UNCHECKED] = {
                "unchecked",
                "The image's signature was not looked at, since VerifyImage=off.",
                "Set VerifyImage=prefer or require in liveupdated.conf to have signatures verified.",
        },
        [SIGNATURE_ABSENT] = {
                "absent",
                "The image is not signed: nobody vouches for its kernel, initrd and command line.",
                "Sign the image, or use one that is signed, by a certificate in /etc/liveupdate/trust.d or the "
                "firmware's db or MOK list.",
        },
        [SIGNATURE_UNKNOWN] = {
                "unknown",
                "The image is signed, but nothing here says that its signer is to be trusted.",
                "If the signer is to be trusted, put the certificate (PEM or DER) into /etc/liveupdate/trust.d; else "
                "use an image that is signed for this host.",
        },
        [SIGNATURE_BROKEN] = {
                "broken",
                "The image's signature does not hold: the file was changed after it was signed, or is damaged.",
                "Do not use this image; write or build it anew, and sign it after the last change.",
        },
        [SIGNATURE_REVOKED] = {
                "revoked",
                "The image is revoked: the platform forbids it, its signer, or a component of that age.",
                "Use a newer image: this one has a known hole, or was signed with a key that leaked.",
        },
        [SIGNATURE_VERIFIED] = {
                "verified",
                "The image is as its signer made it, and the signer is trusted here.",
                NULL,
        },
};

static_assert(ELEMENTSOF(states) == _SIGNATURE_STATE_MAX, "a state has no name");

static bool is_known(SignatureState state) {
        return (size_t) state < ELEMENTSOF(states);
}

const char *signature_state_to_string(SignatureState state) {
        return is_known(state) ? states[state].name : "invalid";
}

int signature_state_from_string(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (strcmp(states[i].name, name) == 0)
                        return (int) i;
        return -EINVAL;
}

const char *signature_state_message(SignatureState state) {
        return is_known(state) ? states[state].message : "Nothing is known of the image's signature.";
}

const char *signature_state_remedy(SignatureState state) {
        return is_known(state) ? states[state].remedy : "Stage the image again.";
}
