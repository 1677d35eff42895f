/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A StagedKernel for people, as stage and status tell of it. */

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

/* "verified, by CN=...", "absent"; a few words. -ENOMEM. *ret is the caller's. */
int signature_text(json_object *staged, char **ret);

/* The strings of a member that is an array, "a, b"; "" for none. -ENOMEM. *ret is the caller's. */
int list_text(json_object *o, const char *key, char **ret);

/* "the image", "the boot loader entry", ... */
const char *command_line_origin_text(json_object *staged);

/* "3 h ago", of one CLOCK_REALTIME against another, both in microseconds. */
const char *age_text(uint64_t usec, uint64_t now_usec, char *buffer, size_t size);

/* What the checksum costs; "" where it is skipped or was not measured. */
const char *checksum_text(json_object *staged, char *buffer, size_t size);

/* "12.3 MiB" */
const char *size_text(uint64_t bytes, char *buffer, size_t size);

/* In the time zone of the user; "-" if it has no form. */
const char *time_text(uint64_t usec, char *buffer, size_t size);
