/* Rows of codes times weights that are packed for MVE -> rows of codes: fills a frame for each group of 4 channels and
 * leaves the sums and their requantization to asd_tiles_s8_mve_helium.S. */
#include "asd_tile_frame_mve.h"

#define BLOCK_POSITIONS 32u

/* The assembly knows the offsets. */
typedef struct {
    int32_t bias[2][ASD_MVE_GROUP];
    int32_t multipliers[ASD_MVE_GROUP];
    int32_t right_shifts[ASD_MVE_GROUP]; /* negative */
    int16_t low[8];                      /* of codes less their zero point */
    int16_t high[8];
    int32_t slopes[ASD_MVE_GROUP]; /* each in both halves */
    int32_t negative_add[ASD_MVE_GROUP];
    int32_t table_offsets[ASD_MVE_GROUP]; /* of zero point and channel, each in both halves */
    int32_t left_shifts[ASD_MVE_GROUP];
    int32_t doublings[ASD_MVE_GROUP]; /* 1 where the right shift is 0 */
    const int8_t *weights;
    uint32_t n_blocks; /* turns of the inner loop */
    uint32_t input_stride;
    const int8_t *output_end;
    int32_t zero_point;
    int32_t negative_shift;
    uint32_t output_stride;
    const int8_t *table;
    int32_t negative_multiplier;
    int32_t negative_left;
    int8_t positive[256];
} asd_tile_frame;

typedef char table_is_at_204[offsetof(asd_tile_frame, table) == 204 ? 1 : -1];

/* Pairs of positions from `codes` on until output_end. */
typedef void asd_tiles_fn(const asd_tile_frame *frame, const int8_t *codes, int8_t *output);

asd_tiles_fn asd_tiles_64_none_s8_mve, asd_tiles_64_prelu_s8_mve, asd_tiles_64_table_s8_mve;
asd_tiles_fn asd_tiles_16_none_s8_mve, asd_tiles_16_prelu_s8_mve, asd_tiles_16_table_s8_mve;
asd_tiles_fn asd_tiles_general_none_s8_mve, asd_tiles_general_prelu_s8_mve, asd_tiles_general_table_s8_mve;
asd_tiles_fn asd_tiles_once_table_s8_mve;

/* The tiles of a step, and what is the same for each group. */
typedef struct {
    asd_tiles_fn *usual;
    asd_tiles_fn *general;
    uint32_t blocks_per_turn; /* of the usual tiles */
    int32_t usual_below;      /* shifts below it: 0, or none where PReLU's negative branch shifts left */
    int32_t negative_add;
    int32_t is_rounding;
} tiles_choice;

/* The constants of 4 channels. */
typedef struct {
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    const int8_t *slopes; /* NULL: no PReLU */
} channel_group;

static tiles_choice choose(asd_activation activation, uint32_t n_blocks)
{
    static asd_tiles_fn *const by_64[3] = {asd_tiles_64_none_s8_mve, asd_tiles_64_prelu_s8_mve,
                                           asd_tiles_64_table_s8_mve};
    static asd_tiles_fn *const by_16[3] = {asd_tiles_16_none_s8_mve, asd_tiles_16_prelu_s8_mve,
                                           asd_tiles_16_table_s8_mve};
    static asd_tiles_fn *const general[3] = {asd_tiles_general_none_s8_mve, asd_tiles_general_prelu_s8_mve,
                                             asd_tiles_general_table_s8_mve};
    const uint32_t kind = activation > ASD_ACTIVATION_TABLE ? ASD_ACTIVATION_TABLE : activation;
    tiles_choice choice = {by_16[kind], general[kind], 1, 0, 0, 0};
    if (n_blocks % 4u == 0) {
        choice.usual = by_64[kind];
        choice.blocks_per_turn = 4;
    } else if (n_blocks == 1u && kind == ASD_ACTIVATION_TABLE) {
        choice.usual = asd_tiles_once_table_s8_mve;
    }
    return choice;
}

