/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same bytes as signature lists, as a table of signatures, as one signature, as certificates, as components of an
 * image and as the platform's levels; then as changes to a signature by somebody who is trusted, of another image.
 * The judgement must never be in favour. */

#include "trust/anchors.h"
#include "trust/esl.h"
#include "trust/sbat.h"
#include "unit/trust-fixture.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Party ca;
static Bytes good; /* by somebody whom it certified */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        Party leaf;

        ca = authority("CA");
        leaf = signer("Leaf", &ca);
        good = signed_by(&leaf);
        return 0;
}

static void add(Material *material, MaterialKind kind, const uint8_t *data, size_t size) {
        char *copy = malloc(size + 1);

        if (!copy)
                abort();
        if (size > 0)
                memcpy(copy, data, size);
        copy[size] = 0;
        if (material_add(material, kind, "fuzz", 0, copy, size) < 0)
                abort();
}

static void read_lists(const uint8_t *data, size_t size) {
        size_t total = 0;
        EslEntry entry;
        Esl esl;
        int r;

        esl_begin(&esl, data, size);
        while ((r = esl_next(&esl, &entry)) > 0) {
                if (entry.data < data || entry.size > size || (size_t) (entry.data - data) > size - entry.size)
                        abort();
                total += entry.size;
        }
        if (total > size || (r < 0 && esl_next(&esl, &entry) >= 0))
                abort();
}

static void read_signature(const uint8_t *data, size_t size) {
        _cleanup_(authenticode_freep) Authenticode *authenticode = NULL;
        const char *why = NULL;
        int r = authenticode_parse(data, size, image_digest, &authenticode, &why);

        if (r == 0 ? !authenticode || !authenticode->signer : !why)
                abort();
}

static void read_components(const char *text) {
        _cleanup_free_ char *detail = NULL, *own = NULL;

        if (sbat_check_section(text) < 0)
                return;
        if (sbat_is_revoked(text, "sbat,2,2030010100\nlinux,4294967295\n", &detail) < 0)
                abort();
        if (sbat_check_level(text) == 0 && sbat_is_revoked(text, text, &own) > 0 && !own)
                abort();
}

/* Nobody is trusted but by these bytes, and who makes them has no key; a digest may well be in them. */
static void judge_all(const uint8_t *data, size_t size, bool is_trusted) {
        _cleanup_(material_freep) Material *material = calloc(1, sizeof(*material));
        _cleanup_(signature_clear) Signature signature = {};
        const Evidence evidence = {
                .certificates = data,
                .certificates_bytes = size,
                .digest = image_digest,
                .sbat = "linux,1",
        };

        if (!material)
                abort();
        if (is_trusted) {
                add(material, MATERIAL_CERTIFICATES, data, size);
                add(material, MATERIAL_TRUSTED, data, size);
        }
        add(material, MATERIAL_REVOKED, data, size);
        add(material, MATERIAL_SBAT_LEVEL, data, size);
        if (judge(material, &evidence, &signature) < 0 || (!is_trusted && signature.state == SIGNATURE_VERIFIED))
                abort();
}

/* Two bytes say where, one what. */
static void judge_changed(const uint8_t *data, size_t size) {
        static const uint8_t other_digest[AUTHENTICODE_DIGEST_BYTES] = { 0x66 };
        _cleanup_(material_freep) Material *material = material_new();
        _cleanup_(signature_clear) Signature signature = {};
        Bytes changed = good;
        const Evidence evidence = {
                .certificates = changed.data,
                .certificates_bytes = changed.size,
                .digest = other_digest,
        };

        for (; size >= 3; data += 3, size -= 3)
                changed.data[(size_t) (data[0] << 8 | data[1]) % changed.size] = data[2];
        trust_party(material, &ca);
        if (judge(material, &evidence, &signature) < 0 || signature.state == SIGNATURE_VERIFIED)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = malloc(size + 1);

        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = 0;
        read_lists(data, size);
        read_signature(data, size);
        read_components(text);
        judge_all(data, size, false);
        judge_all(data, size, true);
        judge_changed(data, size);
        return 0;
}
