/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "basic/json.h"
#include "client/automatic.h"
#include "client/ctl.h"
#include "client/findings.h"
#include "client/image-order.h"
#include "client/release.h"
#include "client/staged-text.h"

#define TRIES_MAX 5U /* each for another update that was under way */

typedef struct Stage {
        const Ctl *ctl;
        const char *word; /* as given; NULL: an entry of the boot loader */
        ImageOptions options;
        bool is_automatic, force;
        char *release; /* NULL: an image is staged by hand, and says itself what it is */
        ImageOrder order;
} Stage;

static void stage_done(Stage *stage) {
        free(stage->release);
        image_order_done(&stage->order);
}

/* Tells why the order came to nothing. */
static int fail(const Stage *stage, int code) {
        const char *message = stage->order.message ?: "Out of memory.", *remedy = stage->order.remedy ?: "";

        if (stage->is_automatic)
                return automatic_failed(stage->ctl, stage->release, message, remedy);
        fprintf(stderr, "liveupdatectl: %s\n%s\n", message, remedy);
        return code;
}

static int identify(Stage *stage, bool by_path) {
        int r;

        if (!stage->word || (by_path && !stage->is_automatic))
                return CTL_OK;
        r = (by_path ? release_from_path : release_from_word)(stage->word, &stage->release);
        if (r >= 0 && strcmp(stage->release, "-") != 0)
                return CTL_OK;
        fprintf(stderr, "liveupdatectl: '%s' names no kernel release.\nSee liveupdatectl stage --help.\n", stage->word);
        return CTL_USAGE;
}

/* An image that came by hand has the initrds that were given by hand; a hook gives none. */
static int find_image(Stage *stage) {
        _cleanup_free_ char *initrd = NULL;
        int r;

        r = image_order_by_path(&stage->order, stage->word);
        if (r != CTL_OK || !stage->is_automatic || stage->options.initrds.n > 0 || kernel_is_uki(stage->word))
                return r;
        return release_find_initrd("", stage->word, &initrd) < 0 ?
                               CTL_OK :
                               image_order_add(&stage->order, &stage->order.initrds, initrd);
}

static int find(Stage *stage, bool by_path) {
        int r;

        r = !stage->word ? image_order_by_entry(&stage->order) :
            by_path      ? find_image(stage) :
                           image_order_by_release(&stage->order, stage->release);
        if (r == CTL_OK)
                r = image_order_complete(&stage->order);
        if (r != CTL_OK)
                return fail(stage, r);
        if (stage->release && stage->order.initrds.n == 0 && !kernel_is_uki(stage->order.kernel))
                fprintf(stderr, "Note: There is no initrd of %s, it is staged without one.\n", stage->release);
        return CTL_OK;
}

static int send(Stage *stage, VarlinkReply *ret) {
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r;

        r = parameters ? image_order_open(&stage->order, parameters) : CTL_REFUSED;
        if (r != CTL_OK)
                return fail(stage, r);
        if (json_add_string(parameters, "release", stage->release) < 0 ||
                        (stage->force && json_add_bool(parameters, "force", true) < 0) ||
                        (stage->is_automatic && json_add_bool(parameters, "automatic", true) < 0))
                return CTL_REFUSED;
        return ctl_ask(stage->ctl, "io.liveupdate.Stage", TAKE_PTR(parameters), stage->order.fds, stage->order.n_fds,
                        ret);
}

static int explain(const Stage *stage, const VarlinkReply *reply) {
        if (!stage->is_automatic || !ctl_error_is(reply, "NotWanted"))
                return ctl_print_error(reply);
        fprintf(stderr, "%s is not staged: %s\n", stage->release, ctl_string(reply->parameters, "message"));
        return CTL_SAID;
}

/* From the offer to the daemon's answer. */
static int find_and_send(Stage *stage, bool by_path, VarlinkReply *ret) {
        int r;

        stage->order = (ImageOrder) { .options = &stage->options, .root = "" };
        r = stage->is_automatic ? automatic_begin(stage->ctl, stage->release) : CTL_OK;
        if (r == CTL_OK)
                r = find(stage, by_path);
        return r == CTL_OK ? send(stage, ret) : r;
}

/* Nobody would ask again for what came by itself in the middle of an update. */
static int stage_in_time(Stage *stage, bool by_path, VarlinkReply *ret) {
        for (unsigned left = stage->is_automatic ? TRIES_MAX : 1;; left--) {
                int r = find_and_send(stage, by_path, ret);

                if (r != CTL_OK || !ret->error)
                        return r;
                if (left == 1 || !ctl_error_is(ret, "UpdateInProgress"))
                        return explain(stage, ret);
                varlink_reply_done(ret);
                image_order_done(&stage->order);
                r = automatic_wait_for_update(stage->ctl, stage->release);
                if (r != CTL_OK)
                        return r;
        }
}

