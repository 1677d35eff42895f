/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "basic/cleanup.h"
#include "kexec/kexec.h"

/* The kernel's own log says more in most of these cases, so several end there. */
static const struct {
        int error;
        const char *remedy;
} remedies[] = {
        /* kernel/kexec_core.c:kexec_load_permitted(), kernel/kexec_file.c:kimage_validate_signature() */
        { EPERM,
          "The kernel does not permit it: CAP_SYS_BOOT is missing, the sysctl kernel.kexec_load_disabled is 1, "
          "kernel.kexec_load_limit_reboot is used up, or lockdown asks for a signed kernel." },
        /* arch/x86/kernel/kexec-bzimage64.c:bzImage64_probe() */
        { ENOEXEC,
          "The running kernel cannot start this image: use a 64-bit, relocatable bzImage; the kernel log says what it "
          "disliked." },
        /* kexec_trylock() */
        { EBUSY, "Somebody else is loading or starting a kernel at this moment: try again." },
        /* kernel/liveupdate/kexec_handover.c:kho_locate_mem_hole() */
        { EADDRNOTAVAIL,
          "Kernel and initrd do not fit the memory set aside for a handover (KHO scratch): use a smaller initrd, or "
          "cold-boot this host with a larger kho_scratch=." },
        /* security/integrity/ima/ima_main.c:process_measurement() */
        { EACCES,
          "IMA's policy asks for a signature that what is loaded does not have: liveupdatectl check shows the rule "
          "(ima), and what to do about it." },
        { EKEYREJECTED, "The image's signature is wrong, or its key is revoked: use a kernel signed for this host." },
        { ENOKEY,
          "The image is signed with a key this host does not know: enrol the certificate, or use a kernel signed for "
          "this host." },
        { ENODATA, "The image has no signature, and this kernel asks for one: use a signed kernel." },
        /* crypto/asymmetric_keys/verify_pefile.c */
        { ELIBBAD, "The image's signature cannot be read: the file is damaged; write it again." },
        { EBADMSG, "The image's signature cannot be read: the file is damaged; write it again." },
        { ENOSYS, "The running kernel has no kexec_file_load(2): it needs CONFIG_KEXEC_FILE." },
        { EOPNOTSUPP, "The running kernel's configuration does not support it: it needs CONFIG_KEXEC_FILE." },
        /* kernel/kexec_core.c:kernel_kexec(); fs/kernel_read_file.c for an empty file */
        { EINVAL,
          "No kernel is loaded, or what was to be loaded is empty or has a command line too long for it: stage the "
          "image again." },
        { E2BIG, "The command line is too long for a kexec, which takes at most 2016 bytes: shorten it." },
        { EFBIG, "The image is larger than the kernel reads: use a smaller kernel or initrd." },
        { ENOMEM, "Not enough free memory to load the kernel and its initrd: free some, or use a smaller initrd." },
        { EBADF, "The image was not opened for reading: pass a readable file." },
        /* fs/kernel_read_file.c:kernel_read_file(): deny_write_access() */
        { ETXTBSY, "Somebody has the image open for writing: try again when it is written." },
        /* kernel/liveupdate/luo_session.c, from liveupdate_reboot() */
        { EIO, "What was preserved could not be handed over: the kernel log says which part; nothing was lost." },
};

const char *kexec_error_remedy(int error) {
        for (size_t i = 0; i < ELEMENTSOF(remedies); i++)
                if (remedies[i].error == abs(error))
                        return remedies[i].remedy;
        return "The kernel refused it; its log (dmesg) may say why.";
}
