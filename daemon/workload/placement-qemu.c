/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which thread of QEMU is what, by its own word. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/json.h"
#include "workload/placement.h"

#define IOTHREAD_ID_MAX 255U

void qemu_threads_done(QemuThreads *threads) {
        for (size_t i = 0; i < threads->n; i++)
                free(threads->threads[i].iothread);
        free(threads->threads);
        *threads = (QemuThreads) {};
}

static int vcpu_from_json(json_object *o, QemuThread *ret) {
        uint64_t index, tid;

        if (json_get_u64(o, "cpu-index", &index) < 0 || json_get_u64(o, "thread-id", &tid) < 0 ||
                        index >= PLACED_VCPUS_MAX || tid == 0 || tid > INT32_MAX)
                return -EBADMSG;
        *ret = (QemuThread) { .tid = (pid_t) tid, .vcpu = (int) index };
        return 0;
}

static int iothread_from_json(json_object *o, QemuThread *ret) {
        const char *id;
        uint64_t tid;

        if (json_get_string(o, "id", &id) < 0 || strlen(id) > IOTHREAD_ID_MAX ||
                        json_get_u64(o, "thread-id", &tid) < 0 || tid == 0 || tid > INT32_MAX)
                return -EBADMSG;
        *ret = (QemuThread) { .tid = (pid_t) tid, .vcpu = -1, .iothread = strdup(id) };
        return ret->iothread ? 0 : -ENOMEM;
}

static int add_all(QemuThreads *threads, json_object *answer, size_t max,
                int (*from_json)(json_object *, QemuThread *)) {
        QemuThread *grown;
        size_t n;

        if (!json_object_is_type(answer, json_type_array))
                return -EBADMSG;
        n = json_object_array_length(answer);
        if (n > max)
                return -E2BIG;
        grown = reallocarray(threads->threads, threads->n + n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        threads->threads = grown;
        for (size_t i = 0; i < n; i++) {
                int r = from_json(json_object_array_get_idx(answer, i), &threads->threads[threads->n]);

                if (r < 0)
                        return r;
                threads->n++;
        }
        return 0;
}

int qemu_threads_add_vcpus(QemuThreads *threads, json_object *answer) {
        return add_all(threads, answer, PLACED_VCPUS_MAX, vcpu_from_json);
}

int qemu_threads_add_iothreads(QemuThreads *threads, json_object *answer) {
        return add_all(threads, answer, PLACED_IOTHREADS_MAX, iothread_from_json);
}

static int compare(const void *a, const void *b) {
        const QemuThread *x = a, *y = b;

        return (x->tid > y->tid) - (x->tid < y->tid);
}

void qemu_threads_sort(QemuThreads *threads) {
        if (threads->n > 0)
                qsort(threads->threads, threads->n, sizeof(threads->threads[0]), compare);
}

const QemuThread *qemu_threads_find(const QemuThreads *threads, pid_t tid) {
        const QemuThread key = { .tid = tid };

        return threads->n == 0 ? NULL :
                        bsearch(&key, threads->threads, threads->n, sizeof(threads->threads[0]), compare);
}
