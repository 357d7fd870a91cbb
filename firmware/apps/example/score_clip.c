/* asd-edge in a firmware of your own: a model image and audio come in, the score of each clip goes out. */
#include "asd/asd.h"
#include "asd/asd_port.h"

static uint8_t image[1u << 20] __attribute__((aligned(ASD_IMAGE_ALIGNMENT))); /* on a board: a pointer into flash */
static uint8_t arena[256u << 10] __attribute__((aligned(ASD_IMAGE_ALIGNMENT)));
static asd_model model;
static asd_detector detector;

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
    int16_t samples[128]; /* as a microphone's DMA gives them */
    while (status == ASD_OK && asd_port_read(samples, sizeof samples)) {
        uint32_t n_done = 0, n_taken = 0;
        bool has_score = false;
        for (; n_done < 128u && status == ASD_OK; n_done += n_taken) {
            status = asd_detector_push(&detector, samples + n_done, 128u - n_done, &n_taken, &has_score);
            if (has_score) {
                asd_port_write(&detector.score_q16, sizeof detector.score_q16);
            }
        }
    }
    asd_port_exit((int32_t)status);
    return (int)status;
}
