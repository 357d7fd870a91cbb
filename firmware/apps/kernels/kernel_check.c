/* Operators in, each with its constants and inputs -> every output column, computed one at a time. kernel_record.h
 *
 * What a kernel reads or writes lies at the end of its array, so that a sanitizer sees the first byte behind it. */
#include <stddef.h>
#include <string.h>

#include "asd/asd_port.h"
#include "kernel_record.h"

#define MAX_CHANNELS 512u
#define MAX_BYTES 65536u
#define CANARY 0x5A
#define CANARY_BYTES 32u

static kernel_record record;
static int32_t bias[MAX_CHANNELS], multipliers[2u * MAX_CHANNELS];
static int8_t shifts[MAX_CHANNELS];
static int8_t weights[MAX_BYTES];
static int32_t table[MAX_BYTES / 4u];
static int32_t inputs[ASD_MAX_STEP_INPUTS][MAX_BYTES / 4u];
static int32_t scratch[MAX_BYTES / 4u];
static int32_t sums[MAX_BYTES / 4u];
static int32_t output_words[MAX_BYTES / 4u];
static const int8_t *columns[ASD_MAX_STEP_INPUTS][ASD_MAX_KERNEL_TIME];

static uint32_t up_to_words(uint32_t n_bytes)
{
    return (n_bytes + 3u) & ~3u;
}

/* Where the last n_bytes of an array of MAX_BYTES begin, rounded down to a word. */
static int8_t *at_end(int32_t *words, uint32_t n_bytes)
{
    return (int8_t *)words + MAX_BYTES - up_to_words(n_bytes);
}

static uint32_t column_bytes(uint32_t input)
{
    return up_to_words(record.n_mels_in * record.n_channels_in[input]);
}

static bool read_inputs(void)
{
    for (uint32_t input = 0; input < record.n_inputs; input++) {
        const uint32_t step = column_bytes(input);
        int8_t *column = at_end(inputs[input], record.n_columns_in * step);
        for (uint32_t i = 0; i < record.n_columns_in; i++, column += step) {
            if (!asd_port_read(column, record.n_mels_in * record.n_channels_in[input])) {
                return false;
            }
        }
    }
    return true;
}

static bool read_case(void)
{
    return asd_port_read(bias, record.n_sums * 4u) &&
           asd_port_read(multipliers, record.n_sums * (record.rounding == ASD_ROUNDING_ONCE ? 8u : 4u)) &&
           asd_port_read(shifts, record.n_sums) &&
           asd_port_read(weights + MAX_BYTES - record.weights_bytes, record.weights_bytes) &&
           asd_port_read(at_end(table, record.table_bytes), record.table_bytes) && read_inputs();
}

static const int8_t *column_at(uint32_t input, uint32_t index)
{
    const uint32_t step = column_bytes(input);
    return index < record.n_columns_in ? at_end(inputs[input], record.n_columns_in * step) + index * step : NULL;
}

static asd_conv2d_params convolution(void)
{
    const asd_requantization requantization = {bias,
                                               multipliers,
                                               shifts,
                                               record.zero_point,
                                               record.low,
                                               record.high,
                                               (asd_activation)record.activation,
                                               at_end(table, record.table_bytes),
                                               record.factors[0],
                                               record.factors[1],
                                               record.prelu_zero_point,
                                               (asd_rounding)record.rounding};
    const asd_conv2d_params params = {record.n_mels_in,
                                      record.n_channels_in[0],
                                      record.n_mels_out,
                                      record.n_channels_out,
                                      record.kernel_time,
                                      record.kernel_mel,
                                      record.stride_mel,
                                      record.pad_mel,
                                      record.input_zero_points[0],
                                      weights + MAX_BYTES - record.weights_bytes,
                                      requantization};
    return params;
}

static asd_pool_params pool(void)
{
    const asd_pool_params params = {record.n_mels_in,   record.n_mels_out, record.n_channels_out,
                                    record.kernel_time, record.kernel_mel, record.stride_mel,
                                    record.pad_mel,     record.low,        record.high};
    return params;
}

static asd_mean_params mean(void)
{
    const asd_mean_params params = {record.n_mels_in,  record.n_mels_out,           record.n_channels_out,
                                    record.factors[0], record.input_zero_points[0], record.zero_point};
    return params;
}

/* Operators that add up column by column: all of them into one output column. */
static void accumulate(int8_t *output)
{
    const asd_conv2d_params params = convolution();
    const asd_mean_params mean_params = mean();
    const uint32_t n_bytes = record.n_mels_out * record.n_channels_out * 4u;
    int32_t *column_sums = sums + (MAX_BYTES - n_bytes) / 4u;
    memset(column_sums, 0, n_bytes);
    for (uint32_t time = 0; time < record.kernel_time; time++) {
        const int8_t *column = columns[0][time];
        switch (record.op) {
        case ASD_OP_ACCUMULATE_CONV2D:
            asd_accumulate_conv2d_s8(&params, column, time, column_sums);
            break;
        case ASD_OP_ACCUMULATE_DEPTHWISE:
            asd_accumulate_depthwise_s8(&params, column, time, column_sums);
            break;
        default:
            asd_accumulate_mean_s8(&mean_params, column, column_sums);
            break;
        }
    }
    if (record.op == ASD_OP_ACCUMULATE_MEAN) {
        asd_finish_mean_s8(&mean_params, column_sums, output);
    } else {
        asd_finish_sums_s8(&params, column_sums, output);
    }
}

