/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in a kernel, as a process tells that hostile contents may have taken over: its answer is checked like any
 * other input. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "inspect/inspect.h"
#include "inspect/process.h"

#define TIMEOUT_USEC (120 * UINT64_C(1000000))
#define TEXT_BYTES_MAX 1023U
#define NAME_BYTES_MAX 47U /* LIVEUPDATE_HNDL_COMPAT_LENGTH - 1 of include/linux/kho/abi/luo.h */
#define NAMES_MAX 256U

struct Inspection {
        InspectProcess *process;
};

int inspect_kernel_start(int fd, uint64_t payload_offset, uint64_t payload_bytes, Inspection **ret) {
        _cleanup_(inspection_freep) Inspection *inspection = calloc(1, sizeof(*inspection));
        _cleanup_json_ json_object *request = json_object_new_object();
        int r;

        if (!inspection || !request || json_add_u64(request, "offset", payload_offset) < 0 ||
                        json_add_u64(request, "bytes", payload_bytes) < 0)
                return -ENOMEM;
        r = inspect_process_start("kernel", TAKE_PTR(request), &fd, 1, TIMEOUT_USEC, &inspection->process);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(inspection);
        return 0;
}

Inspection *inspection_free(Inspection *inspection) {
        if (!inspection)
                return NULL;
        inspect_process_free(inspection->process);
        free(inspection);
        return NULL;
}

KernelContents *kernel_contents_free(KernelContents *contents) {
        if (!contents)
                return NULL;
        for (size_t i = 0; i < contents->n_abi; i++)
                free(contents->abi[i]);
        free(contents->abi);
        free(contents->compression);
        free(contents->banner);
        free(contents);
        return NULL;
}

/* One line of printable ASCII. */
static int copy_text(const char *text, size_t max, char **ret) {
        size_t length = strlen(text);

        if (length == 0 || length > max)
                return -EPROTO;
        for (size_t i = 0; i < length; i++)
                if (text[i] < ' ' || text[i] > '~')
                        return -EPROTO;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int copy_member(json_object *answer, const char *key, char **ret) {
        const char *text;
        int r = json_get_string(answer, key, &text);

        return r < 0 ? r : copy_text(text, TEXT_BYTES_MAX, ret);
}

static int copy_abi(json_object *answer, KernelContents *contents) {
        json_object *names;
        size_t n;

        if (json_get_array(answer, "abi", &names) < 0)
                return -EPROTO;
        n = json_object_array_length(names);
        if (n > NAMES_MAX)
                return -EPROTO;
        contents->abi = calloc(n + 1, sizeof(char *));
        if (!contents->abi)
                return -ENOMEM;
        for (; contents->n_abi < n; contents->n_abi++) {
                json_object *name = json_object_array_get_idx(names, contents->n_abi);
                int r;

                if (!json_object_is_type(name, json_type_string) ||
                                strlen(json_object_get_string(name)) != (size_t) json_object_get_string_len(name))
                        return -EPROTO;
                r = copy_text(json_object_get_string(name), NAME_BYTES_MAX, &contents->abi[contents->n_abi]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int contents_from_answer(json_object *answer, KernelContents **ret) {
        _cleanup_(kernel_contents_freep) KernelContents *contents = calloc(1, sizeof(*contents));
        int r;

        if (!contents)
                return -ENOMEM;
        r = copy_member(answer, "compression", &contents->compression);
        if (r >= 0) {
                r = copy_member(answer, "banner", &contents->banner);
                r = r == -ENOENT ? 0 : r;
        }
        if (r >= 0)
                r = copy_abi(answer, contents);
        if (r >= 0)
                r = json_get_bool(answer, "liveupdate", &contents->has_liveupdate);
        if (r >= 0)
                r = json_get_bool(answer, "checksumSkip", &contents->has_checksum_skip);
        if (r < 0)
                return r == -ENOMEM ? r : -EPROTO;
        *ret = TAKE_PTR(contents);
        return 0;
}

int inspect_kernel_wait(Inspection *inspection, KernelContents **ret, char **ret_detail) {
        _cleanup_json_ json_object *answer = NULL;
        int r;

        *ret_detail = NULL;
        r = inspect_process_wait(inspection->process, &answer);
        if (r >= 0)
                return contents_from_answer(answer, ret);
        if (answer && copy_member(answer, "detail", ret_detail) == -ENOMEM)
                return -ENOMEM;
        return r;
}
