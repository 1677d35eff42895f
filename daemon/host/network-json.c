/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A captured network on its way to a successor of this process: what the kernel said, in hexadecimal. */

#include <errno.h>
#include <string.h>

#include "basic/json.h"
#include "host/network-internal.h"

#define INTERFACES_MAX 4096U
#define SYSCTLS_MAX 1024U

static const char *const table_names[] = {
        [NETWORK_LINKS] = "links",
        [NETWORK_ADDRESSES] = "addresses",
        [NETWORK_NEXTHOPS] = "nexthops",
        [NETWORK_ROUTES] = "routes",
        [NETWORK_NEIGHBOURS] = "neighbours",
        [NETWORK_FDB] = "fdb",
        [NETWORK_VLANS] = "vlans",
        [NETWORK_MDB] = "mdb",
        [NETWORK_RULES] = "rules",
        [NETWORK_QDISCS] = "qdiscs",
        [NETWORK_FILTERS] = "filters",
};
_Static_assert(ELEMENTSOF(table_names) == _NETWORK_TABLE_MAX, "one for each");

/* to JSON */

static json_object *bytes_to_json(const unsigned char *bytes, size_t size) {
        static const char digits[] = "0123456789abcdef";
        _cleanup_free_ char *text = malloc(size * 2 + 1);

        if (!text)
                return NULL;
        for (size_t i = 0; i < size; i++) {
                text[i * 2] = digits[bytes[i] >> 4];
                text[i * 2 + 1] = digits[bytes[i] & 0xf];
        }
        return json_object_new_string_len(text, (int) (size * 2));
}

static json_object *settings_to_json(const NetworkInterface *interface) {
        _cleanup_json_ json_object *o = json_object_new_object();

        for (EthtoolSetting setting = 0; o && setting < _SETTING_MAX; setting++) {
                const EthtoolValue *value = &interface->settings[setting];
                const char *name = ethtool_setting_name(setting);

                if (value->size > 0 && json_add(o, name, bytes_to_json(value->bytes, value->size)) < 0)
                        return NULL;
        }
        return TAKE_PTR(o);
}

static json_object *sysctls_to_json(const NetworkInterface *interface) {
        _cleanup_json_ json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < interface->n_sysctls; i++) {
                json_object *text = json_object_new_string(interface->sysctls[i]);

                if (!text || json_object_array_add(list, text) < 0) {
                        json_object_put(text);
                        return NULL;
                }
        }
        return TAKE_PTR(list);
}

static json_object *interface_to_json(const NetworkInterface *interface) {
        _cleanup_json_ json_object *o = json_object_new_object();

        if (!o || json_add_u64(o, "index", interface->index) < 0 ||
                        json_add_string(o, "device", interface->device) < 0 ||
                        json_add_u64(o, "port", interface->port) < 0 ||
                        json_add(o, "settings", settings_to_json(interface)) < 0 ||
                        json_add(o, "sysctls", sysctls_to_json(interface)) < 0)
                return NULL;
        return TAKE_PTR(o);
}

json_object *network_to_json(const Network *network) {
        _cleanup_json_ json_object *o = json_object_new_object(), *list = json_object_new_array();

        if (!o || !list || json_add_u64(o, "capturedUSec", network->captured_usec) < 0)
                return NULL;
        for (NetworkTable table = 0; table < _NETWORK_TABLE_MAX; table++) {
                const Messages *messages = &network->tables[table];

                if (json_add(o, table_names[table], bytes_to_json(messages->data, messages->size)) < 0)
                        return NULL;
        }
        for (size_t i = 0; i < network->n_interfaces; i++) {
                json_object *item = interface_to_json(&network->interfaces[i]);

                if (!item || json_object_array_add(list, item) < 0) {
                        json_object_put(item);
                        return NULL;
                }
        }
        return json_add(o, "interfaces", TAKE_PTR(list)) < 0 ? NULL : TAKE_PTR(o);
}

/* from JSON */

static int digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `ret` has room for strlen(text) / 2. */
static bool bytes_from_text(const char *text, unsigned char *ret) {
        for (; *text; text += 2, ret++) {
                int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

                if (low < 0)
                        return false;
                *ret = (unsigned char) (high << 4 | low);
        }
        return true;
}

