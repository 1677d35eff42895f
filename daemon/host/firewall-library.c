/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "basic/cleanup.h"
#include "basic/log.h"
#include "host/firewall-library.h"

#define LIBRARY "libnftables.so.1"

/* nftables/libnftables.h, as far as it is used. */
#define NFT_CTX_DEFAULT 0
#define NFT_CTX_OUTPUT_NUMERIC_TIME (1U << 10)
#define NFT_CTX_INPUT_NO_DNS (1U << 0)

typedef struct Context Context; /* struct nft_ctx */

struct Firewall {
        void *library;
        Context *context;
        char error[256];

        Context *(*context_new)(uint32_t flags);
        void (*context_free)(Context *context);
        int (*buffer_output)(Context *context);
        const char *(*get_output)(Context *context);
        int (*buffer_error)(Context *context);
        const char *(*get_error)(Context *context);
        void (*set_output_flags)(Context *context, unsigned flags);
        void (*clear_include_paths)(Context *context);
        int (*run)(Context *context, const char *commands);
        unsigned (*set_input_flags)(Context *context, unsigned flags); /* since 1.0.8; NULL: not there */
};

static bool find_symbols(Firewall *f) {
        const struct {
                const char *name;
                void *to;
                bool is_optional;
        } symbols[] = {
                { "nft_ctx_new", &f->context_new },
                { "nft_ctx_free", &f->context_free },
                { "nft_ctx_buffer_output", &f->buffer_output },
                { "nft_ctx_get_output_buffer", &f->get_output },
                { "nft_ctx_buffer_error", &f->buffer_error },
                { "nft_ctx_get_error_buffer", &f->get_error },
                { "nft_ctx_output_set_flags", &f->set_output_flags },
                { "nft_ctx_clear_include_paths", &f->clear_include_paths },
                { "nft_run_cmd_from_buffer", &f->run },
                { "nft_ctx_input_set_flags", &f->set_input_flags, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(symbols); i++) {
                void *symbol = dlsym(f->library, symbols[i].name);

                if (!symbol && !symbols[i].is_optional) {
                        log_warning("%s has no %s: firewall rules are not carried.", LIBRARY, symbols[i].name);
                        return false;
                }
                memcpy(symbols[i].to, &symbol, sizeof(symbol));
        }
        return true;
}

/* The library ends the process where there is none (src/mnl.c, nft_mnl_socket_open()). */
static bool kernel_has_netfilter(void) {
        _cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

        return fd >= 0;
}

static int set_up(Firewall *f) {
        f->context = f->context_new(NFT_CTX_DEFAULT);
        if (!f->context || f->buffer_output(f->context) != 0 || f->buffer_error(f->context) != 0)
                return -ENOMEM;
        /* Times in seconds, which no time zone changes. */
        f->set_output_flags(f->context, NFT_CTX_OUTPUT_NUMERIC_TIME);
        f->clear_include_paths(f->context);
        if (f->set_input_flags)
                (void) f->set_input_flags(f->context, NFT_CTX_INPUT_NO_DNS);
        return 0;
}

int firewall_open(Firewall **ret) {
        _cleanup_(firewall_closep) Firewall *f = NULL;
        int r;

        if (!kernel_has_netfilter())
                return -EOPNOTSUPP;
        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        f->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        if (!f->library || !find_symbols(f))
                return -EOPNOTSUPP;
        r = set_up(f);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

Firewall *firewall_close(Firewall *f) {
        if (!f)
                return NULL;
        if (f->context)
                f->context_free(f->context);
        if (f->library)
                dlclose(f->library);
        free(f);
        return NULL;
}

int firewall_run(Firewall *f, const char *commands, const char **ret_output) {
        int r = f->run(f->context, commands);
        const char *error = f->get_error(f->context), *output = f->get_output(f->context);

        (void) snprintf(f->error, sizeof(f->error), "%.*s", error ? (int) strcspn(error, "\n") : 0, error ?: "");
        if (r != 0)
                return -EIO;
        if (ret_output)
                *ret_output = output ?: "";
        return 0;
}

const char *firewall_error(Firewall *f) {
        return f->error[0] ? f->error : "libnftables does not say why";
}