static bool run_weighted(int8_t *output)
{
    const asd_conv2d_params params = convolution();
    const uint32_t n_patches = record.n_mels_out < 4u ? record.n_mels_out : 4u;
    int8_t *own_scratch =
        at_end(scratch, 2u * n_patches * record.kernel_time * record.kernel_mel * record.n_channels_in[0]);
    switch (record.op) {
    case ASD_OP_CONV2D:
        asd_conv2d_s8(&params, columns[0], output, own_scratch);
        return true;
    case ASD_OP_POINTWISE:
        asd_pointwise_s8(&params, columns[0][0], output, own_scratch);
        return true;
    case ASD_OP_DEPTHWISE:
        asd_depthwise_s8(&params, columns[0], output, own_scratch);
        return true;
    case ASD_OP_ACCUMULATE_CONV2D:
    case ASD_OP_ACCUMULATE_DEPTHWISE:
    case ASD_OP_ACCUMULATE_MEAN:
        accumulate(output);
        return true;
    default:
        return false;
    }
}

static bool run_pairwise(int8_t *output)
{
    const uint32_t n_values = record.n_mels_in * record.n_channels_in[0];
    const asd_add_params add = {n_values,          {record.factors[0], record.factors[1]},
                                record.factors[2], {record.input_zero_points[0], record.input_zero_points[1]},
                                record.zero_point, record.low,
                                record.high};
    const asd_mul_params mul = {
        n_values,          record.factors[0], {record.input_zero_points[0], record.input_zero_points[1]},
        record.zero_point, record.low,        record.high};
    const int8_t *first = columns[0][0], *second = columns[1][0];
    switch (record.op) {
    case ASD_OP_ADD:
        asd_add_s8(&add, first, second, output);
        return true;
    case ASD_OP_MUL:
        asd_mul_s8(&mul, first, second, output);
        return true;
    case ASD_OP_MAXIMUM:
        asd_maximum_s8(n_values, first, second, output);
        return true;
    default:
        return false;
    }
}

static bool run_by_row(int8_t *output)
{
    const uint32_t n_mels = record.n_mels_in, n_channels = record.n_channels_out;
    int8_t *bytes = at_end(table, record.table_bytes);
    const asd_lookup_params lookup = {n_mels, n_channels, record.table_bytes / 256u, bytes};
    const asd_prelu_params prelu = {
        n_mels,           n_channels, bytes, record.factors[0], record.factors[1], record.input_zero_points[0],
        record.zero_point};
    const asd_softmax_params softmax = {n_mels, n_channels, table + (MAX_BYTES - record.table_bytes) / 4u};
    const asd_mean_params mean_params = mean();
    switch (record.op) {
    case ASD_OP_LOOKUP:
        asd_lookup_s8(&lookup, columns[0][0], output);
        return true;
    case ASD_OP_PRELU:
        asd_prelu_s8(&prelu, columns[0][0], output);
        return true;
    case ASD_OP_SOFTMAX:
        asd_softmax_s8(&softmax, columns[0][0], output);
        return true;
    case ASD_OP_MEAN:
        asd_mean_s8(&mean_params, columns[0][0], output);
        return true;
    default:
        return false;
    }
}

static bool run_windowed(int8_t *output)
{
    const asd_pool_params params = pool();
    const int8_t *sides[ASD_MAX_STEP_INPUTS];
    asd_concat_params concat = {record.n_mels_in, record.n_inputs, {0}};
    switch (record.op) {
    case ASD_OP_AVERAGE_POOL:
        asd_average_pool_s8(&params, columns[0], output);
        return true;
    case ASD_OP_MAX_POOL:
        asd_max_pool_s8(&params, columns[0], output);
        return true;
    case ASD_OP_CONCAT:
        for (uint32_t i = 0; i < record.n_inputs; i++) {
            sides[i] = columns[i][0];
            concat.n_channels[i] = record.n_channels_in[i];
        }
        asd_concat_s8(&concat, sides, output);
        return true;
    default:
        return false;
    }
}

static bool check_case(void)
{
    const uint32_t n_bytes = record.n_mels_out * record.n_channels_out;
    int8_t *output = (int8_t *)output_words;
    for (uint32_t next = 0; next < record.n_columns_out; next++) {
        for (uint32_t input = 0; input < record.n_inputs; input++) {
            for (uint32_t time = 0; time < record.kernel_time; time++) {
                columns[input][time] = column_at(input, next * record.stride_time + time - record.pad_time);
            }
        }
        memset(output + n_bytes, CANARY, CANARY_BYTES);
        if (!run_weighted(output) && !run_pairwise(output) && !run_by_row(output) && !run_windowed(output)) {
            return false;
        }
        for (uint32_t i = 0; i < CANARY_BYTES; i++) {
            if (output[n_bytes + i] != CANARY) {
                return false;
            }
        }
        asd_port_write(output, n_bytes);
    }
    return true;
}

int main(void)
{
    int32_t code = 0;
    while (code == 0 && asd_port_read(&record, sizeof record)) {
        code = read_case() && check_case() ? 0 : 1;
    }
    asd_port_exit(code);
    return code;
}
