/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "update/staged.h"

#define KERNEL_RELEASE_MAX 64U /* include/uapi/linux/utsname.h: __NEW_UTS_LEN */

static const struct {
        const char *key;
        size_t offset;
        bool is_required;
} strings[] = {
        { "origin",            offsetof(StagedKernel, origin),             true  },
        { "release",           offsetof(StagedKernel, release),            false },
        { "osRelease",         offsetof(StagedKernel, os_release),         false },
        { "profile",           offsetof(StagedKernel, profile),            false },
        { "sha256",            offsetof(StagedKernel, sha256),             false },
        { "commandLine",       offsetof(StagedKernel, command_line),       true  },
        { "commandLineAdded",  offsetof(StagedKernel, command_line_added), false },
};

static const struct {
        const char *key;
        size_t offset;
        bool is_optional; /* 0 is nothing to be told */
} numbers[] = {
        { "kernelBytes",  offsetof(StagedKernel, kernel_bytes),   false },
        { "initrdBytes",  offsetof(StagedKernel, initrd_bytes),   false },
        { "checksumUSec", offsetof(StagedKernel, checksum_usec),  true  },
        { "loadUSec",     offsetof(StagedKernel, load.load_usec), false },
        { "stagedUSec",   offsetof(StagedKernel, staged_usec),    false },
};

static const struct {
        const char *key;
        size_t offset;
        bool is_public;
} arrays[] = {
        { "addons",       offsetof(StagedKernel, addons),       true  },
        { "initrds",      offsetof(StagedKernel, initrds),      true  },
        { "findings",     offsetof(StagedKernel, findings),     false },
        { "measurements", offsetof(StagedKernel, measurements), false },
};

#define MEMBER(type, staged, offset) ((type *) (void *) ((char *) (staged) + (offset)))
#define CONST_MEMBER(type, staged, offset) ((type const *) (const void *) ((const char *) (staged) + (offset)))

StagedKernel *staged_kernel_new(void) {
        _cleanup_(staged_kernel_freep) StagedKernel *staged = calloc(1, sizeof(*staged));

        for (size_t i = 0; staged && i < ELEMENTSOF(arrays); i++) {
                json_object *array = json_object_new_array();

                if (!array)
                        return NULL;
                *MEMBER(json_object *, staged, arrays[i].offset) = array;
        }
        return TAKE_PTR(staged);
}

StagedKernel *staged_kernel_free(StagedKernel *staged) {
        if (!staged)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(*MEMBER(char *, staged, strings[i].offset));
        for (size_t i = 0; i < ELEMENTSOF(arrays); i++)
                json_object_put(*MEMBER(json_object *, staged, arrays[i].offset));
        free(staged->signer);
        free(staged->signature_detail);
        free(staged);
        return NULL;
}

bool kernel_release_is_valid(const char *release) {
        size_t n = strlen(release);

        if (n == 0 || n > KERNEL_RELEASE_MAX)
                return false;
        for (; *release; release++)
                if (!isgraph((unsigned char) *release) || *release == '/')
                        return false;
        return true;
}

static json_object *signature_to_json(const StagedKernel *staged) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_string(o, "state", signature_state_to_string(staged->signature)) < 0 ||
                        json_add_string(o, "signer", staged->signer) < 0 ||
                        json_add_string(o, "detail", staged->signature_detail) < 0)
                return NULL;
        return TAKE_PTR(o);
}

static json_object *to_json(const StagedKernel *staged, bool is_record) {
        _cleanup_json_ json_object *o = json_object_new_object();
        int r = o ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(strings); i++)
                r = json_add_string(o, strings[i].key, *CONST_MEMBER(char *, staged, strings[i].offset));
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++) {
                uint64_t value = *CONST_MEMBER(uint64_t, staged, numbers[i].offset);

                if (value > 0 || !numbers[i].is_optional)
                        r = json_add_u64(o, numbers[i].key, value);
        }
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(arrays); i++)
                if (is_record || arrays[i].is_public)
                        r = json_add(o, arrays[i].key,
                                        json_object_get(*CONST_MEMBER(json_object *, staged, arrays[i].offset)));
        if (r < 0 || json_add_string(o, "kind", image_kind_to_string(staged->kind)) < 0 ||
                        json_add(o, "signature", signature_to_json(staged)) < 0 ||
                        json_add_string(o, "commandLineOrigin",
                                        command_line_origin_to_string(staged->command_line_origin)) < 0 ||
                        json_add_string(o, "checksumSkip", checksum_skip_to_string(staged->load.checksum_skip)) < 0 ||
                        json_add_string(o, "checksumSkipEvidence", staged->load.evidence) < 0 ||
                        json_add_bool(o, "automatic", staged->is_automatic) < 0)
                return NULL;
        return TAKE_PTR(o);
}

