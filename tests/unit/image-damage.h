/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole images, each damaged in one place, and the one error it must be refused with. With $LIVEUPDATE_TEST_CORPUS they
 * are written there too: seeds for fuzz-image, once a byte is put before each that says "a file". */

#include <fcntl.h>

#include "image-build.h"
#include "image/image.h"
#include "unit.h"

typedef struct Damage {
        const char *name;
        size_t at, width; /* width 0: cut off there */
        uint64_t value;
        ImageError error;
} Damage;

static inline void corpus_write(const char *name, const Blob *blob) {
        const char *directory = getenv("LIVEUPDATE_TEST_CORPUS");
        _cleanup_free_ char *path = NULL;
        _cleanup_fd_ int fd = -EBADF;

        if (!directory)
                return;
        ck_assert_int_gt(asprintf(&path, "%s/%s", directory, name), 0);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write_full(fd, blob->data, blob->size), 0);
}

static inline int look_blob(const Blob *blob, const char *profile, Image **ret) {
        _cleanup_free_ char *detail = NULL;
        _cleanup_fd_ int fd = blob_fd(blob);
        int r = image_look(fd, profile, ret, &detail);

        ck_assert_msg(r <= 0 || detail || r == IMAGE_E_EMPTY, "%i has no detail", r);
        return r;
}

static inline void assert_refused(const char *name, const Blob *blob, ImageError error) {
        Image *image = NULL;
        int r;

        corpus_write(name, blob);
        r = look_blob(blob, NULL, &image);
        ck_assert_msg(r == (int) error, "%s: %i %s, not %s", name, r, image_error_to_string((ImageError) r),
                        image_error_to_string(error));
        ck_assert_ptr_null(image);
}

static inline void blob_damaged(Blob *blob, void (*build)(Blob *), const Damage *damage) {
        build(blob);
        if (damage->width)
                blob_put(blob, damage->at, damage->value, damage->width);
        else
                blob->size = damage->at;
}

static inline void assert_damages(const char *whole, void (*build)(Blob *), const Damage *damages, size_t n) {
        Image *image = NULL;
        static Blob blob;

        build(&blob);
        corpus_write(whole, &blob);
        ck_assert_int_eq(look_blob(&blob, NULL, &image), 0);
        image_free(image);

        for (size_t i = 0; i < n; i++) {
                blob_damaged(&blob, build, &damages[i]);
                assert_refused(damages[i].name, &blob, damages[i].error);
        }
}
