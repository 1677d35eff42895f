/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What dbx, MokListXRT and SbatLevelRT forbid, and what comes of them when they cannot be read. */

#include "basic/cleanup.h"
#include "trust-fixture.h"
#include "unit.h"

#define SBAT "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n" \
             "systemd-stub,1,The systemd Developers,systemd,258,https://systemd.io/\nlinux.site,2,Site,linux,7.3,x\n"

/* A CA that is trusted, and an image signed by somebody it certified. */
typedef struct Fixture {
        Material *material;
        Signature signature;
        Party ca, leaf;
        Bytes table;
} Fixture;

static void fixture_init(Fixture *f) {
        f->material = material_new();
        f->ca = authority("CA");
        f->leaf = signer("Leaf", &f->ca);
        f->table = signed_by(&f->leaf);
        trust_party(f->material, &f->ca);
}

static void fixture_done(Fixture *f) {
        material_free(f->material);
        signature_clear(&f->signature);
}

#define FIXTURE() \
        _cleanup_(fixture_done) Fixture f = {}; \
        fixture_init(&f)

static void add_dbx(Fixture *f, const Bytes *list) {
        material_put(f->material, MATERIAL_REVOKED, "dbx", list->data, list->size);
}

static void assert_judged(Fixture *f, const Bytes *table, const char *sbat, SignatureState expected,
                const char *detail) {
        const Evidence evidence = {
                .certificates = table ? table->data : NULL,
                .certificates_bytes = table ? table->size : 0,
                .digest = image_digest,
                .sbat = sbat,
        };

        signature_clear(&f->signature);
        ck_assert_int_eq(judge(f->material, &evidence, &f->signature), 0);
        ck_assert_msg(f->signature.state == expected, "%s (%s)", signature_state_to_string(f->signature.state),
                        f->signature.detail ?: "");
        ck_assert_msg(!detail || strstr(f->signature.detail, detail), "'%s' is not in '%s'", detail,
                        f->signature.detail);
}

START_TEST(by_digest) {
        FIXTURE();
        Bytes list = {};

        put_list(&list, GUID_SHA256, (uint8_t[32]) { 9 }, 32);
        put_list(&list, GUID_SHA256, image_digest, sizeof(image_digest));
        add_dbx(&f, &list);
        assert_judged(&f, &f.table, NULL, SIGNATURE_REVOKED, "its digest is in dbx");
        assert_judged(&f, NULL, NULL, SIGNATURE_REVOKED, "its digest is in dbx");
        ck_assert_ptr_null(f.signature.signer);
}
END_TEST

START_TEST(dbx_overrules_db) {
        FIXTURE();
        Bytes list = {};

        put_list(&list, GUID_SHA256, image_digest, sizeof(image_digest));
        material_put(f.material, MATERIAL_TRUSTED, "db", list.data, list.size);
        assert_judged(&f, NULL, NULL, SIGNATURE_VERIFIED, "its digest is in db");
        add_dbx(&f, &list);
        assert_judged(&f, NULL, NULL, SIGNATURE_REVOKED, "its digest is in dbx");
}
END_TEST

START_TEST(by_certificate_of_the_signer) {
        FIXTURE();
        Bytes list = {}, by_other;
        Party other = signer("Other", &f.ca);

        put_certificate_list(&list, &f.leaf);
        add_dbx(&f, &list);
        by_other = signed_by(&other);
        assert_judged(&f, &f.table, NULL, SIGNATURE_REVOKED, "revoked by dbx");
        ck_assert_str_eq(f.signature.signer, "CN = Leaf");
        assert_judged(&f, &by_other, NULL, SIGNATURE_VERIFIED, NULL);
}
END_TEST

START_TEST(by_certificate_of_the_authority) {
        FIXTURE();
        Bytes list = {};

        put_certificate_list(&list, &f.ca);
        add_dbx(&f, &list);
        assert_judged(&f, &f.table, NULL, SIGNATURE_REVOKED, "revoked by dbx");
}
END_TEST

