/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The job as the daemon has it done, by liveupdate-inspect under its filter. */

#include <unistd.h>

#include "basic/io.h"
#include "temporary-root.h"
#include "trust-fixture.h"
#include "trust/trust.h"

#define OFFSET 512U

static void variable_write(const char *path, const Bytes *list) {
        _cleanup_fd_ int fd = root_open(path);
        Bytes variable = {};

        put(&variable, "\x27\0\0\0", 4);
        put(&variable, list->data, list->size);
        ck_assert_int_eq(write(fd, variable.data, variable.size), (ssize_t) variable.size);
}

static SignatureState state_of(const Bytes *table) {
        static const char hex[] = "1122334455000000000000000000000000000000000000000000000000000000";
        _cleanup_(signature_freep) Signature *signature = NULL;
        _cleanup_fd_ int fd = -EBADF;

        ck_assert_int_eq(memfd_new_with("test", NULL, OFFSET + table->size, &fd), 0);
        ck_assert_int_eq(pwrite(fd, table->data, table->size, OFFSET), (ssize_t) table->size);
        ck_assert_int_eq(trust_verify(root, fd, OFFSET, table->size, hex, "sbat,1,x\nlinux,2,x\n", &signature), 0);
        return signature->state;
}

static Party rsa_signer(const Party *issuer) {
        Party party = signer("RSA", issuer);

        EVP_PKEY_free(party.key);
        party.key = EVP_RSA_gen(2048);
        ck_assert(X509_set_pubkey(party.certificate, party.key));
        ck_assert_int_gt(X509_sign(party.certificate, issuer->key, EVP_sha384()), 0);
        parties[n_parties - 1] = party;
        return party;
}

START_TEST(every_state) {
        TEMPORARY_ROOT();
        Party ca = authority("CA"), leaf = signer("Leaf", &ca), rsa = rsa_signer(&ca);
        Bytes table = signed_by(&leaf), by_rsa = signed_by(&rsa), changed = table, none = {}, list = {};

        ck_assert_int_eq(state_of(&none), SIGNATURE_ABSENT);
        ck_assert_int_eq(state_of(&table), SIGNATURE_UNKNOWN);
        put_certificate_list(&list, &ca);
        variable_write("/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &list);
        ck_assert_int_eq(state_of(&table), SIGNATURE_VERIFIED);
        ck_assert_int_eq(state_of(&by_rsa), SIGNATURE_VERIFIED);
        changed.data[changed.size - 20] ^= 1;
        ck_assert_int_eq(state_of(&changed), SIGNATURE_BROKEN);
        variable_write("/sys/firmware/efi/efivars/SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23",
                        &(Bytes) { "sbat,1,2\nlinux,3\n", 17 });
        ck_assert_int_eq(state_of(&table), SIGNATURE_REVOKED);
        ck_assert_int_eq(unlink(root_path("/sys/firmware/efi/efivars/"
                                          "SbatLevelRT-605dab50-e046-4300-abb6-3dd810dd8b23")), 0);
        variable_write("/sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &list);
        ck_assert_int_eq(state_of(&table), SIGNATURE_REVOKED);
        ck_assert_int_eq(state_of(&by_rsa), SIGNATURE_REVOKED);
}
END_TEST

/* All that may be gathered fits into what the program may take. */
START_TEST(as_much_as_there_may_be) {
        TEMPORARY_ROOT();
        Party ca = authority("CA"), leaf = signer("Leaf", &ca);
        Bytes table = signed_by(&leaf), der = certificate_der(&ca), list = {}, many = {};
        _cleanup_free_ char *text = malloc(MATERIAL_FILE_BYTES_MAX);
        char path[64];

        memset(text, '\n', MATERIAL_FILE_BYTES_MAX);
        for (unsigned i = 0; i < MATERIAL_FILES_MAX; i++) {
                _cleanup_fd_ int fd = -EBADF;

                snprintf(path, sizeof(path), "/etc/liveupdate/trust.d/%u.pem", i);
                fd = root_open(path);
                ck_assert_int_eq(write(fd, text, MATERIAL_FILE_BYTES_MAX), MATERIAL_FILE_BYTES_MAX);
        }
        put_list(&list, GUID_X509, der.data, der.size);
        while (many.size + list.size < sizeof(many.data) - 4)
                put(&many, list.data, list.size);
        variable_write("/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &many);
        ck_assert_int_eq(state_of(&table), SIGNATURE_VERIFIED);
}
END_TEST

UNIT_MAIN("trust-program", every_state, as_much_as_there_may_be)
