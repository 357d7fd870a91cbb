/* The records of a model image as they lie in flash, little-endian; FORMAT.md gives every byte and every rule.
 * All `_offset` count from the start of the image, those marked "arena" from the start of the caller's arena. */
#ifndef ASD_IMAGE_H
#define ASD_IMAGE_H

#include <stdint.h>

#define ASD_IMAGE_MAGIC 0x4D445341u /* "ASDM" */
#define ASD_IMAGE_VERSION 1u
#define ASD_IMAGE_ALIGNMENT 16u /* of the image, of its sections, of the arena */
#define ASD_MAX_INPUTS 2u       /* of the network */
#define ASD_MAX_STEP_INPUTS 4u
#define ASD_MAX_KERNEL_TIME 64u /* columns that one step reads at once */

/* Whose kernels the weights are packed for. */
typedef enum {
    ASD_CORE_GENERIC = 0,
    ASD_CORE_DSP = 1, /* Armv7E-M, Armv8-M with the DSP extension */
    ASD_CORE_MVE = 2, /* Armv8.1-M with MVE integer */
} asd_core;

/* What a step computes for one output column. */
typedef enum {
    ASD_OP_CONV2D = 1,
    ASD_OP_POINTWISE = 2, /* 1x1 convolution and fully connected layer */
    ASD_OP_DEPTHWISE = 3,
    ASD_OP_ACCUMULATE_CONV2D = 4,    /* a kernel as long as the window: added up column by column */
    ASD_OP_ACCUMULATE_DEPTHWISE = 5, /* likewise */
    ASD_OP_ACCUMULATE_MEAN = 6,      /* mean over time, or over time and mel */
    ASD_OP_MEAN = 7,                 /* mean over mel */
    ASD_OP_LOOKUP = 8,               /* any function of one code, by table, shared or per channel */
    ASD_OP_PRELU = 9,
    ASD_OP_ADD = 10,
    ASD_OP_MUL = 11,
    ASD_OP_MAXIMUM = 12,
    ASD_OP_CONCAT = 13, /* along the channels */
    ASD_OP_PAD = 14,
    ASD_OP_AVERAGE_POOL = 15,
    ASD_OP_MAX_POOL = 16,
    ASD_OP_SOFTMAX = 17,
    ASD_OP_RESHAPE = 18, /* waits for the whole input unless time keeps its length */
    ASD_OP_STORE = 19,   /* copies a column that was computed apart into its ring */
    ASD_N_OPS = 20,
} asd_op;

/* What follows the rescaling of a convolution's sum, on the codes that it gave. */
typedef enum {
    ASD_ACTIVATION_NONE = 0, /* only the clamp to low..high, which always is */
    ASD_ACTIVATION_PRELU = 1,
    ASD_ACTIVATION_TABLE = 2,         /* [256] */
    ASD_ACTIVATION_CHANNEL_TABLE = 3, /* [n_channels][256] */
} asd_activation;

/* How a convolution's sum is rescaled; only ops with a bias have a choice. */
typedef enum {
    ASD_ROUNDING_TWICE = 0, /* by a 32-bit multiplier, as TFLite's convolutions: asd_rescale_s32 */
    ASD_ROUNDING_ONCE = 1,  /* by a 53-bit mantissa, as TFLite's fully connected layers: quantization/wide_factor.py */
} asd_rounding;

/* Layout of a step's weights. */
typedef enum {
    ASD_LAYOUT_PLAIN = 0, /* as TFLite: [out][time][mel][in]; depthwise [time][mel][channel] */
    ASD_LAYOUT_DSP = 1,
    ASD_LAYOUT_MVE = 2,
} asd_layout;

typedef struct {
    uint32_t magic;
    uint16_t version;
    uint16_t core; /* asd_core */
    uint32_t n_bytes;
    uint32_t crc32; /* CRC-32 (IEEE 802.3) of all other bytes */
    uint32_t arena_bytes;
    uint16_t n_tensors;
    uint16_t n_steps;
    uint32_t tensors_offset;
    uint32_t steps_offset;
    uint32_t detector_offset; /* 0: none */
    uint32_t names_offset;    /* for tools: each tensor's name, then each step's, every one ended by 0 */
    uint32_t names_bytes;
    uint16_t n_inputs;
    uint16_t output; /* tensor */
    uint16_t inputs[ASD_MAX_INPUTS];
    uint16_t is_endless; /* 1: one stream without end (sliding scores); 0: windows, one after the other */
    uint16_t reserved;
    uint32_t tensor_states_offset; /* arena: asd_tensor_state[n_tensors] */
    uint32_t step_states_offset;   /* arena: asd_step_state[n_steps] */
    uint8_t source_sha256[32];     /* of model.tflite, followed by detector.safetensors where there is one */
} asd_image_header;