/* The signer is trusted itself, and the authority, which is not in the signature, is not. */
START_TEST(by_authority_of_a_trusted_signer) {
        FIXTURE();
        Party old = authority("Old"), leaf = signer("Leaf 2", &old), middle = party_new("M", &old, true, -60, 3600);
        Party deep = signer("Deep", &middle);
        Bytes list = {}, table = signed_by(&leaf), by_deep = {};

        trust_party(f.material, &leaf);
        trust_party(f.material, &middle);
        put_signature(&by_deep, (Signing) { .signer = &deep });
        assert_judged(&f, &table, NULL, SIGNATURE_VERIFIED, NULL);
        assert_judged(&f, &by_deep, NULL, SIGNATURE_VERIFIED, NULL);
        put_certificate_list(&list, &old);
        add_dbx(&f, &list);
        assert_judged(&f, &table, NULL, SIGNATURE_REVOKED, "certified by one that is");
        assert_judged(&f, &by_deep, NULL, SIGNATURE_REVOKED, "certified by one that is");
        assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, NULL);
}
END_TEST

START_TEST(by_digest_of_a_certificate) {
        for (int i = 0; i < 2; i++) {
                FIXTURE();
                Bytes list = {}, entry = tbs_digest(i == 0 ? &f.leaf : &f.ca);

                put(&entry, (uint8_t[16]) { 0xea, 0x07, 1, 1 }, 16); /* revoked from 2026 on, so before, too */
                put_list(&list, GUID_X509_SHA256, entry.data, entry.size);
                add_dbx(&f, &list);
                assert_judged(&f, &f.table, NULL, SIGNATURE_REVOKED, "revoked by dbx");
        }
}
END_TEST

/* Nobody trusts him, but he is forbidden all the same. */
START_TEST(a_stranger_is_revoked) {
        FIXTURE();
        Party stranger = signer("Stranger", NULL);
        Bytes list = {}, table = signed_by(&stranger);

        assert_judged(&f, &table, NULL, SIGNATURE_UNKNOWN, NULL);
        put_certificate_list(&list, &stranger);
        material_put(f.material, MATERIAL_REVOKED, "MokListXRT", list.data, list.size);
        assert_judged(&f, &table, NULL, SIGNATURE_REVOKED, "revoked by MokListXRT");
}
END_TEST

START_TEST(by_generation) {
        static const struct {
                const char *level;
                SignatureState expected;
                const char *detail;
        } cases[] = {
                { "sbat,1,2021030218\n", SIGNATURE_VERIFIED, NULL },
                { "sbat,1,2022052400\nshim,2\ngrub,2\n", SIGNATURE_VERIFIED, NULL },
                { "sbat,1,2022052400\nlinux.site,2\n", SIGNATURE_VERIFIED, NULL },
                { "sbat,1,2022052400\nlinux.site,3\n", SIGNATURE_REVOKED,
                  "its component linux.site is of generation 2, and SbatLevelRT asks for 3 at least" },
                { "sbat,1,2022052400\r\nlinux.site,1\r\nlinux.site,10\r\n", SIGNATURE_REVOKED, "10 at least" },
                { "sbat,2,2030010100\n", SIGNATURE_REVOKED, "component sbat is of generation 1" },
                { "sbat,1,2030010100\nsystemd-stu,9\nsystemd-stub.site,9\n", SIGNATURE_VERIFIED, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                FIXTURE();

                material_put(f.material, MATERIAL_SBAT_LEVEL, "SbatLevelRT", cases[i].level, strlen(cases[i].level));
                assert_judged(&f, &f.table, SBAT, cases[i].expected, cases[i].detail);
                assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, NULL);
                if (cases[i].expected == SIGNATURE_REVOKED)
                        assert_judged(&f, NULL, SBAT, SIGNATURE_REVOKED, cases[i].detail);
        }
}
END_TEST

