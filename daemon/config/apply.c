/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config-internal.h"
#include "config/ini.h"
#include "config/settings.h"

#define QUOTED_BYTES_MAX 64
#define BLANKS " \t\r"

/* A file on its way into the configuration. */
typedef struct Source {
        Config *config;
        const char *file;
        const char *section;     /* NULL before the first, or where it is none of ours */
        bool section_is_no_good; /* has been complained about, and its lines are passed over */
} Source;

static int set_origin(Source *source, const Setting *setting, unsigned line) {
        ConfigOrigin *origin = &source->config->origins[setting - settings];
        char *text;

        if (asprintf(&text, "%s:%u", source->file, line) < 0)
                return -ENOMEM;
        free(origin->text);
        origin->text = text;
        return 0;
}

static int unknown_key(Source *source, const IniLine *line, const char *quoted) {
        const Setting *guess = setting_guess(source->section, line->name);

        if (!guess)
                return config_note(source->config, source->file, line->number,
                                "unknown key '%s' in section [%s]; liveupdated.conf(5) lists the known ones",
                                quoted, source->section);
        if (strcmp(guess->section, source->section) != 0)
                return config_note(source->config, source->file, line->number,
                                "unknown key '%s' in section [%s], did you mean %s= in section [%s]?",
                                quoted, source->section, guess->key, guess->section);
        return config_note(source->config, source->file, line->number,
                        "unknown key '%s' in section [%s], did you mean %s=?", quoted, source->section,
                        guess->key);
}

static int bad_value(Source *source, const IniLine *line, const Setting *setting, const char *value) {
        _cleanup_free_ char *quoted = config_printable(value, QUOTED_BYTES_MAX);
        char needed[SETTING_TEXT_MAX];

        if (!quoted)
                return -ENOMEM;
        setting_describe(setting, needed);
        return config_note(source->config, source->file, line->number,
                        "bad value '%s' for %s= in section [%s], passed over; it must be %s", quoted,
                        setting->key, setting->section, needed);
}

static int no_section(Source *source, const IniLine *line, const char *quoted) {
        const Setting *guess = setting_guess("", line->name);

        return config_note(source->config, source->file, line->number,
                        "%s= stands before any section; put a line such as [%s] above it", quoted,
                        (guess ?: settings)->section);
}

static int list_is_full(Source *source, const IniLine *line, const Setting *setting) {
        return config_note(source->config, source->file, line->number,
                        "%s= in section [%s] has more than %u words, the rest is passed over", setting->key,
                        setting->section, setting_list_max(setting));
}

/* The good ones of the words count. */
static int apply_list(Source *source, const IniLine *line, const Setting *setting) {
        _cleanup_free_ char *words = strdup(line->value);
        bool is_set = false, is_full = false;
        char *left;

        if (!words)
                return -ENOMEM;
        for (char *word = strtok_r(words, BLANKS, &left); word && !is_full; word = strtok_r(NULL, BLANKS, &left)) {
                int r = setting_parse(setting, word, source->config);

                is_set = is_set || r == 0;
                is_full = r == -ENOSPC;
                if (r == -EINVAL)
                        r = bad_value(source, line, setting, word);
                else if (is_full)
                        r = list_is_full(source, line, setting);
                if (r < 0)
                        return r;
        }
        return is_set ? set_origin(source, setting, line->number) : 0;
}

static int apply_assignment(Source *source, const IniLine *line, const char *quoted) {
        const Setting *setting;
        int r;

        if (source->section_is_no_good)
                return 0;
        if (!source->section)
                return no_section(source, line, quoted);
        setting = setting_find(source->section, line->name);
        if (!setting)
                return unknown_key(source, line, quoted);
        if (*line->value && setting_is_list(setting))
                return apply_list(source, line, setting);
        r = setting_parse(setting, *line->value ? line->value : setting->default_value, source->config);
        if (r == -EINVAL)
                return bad_value(source, line, setting, line->value);
        return r < 0 ? r : set_origin(source, setting, line->number);
}

static int apply_section(Source *source, const IniLine *line, const char *quoted) {
        const char *guess;

        source->section = section_find(line->name);
        source->section_is_no_good = !source->section;
        if (source->section)
                return 0;
        guess = section_guess(line->name);
        return config_note(source->config, source->file, line->number,
                        "unknown section [%s]%s%s%s; the lines below it are passed over", quoted,
                        guess ? " (did you mean [" : "", guess ?: "", guess ? "]?)" : "");
}

static int apply_line(Source *source, IniKind kind, const IniLine *line) {
        _cleanup_free_ char *quoted = config_printable(line->name, QUOTED_BYTES_MAX);

        if (!quoted)
                return -ENOMEM;
        switch (kind) {
        case INI_SECTION:
                return apply_section(source, line, quoted);
        case INI_ASSIGNMENT:
                return apply_assignment(source, line, quoted);
        case INI_BAD_SECTION:
                source->section = NULL;
                source->section_is_no_good = true;
                return config_note(source->config, source->file, line->number,
                                "section header '%s' must end with ]; the lines below it are passed over",
                                quoted);
        case INI_NO_ASSIGNMENT:
                return config_note(source->config, source->file, line->number,
                                "'%s' must be KEY=VALUE or [SECTION], or begin with # for a comment",
                                quoted);
        case INI_NO_KEY:
                return config_note(source->config, source->file, line->number,
                                "'%s' lacks a key before the =", quoted);
        case INI_NUL_BYTE:
                return config_note(source->config, source->file, line->number,
                                "a NUL byte in the line, which is passed over; write it anew");
        case INI_TOO_LONG:
                return config_note(source->config, source->file, line->number,
                                "the line has more than %i bytes and is passed over", INI_LINE_BYTES_MAX);
        case INI_END:
                break;
        }
        return 0;
}

int config_apply(Config *config, const char *file, const char *text, size_t size) {
        Source source = { .config = config, .file = file };
        IniKind kind;
        IniLine line;
        Ini ini;

        ini_begin(&ini, text, size);
        while ((kind = ini_next(&ini, &line)) != INI_END) {
                int r = apply_line(&source, kind, &line);

                if (r < 0)
                        return r;
        }
        return 0;
}
