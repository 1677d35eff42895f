/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/devices-text.h"

/* What sits on a device is the last, since it can be long. */
enum { ADDRESS, CLASS, DRIVER, IOMMU, DMA, POLICY, PHASE, USED_BY, N_COLUMNS };

typedef struct Row {
        char *cells[N_COLUMNS];
} Row;

typedef struct Table {
        Row *rows;
        size_t n;
        int widths[N_COLUMNS];
} Table;

static void table_done(Table *table) {
        for (size_t i = 0; i < table->n; i++)
                for (size_t column = 0; column < N_COLUMNS; column++)
                        free(table->rows[i].cells[column]);
        free(table->rows);
}

static int cell_set(Table *table, int column, char *text) {
        if (!text)
                return -ENOMEM;
        table->rows[table->n - 1].cells[column] = text;
        text_make_printable(text);
        if ((int) strlen(text) > table->widths[column])
                table->widths[column] = (int) strlen(text);
        return 0;
}

/* What varlink cannot have in the name of a choice. */
static char *policy_text(json_object *device) {
        char *policy = strdup(ctl_string(device, "policy"));

        for (char *p = policy; p && (p = strchr(p, '_'));)
                *p = '-';
        return policy;
}

static int table_add(Table *table, json_object *device) {
        char iommu[64];

        table->rows[table->n++] = (Row) {};
        if (cell_set(table, ADDRESS, strdup(ctl_string(device, "address"))) < 0 ||
                        cell_set(table, CLASS, strdup(device_class_text(device))) < 0 ||
                        cell_set(table, DRIVER, strdup(ctl_string(device, "driver"))) < 0 ||
                        cell_set(table, IOMMU, strdup(device_iommu_text(device, iommu, sizeof(iommu)))) < 0 ||
                        cell_set(table, DMA, strdup(device_dma_text(device))) < 0 ||
                        cell_set(table, POLICY, policy_text(device)) < 0 ||
                        cell_set(table, PHASE, strdup(ctl_string(device, "phase"))) < 0 ||
                        cell_set(table, USED_BY, device_use_text(device)) < 0)
                return -ENOMEM;
        return 0;
}

static bool is_worth_a_row(json_object *device) {
        return !device_is_bridge(device) && !device_is_idle(device);
}

static int table_fill(Table *table, json_object *list, bool all) {
        static const char *const titles[] = { "ADDRESS", "CLASS", "DRIVER", "IOMMU", "DMA", "POLICY", "PHASE",
                                              "USED BY" };
        size_t n = json_object_array_length(list);

        table->rows = calloc(n + 1, sizeof(*table->rows));
        if (!table->rows)
                return -ENOMEM;
        table->n = 1;
        for (int column = 0; column < N_COLUMNS; column++)
                if (cell_set(table, column, strdup(titles[column])) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                json_object *device = json_object_array_get_idx(list, i);

                if ((all || is_worth_a_row(device)) && table_add(table, device) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static void table_print(const Table *table) {
        for (size_t i = 0; i < table->n; i++) {
                fputs("  ", stdout);
                for (int column = 0; column < USED_BY; column++)
                        printf("%-*s  ", table->widths[column], table->rows[i].cells[column]);
                puts(table->rows[i].cells[USED_BY]);
        }
}

/* Why a policy is another one than the rule says; a rule in vain is told of, whatever it is about. */
static void print_notes(json_object *list, bool all) {
        bool is_first = true;

        for (size_t i = 0; i < json_object_array_length(list); i++) {
                json_object *device = json_object_array_get_idx(list, i);
                const char *note = NULL, *origin = ctl_string(device, "policyOrigin");
                bool is_default = strcmp(origin, "default") == 0;

                if (json_get_string(device, "note", &note) < 0 || (is_default && !all && !is_worth_a_row(device)))
                        continue;
                printf("%s  %s: %s%s%s%s\n", is_first ? "\n" : "", ctl_string(device, "address"), note,
                                is_default ? "" : " (DevicePolicy=", is_default ? "" : origin, is_default ? "" : ")");
                is_first = false;
        }
}

static int print_devices(json_object *list, bool all) {
        _cleanup_(table_done) Table table = {};
        size_t n_left_out;

        if (table_fill(&table, list, all) < 0) {
                fputs("liveupdatectl: There is no memory for the list of devices.\n", stderr);
                return CTL_REFUSED;
        }
        n_left_out = json_object_array_length(list) + 1 - table.n;
        if (table.n > 1)
                table_print(&table);
        else
                puts("  Devices   none");
        print_notes(list, all);
        if (n_left_out > 0)
                printf("\n  Left out: bridges and functions that do nothing, %zu in all; --all shows them.\n", n_left_out);
        return CTL_OK;
}

int devices_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "devices [OPTIONS...]",
                .text = "Lists the devices that can write to memory by themselves, who uses them, and what a commit\n"
                        "does with them. Bridges, and functions without a driver that do no DMA, are left out.",
        };
        bool all = false;
        const CtlOption options[] = {
                { "all", NULL, "Leave out nothing", &all, CTL_OPTION_FLAG },
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        json_object *list;
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r != CTL_OK)
                return r;
        r = ctl_call(ctl, "io.liveupdate.Devices", NULL, NULL, 0, &reply);
        if (r != CTL_OK)
                return r;
        if (json_get_array(reply.parameters, "devices", &list) < 0)
                return ctl_lost_connection(-EBADMSG);
        if (ctl->json != JSON_OFF) {
                ctl_print_json(ctl, reply.parameters);
                return CTL_OK;
        }
        return print_devices(list, all);
}
