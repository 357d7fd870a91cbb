/* Layer shapes in -> ticks of one column by the fast kernel and by the plain one, on random codes and weights. */
#include "dsp_bench.h"
#include "asd/asd_port.h"
#include "asd_kernels_dsp.h"

#define MAX_CHANNELS 512u
#define MAX_BYTES 65536u

static dsp_bench_layer layer;
static int32_t words[3][MAX_BYTES / 4u];
static int32_t weights[MAX_BYTES];
static int32_t output[MAX_BYTES / 4u];
static int32_t scratch[MAX_BYTES / 4u];
static int32_t sums[MAX_BYTES / 4u];
static int32_t bias[MAX_CHANNELS];
static int32_t multipliers[MAX_CHANNELS];
static int8_t shifts[MAX_CHANNELS];
static int8_t tables[MAX_CHANNELS * 256u];

static uint32_t random_word(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return state ^ state >> 16;
}

static void fill(int32_t *to, uint32_t n_words)
{
    for (uint32_t i = 0; i < n_words; i++) {
        to[i] = (int32_t)random_word();
    }
}

static void run(bool is_fast)
{
    const asd_requantization requantization = {bias,
                                               multipliers,
                                               shifts,
                                               3,
                                               -128,
                                               127,
                                               (asd_activation)layer.activation,
                                               tables,
                                               {1500000000, 1},
                                               {1300000000, -6},
                                               -50,
                                               ASD_ROUNDING_TWICE};
    const asd_conv2d_params params = {layer.n_mels_in,         layer.n_channels_in, layer.n_mels_out,
                                      layer.n_channels_out,    layer.kernel_time,   layer.kernel_mel,
                                      layer.stride_mel,        layer.pad_mel,       -5,
                                      (const int8_t *)weights, requantization};
    const uint32_t n_values = layer.n_mels_in * layer.n_channels_in;
    const asd_add_params add = {n_values, {{1073741824, 0}, {1500000000, -1}}, {1600000000, -18}, {3, -7}, 5, -128,
                                127};
    const asd_mul_params mul = {n_values, {1600000000, -7}, {3, -7}, 5, -128, 127};
    const asd_lookup_params lookup = {layer.n_mels_in, layer.n_channels_in, layer.n_channels_in, tables};
    const int8_t *const columns[3] = {(const int8_t *)words[0], (const int8_t *)words[1], (const int8_t *)words[2]};
    int8_t *const to = (int8_t *)output;
    switch (layer.op) {
    case ASD_OP_CONV2D:
        (is_fast ? asd_conv2d_s8_dsp : asd_conv2d_s8)(&params, columns, to, scratch);
        break;
    case ASD_OP_POINTWISE:
        (is_fast ? asd_pointwise_s8_dsp : asd_pointwise_s8)(&params, columns[0], to, scratch);
        break;
    case ASD_OP_DEPTHWISE:
        (is_fast ? asd_depthwise_s8_dsp : asd_depthwise_s8)(&params, columns, to, scratch);
        break;
    case ASD_OP_ACCUMULATE_DEPTHWISE:
        asd_accumulate_depthwise_s8(&params, columns[0], 0, sums);
        break;
    case ASD_OP_ADD:
        (is_fast ? asd_add_s8_dsp : asd_add_s8)(&add, columns[0], columns[1], to);
        break;
    case ASD_OP_MUL:
        asd_mul_s8(&mul, columns[0], columns[1], to);
        break;
    case ASD_OP_LOOKUP:
        asd_lookup_s8(&lookup, columns[0], to);
        break;
    default:
        asd_port_exit(2);
    }
}

static uint32_t ticks_of(bool is_fast)
{
    const uint32_t begin = asd_port_ticks();
    run(is_fast);
    const uint32_t end = asd_port_ticks();
    return end - begin;
}

int main(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        fill(words[i], MAX_BYTES / 4u);
    }
    fill(weights, MAX_BYTES);
    for (uint32_t i = 0; i < MAX_CHANNELS; i++) {
        bias[i] = (int32_t)(random_word() % 8192u) - 4096;
        multipliers[i] = (int32_t)(random_word() >> 2 | 0x40000000u);
        shifts[i] = (int8_t)(-9 - (int32_t)(random_word() % 4u));
    }
    for (uint32_t i = 0; i < MAX_CHANNELS * 256u; i++) {
        tables[i] = (int8_t)random_word();
    }
    while (asd_port_read(&layer, sizeof layer)) {
        const uint32_t ticks[2] = {ticks_of(true), ticks_of(false)};
        asd_port_write(ticks, sizeof ticks);
    }
    asd_port_exit(0);
    return 0;
}
