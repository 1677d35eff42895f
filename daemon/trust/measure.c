/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "basic/json.h"
#include "ipc/varlink.h"
#include "trust/measure.h"

#define TPM_VERSION "/sys/class/tpm/tpm0/tpm_version_major"
#define TPM_VERSION_BYTES_MAX 16

static bool has_tpm2(const char *root) {
        _cleanup_free_ char *path = NULL, *version = NULL;

        if (asprintf(&path, "%s" TPM_VERSION, root) < 0)
                return false;
        if (read_file_at(AT_FDCWD, path, TPM_VERSION_BYTES_MAX, &version, NULL) < 0)
                return false;
        return strcmp(version, "2\n") == 0;
}

static bool has_socket(const char *root) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (asprintf(&path, "%s" MEASURE_SOCKET, root) < 0)
                return false;
        return stat(path, &st) >= 0 && S_ISSOCK(st.st_mode);
}

bool measure_is_possible(const char *root, const char **ret_why) {
        if (!has_tpm2(root))
                *ret_why = "this machine has no TPM2";
        /* systemd, units/systemd-pcrextend.socket: ConditionSecurity=measured-uki */
        else if (!has_socket(root))
                *ret_why = "systemd-pcrextend.socket is not there, as it is only where a UKI's stub has measured the "
                           "running kernel, too";
        else
                return true;
        return false;
}

/* systemd's tools tell an errno by name beside io.systemd.System. */
static char *service_word(const VarlinkReply *reply) {
        const char *name;
        char *word;

        if (json_get_string(reply->parameters, "errnoName", &name) < 0)
                return strdup(reply->error);
        return asprintf(&word, "%s: %s", reply->error, name) < 0 ? NULL : word;
}

int measure_extend(const char *socket, unsigned pcr, const char *text, uint64_t timeout_usec, char **ret_error) {
        _cleanup_(varlink_client_freep) VarlinkClient *client = NULL;
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r;

        if (!parameters || json_add_u64(parameters, "pcr", pcr) < 0 || json_add_string(parameters, "text", text) < 0)
                return -ENOMEM;
        r = varlink_client_connect(socket, &client);
        if (r < 0)
                return r;
        varlink_client_set_timeout(client, timeout_usec);
        r = varlink_client_send(client, "io.systemd.PCRExtend.Extend", TAKE_PTR(parameters), false, NULL, 0);
        if (r >= 0)
                r = varlink_client_receive(client, &reply);
        if (r < 0)
                return r;
        if (!reply.error)
                return 0;
        if (ret_error)
                *ret_error = service_word(&reply);
        return -EREMOTEIO;
}