/* A tensor is a sequence of columns [n_mels][n_channels] int8; a ring in the arena holds the newest of them. */
typedef struct {
    uint32_t n_columns;     /* of one window; in an endless image 0, of every tensor */
    uint32_t ring_offset;   /* arena: `depth` columns, each from a multiple of 4 on */
    uint32_t newest_offset; /* arena: where a column lies until a STORE step copies it into the ring, if is_apart */
    uint32_t scale_bits;    /* float32 scale, for tools: no C reads it */
    uint16_t n_mels;
    uint16_t n_channels;
    uint16_t depth;
    int8_t zero_point;
    uint8_t is_apart;
} asd_image_tensor;

typedef struct {
    uint8_t op;
    uint8_t layout;
    uint8_t activation;
    uint8_t n_inputs;
    uint16_t inputs[ASD_MAX_STEP_INPUTS]; /* tensors */
    uint16_t output;                      /* tensor */
    uint16_t delay;                       /* ticks from ready to run: spreads work that would fall on one hop */
    uint16_t kernel_time;
    uint16_t kernel_mel;
    uint16_t stride_time;
    uint16_t stride_mel;
    uint16_t pad_time; /* before the first column */
    uint16_t pad_mel;  /* before the first row */
    int8_t low;        /* codes are clamped to low..high */
    int8_t high;
    int8_t zero_point; /* of the codes that the sum gives; those of the output where no activation follows */
    uint8_t rounding;  /* asd_rounding */
    uint32_t weights_offset;
    uint32_t weights_bytes;
    uint32_t bias_offset; /* int32[n_channels out] */
    uint32_t
        multipliers_offset; /* int32[n_channels out]; ROUNDING_ONCE: uint32[n_channels out][2], low and high word */
    uint32_t shifts_offset; /* int8[n_channels out], left where positive; ROUNDING_ONCE: to the right, 33..94 */
    uint32_t table_offset;  /* slopes int8[n_channels], or the tables of the activation, of LOOKUP, of SOFTMAX */
    uint32_t table_bytes;
    uint32_t scratch_offset; /* arena */
    uint32_t scratch_bytes;
    uint32_t accumulators_offset; /* arena: int32[n_accumulators][n_mels out][n_channels out] of an ACCUMULATE step */
    uint16_t n_accumulators;      /* 1, or as many windows as overlap in an endless image */
    uint16_t reserved2;
    int32_t factors[3]; /* multipliers of PRELU (positive, negative), ADD (first, second, sum), MUL and MEAN (one) */
    int8_t factor_shifts[3];
    uint8_t reserved3;
} asd_image_step;

/* How the network's output becomes a score. */
typedef enum {
    ASD_SCORE_ARCFACE = 1,
    ASD_SCORE_RECONSTRUCTION = 2,
} asd_score_kind;

#define ASD_NO_INPUT 0xFFFFu

/* code = floor((kept * multiplier + 2^15) / 2^shift + 1/2) + zero_point, see asd_frontend.h */
typedef struct {
    int64_t limit;
    int32_t multiplier;
    int32_t shift;
    int32_t zero_point;
    int32_t pre_shift;
} asd_image_code_scale;

/* What turns a network into a detector. */
typedef struct {
    asd_image_code_scale log_mel_scale; /* of 1/256 dB */
    asd_image_code_scale fir_scale;     /* of the FIR's sums; zeros without a FIR */
    int64_t fir_bias;
    uint32_t fir_high_offset; /* int16[1024]; 0: the network reads no Wavegram */
    uint32_t fir_low_offset;  /* int16[1024] */
    uint32_t clip_samples;    /* of a window */
    uint16_t kind;            /* asd_score_kind */
    uint16_t n_context;       /* frames joined into one column of the log-Mel input: 1, or 5 of the autoencoder */
    uint16_t log_mel_input;   /* index into the header's inputs, or ASD_NO_INPUT */
    uint16_t fir_input;       /* likewise */
    uint32_t labels_offset;   /* "fan/id_00" and so on, one per class, each ended by 0 */
    uint32_t labels_bytes;
    uint32_t rows_offset; /* arcface: int16[n_classes][embedding_size], each row in steps of its own */
    uint16_t n_classes;
    uint16_t embedding_size;
    int32_t arcface[5];               /* the integers of asd_arcface_params in its order, from scale_q16 on */
    int32_t reconstruction[3];        /* the integers of asd_reconstruction_params in its order */
    uint32_t frontend_scratch_offset; /* arena, multiple of 8: asd_frontend_scratch, in use between two ticks only */
} asd_image_detector;

/* In the arena. */
typedef struct {
    uint32_t n_produced; /* columns since the start, modulo 2^32 */
    uint32_t n_stored;   /* of them in the ring: all, but for the newest where it lies apart */
    uint32_t slot;       /* of the newest stored */
} asd_tensor_state;

typedef struct {
    uint32_t first; /* running index of the input column with which the current window begins */
    uint32_t next;  /* output column within the window; of an ACCUMULATE step: input column */
    uint16_t wait;  /* ticks left */
    uint16_t is_armed;
} asd_step_state;

#endif
