/* What every fallible function of the firmware returns. */
#ifndef ASD_STATUS_H
#define ASD_STATUS_H

typedef enum {
    ASD_OK = 0,
    ASD_ERROR_TOO_SHORT = 1, /* a clip of 512 samples or fewer can't be reflected at its ends */
    ASD_ERROR_ARGUMENT = 2,  /* a setting out of its range */
} asd_status;

#endif
