/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What trust is made of, read while files can still be opened, and not looked into: liveupdate/trust.d, and the
 * variables of UEFI's Secure Boot and of shim. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/cleanup.h"

#define MATERIAL_FILES_MAX 256U              /* in the directories together */
#define MATERIAL_FILE_BYTES_MAX (64U << 10)
#define MATERIAL_VARIABLE_BYTES_MAX (1U << 20)

typedef enum MaterialKind {
        MATERIAL_CERTIFICATES, /* a file of trust.d */
        MATERIAL_TRUSTED,      /* signature lists: db, MokListRT */
        MATERIAL_REVOKED,      /* signature lists: dbx, MokListXRT */
        MATERIAL_SBAT_LEVEL,
} MaterialKind;

typedef struct MaterialPiece {
        MaterialKind kind;
        char *name;  /* for people: a path, or the variable's name */
        int error;   /* 0, or a negative errno: it is there, and could not be read */
        bool is_broken; /* set by anchors_new(): makes no sense, and is believed in nothing */
        char *data;  /* NUL-terminated beyond `size` */
        size_t size;
} MaterialPiece;

typedef struct Material {
        MaterialPiece *pieces;
        size_t n;
        bool is_firmware_hidden; /* UEFI is there, its variables are not to be seen */
} Material;

/* All below `root`. 0 or -ENOMEM: what cannot be read is a piece with its error. */
int material_gather(const char *root, Material **ret);
Material *material_free(Material *material);
DEFINE_CLEANUP(Material *, material_free)

/* `data` is taken, on failure too. */
int material_add(Material *material, MaterialKind kind, const char *name, int error, char *data, size_t size);