/* A line, if there is something to say. */
static void print_line(const char *name, const char *text) {
        if (text && *text)
                printf("  %-14s %s\n", name, text);
}

static void print_member(json_object *staged, const char *name, const char *key) {
        const char *text = NULL;

        (void) json_get_string(staged, key, &text);
        print_line(name, text);
}

static void print_image(json_object *staged) {
        _cleanup_free_ char *addons = NULL, *initrds = NULL, *signature = NULL;

        printf("Staged %s, %s from %s\n", ctl_string(staged, "release"), ctl_string(staged, "kind"),
                        ctl_string(staged, "origin"));
        print_member(staged, "System", "osRelease");
        print_member(staged, "Profile", "profile");
        if (list_text(staged, "addons", &addons) >= 0)
                print_line("Addons", addons);
        if (list_text(staged, "initrds", &initrds) >= 0)
                print_line("Initrds", initrds);
        if (signature_text(staged, &signature) >= 0)
                print_line("Signature", signature);
}

static void print_load(json_object *staged) {
        char kernel[32], initrd[32], cost[64];

        printf("  Command line   %s\n", ctl_string(staged, "commandLine"));
        printf("                 from %s\n", command_line_origin_text(staged));
        print_member(staged, "Added to it", "commandLineAdded");
        printf("  Size           kernel %s, initrd %s\n",
                        size_text(ctl_u64(staged, "kernelBytes"), kernel, sizeof(kernel)),
                        size_text(ctl_u64(staged, "initrdBytes"), initrd, sizeof(initrd)));
        printf("  Checksum skip  %s: %s\n", ctl_string(staged, "checksumSkip"),
                        ctl_string(staged, "checksumSkipEvidence"));
        print_line("", checksum_text(staged, cost, sizeof(cost)));
}

static void print_answer(json_object *answer) {
        json_object *staged, *findings;

        if (json_get_object(answer, "staged", &staged) >= 0) {
                print_image(staged);
                print_load(staged);
        }
        if (json_get_array(answer, "findings", &findings) >= 0)
                findings_print_unwell(stdout, findings);
}

static int run(Stage *stage) {
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        bool by_path = stage->word && image_is_path(stage->word, stage->is_automatic);
        int r;

        r = identify(stage, by_path);
        if (r == CTL_OK)
                r = stage_in_time(stage, by_path, &reply);
        if (r != CTL_OK)
                return r;

        if (stage->ctl->json != JSON_OFF)
                ctl_print_json(stage->ctl, reply.parameters);
        else
                print_answer(reply.parameters);
        return stage->is_automatic ? automatic_follow(stage->ctl, reply.parameters) : CTL_OK;
}

static int check_usage(const Stage *stage) {
        int r;

        r = image_options_check(stage->ctl, &stage->options, "stage", stage->word);
        if (r != CTL_OK)
                return r;
        if (!stage->word && !stage->options.entry && !stage->options.is_default) {
                fputs("liveupdatectl: stage takes one image or kernel release, or --entry= or --default.\n"
                      "See liveupdatectl stage --help.\n", stderr);
                return CTL_USAGE;
        }
        if (!stage->word && stage->is_automatic) {
                fputs("liveupdatectl: --automatic is about a kernel release, and excludes --entry= and --default.\n"
                      "See liveupdatectl stage --help.\n", stderr);
                return CTL_USAGE;
        }
        return CTL_OK;
}

int stage_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "stage [OPTIONS...] IMAGE|RELEASE|--entry=ID|--default",
                .text = "Loads a kernel, so that commit can change to it. What was staged before is replaced.\n\n"
                        "IMAGE is a bzImage, a zboot image or a unified kernel image; - reads it from standard input.\n"
                        "It gets no initrds but its own and those of --initrd=, and the addons beside it. RELEASE is\n"
                        "that of an installed kernel, as uname -r has it; its initrd is found with it.",
                .takes = "one image or kernel release, or --entry= or --default",
                .may_go_without = true,
        };
        _cleanup_(stage_done) Stage stage = { .ctl = ctl };
        const CtlOption options[] = {
                IMAGE_OPTIONS(&stage.options),
                { "force",     NULL, "Leave it to the kernel to refuse what check finds that it will", &stage.force,
                        CTL_OPTION_FLAG },
                { "automatic", NULL, "For a package manager's hook: only if it is wanted, when the package manager\n"
                                     "is done, and with what AutoCommit= says to follow",
                        &stage.is_automatic, CTL_OPTION_FLAG },
        };
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r != CTL_OK)
                return r;
        stage.word = optind < argc ? argv[optind] : NULL;
        r = check_usage(&stage);
        return r == CTL_OK ? run(&stage) : r;
}