START_TEST(broken_components) {
        static const char *const cases[] = { "linux", "linux,", "linux,x", "linux,1x,y", "linux,-1", "linux,0", ",1",
                "linux,4294967296", "a b,1", "sbat,1\nlinux", "linux,1 ,x", "\x01,1", "l\xc3\xa9,1" };
        FIXTURE();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_judged(&f, &f.table, cases[i], SIGNATURE_BROKEN, "its .sbat cannot be read");
        assert_judged(&f, &f.table, "\xef\xbb\xbfsbat,1\r\n\r\nlinux,4294967295", SIGNATURE_VERIFIED, NULL);
        assert_judged(&f, &f.table, "", SIGNATURE_VERIFIED, NULL);
}
END_TEST

/* Whatever is wrong with it, nothing is verified any more, and the reason is told. */
START_TEST(revocations_that_cannot_be_read) {
        Party ca = authority("X");
        Bytes good = {}, list, certificate = {};

        put_certificate_list(&good, &ca);
        put_list(&certificate, GUID_X509, "\x30\x03\x02\x01\x01", 5);
        for (size_t i = 0; i < 8; i++) {
                FIXTURE();

                list = good;
                switch (i) {
                case 0: list.size--; break;
                case 1: list.size = 27; break;
                case 2: list.data[16]++; break;                        /* SignatureListSize */
                case 3: list.data[20]++; break;                        /* SignatureHeaderSize */
                case 4: list.data[24] ^= 1; break;                     /* SignatureSize */
                case 5: memset(list.data + 24, 0, 4); break;
                case 6: put(&list, "x", 1); break;
                case 7: list = certificate; break;
                }
                assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, NULL);
                add_dbx(&f, &list);
                assert_judged(&f, &f.table, NULL, SIGNATURE_UNKNOWN, "what is revoked cannot be read: dbx (");
                ck_assert_str_eq(f.signature.signer, "CN = Leaf");
        }
}
END_TEST

START_TEST(unreadable_or_without_sense) {
        static const char *const levels[] = { "", "linux,1\n", "sbat", "sbat,1,2022052400\ngrub", "sbat,0,1\n",
                "sbata,1\n" };

        for (size_t i = 0; i <= ELEMENTSOF(levels); i++) {
                FIXTURE();

                if (i < ELEMENTSOF(levels))
                        material_put(f.material, MATERIAL_SBAT_LEVEL, "SbatLevelRT", levels[i], strlen(levels[i]));
                else
                        material_put(f.material, MATERIAL_SBAT_LEVEL, "SbatLevelRT", "sbat,1,2\n\0x", 11);
                assert_judged(&f, &f.table, NULL, SIGNATURE_UNKNOWN, "cannot be read: SbatLevelRT (no list of");
        }
        {
                FIXTURE();

                material_put(f.material, MATERIAL_SBAT_LEVEL, "SbatLevelRT", "sbat,1,2\n\0\0", 11);
                assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, NULL);
                ck_assert_int_eq(material_add(f.material, MATERIAL_REVOKED, "dbx", -EIO, NULL, 0), 0);
                assert_judged(&f, &f.table, NULL, SIGNATURE_UNKNOWN, "dbx (Input/output error)");
        }
}
END_TEST

/* A list that breaks off still revokes what comes before; and one that is only known by its digest is not verified. */
START_TEST(half_a_list_counts) {
        FIXTURE();
        Bytes list = {}, db = {};

        put_list(&list, GUID_SHA256, image_digest, sizeof(image_digest));
        put(&list, "rubbish", 7);
        put_list(&db, GUID_SHA256, image_digest, sizeof(image_digest));
        add_dbx(&f, &list);
        assert_judged(&f, &f.table, NULL, SIGNATURE_REVOKED, "its digest is in dbx");

        material_free(f.material);
        f.material = material_new();
        memset(list.data + 28 + 16, 0x55, 32);
        add_dbx(&f, &list);
        material_put(f.material, MATERIAL_TRUSTED, "db", db.data, db.size);
        assert_judged(&f, NULL, NULL, SIGNATURE_ABSENT, "cannot be read: dbx (no signature list)");
        assert_judged(&f, &f.table, NULL, SIGNATURE_UNKNOWN, "cannot be read: dbx (no signature list)");
}
END_TEST

