/* Heads and embeddings, or vectors and their codes -> status and score of each: 16 bytes per score, little-endian. */
#include <string.h>

#include "asd/asd_port.h"
#include "asd/asd_scorer.h"

#define MOST_WEIGHTS (512u * 256u)
#define MOST_VALUES 1024u

/* A head: its rows follow, then n_items times a class index and an embedding. A reconstruction: n_items vectors of
 * n_values int16 and as many codes follow. */
typedef struct {
    uint32_t is_reconstruction;
    uint32_t n_items;
    uint32_t n_values; /* embedding_size, or values of a vector */
    uint32_t n_classes;
    int32_t zero_point;
    int32_t integers[5]; /* scale_q16, cos_margin, sin_margin, threshold, shortfall; or multiplier, shift */
} scorer_record;

static scorer_record record;
static int16_t weights[MOST_WEIGHTS];
static int16_t values[MOST_VALUES];
static int8_t codes[MOST_VALUES];

static void write_score(asd_status status, int64_t score)
{
    const int64_t result[2] = {(int64_t)status, status == ASD_OK ? score : 0};
    asd_port_write(result, sizeof result);
}

static bool check_head(void)
{
    const int32_t *const integers = record.integers;
    const asd_arcface_params params = {weights,     record.n_classes, record.n_values, record.zero_point, integers[0],
                                       integers[1], integers[2],      integers[3],     integers[4]};
    const uint32_t n_weights = record.n_classes * record.n_values;
    if (n_weights > MOST_WEIGHTS || record.n_values > MOST_VALUES ||
        !asd_port_read(weights, n_weights * (uint32_t)sizeof *weights)) {
        return false;
    }
    for (uint32_t item = 0; item < record.n_items; item++) {
        uint32_t class_index = 0;
        int32_t log_odds = 0;
        if (!asd_port_read(&class_index, sizeof class_index) || !asd_port_read(codes, record.n_values)) {
            return false;
        }
        const asd_status status = asd_arcface_log_odds_s8(&params, codes, class_index, &log_odds);
        write_score(status, log_odds);
    }
    return true;
}

static bool check_reconstruction(void)
{
    const asd_reconstruction_params params = {record.integers[0], record.integers[1], record.zero_point};
    asd_reconstruction_state state;
    int64_t score = 0;
    asd_status status = asd_reconstruction_start(&state, &params);
    if (record.n_values > MOST_VALUES) {
        return false;
    }
    for (uint32_t item = 0; item < record.n_items; item++) {
        if (!asd_port_read(values, record.n_values * (uint32_t)sizeof *values) ||
            !asd_port_read(codes, record.n_values)) {
            return false;
        }
        if (status == ASD_OK) {
            status = asd_reconstruction_add_s8(&state, &params, values, codes, record.n_values);
        }
    }
    if (status == ASD_OK) {
        status = asd_reconstruction_finish(&state, &score);
    }
    write_score(status, score);
    return true;
}

int main(void)
{
    int32_t code = 0;
    while (code == 0 && asd_port_read(&record, sizeof record)) {
        code = (record.is_reconstruction != 0 ? check_reconstruction() : check_head()) ? 0 : 1;
    }
    asd_port_exit(code);
    return code;
}
