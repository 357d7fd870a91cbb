/* What every fallible function of the firmware returns. */
#ifndef ASD_STATUS_H
#define ASD_STATUS_H

typedef enum {
    ASD_OK = 0,
    ASD_ERROR_TOO_SHORT = 1, /* a clip of 512 samples or fewer can't be reflected at its ends */
    ASD_ERROR_ARGUMENT = 2,  /* a setting out of its range */
    ASD_ERROR_NO_SCORE = 3,  /* an embedding of zeros has no direction, a clip without values no mean */
    /* asd_model_load: why an image is refused */
    ASD_ERROR_NOT_AN_IMAGE = 4, /* shorter than a header, without the magic, or not at a multiple of 16 */
    ASD_ERROR_VERSION = 5,
    ASD_ERROR_CORE = 6,      /* packed for another core's kernels */
    ASD_ERROR_TRUNCATED = 7, /* shorter than it says */
    ASD_ERROR_CHECKSUM = 8,
    ASD_ERROR_BOUNDS = 9,    /* something it refers to lies outside of the image or of the arena */
    ASD_ERROR_TENSOR = 10,   /* a tensor's record contradicts itself */
    ASD_ERROR_OPERATOR = 11, /* a step that this firmware doesn't know */
    ASD_ERROR_STEP = 12,     /* a step's record contradicts itself or its tensors */
    ASD_ERROR_OVERFLOW = 13, /* sums that might not fit 32 bits */
    ASD_ERROR_OVERLAP = 14,  /* states or sums in the arena that something else would overwrite */
    ASD_ERROR_DETECTOR = 15, /* the detector's record contradicts itself or the network */
    /* asd_engine_start, asd_detector_start */
    ASD_ERROR_ARENA = 16,       /* too small, or not at a multiple of 16 */
    ASD_ERROR_NO_DETECTOR = 17, /* the image is a network alone */
} asd_status;

#endif