/* What is to be trusted and makes no sense is passed over, and told where nobody is found. */
START_TEST(trust_that_cannot_be_read) {
        FIXTURE();
        Party stranger = signer("Stranger", NULL), other = authority("Other");
        Bytes by_stranger = signed_by(&stranger), pem = certificate_pem(&stranger), db = {};

        put_certificate_list(&db, &stranger);
        put(&db, "x", 1);
        material_put(f.material, MATERIAL_CERTIFICATES, "\xc3\xa4\n.pem", "hello\n", 6);
        material_put(f.material, MATERIAL_CERTIFICATES, "b.der", "\x30\x03\x02\x01\x01", 5);
        material_put(f.material, MATERIAL_CERTIFICATES, "c.pem", pem.data, pem.size / 2);
        material_put(f.material, MATERIAL_CERTIFICATES, "d.crt", "", 0);
        material_put(f.material, MATERIAL_TRUSTED, "db", db.data, db.size);
        ck_assert_int_eq(material_add(f.material, MATERIAL_CERTIFICATES, "e.pem", -EFBIG, NULL, 0), 0);
        assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, NULL);
        assert_judged(&f, &by_stranger, NULL, SIGNATURE_UNKNOWN,
                        "passed over: \?\?\?.pem (no certificate, neither PEM nor DER), "
                        "b.der (a broken certificate), c.pem (");
        assert_judged(&f, &by_stranger, NULL, SIGNATURE_UNKNOWN, "d.crt (no certificate, neither PEM nor DER), db "
                                                                 "(no signature list), e.pem (File too large)");

        /* Several in a file, with text around them. */
        {
                Bytes several = certificate_pem(&other), last = certificate_pem(&stranger);

                put(&several, "# text\n", 7);
                put(&several, last.data, last.size);
                material_put(f.material, MATERIAL_CERTIFICATES, "f.pem", several.data, several.size);
                assert_judged(&f, &by_stranger, NULL, SIGNATURE_VERIFIED, "trusted by f.pem");
        }
}
END_TEST

START_TEST(very_much_that_cannot_be_read) {
        FIXTURE();
        Party stranger = signer("Stranger", NULL);
        Bytes by_stranger = signed_by(&stranger);

        for (unsigned i = 0; i < MATERIAL_FILES_MAX; i++)
                material_put(f.material, MATERIAL_CERTIFICATES, "/etc/liveupdate/trust.d/a.pem", "hello\n", 6);
        assert_judged(&f, &by_stranger, NULL, SIGNATURE_UNKNOWN, "passed over: ");
        ck_assert_uint_lt(strlen(f.signature.detail), 1500);
}
END_TEST

START_TEST(hidden_firmware) {
        FIXTURE();

        f.material->is_firmware_hidden = true;
        assert_judged(&f, &f.table, NULL, SIGNATURE_VERIFIED, "what the firmware revokes is not known");
}
END_TEST

UNIT_MAIN("trust-revoked", by_digest, dbx_overrules_db, by_certificate_of_the_signer, by_certificate_of_the_authority,
                by_authority_of_a_trusted_signer, by_digest_of_a_certificate, a_stranger_is_revoked, by_generation,
                broken_components, revocations_that_cannot_be_read, unreadable_or_without_sense, half_a_list_counts,
                trust_that_cannot_be_read, very_much_that_cannot_be_read, hidden_firmware)