/* Zero point and place of channel 0..n - 1 in the activation's tables; the same place for those beyond. */
static void store_table_offsets(const asd_requantization *requantization, uint32_t n, asd_tile_frame *frame)
{
    const int32_t step = requantization->activation == ASD_ACTIVATION_CHANNEL_TABLE ? 256 : 0;
    const int32x4_t channels = {0, step, 2 * step, 3 * step};
    const int32x4_t first = vdupq_n_s32(requantization->zero_point + 128);
    const int32x4_t offsets = vaddq_m_s32(first, first, channels, vctp32q(n));
    vst1q_s32(frame->table_offsets, vsliq_n_s32(offsets, offsets, 16));
}

static void start_frame(const asd_conv2d_params *params, asd_tile_frame *frame, tiles_choice *choice)
{
    const asd_requantization *requantization = &params->requantization;
    const int32_t zero_point = requantization->zero_point;
    vst1q_s16(frame->low, vdupq_n_s16((int16_t)(requantization->low - zero_point)));
    vst1q_s16(frame->high, vdupq_n_s16((int16_t)(requantization->high - zero_point)));
    frame->zero_point = zero_point;
    frame->table = requantization->table;
    frame->weights = params->weights;
    store_table_offsets(requantization, ASD_MVE_GROUP, frame);
    if (requantization->activation == ASD_ACTIVATION_PRELU) {
        const asd_negative_branch branch = asd_negative_branch_of(requantization);
        frame->negative_multiplier = branch.multiplier;
        frame->negative_shift = branch.right;
        frame->negative_left = branch.left;
        frame->table = frame->positive;
        choice->negative_add = branch.add;
        choice->is_rounding = branch.is_rounding;
        choice->usual_below = branch.left > 0 ? INT32_MIN : 0;
        asd_positive_branch(requantization, frame->positive);
    }
}

/* Returns the group's tiles. */
static inline asd_tiles_fn *load_group(const channel_group *group, asd_tile_frame *frame, const tiles_choice *choice)
{
    const int32x4_t bias = vld1q_s32(group->bias), shifts = vldrbq_s32(group->shifts);
    vst1q_s32(frame->bias[0], bias);
    vst1q_s32(frame->bias[1], bias);
    vst1q_s32(frame->multipliers, vld1q_s32(group->multipliers));
    vst1q_s32(frame->right_shifts, shifts);
    if (group->slopes != NULL) {
        const int32x4_t slopes = vldrbq_s32(group->slopes), add = vdupq_n_s32(choice->negative_add);
        vst1q_s32(frame->slopes, vsliq_n_s32(slopes, slopes, 16));
        vst1q_s32(frame->negative_add, vsubq_m_n_s32(add, add, choice->is_rounding, vcmpgtq_n_s32(slopes, 0)));
    }
    if (vmaxvq_s32(-128, shifts) < choice->usual_below) {
        return choice->usual;
    }
    const int32x4_t zero = vdupq_n_s32(0), right = vminq_s32(shifts, zero);
    vst1q_s32(frame->left_shifts, vmaxq_s32(shifts, zero));
    vst1q_s32(frame->right_shifts, vminq_s32(right, vdupq_n_s32(-1)));
    vst1q_s32(frame->doublings, vaddq_m_n_s32(zero, zero, 1, vcmpeqq_s32(right, zero)));
    return choice->general;
}

/* n positions of one group, `output_stride` apart */
static inline void run_group(asd_tile_frame *frame, asd_tiles_fn *tiles, const int8_t *codes, uint32_t n,
                             uint32_t stride, int8_t *output, uint32_t output_stride)
{
    const uint32_t n_even = n & ~1u;
    if (n_even > 0) {
        frame->input_stride = stride;
        frame->output_stride = output_stride;
        frame->output_end = output + n_even * output_stride;
        tiles(frame, codes, output);
    }
    if (n_even < n) { /* the last position as both of a pair */
        int8_t *last = output + n_even * output_stride;
        frame->input_stride = 0;
        frame->output_stride = 0;
        frame->output_end = last;
        tiles(frame, codes + n_even * stride, last);
    }
}

