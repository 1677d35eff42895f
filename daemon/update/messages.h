/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ids of our messages in the journal. They never change; conf/liveupdated.catalog explains each to the operator.
 * Beside them an entry has the fields that are named here, each of them LIVEUPDATE_something. */

#include <systemd/sd-id128.h>

/* a kernel is loaded and ready */
#define MESSAGE_STAGED SD_ID128_MAKE(a5,c1,4c,00,49,2b,48,6b,8f,7a,4e,77,ed,b0,26,52)
/* it is loaded no more */
#define MESSAGE_UNSTAGED SD_ID128_MAKE(e1,8e,44,d0,87,ab,45,4c,87,3a,8b,3a,01,3b,cf,c5)
/* an image or a kernel was refused */
#define MESSAGE_STAGE_FAILED SD_ID128_MAKE(6a,ce,41,ff,c7,53,48,fe,a7,d0,ed,2d,4b,a0,4f,ae)
/* an update begins: LIVEUPDATE_ID, _KERNEL_FROM, _KERNEL_TO */
#define MESSAGE_COMMITTED SD_ID128_MAKE(16,02,b4,40,2a,5d,4e,af,87,45,ba,d0,1a,23,8f,e4)
/* a commit by itself did not even begin: LIVEUPDATE_KERNEL_TO, _REASON */
#define MESSAGE_COMMIT_REFUSED SD_ID128_MAKE(a9,d9,98,36,23,32,4d,29,b3,63,87,21,ee,97,ef,02)
/* every workload runs under the new kernel */
#define MESSAGE_UPDATED SD_ID128_MAKE(5f,71,dc,2b,b3,7f,46,42,bc,d4,8c,d5,7f,89,d3,a5)
/* the kernel was changed, but a workload did not come back */
#define MESSAGE_PARTIAL SD_ID128_MAKE(0c,09,e7,ba,15,b3,48,a3,ba,36,f0,1c,ec,9c,9a,83)
/* a step failed, everything runs as before: LIVEUPDATE_PHASE, _REASON */
#define MESSAGE_ROLLED_BACK SD_ID128_MAKE(c2,cf,4e,1b,5f,f9,47,30,b1,58,7b,c9,89,4c,42,52)
/* the daemon ended in the middle of an update, its successor undoes it */
#define MESSAGE_INTERRUPTED SD_ID128_MAKE(f4,55,ec,11,31,f5,46,f6,a8,71,19,ac,7d,68,d9,2b)
/* LIVEUPDATE_WORKLOAD, _BLACKOUT_USEC */
#define MESSAGE_WORKLOAD_RESTORED SD_ID128_MAKE(79,b8,8b,c5,a1,aa,42,ef,bf,30,84,35,bb,b9,37,45)
/* LIVEUPDATE_WORKLOAD, _REASON */
#define MESSAGE_WORKLOAD_LOST SD_ID128_MAKE(62,b1,5c,39,17,5d,48,68,84,21,af,f3,6d,82,29,c9)
/* something in liveupdated.conf was passed over: LIVEUPDATE_REASON */
#define MESSAGE_CONFIG SD_ID128_MAKE(8c,ee,42,98,0d,ad,44,3a,b6,5f,70,bb,42,39,88,bf)

/* a device is not quiet, and the update goes on (UnsafeDevices=warn): LIVEUPDATE_ID, _REASON */
#define MESSAGE_DEVICE_UNSAFE SD_ID128_MAKE(ec,29,af,d5,c9,51,41,e0,a3,57,1e,7c,b2,77,e4,99)
/* a device is not under the new kernel as it was under the old one: LIVEUPDATE_ID, _DEVICE, _REASON */
#define MESSAGE_DEVICE_PROBLEM SD_ID128_MAKE(dd,9e,f7,bb,f2,1f,4d,4f,81,40,6b,18,e9,89,80,fe)

/* what the operator had told the running host is back under the new kernel: LIVEUPDATE_ID */
#define MESSAGE_HOST_RESTORED SD_ID128_MAKE(39,d6,0c,fe,71,f5,44,ba,80,f4,01,4f,cb,9c,3b,83)
/* something of it is not: LIVEUPDATE_ID, _PART, _REASON */
#define MESSAGE_HOST_PROBLEM SD_ID128_MAKE(69,57,fd,78,83,9b,48,45,ab,7a,7c,35,45,69,38,2c)
/* what the previous kernel preserved is there, but the manifest that tells of it cannot be read: LIVEUPDATE_REASON */
#define MESSAGE_HANDOVER_UNREAD SD_ID128_MAKE(b8,42,c7,7c,9d,8b,40,b8,ab,c8,48,48,68,c4,52,9d)

/* A phase is over: LIVEUPDATE_ID, _PHASE, _START_USEC after the first one's beginning, _DURATION_USEC. Those of both
 * kernels are told when the update is over, so that nothing is logged in the blackout. */
#define MESSAGE_PHASE_PREPARE SD_ID128_MAKE(eb,44,da,d6,91,36,41,87,97,93,16,e2,34,b0,65,26)
#define MESSAGE_PHASE_QUIESCE SD_ID128_MAKE(22,d2,1d,03,6b,67,4b,63,8b,08,4e,d0,3c,fc,80,82)
#define MESSAGE_PHASE_PAUSE SD_ID128_MAKE(ad,2a,e6,c7,c5,3f,47,4f,a6,86,19,fd,20,5c,13,56)
#define MESSAGE_PHASE_SAVE SD_ID128_MAKE(8b,68,5c,6e,c4,46,45,e2,b1,b4,80,ed,c9,af,a4,21)
#define MESSAGE_PHASE_DRAIN SD_ID128_MAKE(44,53,41,be,4b,15,48,d6,85,4a,bf,58,48,07,3f,43)
#define MESSAGE_PHASE_SEAL SD_ID128_MAKE(c6,a3,b1,7a,4d,40,4a,06,83,a1,90,18,0d,ae,85,d3)
#define MESSAGE_PHASE_SHUTDOWN SD_ID128_MAKE(85,04,aa,1e,de,89,4b,b4,b0,ef,37,90,91,64,81,c3)
#define MESSAGE_PHASE_JUMP SD_ID128_MAKE(c4,f8,57,b0,34,6d,4a,78,ad,ac,eb,ef,f1,d8,34,6d)
#define MESSAGE_PHASE_BOOT SD_ID128_MAKE(83,d0,e5,7c,d8,10,4b,63,9f,17,29,af,d7,e5,ff,6e)
#define MESSAGE_PHASE_USERSPACE SD_ID128_MAKE(0f,e8,79,96,3c,bf,40,a5,a3,79,e4,c7,67,d4,32,a7)
#define MESSAGE_PHASE_RETRIEVE SD_ID128_MAKE(54,69,d4,69,89,7e,41,21,b3,94,69,95,1e,97,96,b8)
#define MESSAGE_PHASE_RESTORE SD_ID128_MAKE(a5,da,b4,48,90,b8,48,8c,8a,c6,d9,a3,15,d3,86,ec)
#define MESSAGE_PHASE_RESUME SD_ID128_MAKE(14,98,3e,e2,e2,b2,40,9f,84,20,6f,78,a9,43,25,3f)
#define MESSAGE_PHASE_FINISH SD_ID128_MAKE(cc,ae,6f,fc,71,6e,45,72,9b,09,60,19,f2,f9,d3,60)
