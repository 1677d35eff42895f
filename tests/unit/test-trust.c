/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/cleanup.h"
#include "trust-fixture.h"
#include "unit.h"

typedef struct Fixture {
        Material *material;
        Signature signature;
} Fixture;

static void fixture_done(Fixture *f) {
        material_free(f->material);
        signature_clear(&f->signature);
}

#define FIXTURE() _cleanup_(fixture_done) Fixture f = { .material = material_new() }

static SignatureState judge_with(Fixture *f, const Bytes *table, const char *sbat) {
        const Evidence evidence = {
                .certificates = table ? table->data : NULL,
                .certificates_bytes = table ? table->size : 0,
                .digest = image_digest,
                .sbat = sbat,
        };

        signature_clear(&f->signature);
        ck_assert_int_eq(judge(f->material, &evidence, &f->signature), 0);
        return f->signature.state;
}

#define assert_state(f, table, expected)                                                                     \
        ck_assert_msg(judge_with(f, table, NULL) == (expected), "%s (%s)",                                   \
                        signature_state_to_string((f)->signature.state), (f)->signature.detail ?: "")

static void assert_detail(const Fixture *f, const char *part) {
        ck_assert_ptr_nonnull(f->signature.detail);
        ck_assert_msg(strstr(f->signature.detail, part), "'%s' is not in '%s'", part, f->signature.detail);
}

START_TEST(unsigned_image) {
        FIXTURE();
        Party ca = authority("CA");

        assert_state(&f, NULL, SIGNATURE_ABSENT);
        ck_assert_ptr_null(f.signature.detail);
        ck_assert_ptr_null(f.signature.signer);
        trust_party(f.material, &ca);
        assert_state(&f, NULL, SIGNATURE_ABSENT);
}
END_TEST

START_TEST(trusted_by_authority) {
        FIXTURE();
        Party ca = authority("CA"), leaf = signer("Site \xc3\xa9\n1", &ca);
        Bytes table = signed_by(&leaf);

        trust_party(f.material, &ca);
        assert_state(&f, &table, SIGNATURE_VERIFIED);
        ck_assert_str_eq(f.signature.detail, "trusted by /etc/liveupdate/trust.d/site.pem");
        ck_assert_str_eq(f.signature.signer, "CN = Site \\C3\\A9\\0A1");
}
END_TEST

START_TEST(trusted_by_the_signers_own_certificate) {
        FIXTURE();
        Party ca = authority("CA"), leaf = signer("Leaf", &ca), alone = signer("Alone", NULL);
        Bytes table = signed_by(&leaf), by_alone = signed_by(&alone), der = certificate_der(&alone);

        trust_party(f.material, &leaf);
        assert_state(&f, &table, SIGNATURE_VERIFIED);
        assert_state(&f, &by_alone, SIGNATURE_UNKNOWN);
        material_put(f.material, MATERIAL_CERTIFICATES, "/run/liveupdate/trust.d/a.der", der.data, der.size);
        assert_state(&f, &by_alone, SIGNATURE_VERIFIED);
        assert_detail(&f, "/run/liveupdate/trust.d/a.der");
}
END_TEST

/* The signature brings what lies between, or it does not hold. */
START_TEST(trusted_over_an_intermediate) {
        FIXTURE();
        Party root = authority("Root"), middle = party_new("Middle", &root, true, -60, 3600);
        Party leaf = signer("Leaf", &middle);
        Bytes with = {}, without = signed_by(&leaf);

        put_signature(&with, (Signing) { .signer = &leaf, .companion = &middle });
        trust_party(f.material, &root);
        assert_state(&f, &with, SIGNATURE_VERIFIED);
        assert_state(&f, &without, SIGNATURE_UNKNOWN);
        assert_detail(&f, "no certificate here leads to its signer");
        trust_party(f.material, &middle);
        assert_state(&f, &without, SIGNATURE_VERIFIED);
}
END_TEST

/* Who was certified, but not to certify others. */
START_TEST(a_leaf_is_no_authority) {
        FIXTURE();
        Party ca = authority("CA"), leaf = signer("Leaf", &ca), forged = signer("Forged", &leaf);
        Party namesake = authority("CA"), stranger = signer("Stranger", &namesake);
        Bytes table = {}, by_stranger = {};

        put_signature(&table, (Signing) { .signer = &forged, .companion = &leaf });
        put_signature(&by_stranger, (Signing) { .signer = &stranger, .companion = &namesake });
        trust_party(f.material, &ca);
        assert_state(&f, &table, SIGNATURE_UNKNOWN);
        assert_state(&f, &by_stranger, SIGNATURE_UNKNOWN);
        ck_assert_str_eq(f.signature.signer, "CN = Stranger");
}
END_TEST

START_TEST(dates_do_not_matter) {
        FIXTURE();
        Party ca = party_new("CA", NULL, true, -7200, -3600);
        Party expired = party_new("Expired", &ca, false, -7200, -3600);
        Party early = party_new("Early", &ca, false, 3600, 7200);
        Bytes by_expired = signed_by(&expired), by_early = signed_by(&early);

        trust_party(f.material, &ca);
        assert_state(&f, &by_expired, SIGNATURE_VERIFIED);
        assert_state(&f, &by_early, SIGNATURE_VERIFIED);
}
END_TEST

