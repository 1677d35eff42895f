/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/io.h"
#include "trust/material.h"
#include "trust/trust-d.h"

#define EFI "/sys/firmware/efi"
#define EFIVARS EFI "/efivars"
#define ATTRIBUTES_BYTES 4U /* before a variable's data: Documentation/filesystems/efivarfs.rst */

/* UEFI 2.10, 32.6.1: EFI_IMAGE_SECURITY_DATABASE_GUID; shim: SHIM_LOCK_GUID */
#define DATABASE_GUID "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
#define SHIM_GUID "605dab50-e046-4300-abb6-3dd810dd8b23"
#define SHIM_PIECES_MAX 10U /* MokListRT, MokListRT1, … for what does not fit one variable */

Material *material_free(Material *material) {
        if (!material)
                return NULL;
        for (size_t i = 0; i < material->n; i++) {
                free(material->pieces[i].name);
                free(material->pieces[i].data);
        }
        free(material->pieces);
        free(material);
        return NULL;
}

int material_add(Material *material, MaterialKind kind, const char *name, int error, char *data, size_t size) {
        _cleanup_free_ char *taken = data;
        MaterialPiece *pieces = reallocarray(material->pieces, material->n + 1, sizeof(*pieces));
        char *copy;

        if (!pieces)
                return -ENOMEM;
        material->pieces = pieces;
        copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        pieces[material->n++] = (MaterialPiece) {
                .kind = kind,
                .name = copy,
                .error = error,
                .data = TAKE_PTR(taken),
                .size = size,
        };
        return 0;
}

/* -ENOENT where there is none. */
static int variable_read(const char *root, const char *variable, const char *guid, char **ret, size_t *ret_size) {
        _cleanup_free_ char *path = NULL, *data = NULL;
        size_t size;
        int r;

        if (asprintf(&path, "%s" EFIVARS "/%s-%s", root, variable, guid) < 0)
                return -ENOMEM;
        r = read_file_at(AT_FDCWD, path, MATERIAL_VARIABLE_BYTES_MAX, &data, &size);
        if (r < 0)
                return r;
        if (size < ATTRIBUTES_BYTES)
                return -EBADMSG;
        memmove(data, data + ATTRIBUTES_BYTES, size - ATTRIBUTES_BYTES + 1);
        *ret = TAKE_PTR(data);
        *ret_size = size - ATTRIBUTES_BYTES;
        return 0;
}

/* 1 where there is such a variable, readable or not. */
static int variable_add(Material *material, MaterialKind kind, const char *root, const char *variable,
                const char *guid) {
        char *data = NULL;
        size_t size = 0;
        int r = variable_read(root, variable, guid, &data, &size);

        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r == -ENOMEM)
                return r;
        r = material_add(material, kind, variable, r, data, size);
        return r < 0 ? r : 1;
}

/* The kernel's copy of what shim handed over is whole, and has no attributes: drivers/firmware/efi/mokvar-table.c.
 * Without CAP_SYS_ADMIN it seems to be empty. */
static int shim_table_add(Material *material, MaterialKind kind, const char *root, const char *variable) {
        _cleanup_free_ char *path = NULL;
        char *data = NULL;
        size_t size;
        int r;

        if (asprintf(&path, "%s" EFI "/mok-variables/%s", root, variable) < 0)
                return -ENOMEM;
        r = read_file_at(AT_FDCWD, path, MATERIAL_VARIABLE_BYTES_MAX, &data, &size);
        if (r == -ENOMEM)
                return r;
        if (r >= 0 && size > 0) {
                r = material_add(material, kind, variable, 0, data, size);
                return r < 0 ? r : 1;
        }
        free(data);
        return 0;
}

static int shim_add(Material *material, MaterialKind kind, const char *root, const char *variable) {
        int r = shim_table_add(material, kind, root, variable);

        if (r != 0)
                return r;
        r = variable_add(material, kind, root, variable, SHIM_GUID);
        for (unsigned i = 1; r > 0 && i < SHIM_PIECES_MAX; i++) {
                char piece[32];

                snprintf(piece, sizeof(piece), "%s%u", variable, i);
                r = variable_add(material, kind, root, piece, SHIM_GUID);
        }
        return r;
}

/* Who told shim not to believe in db (mokutil --ignore-db) has told the kernel, too:
 * security/integrity/platform_certs/load_uefi.c:uefi_check_ignore_db(). */
static bool ignores_db(const char *root) {
        _cleanup_free_ char *data = NULL;
        size_t size;

        return variable_read(root, "MokIgnoreDB", SHIM_GUID, &data, &size) >= 0;
}

/* UEFI without a mounted efivarfs, or with efi=noruntime. */
static bool is_firmware_hidden(const char *root) {
        _cleanup_free_ char *efi = NULL, *efivars = NULL;
        _cleanup_closedir_ DIR *dir = NULL;
        const struct dirent *entry;
        struct stat st;

        if (asprintf(&efi, "%s" EFI, root) < 0)
                efi = NULL;
        if (asprintf(&efivars, "%s" EFIVARS, root) < 0)
                efivars = NULL;
        if (!efi || !efivars || stat(efi, &st) < 0)
                return false;
        dir = opendir(efivars);
        while (dir && (entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        return false;
        return true;
}

int material_gather(const char *root, Material **ret) {
        _cleanup_(material_freep) Material *material = calloc(1, sizeof(*material));
        int r;

        if (!material)
                return -ENOMEM;
        material->is_firmware_hidden = is_firmware_hidden(root);
        r = trust_d_add(material, root);
        if (r >= 0 && !ignores_db(root))
                r = variable_add(material, MATERIAL_TRUSTED, root, "db", DATABASE_GUID);
        if (r >= 0)
                r = variable_add(material, MATERIAL_REVOKED, root, "dbx", DATABASE_GUID);
        if (r >= 0)
                r = shim_add(material, MATERIAL_TRUSTED, root, "MokListRT");
        if (r >= 0)
                r = shim_add(material, MATERIAL_REVOKED, root, "MokListXRT");
        if (r >= 0)
                r = shim_add(material, MATERIAL_SBAT_LEVEL, root, "SbatLevelRT");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(material);
        return 0;
}
