/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ethtool(8) sets, by ioctl: every kernel has it, on any socket (net/socket.c, sock_ioctl()). A value is kept as
 * the kernel hands it out, which is also how it takes it back, but for features. */

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "host/network-internal.h"

/* 32 bits each; the kernel has 2 by now. */
#define FEATURE_BLOCKS_MAX ((ETHTOOL_SETTING_MAX - sizeof(struct ethtool_gfeatures)) /                       \
                            sizeof(struct ethtool_get_features_block))

/* In the order in which they are set: queues before what is set for each of them. */
static const struct {
        const char *name;
        uint32_t get, set;
        size_t size;
} settings[] = {
        [SETTING_PRIVATE_FLAGS] = { "private flags", ETHTOOL_GPFLAGS, ETHTOOL_SPFLAGS, sizeof(struct ethtool_value) },
        [SETTING_CHANNELS] = { "channels", ETHTOOL_GCHANNELS, ETHTOOL_SCHANNELS, sizeof(struct ethtool_channels) },
        [SETTING_RINGS] = { "rings", ETHTOOL_GRINGPARAM, ETHTOOL_SRINGPARAM, sizeof(struct ethtool_ringparam) },
        [SETTING_COALESCE] = { "coalescing", ETHTOOL_GCOALESCE, ETHTOOL_SCOALESCE, sizeof(struct ethtool_coalesce) },
        [SETTING_PAUSE] = { "pause frames", ETHTOOL_GPAUSEPARAM, ETHTOOL_SPAUSEPARAM,
                        sizeof(struct ethtool_pauseparam) },
        [SETTING_FEATURES] = { "features", ETHTOOL_GFEATURES, ETHTOOL_SFEATURES, 0 },
        [SETTING_WAKE_ON_LAN] = { "wake on LAN", ETHTOOL_GWOL, ETHTOOL_SWOL, sizeof(struct ethtool_wolinfo) },
};
_Static_assert(ELEMENTSOF(settings) == _SETTING_MAX, "one for each");

static size_t features_size(uint32_t n) {
        return sizeof(struct ethtool_gfeatures) + n * sizeof(struct ethtool_get_features_block);
}

const char *ethtool_setting_name(EthtoolSetting setting) {
        return settings[setting].name;
}

bool ethtool_value_is_sound(EthtoolSetting setting, const EthtoolValue *value) {
        struct ethtool_gfeatures head;

        if (setting != SETTING_FEATURES)
                return value->size == settings[setting].size;
        if (value->size < sizeof(head))
                return false;
        memcpy(&head, value->bytes, sizeof(head));
        return head.size <= FEATURE_BLOCKS_MAX && value->size == features_size(head.size);
}

static int ethtool_ioctl(int fd, const char *name, void *data) {
        struct ifreq request = { .ifr_data = data };
        int r;

        strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
        r = ioctl(fd, SIOCETHTOOL, &request);
        return r < 0 ? -errno : r;
}

static int read_one(int fd, const char *name, EthtoolSetting setting, EthtoolValue *ret) {
        struct ethtool_gfeatures head = { .cmd = settings[setting].get, .size = FEATURE_BLOCKS_MAX };
        int r;

        *ret = (EthtoolValue) {};
        memcpy(ret->bytes, &head, setting == SETTING_FEATURES ? sizeof(head) : sizeof(head.cmd));
        r = ethtool_ioctl(fd, name, ret->bytes);
        if (r < 0)
                return r;
        if (setting == SETTING_FEATURES) {
                memcpy(&head, ret->bytes, sizeof(head));
                ret->size = head.size <= FEATURE_BLOCKS_MAX ? features_size(head.size) : 0;
        } else
                ret->size = settings[setting].size;
        return 0;
}

void ethtool_read(int fd, const char *name, EthtoolValue values[static _SETTING_MAX]) {
        for (EthtoolSetting setting = 0; setting < _SETTING_MAX; setting++)
                if (read_one(fd, name, setting, &values[setting]) < 0)
                        values[setting].size = 0;
}

/* What of the features can be changed, and is asked for otherwise. What is active besides is the kernel's affair. */
static int restore_features(int fd, const char *name, const EthtoolValue *wanted, const EthtoolValue *now) {
        struct ethtool_sfeatures head = { .cmd = ETHTOOL_SFEATURES };
        EthtoolValue request = {};
        bool is_different = false;
        int r;

        if (wanted->size != now->size)
                return -EOPNOTSUPP;
        head.size = (uint32_t) ((wanted->size - features_size(0)) / sizeof(struct ethtool_get_features_block));
        memcpy(request.bytes, &head, sizeof(head));
        for (uint32_t i = 0; i < head.size; i++) {
                struct ethtool_get_features_block then, today;
                struct ethtool_set_features_block block;

                memcpy(&then, wanted->bytes + features_size(i), sizeof(then));
                memcpy(&today, now->bytes + features_size(i), sizeof(today));
                block.valid = today.available & (then.requested ^ today.requested);
                block.requested = then.requested & block.valid;
                memcpy(request.bytes + sizeof(head) + i * sizeof(block), &block, sizeof(block));
                is_different |= block.valid != 0;
        }
        if (!is_different)
                return 0;
        r = ethtool_ioctl(fd, name, request.bytes); /* positive where some depend on others (ETHTOOL_F_WISH) */
        return r < 0 ? r : 1;
}

bool ethtool_value_is_same(EthtoolSetting setting, const EthtoolValue *a, const EthtoolValue *b) {
        struct ethtool_pauseparam x, y;

        /* What was negotiated is nothing that was set, and is not known again before there is a carrier. */
        if (setting == SETTING_PAUSE) {
                memcpy(&x, a->bytes, sizeof(x));
                memcpy(&y, b->bytes, sizeof(y));
                if (x.autoneg && y.autoneg)
                        return true;
        }
        return memcmp(a->bytes + sizeof(uint32_t), b->bytes + sizeof(uint32_t),
                               settings[setting].size - sizeof(uint32_t)) == 0;
}

int ethtool_restore(int fd, const char *name, EthtoolSetting setting, const EthtoolValue *wanted) {
        EthtoolValue now, request = *wanted;
        int r;

        if (wanted->size == 0)
                return 0;
        r = read_one(fd, name, setting, &now);
        if (r < 0)
                return r == -EOPNOTSUPP ? 0 : r;
        if (setting == SETTING_FEATURES)
                return restore_features(fd, name, wanted, &now);
        if (ethtool_value_is_same(setting, &now, wanted))
                return 0;
        memcpy(request.bytes, &settings[setting].set, sizeof(uint32_t));
        r = ethtool_ioctl(fd, name, request.bytes);
        if (r == -EOPNOTSUPP)
                return 0;
        return r < 0 ? r : 1;
}