json_object *staged_kernel_to_json(const StagedKernel *staged) {
        return to_json(staged, false);
}

json_object *staged_kernel_to_record(const StagedKernel *staged) {
        _cleanup_json_ json_object *o = to_json(staged, true);

        if (!o || (staged->load.calls_left != KEXEC_CALLS_UNKNOWN &&
                                  json_add_u64(o, "kexecCallsLeft", staged->load.calls_left) < 0))
                return NULL;
        return TAKE_PTR(o);
}

static int copy_string(json_object *o, const char *key, bool is_required, char **ret) {
        const char *s;
        int r = json_get_string(o, key, &s);

        if (r == -ENOENT && !is_required)
                return 0;
        if (r < 0)
                return -EBADMSG;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int take_array(json_object *o, const char *key, json_object **member) {
        json_object *array;

        if (json_get_array(o, key, &array) < 0)
                return -EBADMSG;
        json_object_put(*member);
        *member = json_object_get(array);
        return 0;
}

static int take_tables(json_object *o, StagedKernel *staged) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(strings); i++)
                r = copy_string(o, strings[i].key, strings[i].is_required,
                                MEMBER(char *, staged, strings[i].offset));
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(numbers); i++) {
                r = json_get_u64(o, numbers[i].key, MEMBER(uint64_t, staged, numbers[i].offset));
                if (r == -ENOENT && numbers[i].is_optional)
                        r = 0;
        }
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(arrays); i++)
                r = take_array(o, arrays[i].key, MEMBER(json_object *, staged, arrays[i].offset));
        return r;
}

static int take_signature(json_object *o, StagedKernel *staged) {
        json_object *signature;
        const char *state;
        int r;

        if (json_get_object(o, "signature", &signature) < 0 || json_get_string(signature, "state", &state) < 0)
                return -EBADMSG;
        r = signature_state_from_string(state);
        if (r < 0)
                return -EBADMSG;
        staged->signature = (SignatureState) r;
        r = copy_string(signature, "signer", false, &staged->signer);
        return r < 0 ? r : copy_string(signature, "detail", false, &staged->signature_detail);
}

static int take_enums(json_object *o, StagedKernel *staged) {
        const char *kind, *origin, *skip, *evidence;
        int k, c;

        if (json_get_string(o, "kind", &kind) < 0 || json_get_string(o, "commandLineOrigin", &origin) < 0 ||
                        json_get_string(o, "checksumSkip", &skip) < 0 ||
                        json_get_string(o, "checksumSkipEvidence", &evidence) < 0)
                return -EBADMSG;
        k = image_kind_from_string(kind);
        c = command_line_origin_from_string(origin);
        if (k < 0 || c < 0)
                return -EBADMSG;
        staged->kind = (ImageKind) k;
        staged->command_line_origin = (CommandLineOrigin) c;
        staged->load.checksum_skip = checksum_skip_from_string(skip);
        snprintf(staged->load.evidence, sizeof(staged->load.evidence), "%s", evidence);
        return 0;
}

static int take_calls(json_object *o, StagedKernel *staged) {
        int r = json_get_u64(o, "kexecCallsLeft", &staged->load.calls_left);

        if (r == -ENOENT)
                staged->load.calls_left = KEXEC_CALLS_UNKNOWN;
        return r == -ENOENT ? 0 : r;
}

int staged_kernel_from_record(json_object *o, StagedKernel **ret) {
        _cleanup_(staged_kernel_freep) StagedKernel *staged = staged_kernel_new();

        if (!staged)
                return -ENOMEM;
        if (take_tables(o, staged) < 0 || take_signature(o, staged) < 0 || take_enums(o, staged) < 0 ||
                        take_calls(o, staged) < 0 || json_get_bool(o, "automatic", &staged->is_automatic) < 0)
                return -EBADMSG;
        *ret = TAKE_PTR(staged);
        return 0;
}
