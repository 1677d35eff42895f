/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's half of looking at an image: an answer that was checked, and the small texts it points to. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "image/answer.h"
#include "image/text.h"

/* At most IMAGE_TEXT_BYTES_MAX; what is longer is longer than any of these texts may be. */
static int section_to_bytes(int fd, const ImageRange *range, char **ret, size_t *ret_size) {
        _cleanup_free_ char *data = NULL;
        size_t size = range->bytes < IMAGE_TEXT_BYTES_MAX ? range->bytes : IMAGE_TEXT_BYTES_MAX;
        ssize_t n;

        data = malloc(size + 1);
        if (!data)
                return -ENOMEM;
        n = pread(fd, data, size, (off_t) range->offset);
        if (n < 0)
                return -errno;
        if ((size_t) n != size)
                return IMAGE_E_TRUNCATED;

        data[size] = 0;
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* For texts the image does as well without: what is none stays NULL. */
static int text_take(int fd, const ImageRange *range, int (*read_text)(const char *, size_t, char **), char **ret) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;

        if (range->bytes == 0)
                return 0;
        r = section_to_bytes(fd, range, &data, &size);
        if (r != 0)
                return r;
        r = read_text(data, size, ret);
        return r == -EBADMSG ? 0 : r;
}

static int refuse(ImageError error, ImageSection section, const char *fault, char **ret_detail) {
        if (asprintf(ret_detail, "section %s %s", image_section_name(section), fault) < 0) {
                *ret_detail = NULL;
                return -ENOMEM;
        }
        return error;
}

static int cmdline_take(int fd, const ImageRange *range, Image *image, char **ret_detail) {
        _cleanup_free_ char *data = NULL;
        const char *fault;
        size_t size = 0;
        int r;

        if (range->bytes == 0)
                return 0;
        r = section_to_bytes(fd, range, &data, &size);
        if (r != 0)
                return r;
        r = text_cmdline(data, size, &image->cmdline, &fault);
        return r == -EBADMSG ? refuse(IMAGE_E_CMDLINE, IMAGE_SECTION_CMDLINE, fault, ret_detail) : r;
}

/* Revocations go by it: one that cannot be read is not the same as none. */
static int sbat_take(int fd, const ImageRange *range, Image *image, char **ret_detail) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;

        if (range->bytes == 0)
                return 0;
        if (range->bytes > IMAGE_TEXT_BYTES_MAX)
                return refuse(IMAGE_E_SBAT, IMAGE_SECTION_SBAT, "is longer than 64 KiB", ret_detail);
        r = section_to_bytes(fd, range, &data, &size);
        if (r != 0)
                return r;
        r = text_sbat(data, size, &image->sbat);
        return r == -EBADMSG ? refuse(IMAGE_E_SBAT, IMAGE_SECTION_SBAT, "is not text", ret_detail) : r;
}

/* The kernel's own header comes first: it is what will run, and `uname -r` will say so, whatever .uname claims. */
static int release_take(int fd, const ImageAnswer *answer, Image *image) {
        if (!answer->release[0])
                return text_take(fd, &answer->sections[IMAGE_SECTION_UNAME], text_release, &image->release);
        image->release = strdup(answer->release);
        return image->release ? 0 : -ENOMEM;
}

static int profiles_take(int fd, const ImageAnswer *answer, Image *image) {
        if (answer->n_profiles == 0)
                return 0;
        image->profiles = calloc(answer->n_profiles, sizeof(*image->profiles));
        if (!image->profiles)
                return -ENOMEM;
        image->n_profiles = answer->n_profiles;

        for (size_t i = 0; i < image->n_profiles; i++) {
                int r;

                r = text_take(fd, &answer->profiles[i], text_profile_id, &image->profiles[i].id);
                if (r != 0)
                        return r;
                r = text_take(fd, &answer->profiles[i], text_profile_title, &image->profiles[i].title);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int texts_take(int fd, const ImageAnswer *answer, Image *image, char **ret_detail) {
        const ImageRange *sections = answer->sections;
        int r;

        r = cmdline_take(fd, &sections[IMAGE_SECTION_CMDLINE], image, ret_detail);
        if (r != 0)
                return r;
        r = sbat_take(fd, &sections[IMAGE_SECTION_SBAT], image, ret_detail);
        if (r != 0)
                return r;
        r = release_take(fd, answer, image);
        if (r != 0)
                return r;
        r = text_take(fd, &sections[IMAGE_SECTION_UNAME], text_uname, &image->uname);
        if (r != 0)
                return r;
        r = text_take(fd, &sections[IMAGE_SECTION_OSREL], text_pretty_name, &image->os_release);
        if (r != 0)
                return r;
        return profiles_take(fd, answer, image);
}

int image_new_from_answer(int fd, uint64_t file_bytes, const ImageAnswer *answer, Image **ret, char **ret_detail) {
        _cleanup_(image_freep) Image *image = NULL;
        int r;

        image = calloc(1, sizeof(*image));
        if (!image)
                return -ENOMEM;
        image->kind = (ImageKind) answer->kind;
        image->file_bytes = file_bytes;
        memcpy(image->sections, answer->sections, sizeof(image->sections));
        image->profile = answer->profile;
        image->boot = answer->boot;
        image->signing = answer->signing;
        if (answer->compression[0]) {
                image->compression = strdup(answer->compression);
                if (!image->compression)
                        return -ENOMEM;
        }
        r = texts_take(fd, answer, image, ret_detail);
        if (r != 0)
                return r;

        *ret = TAKE_PTR(image);
        return 0;
}