START_TEST(trusted_by_the_platform) {
        static const char *const names[] = { "db", "MokListRT" };
        Party ca = authority("CA"), other = authority("Other"), leaf = signer("Leaf", &ca);
        Bytes table = signed_by(&leaf), list = {};

        put_certificate_list(&list, &other);
        put_certificate_list(&list, &ca);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                FIXTURE();

                material_put(f.material, MATERIAL_TRUSTED, names[i], list.data, list.size);
                assert_state(&f, &table, SIGNATURE_VERIFIED);
                assert_detail(&f, names[i]);
        }
}
END_TEST

START_TEST(trusted_by_its_digest) {
        FIXTURE();
        Party leaf = signer("Leaf", NULL);
        Bytes table = signed_by(&leaf), list = {}, of_another = {};

        put_list(&list, GUID_SHA256, image_digest, sizeof(image_digest));
        put_signature(&of_another, (Signing) { .signer = &leaf, .digest = (uint8_t[32]) { 1 } });
        material_put(f.material, MATERIAL_TRUSTED, "db", list.data, list.size);
        assert_state(&f, NULL, SIGNATURE_VERIFIED);
        ck_assert_str_eq(f.signature.detail, "its digest is in db");
        assert_state(&f, &table, SIGNATURE_VERIFIED);
        assert_state(&f, &of_another, SIGNATURE_BROKEN);

        /* As the lead may ask for an unsigned one. */
        signature_clear(&f.signature);
        ck_assert_int_eq(judge(f.material, &(Evidence) {}, &f.signature), 0);
        ck_assert_int_eq(f.signature.state, SIGNATURE_ABSENT);
}
END_TEST

/* What each refusal says. */
START_TEST(signatures_that_do_not_hold) {
        Party ca = authority("CA"), leaf = signer("Leaf", &ca), other = signer("Other", &ca);
        const struct {
                Signing signing;
                const char *detail;
        } cases[] = {
                { { .digest = (uint8_t[32]) { 0x11, 0x22, 0x33 } }, "not the one that was signed" },
                { { .md = EVP_sha1() }, "digest that is not trusted" },
                { { .content_type = "1.2.840.113549.1.7.1" }, "does not say that it is of an image" },
                { { .has_no_attributes = true }, "does not say that it is of an image" },
                { { .has_no_certificate = true }, "no certificate of its signer" },
                { { .second = &other }, "has not one signer" },
        };
        Bytes good = signed_by(&leaf);
        FIXTURE();

        trust_party(f.material, &ca);
        assert_state(&f, &good, SIGNATURE_VERIFIED);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Signing signing = cases[i].signing;
                Bytes table = {};

                signing.signer = &leaf;
                put_signature(&table, signing);
                assert_state(&f, &table, SIGNATURE_BROKEN);
                assert_detail(&f, cases[i].detail);
        }
        for (size_t i = 0; i < 2; i++) {
                Signing signing = { .signer = &leaf, .md = i == 0 ? EVP_sha384() : EVP_sha512() };
                Bytes table = {};

                put_signature(&table, signing);
                assert_state(&f, &table, SIGNATURE_VERIFIED);
        }
}
END_TEST

/* Signed all right, but not what is to be signed. */
START_TEST(contents_of_another_kind) {
        Party ca = authority("CA"), leaf = signer("Leaf", &ca);
        Signing signing = { .signer = &leaf };
        static const struct {
                size_t at;
                uint8_t to;
                const char *detail;
        } cases[] = {
                { 15, 30, "not of a PE image" },                   /* SpcPeImageData's object identifier */
                { 4, 0x04, "not of a PE image" },                  /* its tag */
                { 41, 2, "another digest of the image" },          /* SHA-384's object identifier */
                { 27, 0x31, "not of a PE image" },                 /* DigestInfo is no SEQUENCE */
        };
        Bytes as_pesign = indirect_data(image_digest), signature, signed_table = {};
        FIXTURE();

        trust_party(f.material, &ca);
        as_pesign.data[15] = 21;
        signature = sign_pkcs7(&signing, &as_pesign);
        put_win_certificate(&signed_table, &signature);
        assert_state(&f, &signed_table, SIGNATURE_VERIFIED);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Bytes content = indirect_data(image_digest), pkcs7, table = {};

                ck_assert_uint_ne(content.data[cases[i].at], cases[i].to);
                content.data[cases[i].at] = cases[i].to;
                pkcs7 = sign_pkcs7(&signing, &content);
                put_win_certificate(&table, &pkcs7);
                assert_state(&f, &table, SIGNATURE_BROKEN);
                ck_assert_msg(strstr(f.signature.detail, cases[i].detail), "%zu: %s", i, f.signature.detail);
        }
}
END_TEST

/* Cut off, or one bit changed, anywhere. Some bits are nobody's concern (parameters that may be left out, and the
 * like), but never does an image become one by somebody who is trusted through that: what is verified is the same
 * signer's. */
