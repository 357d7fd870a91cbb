/* Requests that install a bundle over the line, and ask what became of it; link/DESIGN.md has each body. */
#ifndef ASD_LINK_UPDATE_H
#define ASD_LINK_UPDATE_H

#include "asd/asd_link_session.h"
#include "asd/asd_update.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What runs, and what the self-test of this boot said. */
typedef enum { ASD_LINK_NOT_TESTED = 0, ASD_LINK_TEST_PASSED = 1, ASD_LINK_TEST_FAILED = 2 } asd_link_test;

/* The caller's. */
typedef struct {
    asd_update *update;
    asd_update_status boot_status;
    uint32_t slot;       /* that runs */
    asd_bundle *running; /* what it says; meaningless where boot_status isn't ASD_UPDATE_OK */
    asd_link_test test;
    bool wants_restart; /* a RESTART has been answered */
} asd_link_updater;

/* An asd_link_extra_fn; context: an asd_link_updater. */
bool asd_link_update(void *context, const asd_link_frame *request, asd_link_frame *answer);

#ifdef __cplusplus
}
#endif

#endif
