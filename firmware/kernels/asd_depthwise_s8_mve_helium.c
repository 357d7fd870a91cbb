/* asd_depthwise_s8 on weights that are packed for MVE: 16 channels at a time, their three columns interleaved in
 * scratch as rows [16][4], then channel by channel in asd_depthwise_tiles_s8_mve_helium.S. */
#include "asd_tile_frame_mve.h"

#define BLOCK_CHANNELS 16u
#define TILE_OUTPUTS 8u
#define MOST_COLUMNS 3u

/* The assembly knows the offsets. */
typedef struct {
    uint8_t tap_offsets[16];    /* of lane [mel][column of 4] in a channel's weights */
    uint32_t rows[4];           /* addresses of the first window's rows, less 128 */
    uint16_t output_offsets[8]; /* of a tile */
    int16_t low[8];             /* of codes less their zero point */
    int16_t high[8];
    const int8_t *weights;
    uint32_t n_taps;
    uint32_t tap_mask; /* lanes that are a tap */
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    const int8_t *slopes;
    const int8_t *table;
    uint32_t table_step;
    int8_t *output;
    uint32_t n_outputs;
    uint32_t tile_bytes;
    int32_t zero_point;
    int32_t negative_multiplier;
    int32_t negative_right;
    int32_t negative_add;
    int32_t negative_is_rounding;
    int32_t negative_left;
    uint32_t n_channels;
    uint32_t own[5]; /* the assembly's */
    int8_t positive[256];
} asd_depthwise_frame;

typedef char own_is_at_156[offsetof(asd_depthwise_frame, own) == 156 ? 1 : -1];

typedef void asd_depthwise_tiles_fn(asd_depthwise_frame *frame);

asd_depthwise_tiles_fn asd_depthwise_1_none_s8_mve, asd_depthwise_1_prelu_s8_mve, asd_depthwise_1_table_s8_mve;
asd_depthwise_tiles_fn asd_depthwise_2_none_s8_mve, asd_depthwise_2_prelu_s8_mve, asd_depthwise_2_table_s8_mve;
asd_depthwise_tiles_fn asd_depthwise_1_general_none_s8_mve, asd_depthwise_1_general_prelu_s8_mve,
    asd_depthwise_1_general_table_s8_mve;
asd_depthwise_tiles_fn asd_depthwise_2_general_none_s8_mve, asd_depthwise_2_general_prelu_s8_mve,
    asd_depthwise_2_general_table_s8_mve;

typedef struct {
    const int8_t *columns[MOST_COLUMNS];
    uint32_t strides[MOST_COLUMNS];
    uint32_t n_channels;
} asd_interleaved_columns;

void asd_interleave_columns_s8_mve(int8_t *rows, const asd_interleaved_columns *columns, uint32_t n_rows);

static asd_depthwise_tiles_fn *choose(const asd_conv2d_params *params, uint32_t first, uint32_t n, bool has_left)
{
    static asd_depthwise_tiles_fn *const tiles[2][2][3] = {
        {{asd_depthwise_1_none_s8_mve, asd_depthwise_1_prelu_s8_mve, asd_depthwise_1_table_s8_mve},
         {asd_depthwise_1_general_none_s8_mve, asd_depthwise_1_general_prelu_s8_mve,
          asd_depthwise_1_general_table_s8_mve}},
        {{asd_depthwise_2_none_s8_mve, asd_depthwise_2_prelu_s8_mve, asd_depthwise_2_table_s8_mve},
         {asd_depthwise_2_general_none_s8_mve, asd_depthwise_2_general_prelu_s8_mve,
          asd_depthwise_2_general_table_s8_mve}},
    };
    const asd_activation activation = params->requantization.activation;
    const mve_pred16_t lanes = vctp8q(n);
    const int8x16_t shifts = vldrbq_z_s8(params->requantization.shifts + first, lanes);
    const bool is_general = has_left || vmaxvq_p_s8(-128, shifts, lanes) >= 0;
    return tiles[params->stride_mel - 1u][is_general]
                [activation > ASD_ACTIVATION_TABLE ? ASD_ACTIVATION_TABLE : activation];
}

