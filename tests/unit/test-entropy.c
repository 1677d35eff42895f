/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "basic/io.h"
#include "host/entropy.h"
#include "unit.h"

static int memfd;

static void setup(void) {
        ck_assert_int_eq(memfd_new_with("seed", NULL, 4096, &memfd), 0);
}

static void teardown(void) {
        close(memfd);
}

static void contents(unsigned char bytes[4096]) {
        ck_assert_int_eq(pread(memfd, bytes, 4096, 0), 4096);
}

static bool is_zero(void) {
        unsigned char bytes[4096];

        contents(bytes);
        for (size_t i = 0; i < sizeof(bytes); i++)
                if (bytes[i] != 0)
                        return false;
        return true;
}

/* The kernel credits it for root, and mixes it in for others. */
static bool is_used(int r) {
        return r == 0 || r == -EPERM;
}

START_TEST(is_used_once) {
        ck_assert_int_eq(entropy_draw(memfd), 0);
        ck_assert(!is_zero());
        ck_assert(is_used(entropy_use(memfd)));
        ck_assert(is_zero());
        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
}
END_TEST

START_TEST(is_drawn_anew_each_time) {
        unsigned char first[4096], second[4096];

        ck_assert_int_eq(entropy_draw(memfd), 0);
        contents(first);
        ck_assert_int_eq(entropy_draw(memfd), 0);
        contents(second);
        ck_assert_mem_eq(first, second, ENTROPY_FILE_BYTES - ENTROPY_BYTES); /* the mark */
        ck_assert_mem_ne(first, second, ENTROPY_FILE_BYTES);
        for (size_t i = 0; i < ENTROPY_BYTES; i += 16) /* all of it */
                ck_assert_mem_ne(first + 8 + i, second + 8 + i, 16);
        ck_assert_mem_eq(first + ENTROPY_FILE_BYTES, second + ENTROPY_FILE_BYTES, 4096 - ENTROPY_FILE_BYTES);
}
END_TEST

START_TEST(can_be_wiped) {
        ck_assert_int_eq(entropy_draw(memfd), 0);
        ck_assert_int_eq(entropy_wipe(memfd), 0);
        ck_assert(is_zero());
        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
}
END_TEST

START_TEST(is_not_what_is_unmarked) {
        unsigned char bytes[4096];

        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
        ck_assert_int_eq(ftruncate(memfd, 0), 0);
        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
        ck_assert_int_eq(ftruncate(memfd, 4096), 0);
        ck_assert_int_eq(entropy_draw(memfd), 0);
        contents(bytes);
        bytes[0] ^= 1;
        ck_assert_int_eq(pwrite(memfd, bytes, 1, 0), 1);
        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
        /* As if drawing it had been cut short before the mark. */
        ck_assert_int_eq(entropy_draw(memfd), 0);
        ck_assert_int_eq(ftruncate(memfd, ENTROPY_FILE_BYTES - 1), 0);
        ck_assert_int_eq(entropy_use(memfd), -ENODATA);
}
END_TEST

START_TEST(is_not_used_if_it_cannot_be_wiped) {
        unsigned char before[4096], after[4096];

        ck_assert_int_eq(entropy_draw(memfd), 0);
        contents(before);
        ck_assert_int_eq(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE), 0);
        ck_assert_int_eq(entropy_use(memfd), -EACCES);
        contents(after);
        ck_assert_mem_eq(before, after, sizeof(before));
        ck_assert_int_lt(entropy_wipe(memfd), 0);
        ck_assert_int_lt(entropy_draw(memfd), 0);
}
END_TEST

#define N_TAKERS 8

static atomic_int n_got;
static pthread_barrier_t barrier;

static void *take(void *data) {
        pthread_barrier_wait(&barrier);
        if (entropy_use(memfd) != -ENODATA)
                atomic_fetch_add(&n_got, 1);
        return NULL;
}

START_TEST(goes_to_one_of_several) {
        for (unsigned round = 0; round < 50; round++) {
                pthread_t threads[N_TAKERS];

                atomic_store(&n_got, 0);
                ck_assert_int_eq(entropy_draw(memfd), 0);
                pthread_barrier_init(&barrier, NULL, N_TAKERS);
                for (size_t i = 0; i < N_TAKERS; i++)
                        ck_assert_int_eq(pthread_create(&threads[i], NULL, take, NULL), 0);
                for (size_t i = 0; i < N_TAKERS; i++)
                        pthread_join(threads[i], NULL);
                pthread_barrier_destroy(&barrier);
                ck_assert_int_eq(atomic_load(&n_got), 1);
                ck_assert(is_zero());
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("entropy");
        TCase *cases = tcase_create("entropy");

        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, is_used_once);
        tcase_add_test(cases, is_drawn_anew_each_time);
        tcase_add_test(cases, can_be_wiped);
        tcase_add_test(cases, is_not_what_is_unmarked);
        tcase_add_test(cases, is_not_used_if_it_cannot_be_wiped);
        tcase_add_test(cases, goes_to_one_of_several);
        suite_add_tcase(suite, cases);
        return unit_run(suite);
}
