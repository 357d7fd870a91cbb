/* The steps of one frame, in their order; each is one file. */
#ifndef ASD_FRONTEND_STEPS_H
#define ASD_FRONTEND_STEPS_H

#include "asd/asd_frontend.h"

/* 1024 samples in two halves -> 64 windowed 8-point DFTs / 8, Q31, digits of the block number reversed. */
void asd_window_radix8_s16(const int16_t *old_half, const int16_t *new_half, asd_complex_s32 *spectrum);

/* Three radix-4 passes: -> the 512-point DFT / 512 in Q31, natural order. */
void asd_radix4_s32(asd_complex_s32 *spectrum);

/* DFT of the 512 complex points -> power of bins 1..511 of the real 1024, in place. */
void asd_split_power_s32(asd_frontend_scratch *scratch);

/* Power of bins 1..511 -> sums under triangles of height 1. */
void asd_mel_power_u64(const uint64_t *power, uint64_t *mel);

/* Sums -> 10 log10(norm * mel + 1e-8) in 1/256 dB. */
void asd_log_decibels_s16(const uint64_t *mel, int16_t *decibels);

typedef struct {
    int64_t high;
    int64_t low;
} asd_fir_sums;

/* n_samples, a multiple of 16 and not 0, times the halves of their taps, added to the sums; samples and taps at
 * multiples of 4. */
void asd_fir_sums_s16(asd_fir_sums *sums, const int16_t *samples, const int16_t *high, const int16_t *low,
                      uint32_t n_samples);

/* relu(bias + frame . taps); old_half NULL: zeros before the clip; samples of new_half from n_new on count as zeros. */
int64_t asd_fir_s16(const asd_fir_taps *fir, const int16_t *old_half, const int16_t *new_half, uint32_t n_new);

/* An integer -> the graph's int8 code. */
int8_t asd_quantize_input_s8(int64_t value, const asd_code_scale *scale);

/* 1/256 dB -> the graph's int8 codes. */
void asd_quantize_log_mel_s8(const int16_t *decibels, const asd_code_scale *scale, int8_t *codes);

#endif
