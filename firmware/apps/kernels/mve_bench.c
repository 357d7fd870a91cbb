/* Operators as kernel_check reads them, weights packed for MVE and zero points in the bias -> every output column and,
 * after each operator's last one, the ticks that all of them took. kernel_record.h */
#include <stddef.h>
#include <string.h>

#include "asd/asd_port.h"
#include "asd_kernels_mve.h"
#include "kernel_record.h"

#define MAX_CHANNELS 512u
#define MAX_BYTES 147456u
#define CANARY 0x5A
#define CANARY_BYTES 32u

static kernel_record record;
static int32_t bias[MAX_CHANNELS], multipliers[MAX_CHANNELS];
static int8_t shifts[MAX_CHANNELS];
static int8_t weights[MAX_BYTES] __attribute__((aligned(16)));
static int8_t table[MAX_BYTES] __attribute__((aligned(16)));
static int8_t inputs[2][MAX_BYTES] __attribute__((aligned(16)));
static int8_t scratch[MAX_BYTES] __attribute__((aligned(16)));
static int8_t output[MAX_BYTES] __attribute__((aligned(16)));
static int32_t sums[MAX_BYTES / 4u];
static const int8_t *columns[2][ASD_MAX_KERNEL_TIME];

static uint32_t column_bytes(uint32_t input)
{
    return (record.n_mels_in * record.n_channels_in[input] + 3u) & ~3u;
}

static bool read_case(void)
{
    bool is_read = asd_port_read(bias, record.n_sums * 4u) && asd_port_read(multipliers, record.n_sums * 4u) &&
                   asd_port_read(shifts, record.n_sums) && asd_port_read(weights, record.weights_bytes) &&
                   asd_port_read(table, record.table_bytes);
    for (uint32_t input = 0; is_read && input < record.n_inputs; input++) {
        for (uint32_t i = 0; is_read && i < record.n_columns_in; i++) {
            is_read =
                asd_port_read(inputs[input] + i * column_bytes(input), record.n_mels_in * record.n_channels_in[input]);
        }
    }
    return is_read;
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
                                               table,
                                               record.factors[0],
                                               record.factors[1],
                                               record.prelu_zero_point,
                                               ASD_ROUNDING_TWICE};
    const asd_conv2d_params params = {
        record.n_mels_in,  record.n_channels_in[0], record.n_mels_out, record.n_channels_out,       record.kernel_time,
        record.kernel_mel, record.stride_mel,       record.pad_mel,    record.input_zero_points[0], weights,
        requantization};
    return params;
}

static bool run(void)
{
    const asd_conv2d_params params = convolution();
    const uint32_t n_values = record.n_mels_in * record.n_channels_in[0];
    const asd_add_params add = {n_values,          {record.factors[0], record.factors[1]},
                                record.factors[2], {record.input_zero_points[0], record.input_zero_points[1]},
                                record.zero_point, record.low,
                                record.high};
    const asd_mul_params mul = {
        n_values,          record.factors[0], {record.input_zero_points[0], record.input_zero_points[1]},
        record.zero_point, record.low,        record.high};
    const asd_lookup_params lookup = {record.n_mels_in, record.n_channels_out, record.table_bytes / 256u, table};
    const asd_prelu_params prelu = {record.n_mels_in,  record.n_channels_out, table,
                                    record.factors[0], record.factors[1],     record.input_zero_points[0],
                                    record.zero_point};
    const asd_concat_params concat = {
        record.n_mels_in, record.n_inputs, {record.n_channels_in[0], record.n_channels_in[1], 0, 0}};
    const int8_t *const sides[ASD_MAX_STEP_INPUTS] = {columns[0][0], columns[1][0], NULL, NULL};
    switch (record.op) {
    case ASD_OP_CONV2D:
        asd_conv2d_s8_mve(&params, columns[0], output, scratch);
        return true;
    case ASD_OP_POINTWISE:
        asd_pointwise_s8_mve(&params, columns[0][0], output, scratch);
        return true;
    case ASD_OP_DEPTHWISE:
        asd_depthwise_s8_mve(&params, columns[0], output, scratch);
        return true;
    case ASD_OP_ACCUMULATE_DEPTHWISE: /* weights as TFLite has them, the zero point not in the bias */
        memset(sums, 0, record.n_mels_out * record.n_channels_out * sizeof *sums);
        for (uint32_t time = 0; time < record.kernel_time; time++) {
            asd_accumulate_depthwise_s8(&params, columns[0][time], time, sums);
        }
        asd_finish_sums_s8(&params, sums, output);
        return true;
    case ASD_OP_ADD:
        asd_add_s8(&add, columns[0][0], columns[1][0], output);
        return true;
    case ASD_OP_MUL:
        asd_mul_s8(&mul, columns[0][0], columns[1][0], output);
        return true;
    case ASD_OP_LOOKUP:
        asd_lookup_s8(&lookup, columns[0][0], output);
        return true;
    case ASD_OP_PRELU:
        asd_prelu_s8(&prelu, columns[0][0], output);
        return true;
    case ASD_OP_CONCAT:
        asd_concat_s8(&concat, sides, output);
        return true;
    default:
        return false;
    }
}

static bool check_case(void)
{
    const uint32_t n_bytes = record.n_mels_out * record.n_channels_out;
    uint32_t ticks = 0;
    for (uint32_t next = 0; next < record.n_columns_out; next++) {
        for (uint32_t input = 0; input < record.n_inputs; input++) {
            for (uint32_t time = 0; time < record.kernel_time; time++) {
                const uint32_t index = next * record.stride_time + time - record.pad_time;
                columns[input][time] = index < record.n_columns_in ? inputs[input] + index * column_bytes(input) : NULL;
            }
        }
        memset(output + n_bytes, CANARY, CANARY_BYTES);
        const uint32_t start = asd_port_ticks();
        if (!run()) {
            return false;
        }
        ticks += asd_port_ticks() - start;
        for (uint32_t i = 0; i < CANARY_BYTES; i++) {
            if (output[n_bytes + i] != CANARY) {
                return false;
            }
        }
        asd_port_write(output, n_bytes);
    }
    asd_port_write(&ticks, sizeof ticks);
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
