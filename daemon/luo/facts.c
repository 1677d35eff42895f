/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "basic/io.h"
#include "luo/facts.h"

/* lib/kstrtox.c:kstrtobool(), which looks at no more than it needs: "yes", "Yup" and "1x" are all true. */
static Fact kernel_bool(const char *text, size_t size) {
        int c = size > 0 ? tolower((unsigned char) text[0]) : 0,
            d = size > 1 ? tolower((unsigned char) text[1]) : 0;

        if (c == 'e' || c == 'y' || c == 't' || c == '1' || (c == 'o' && d == 'n'))
                return FACT_YES;
        if (c == 'd' || c == 'n' || c == 'f' || c == '0' || (c == 'o' && d == 'f'))
                return FACT_NO;
        return FACT_UNKNOWN;
}

/* Where the word at `p` ends: white space within quotes belongs to it (lib/cmdline.c:next_arg()). */
static const char *word_end(const char *p) {
        for (bool quoted = false; *p && (quoted || !isspace((unsigned char) *p)); p++)
                if (*p == '"')
                        quoted = !quoted;
        return p;
}

Fact command_line_bool(const char *command_line, const char *name) {
        size_t name_size = strlen(name);
        Fact found = FACT_UNKNOWN;

        for (const char *p = command_line, *end; *p; p = end) {
                Fact value;

                if (isspace((unsigned char) *p)) {
                        end = p + 1;
                        continue;
                }
                end = word_end(p);
                /* What follows belongs to init (kernel/params.c:parse_args()). */
                if (end - p == 2 && p[0] == '-' && p[1] == '-')
                        break;
                if (*p == '"')
                        p++;
                if ((size_t) (end - p) <= name_size || strncmp(p, name, name_size) != 0 ||
                                p[name_size] != '=')
                        continue;
                p += name_size + 1;
                if (*p == '"')
                        p++;
                value = p < end ? kernel_bool(p, (size_t) (end - p)) : FACT_UNKNOWN;
                if (value != FACT_UNKNOWN)
                        found = value;
        }
        return found;
}

void luo_facts_from_symbols(FILE *symbols, LuoFacts *facts) {
        bool kho = false, luo = false, any = false;
        _cleanup_free_ char *line = NULL;
        size_t allocated = 0;

        while (!(kho && luo) && getline(&line, &allocated, symbols) > 0) {
                char *name = strchr(line, ' ');

                name = name ? strchr(name + 1, ' ') : NULL;
                if (!name)
                        continue;
                name++;
                name[strcspn(name, " \t\n")] = 0;
                any = true;
                if (strcmp(name, "kho_is_enabled") == 0)
                        kho = true;
                else if (strcmp(name, "liveupdate_enabled") == 0)
                        luo = true;
        }
        if (!any)
                return;
        facts->has_kho = kho ? FACT_YES : FACT_NO;
        facts->has_luo = luo ? FACT_YES : FACT_NO;
}

void luo_facts_from_config(FILE *config, LuoFacts *facts) {
        bool kho = false, luo = false, kho_is_default = false, any = false;
        _cleanup_free_ char *line = NULL;
        size_t allocated = 0;

        while (getline(&line, &allocated, config) > 0) {
                line[strcspn(line, "\n")] = 0;
                any = any || strncmp(line, "CONFIG_", strlen("CONFIG_")) == 0;
                kho = kho || strcmp(line, "CONFIG_KEXEC_HANDOVER=y") == 0;
                luo = luo || strcmp(line, "CONFIG_LIVEUPDATE=y") == 0;
                kho_is_default = kho_is_default ||
                                strcmp(line, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y") == 0;
        }
        if (!any)
                return;
        if (facts->has_kho == FACT_UNKNOWN)
                facts->has_kho = kho ? FACT_YES : FACT_NO;
        if (facts->has_luo == FACT_UNKNOWN)
                facts->has_luo = luo ? FACT_YES : FACT_NO;
        if (facts->kho_is_default == FACT_UNKNOWN)
                facts->kho_is_default = kho_is_default ? FACT_YES : FACT_NO;
}

static FILE *config_open(void) {
        char path[sizeof(((struct utsname *) NULL)->release) + 32];
        struct utsname name;
        FILE *config;

        if (uname(&name) < 0)
                return NULL;
        snprintf(path, sizeof(path), "/boot/config-%s", name.release);
        config = fopen(path, "re");
        if (config)
                return config;
        snprintf(path, sizeof(path), "/lib/modules/%s/config", name.release);
        return fopen(path, "re");
}

void luo_facts_gather(int open_error, LuoFacts *ret) {
        _cleanup_fclose_ FILE *symbols = NULL, *config = NULL;
        LuoFacts facts = { .open_error = open_error };
        _cleanup_free_ char *command_line = NULL;

        if (open_error != -ENOENT) {
                *ret = facts;
                return;
        }

        facts.has_misc_device = access("/sys/class/misc/liveupdate", F_OK) == 0;
        if (read_file_at(AT_FDCWD, "/proc/cmdline", 64 * 1024, &command_line, NULL) >= 0) {
                facts.kho = command_line_bool(command_line, "kho");
                facts.liveupdate = command_line_bool(command_line, "liveupdate");
        }
        symbols = fopen("/proc/kallsyms", "re");
        if (symbols)
                luo_facts_from_symbols(symbols, &facts);
        config = config_open();
        if (config)
                luo_facts_from_config(config, &facts);
        *ret = facts;
}
