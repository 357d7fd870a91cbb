/* Bytes -> their CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), four bits at a time. */
#include <stddef.h>

#include "asd_checks.h"

static const uint32_t nibble_remainders[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
    0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t asd_crc32(uint32_t before, const uint8_t *bytes, uint32_t n_bytes)
{
    uint32_t remainder = ~before;
    for (uint32_t i = 0; i < n_bytes; i++) {
        remainder ^= bytes[i];
        remainder = (remainder >> 4) ^ nibble_remainders[remainder & 15u];
        remainder = (remainder >> 4) ^ nibble_remainders[remainder & 15u];
    }
    return ~remainder;
}

uint32_t asd_image_crc32(const uint8_t *image, uint32_t n_bytes)
{
    const uint32_t before = (uint32_t)offsetof(asd_image_header, crc32), behind = before + (uint32_t)sizeof(uint32_t);
    return asd_crc32(asd_crc32(0, image, before), image + behind, n_bytes - behind);
}