START_TEST(damaged_anywhere) {
        Party ca = authority("CA"), leaf = signer("Leaf", &ca);
        Bytes good = signed_by(&leaf);
        size_t n_verified = 0;
        FIXTURE();

        trust_party(f.material, &ca);
        for (size_t size = 1; size < good.size - 8; size += 3) {
                Bytes cut = good;

                cut.size = size;
                assert_state(&f, &cut, SIGNATURE_BROKEN);
                memcpy(cut.data, &(uint32_t) { htole32((uint32_t) size) }, 4);
                assert_state(&f, &cut, SIGNATURE_BROKEN);
        }
        for (size_t i = 0; i < good.size; i++) {
                Bytes changed = good;

                changed.data[i] ^= 0x10;
                if (judge_with(&f, &changed, NULL) == SIGNATURE_VERIFIED) {
                        ck_assert_str_eq(f.signature.signer, "CN = Leaf");
                        n_verified++;
                }
        }
        ck_assert_uint_lt(n_verified, 32);
}
END_TEST

START_TEST(table_of_signatures) {
        static const uint8_t faults[][4] = { { 4, 0x01 }, { 5, 0x01 }, { 6, 0x01 }, { 7, 0x0e }, { 2, 0x01 } };
        Party ca = authority("CA"), leaf = signer("Leaf", &ca);
        Bytes good = signed_by(&leaf), many = {}, behind = good, none = { .size = 16 };
        FIXTURE();

        trust_party(f.material, &ca);
        for (size_t i = 0; i < ELEMENTSOF(faults); i++) {
                Bytes table = good;

                table.data[faults[i][0]] ^= faults[i][1];
                assert_state(&f, &table, SIGNATURE_BROKEN);
                assert_detail(&f, "table of its signatures cannot be read");
        }
        put(&behind, "x", 1);
        assert_state(&f, &behind, SIGNATURE_BROKEN);
        assert_state(&f, &none, SIGNATURE_BROKEN);
        for (size_t i = 0; i <= JUDGE_SIGNATURES_MAX; i++)
                put_signature(&many, (Signing) { .signer = &leaf });
        assert_state(&f, &many, SIGNATURE_BROKEN);
        assert_detail(&f, "more than 16 signatures");
}
END_TEST

START_TEST(several_signatures) {
        Party ca = authority("CA"), leaf = signer("Leaf", &ca), stranger = signer("Stranger", NULL);
        Bytes unknown_first = {}, broken_first = {}, broken_last = {}, der = certificate_der(&stranger), list = {};
        uint8_t other[32] = { 7 };
        FIXTURE();

        trust_party(f.material, &ca);
        put_signature(&unknown_first, (Signing) { .signer = &stranger });
        put_signature(&unknown_first, (Signing) { .signer = &leaf });
        put_signature(&broken_first, (Signing) { .signer = &leaf, .digest = other });
        put_signature(&broken_first, (Signing) { .signer = &leaf });
        put_signature(&broken_last, (Signing) { .signer = &stranger });
        put_signature(&broken_last, (Signing) { .signer = &leaf, .digest = other });
        assert_state(&f, &unknown_first, SIGNATURE_VERIFIED);
        ck_assert_str_eq(f.signature.signer, "CN = Leaf");
        assert_state(&f, &broken_first, SIGNATURE_VERIFIED);
        assert_state(&f, &broken_last, SIGNATURE_BROKEN);

        put_list(&list, GUID_X509, der.data, der.size);
        material_put(f.material, MATERIAL_REVOKED, "dbx", list.data, list.size);
        assert_state(&f, &unknown_first, SIGNATURE_REVOKED);
        ck_assert_str_eq(f.signature.signer, "CN = Stranger");
        assert_state(&f, &broken_first, SIGNATURE_VERIFIED);
}
END_TEST

START_TEST(states_have_words) {
        for (SignatureState i = SIGNATURE_UNCHECKED; i < _SIGNATURE_STATE_MAX; i++) {
                const char *message = signature_state_message(i), *remedy = signature_state_remedy(i);

                ck_assert_int_eq(signature_state_from_string(signature_state_to_string(i)), (int) i);
                ck_assert_int_eq(message[strlen(message) - 1], '.');
                ck_assert((i == SIGNATURE_VERIFIED) == !remedy);
        }
        ck_assert_int_eq(signature_state_from_string("good"), -EINVAL);
        ck_assert_str_eq(signature_state_to_string(_SIGNATURE_STATE_MAX), "invalid");
        ck_assert_ptr_nonnull(signature_state_message(_SIGNATURE_STATE_MAX));
        ck_assert_ptr_nonnull(signature_state_remedy(_SIGNATURE_STATE_MAX));
}
END_TEST

UNIT_MAIN("trust", unsigned_image, trusted_by_authority, trusted_by_the_signers_own_certificate,
                trusted_over_an_intermediate, a_leaf_is_no_authority, dates_do_not_matter, trusted_by_the_platform,
                trusted_by_its_digest, signatures_that_do_not_hold, contents_of_another_kind, damaged_anywhere,
                table_of_signatures, several_signatures, states_have_words)
