/* Two slots for models and a log of what was decided: install, try, confirm, go back. A power cut at any flash
 * operation leaves a device that boots a model which its owner has signed. update/DESIGN.md says why. */
#ifndef ASD_UPDATE_H
#define ASD_UPDATE_H

#include "asd/asd_bundle.h"
#include "asd/asd_flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASD_UPDATE_MOST_ATTEMPTS 3u /* of a model on trial */
#define ASD_UPDATE_RECORD_BYTES 64u
#define ASD_UPDATE_NO_SLOT 2u

typedef struct {
    asd_flash flash;
    uint32_t slots[2]; /* addresses, each the first of a page */
    uint32_t slot_bytes;
    uint32_t log_pages[2];  /* addresses; one page each */
    asd_bundle_rules rules; /* most_image_bytes is slot_bytes without the header */
} asd_update_settings;

typedef enum { ASD_UPDATE_CONFIRMED = 1, ASD_UPDATE_TRIAL = 2 } asd_update_state;

/* What the newest record says. */
typedef struct {
    uint32_t sequence;
    uint32_t state;
    uint32_t active;        /* slot of the model that was confirmed */
    uint32_t attempts;      /* of the model on trial, in the other slot */
    uint32_t least_version; /* older versions are never installed again */
    uint32_t header_crc[2]; /* of the bundle that was confirmed, or is on trial, in each slot; 0: of none */
} asd_update_record;

typedef enum {
    ASD_UPDATE_OK = 0,
    ASD_UPDATE_REFUSED = 1, /* bundle_status says why */
    ASD_UPDATE_OLDER = 2,   /* not newer than what was confirmed before */
    ASD_UPDATE_FLASH_FAILED = 3,
    ASD_UPDATE_INCOMPLETE = 4, /* fewer bytes than the bundle says */
    ASD_UPDATE_TOO_MANY = 5,   /* more */
    ASD_UPDATE_NOT_NOW = 6,    /* nothing is being installed, a model is on trial, or it went back: reset it */
    ASD_UPDATE_NO_MODEL = 7,   /* neither slot holds one to trust */
} asd_update_status;

/* The caller's; start with asd_update_open. */
typedef struct {
    const asd_update_settings *settings;
    asd_update_record record;
    bool has_record;
    uint32_t newest_page;  /* of the newest record: never erased */
    uint32_t log_page;     /* that the next record goes to */
    uint32_t log_next;     /* offset in it of the first record that may be free */
    uint32_t running_slot; /* executes in place: never written; ASD_UPDATE_NO_SLOT: nothing runs */
    bool has_gone_back;    /* until the next reset the slots stay as they are */
    asd_bundle_status bundle_status;
    bool is_installing;
    asd_bundle incoming;
    uint32_t n_written; /* of the slot */
    uint32_t n_waiting;
    uint8_t header[ASD_BUNDLE_HEADER_BYTES]; /* of the bundle being installed, and for checks */
    uint8_t waiting[ASD_FLASH_MAX_WORD_BYTES];
} asd_update;

/* Read the log. */
void asd_update_open(asd_update *update, const asd_update_settings *settings);

/* Which slot's model runs now; called once after each reset. A model on trial has its attempt counted first, and after
 * too many of them the one before runs again. *bundle is what that slot says. ASD_UPDATE_NO_MODEL, _FLASH_FAILED. */
asd_update_status asd_update_boot(asd_update *update, uint32_t *slot, asd_bundle *bundle, bool *is_trial);

/* Check a bundle's first ASD_BUNDLE_HEADER_BYTES, then write them into the slot that doesn't run, each page of which is
 * erased when its first bytes come. A device without any model takes its first one so. */
asd_update_status asd_update_begin(asd_update *update, const uint8_t *header);

/* The bytes behind the header, in order, any number at a time. */
asd_update_status asd_update_write(asd_update *update, const uint8_t *bytes, uint32_t n_bytes);

/* All bytes are there: read them back, check hash and signature, put the model on trial at the next boot. */
asd_update_status asd_update_finish(asd_update *update);

/* The model on trial passed its self-test: from now on it is the one, and older versions are refused. */
asd_update_status asd_update_confirm(asd_update *update);

/* The model on trial failed; or, without one on trial, the operator wants the model back that was confirmed before. It
 * runs after a reset; until then nothing is installed. */
asd_update_status asd_update_go_back(asd_update *update);

#ifdef __cplusplus
}
#endif

#endif
