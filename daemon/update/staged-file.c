/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known of the staged kernel, kept in /run: the kernel keeps the image through a restart of the daemon, but not
 * where it came from. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/io.h"
#include "basic/json.h"
#include "basic/log.h"
#include "update/manager.h"
#include "update/staged.h"

#define STAGED_PATH LIVEUPDATE_RUNTIME_DIRECTORY "/staged.json"
#define STAGED_BYTES_MAX (256U * 1024)

void staged_kernel_save(const StagedKernel *staged) {
        _cleanup_json_ json_object *o = staged_kernel_to_record(staged);
        int r = -ENOMEM;

        if (o)
                r = write_file_atomic(STAGED_PATH, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), 0644);
        if (r < 0)
                log_warning_errno(r, "A restart of this daemon will forget what is staged, cannot write " STAGED_PATH
                                     ": %m");
}

void staged_kernel_forget(void) {
        (void) unlink(STAGED_PATH);
}

int staged_kernel_load(StagedKernel **ret) {
        _cleanup_json_ json_object *o = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = read_file_at(AT_FDCWD, STAGED_PATH, STAGED_BYTES_MAX, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r >= 0)
                r = json_parse_object(text, size, &o);
        if (r >= 0)
                r = staged_kernel_from_record(o, ret);
        if (r < 0)
                return log_warning_errno(r, "Cannot read what is staged in " STAGED_PATH ", stage it anew: %m");
        if (kexec_is_loaded() > 0)
                return 0;
        log_warning("%s was staged, but somebody unloaded it. Stage it anew.", (*ret)->release ?: "A kernel");
        *ret = staged_kernel_free(*ret);
        staged_kernel_forget();
        return -ENOENT;
}
