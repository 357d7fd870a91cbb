/* asd-edge in a firmware of your own: a model image and audio come in, the score of each clip goes out. */
#include "asd/asd.h"
#include "asd/asd_port.h"

static uint8_t image[1u << 20] __attribute__((aligned(ASD_IMAGE_ALIGNMENT))); /* on a board: a pointer into flash */
static uint8_t arena[256u << 10] __attribute__((aligned(ASD_IMAGE_ALIGNMENT)));
static asd_model model;
static asd_detector detector;

/* A clip without a score, as silence may be, is left out. */
static void write_score(bool has_score, asd_status status)
{
    if (has_score && status == ASD_OK) {
        asd_port_write(&detector.score_q16, sizeof detector.score_q16);
    }
}

int main(void)
{
    uint32_t n_bytes = 0, class_index = 0;
    if (!asd_port_read(&n_bytes, sizeof n_bytes) || n_bytes > sizeof image || !asd_port_read(image, n_bytes) ||
        !asd_port_read(&class_index, sizeof class_index)) {
        return 1;
    }
    asd_status status = asd_model_load(&model, image, n_bytes);
    if (status == ASD_OK) {
        status = asd_detector_start(&detector, &model, arena, sizeof arena, class_index);
    }
    bool has_score = false;
    int16_t samples[128]; /* as a microphone's DMA gives them */
    while (status == ASD_OK && asd_port_read(samples, sizeof samples)) {
        uint32_t n_taken = 0;
        for (uint32_t n_done = 0; n_done < 128u; n_done += n_taken) {
            const asd_status of_score =
                asd_detector_push(&detector, samples + n_done, 128u - n_done, &n_taken, &has_score);
            write_score(has_score, of_score);
        }
    }
    for (has_score = status == ASD_OK; has_score;) { /* the last clip's, on which the network may still be at work */
        const asd_status of_score = asd_detector_finish(&detector, &has_score);
        write_score(has_score, of_score);
    }
    asd_port_exit((int32_t)status);
    return (int)status;
}
