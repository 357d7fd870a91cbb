/* An image and columns of its inputs in -> a status, then the columns of its output: uint32 sizes before each part. */
#include <stddef.h>
#include <string.h>

#include "asd/asd.h"
#include "asd/asd_port.h"
#include "asd_checks.h"

#define IMAGE_BYTES (1u << 20)
#define ARENA_BYTES (512u << 10)

static uint8_t image[IMAGE_BYTES] __attribute__((aligned(16)));
static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static asd_model model;
static asd_engine engine;

static void write_column(void *context, const int8_t *column)
{
    (void)context;
    asd_port_write(column, asd_column_bytes(&model.tensors[model.header->output]));
}

static bool run(uint32_t n_columns)
{
    for (uint32_t column = 0; column < n_columns; column++) {
        for (uint32_t i = 0; i < model.header->n_inputs; i++) {
            const uint32_t n_bytes = asd_column_bytes(&model.tensors[model.header->inputs[i]]);
            if (!asd_port_read(asd_engine_input(&engine, i), n_bytes)) {
                return false;
            }
        }
        asd_engine_push(&engine);
    }
    while (asd_engine_tick(&engine)) {
    }
    return true;
}

/* uint32 n_bytes, the image, uint32 n_columns, the columns */
static bool check_image(uint32_t n_bytes)
{
    uint32_t n_columns = 0;
    if (n_bytes > IMAGE_BYTES || !asd_port_read(image, n_bytes) || !asd_port_read(&n_columns, sizeof n_columns)) {
        return false;
    }
    asd_status status = asd_model_load(&model, image, n_bytes);
    if (status == ASD_OK) {
        status = asd_engine_start(&engine, &model, arena, ARENA_BYTES, write_column, NULL);
    }
    const uint32_t written_status = (uint32_t)status;
    asd_port_write(&written_status, sizeof written_status);
    return status != ASD_OK || run(n_columns);
}

int main(void)
{
    uint32_t n_bytes = 0;
    int32_t code = 0;
    while (code == 0 && asd_port_read(&n_bytes, sizeof n_bytes)) {
        code = check_image(n_bytes) ? 0 : 1;
    }
    asd_port_exit(code);
    return code;
}
