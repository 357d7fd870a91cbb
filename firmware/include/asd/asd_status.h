/* What every fallible function of the firmware returns. */
#ifndef ASD_STATUS_H
#define ASD_STATUS_H

typedef enum {
    ASD_OK = 0,
    ASD_ERROR_TOO_SHORT = 1, /* a clip of 512 samples or fewer can't be reflected at its ends */
} asd_status;

#endif