/* The last group where it has less than 4 channels: by way of a block of whole groups. */
static void run_last_group(const asd_conv2d_params *params, const channel_group *whole, uint32_t n_channels,
                           asd_tile_frame *frame, tiles_choice *choice, uint32_t n_blocks, const int8_t *codes,
                           uint32_t n, uint32_t stride, int8_t *output)
{
    int32_t bias[ASD_MVE_GROUP], multipliers[ASD_MVE_GROUP];
    int8_t shifts[ASD_MVE_GROUP], slopes[ASD_MVE_GROUP], block[BLOCK_POSITIONS * ASD_MVE_GROUP];
    const mve_pred16_t lanes = vctp32q(n_channels);
    const channel_group group = {bias, multipliers, shifts, whole->slopes != NULL ? slopes : NULL};
    vst1q_s32(bias, vldrwq_z_s32(whole->bias, lanes));
    vst1q_s32(multipliers, vldrwq_z_s32(whole->multipliers, lanes));
    vstrbq_s32(shifts, vpselq_s32(vldrbq_z_s32(whole->shifts, lanes), vdupq_n_s32(-1), lanes));
    if (whole->slopes != NULL) {
        vstrbq_s32(slopes, vldrbq_z_s32(whole->slopes, lanes));
    }
    store_table_offsets(&params->requantization, n_channels, frame);
    asd_tiles_fn *tiles = load_group(&group, frame, choice);
    frame->n_blocks = tiles == choice->usual ? n_blocks / choice->blocks_per_turn : n_blocks;
    for (uint32_t first = 0; first < n; first += BLOCK_POSITIONS) {
        const uint32_t n_positions = n - first < BLOCK_POSITIONS ? n - first : BLOCK_POSITIONS;
        run_group(frame, tiles, codes + first * stride, n_positions, stride, block, ASD_MVE_GROUP);
        for (uint32_t i = 0; i < n_positions; i++, output += params->n_channels_out) {
            vstrbq_p_s32(output, vldrbq_s32(block + i * ASD_MVE_GROUP), lanes);
        }
    }
}

void asd_multiply_packed_s8_mve(const asd_conv2d_params *params, const int8_t *codes, uint32_t n, uint32_t stride,
                                int8_t *output)
{
    const asd_requantization *requantization = &params->requantization;
    const asd_activation activation = requantization->activation;
    const uint32_t n_taps = params->kernel_time * params->kernel_mel * params->n_channels_in;
    const uint32_t n_blocks = (n_taps + ASD_MVE_LANES - 1u) / ASD_MVE_LANES;
    tiles_choice choice = choose(activation, n_blocks);
    channel_group group = {requantization->bias, requantization->multipliers, requantization->shifts,
                           activation == ASD_ACTIVATION_PRELU ? requantization->table : NULL};
    asd_tile_frame frame;
    start_frame(params, &frame, &choice);
    uint32_t n_left = params->n_channels_out;
    for (; n_left >= ASD_MVE_GROUP; n_left -= ASD_MVE_GROUP, output += ASD_MVE_GROUP) {
        asd_tiles_fn *tiles = load_group(&group, &frame, &choice);
        frame.n_blocks = tiles == choice.usual ? n_blocks / choice.blocks_per_turn : n_blocks;
        run_group(&frame, tiles, codes, n, stride, output, params->n_channels_out);
        frame.weights += n_blocks * ASD_MVE_LANES * ASD_MVE_GROUP;
        group.bias += ASD_MVE_GROUP;
        group.multipliers += ASD_MVE_GROUP;
        group.shifts += ASD_MVE_GROUP;
        if (group.slopes != NULL) {
            group.slopes += ASD_MVE_GROUP;
        }
        if (activation == ASD_ACTIVATION_CHANNEL_TABLE) {
            frame.table += ASD_MVE_GROUP * 256u;
        }
    }
    if (n_left > 0) {
        run_last_group(params, &group, n_left, &frame, &choice, n_blocks, codes, n, stride, output);
    }
}