/* Fills in all that is the same for each block of channels. */
static void start_frame(const asd_conv2d_params *params, const int8_t *rows, asd_depthwise_frame *frame)
{
    const asd_requantization *requantization = &params->requantization;
    const int32_t zero_point = requantization->zero_point;
    frame->n_taps = params->kernel_mel * params->kernel_time;
    frame->tap_mask = 0;
    for (uint32_t lane = 0; lane < 16u; lane++) {
        const uint32_t mel = lane / 4u, time = lane % 4u;
        const bool is_tap = mel < params->kernel_mel && time < params->kernel_time;
        frame->tap_offsets[lane] = (uint8_t)(is_tap ? mel * params->kernel_time + time : 0u);
        frame->tap_mask |= (uint32_t)is_tap << lane;
    }
    for (uint32_t i = 0; i < 4u; i++) {
        frame->rows[i] = (uint32_t)rows + i * ASD_MVE_ROW_BYTES - 128u;
    }
    for (uint32_t i = 0; i < TILE_OUTPUTS; i++) {
        frame->output_offsets[i] = (uint16_t)(i * params->n_channels_out);
    }
    vst1q_s16(frame->low, vdupq_n_s16((int16_t)(requantization->low - zero_point)));
    vst1q_s16(frame->high, vdupq_n_s16((int16_t)(requantization->high - zero_point)));
    frame->tile_bytes = TILE_OUTPUTS * params->n_channels_out;
    frame->n_outputs = params->n_mels_out;
    frame->zero_point = zero_point + (requantization->activation >= ASD_ACTIVATION_TABLE ? 128 : 0);
    frame->negative_left = 0;
    if (requantization->activation == ASD_ACTIVATION_PRELU) {
        const asd_negative_branch branch = asd_negative_branch_of(requantization);
        frame->negative_multiplier = branch.multiplier;
        frame->negative_right = branch.right;
        frame->negative_add = branch.add;
        frame->negative_is_rounding = branch.is_rounding;
        frame->negative_left = branch.left;
        asd_positive_branch(requantization, frame->positive);
    }
}

static void load_block(const asd_conv2d_params *params, uint32_t first, uint32_t n, int8_t *output,
                       asd_depthwise_frame *frame)
{
    const asd_requantization *requantization = &params->requantization;
    const bool has_channel_tables = requantization->activation == ASD_ACTIVATION_CHANNEL_TABLE;
    frame->weights = params->weights + first * frame->n_taps;
    frame->bias = requantization->bias + first;
    frame->multipliers = requantization->multipliers + first;
    frame->shifts = requantization->shifts + first;
    frame->table_step = has_channel_tables ? 256u : 0u;
    if (requantization->activation == ASD_ACTIVATION_PRELU) {
        frame->slopes = requantization->table + first;
        frame->table = frame->positive;
    } else if (requantization->activation >= ASD_ACTIVATION_TABLE) {
        frame->table = requantization->table + frame->table_step * first;
    }
    frame->output = output + first;
    frame->n_channels = n;
}

/* The rows of a block's windows, padding included. */
static void interleave(const asd_conv2d_params *params, const int8_t *const *columns, uint32_t first, uint32_t n,
                       int8_t *rows)
{
    const uint32_t n_rows = (params->n_mels_out - 1u) * params->stride_mel + params->kernel_mel;
    const uint32_t n_after = n_rows - params->pad_mel;
    const uint32_t n_on_map = n_after < params->n_mels_in ? n_after : params->n_mels_in;
    const int8x16_t padding = vdupq_n_s8((int8_t)params->input_zero_point);
    int8_t missing[BLOCK_CHANNELS];
    asd_interleaved_columns given = {{missing, missing, missing}, {0, 0, 0}, n};
    vst1q_s8(missing, padding);
    for (uint32_t time = 0; time < params->kernel_time; time++) {
        if (columns[time] != NULL) {
            given.columns[time] = columns[time] + first;
            given.strides[time] = params->n_channels_out;
        }
    }
    asd_interleave_columns_s8_mve(rows + params->pad_mel * ASD_MVE_ROW_BYTES, &given, n_on_map);
    for (uint32_t row = 0; row < n_rows; row++) {
        if (row == params->pad_mel) {
            row += n_on_map;
        }
        for (uint32_t i = 0; row < n_rows && i < ASD_MVE_ROW_BYTES; i += 16u) {
            vst1q_s8(rows + row * ASD_MVE_ROW_BYTES + i, padding);
        }
    }
}

void asd_depthwise_s8_mve(const asd_conv2d_params *params, const int8_t *const *columns, int8_t *output, void *scratch)
{
    asd_depthwise_frame frame;
    start_frame(params, scratch, &frame);
    for (uint32_t first = 0; first < params->n_channels_out; first += BLOCK_CHANNELS) {
        const uint32_t n_left = params->n_channels_out - first;
        const uint32_t n = n_left < BLOCK_CHANNELS ? n_left : BLOCK_CHANNELS;
        interleave(params, columns, first, n, scratch);
        load_block(params, first, n, output, &frame);
        choose(params, first, n, frame.negative_left > 0)(&frame);
    }
}
