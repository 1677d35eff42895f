/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "basic/json.h"
#include "client/ctl.h"
#include "client/findings.h"
#include "client/image-order.h"
#include "client/release.h"

static int fail(const ImageOrder *order, int code) {
        fprintf(stderr, "liveupdatectl: %s\n%s\n", order->message ?: "Out of memory.", order->remedy ?: "");
        return code;
}

static int find(ImageOrder *order, const char *word) {
        _cleanup_free_ char *release = NULL;
        int r;

        if (!word)
                r = image_order_by_entry(order);
        else if (image_is_path(word, /* slash_is_dash= */ false))
                r = image_order_by_path(order, word);
        else if (release_from_word(word, &release) >= 0)
                r = image_order_by_release(order, release);
        else
                r = image_order_fail(order, CTL_USAGE, "See liveupdatectl check --help.",
                                "'%s' names no kernel release.", word);
        return r == CTL_OK ? image_order_complete(order) : r;
}

/* Without an image it is about the host and what is staged. */
static int ask(const Ctl *ctl, const ImageOptions *options, const char *word, VarlinkReply *ret) {
        _cleanup_(image_order_done) ImageOrder order = { .options = options, .root = "" };
        _cleanup_json_ json_object *parameters = json_object_new_object();
        int r = parameters ? CTL_OK : CTL_REFUSED;

        if (r == CTL_OK && (word || image_options_any(options))) {
                r = find(&order, word);
                if (r == CTL_OK)
                        r = image_order_open(&order, parameters);
        }
        if (r != CTL_OK)
                return fail(&order, r);
        return ctl_call(ctl, "io.liveupdate.Check", TAKE_PTR(parameters), order.fds, order.n_fds, ret);
}

static void print_answer(json_object *answer, bool passed) {
        json_object *findings;
        FindingCount count;

        if (json_get_array(answer, "findings", &findings) < 0)
                return;
        count = findings_print(stdout, findings);
        printf("\n%zu ok, %zu warning%s, %zu failed. A commit would be %s.\n", count.n_ok, count.n_warn,
                        count.n_warn == 1 ? "" : "s", count.n_fail, passed ? "let through" : "refused");
}

int check_main(Ctl *ctl, int argc, char **argv) {
        static const CtlUsage usage = {
                .synopsis = "check [OPTIONS...] [IMAGE|RELEASE|--entry=ID|--default]",
                .text = "Finds what a commit would meet: of the host and of what is staged; or, with an image, as if\n"
                        "that was staged. Nothing is loaded or changed. Ends with 0 if no finding fails, else 1.",
                .takes = "one image or kernel release",
                .may_go_without = true,
        };
        _cleanup_(varlink_reply_done) VarlinkReply reply = {};
        ImageOptions image = {};
        const CtlOption options[] = { IMAGE_OPTIONS(&image) };
        bool passed = false;
        const char *word;
        int r;

        r = ctl_options(ctl, &usage, options, ELEMENTSOF(options), argc, argv);
        if (r != CTL_OK)
                return r;
        word = optind < argc ? argv[optind] : NULL;
        r = image_options_check(ctl, &image, "check", word);
        if (r == CTL_OK)
                r = ask(ctl, &image, word, &reply);
        if (r != CTL_OK)
                return r;
        if (json_get_bool(reply.parameters, "passed", &passed) < 0)
                return ctl_lost_connection(-EBADMSG);
        if (ctl->json != JSON_OFF)
                ctl_print_json(ctl, reply.parameters);
        else
                print_answer(reply.parameters, passed);
        return passed ? CTL_OK : CTL_REFUSED;
}