static int table_from_json(json_object *o, NetworkTable table, Messages *ret) {
        const char *text;
        int r = json_get_string(o, table_names[table], &text);

        if (r == -ENOENT && table > NETWORK_FDB) /* of a version that did not know of it */
                return 0;
        if (r < 0)
                return -EBADMSG;
        ret->size = ret->allocated = strlen(text) / 2;
        if (ret->size == 0)
                return *text ? -EBADMSG : 0;
        if (ret->size > NETWORK_BYTES_MAX)
                return -EBADMSG;
        ret->data = malloc(ret->size);
        if (!ret->data)
                return -ENOMEM;
        return bytes_from_text(text, ret->data) && messages_are_of(ret, table) ? 0 : -EBADMSG;
}

static int settings_from_json(json_object *o, NetworkInterface *interface) {
        for (EthtoolSetting setting = 0; setting < _SETTING_MAX; setting++) {
                EthtoolValue *value = &interface->settings[setting];
                const char *text;
                int r = json_get_string(o, ethtool_setting_name(setting), &text);

                if (r == -ENOENT)
                        continue;
                if (r < 0 || strlen(text) / 2 > sizeof(value->bytes))
                        return -EBADMSG;
                value->size = strlen(text) / 2;
                if (!bytes_from_text(text, value->bytes) || !ethtool_value_is_sound(setting, value))
                        return -EBADMSG;
        }
        return 0;
}

static int sysctls_from_json(json_object *list, NetworkInterface *interface) {
        size_t n = json_object_array_length(list);

        if (n > SYSCTLS_MAX)
                return -EBADMSG;
        interface->sysctls = calloc(n + 1, sizeof(char *));
        if (!interface->sysctls)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                json_object *item = json_object_array_get_idx(list, i);

                if (!json_object_is_type(item, json_type_string) || !sysctl_is_sound(json_object_get_string(item)))
                        return -EBADMSG;
                interface->sysctls[i] = strdup(json_object_get_string(item));
                if (!interface->sysctls[i])
                        return -ENOMEM;
                interface->n_sysctls++;
        }
        return 0;
}

static int interface_from_json(json_object *o, NetworkInterface *ret) {
        json_object *settings, *sysctls;
        uint64_t index, port;
        const char *device = NULL;
        int r;

        if (json_get_u64(o, "index", &index) < 0 || index == 0 || index > INT32_MAX ||
                        json_get_string(o, "device", &device) == -EBADMSG || json_get_u64(o, "port", &port) < 0 ||
                        port > UINT32_MAX || json_get_object(o, "settings", &settings) < 0 ||
                        json_get_array(o, "sysctls", &sysctls) < 0)
                return -EBADMSG;
        ret->index = (unsigned) index;
        ret->port = (unsigned) port;
        if (device) {
                ret->device = strdup(device);
                if (!ret->device)
                        return -ENOMEM;
        }
        r = settings_from_json(settings, ret);
        return r < 0 ? r : sysctls_from_json(sysctls, ret);
}

static int interfaces_from_json(json_object *o, Network *network) {
        json_object *list;
        int r = 0;

        if (json_get_array(o, "interfaces", &list) < 0 || json_object_array_length(list) > INTERFACES_MAX)
                return -EBADMSG;
        network->interfaces = calloc(json_object_array_length(list) + 1, sizeof(*network->interfaces));
        if (!network->interfaces)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++) /* counted first, so that it is freed */
                r = interface_from_json(json_object_array_get_idx(list, i),
                                &network->interfaces[network->n_interfaces++]);
        return r;
}

int network_from_json(json_object *o, Network **ret) {
        _cleanup_(network_freep) Network *network = calloc(1, sizeof(*network));
        int r = 0;

        if (!network)
                return -ENOMEM;
        if (json_get_u64(o, "capturedUSec", &network->captured_usec) < 0)
                return -EBADMSG;
        for (NetworkTable table = 0; r >= 0 && table < _NETWORK_TABLE_MAX; table++)
                r = table_from_json(o, table, &network->tables[table]);
        if (r >= 0)
                r = interfaces_from_json(o, network);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(network);
        return 0;
}
