/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/cleanup.h"
#include "host/entropy.h"

#define MARK UINT64_C(0x2164656573207975) /* of a fresh seed; anything else: there is none */

/* What is in the memfd. */
typedef struct SeedFile {
        uint64_t mark;
        unsigned char seed[ENTROPY_BYTES];
} SeedFile;

_Static_assert(sizeof(SeedFile) == ENTROPY_FILE_BYTES, "the header tells");

static int pwrite_full(int fd, const void *data, size_t size, off_t offset) {
        for (const char *p = data; size > 0;) {
                ssize_t n = pwrite(fd, p, size, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                p += n;
                offset += n;
                size -= (size_t) n;
        }
        return 0;
}

static int draw_seed(unsigned char *seed) {
        for (size_t n = 0; n < ENTROPY_BYTES;) {
                ssize_t more = getrandom(seed + n, ENTROPY_BYTES - n, 0);

                if (more < 0 && errno == EINTR)
                        continue;
                if (more < 0)
                        return -errno;
                n += (size_t) more;
        }
        return 0;
}

/* The mark last, so that it never stands before what is no seed. */
int entropy_draw(int fd) {
        unsigned char seed[ENTROPY_BYTES];
        uint64_t mark = MARK;
        int r = entropy_wipe(fd);

        if (r >= 0)
                r = draw_seed(seed);
        if (r >= 0)
                r = pwrite_full(fd, seed, sizeof(seed), offsetof(SeedFile, seed));
        if (r >= 0)
                r = pwrite_full(fd, &mark, sizeof(mark), offsetof(SeedFile, mark));
        explicit_bzero(seed, sizeof(seed));
        return r;
}

/* The mark first. */
int entropy_wipe(int fd) {
        static const SeedFile nothing;

        return pwrite_full(fd, &nothing, sizeof(nothing), 0);
}

static bool is_wiped(int fd) {
        static const SeedFile nothing;
        SeedFile now;

        return pread(fd, &now, sizeof(now), 0) == sizeof(now) && memcmp(&now, &nothing, sizeof(now)) == 0;
}

/* Of any number that try at once, threads or processes, one gets 0: the mark is taken by one instruction in memory that
 * all of them share. Who ends after that has used the seed up. */
static int seed_claim(int fd) {
        SeedFile *shared;
        struct stat st;
        uint64_t mark;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size < (off_t) sizeof(SeedFile)) /* touching it would be SIGBUS */
                return -ENODATA;
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared == MAP_FAILED) /* sealed: what cannot be wiped is not used */
                return errno == EPERM ? -EACCES : -errno;
        mark = __atomic_exchange_n(&shared->mark, 0, __ATOMIC_SEQ_CST);
        (void) munmap(shared, sizeof(*shared));
        return mark == MARK ? 0 : -ENODATA;
}

/* drivers/char/random.c: RNDADDENTROPY mixes and credits or does neither, write() mixes. */
static int kernel_take(const unsigned char *seed) {
        _cleanup_fd_ int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        union {
                struct rand_pool_info info;
                unsigned char bytes[sizeof(struct rand_pool_info) + ENTROPY_BYTES];
        } pool = { .info = { .entropy_count = 8 * ENTROPY_BYTES, .buf_size = ENTROPY_BYTES } };
        int r;

        if (fd < 0)
                return -errno;
        memcpy(pool.bytes + sizeof(pool.info), seed, ENTROPY_BYTES);
        r = ioctl(fd, RNDADDENTROPY, &pool) < 0 ? -errno : 0;
        explicit_bzero(&pool, sizeof(pool));
        if (r == -EPERM && write(fd, seed, ENTROPY_BYTES) != ENTROPY_BYTES)
                return -EIO;
        return r;
}

int entropy_use(int fd) {
        unsigned char seed[ENTROPY_BYTES];
        int r = seed_claim(fd);

        if (r < 0)
                return r;
        if (pread(fd, seed, sizeof(seed), offsetof(SeedFile, seed)) != sizeof(seed))
                r = -EIO;
        if (r >= 0)
                r = entropy_wipe(fd);
        if (r >= 0 && !is_wiped(fd))
                r = -EIO;
        if (r >= 0)
                r = kernel_take(seed);
        explicit_bzero(seed, sizeof(seed));
        return r;
}
