/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

/* 0 or a negative errno, which ends it. */
typedef int (*SpanFunc)(const uint8_t *data, size_t size, void *userdata);

/* Reads the request's "spans" ([{"fd", "offset", "bytes"}]; zeros without "fd") in pieces of at most 1 MiB. -EBADMSG: a
 * span ends past the end of its file. */
int spans_read(json_object *request, SpanFunc func, void *userdata);

/* Up to `size` bytes at `offset`: how many, 0 at the end, a negative errno. */
ssize_t read_at(int fd, void *data, size_t size, uint64_t offset);
