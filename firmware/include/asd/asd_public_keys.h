/* Who may sign models for this firmware; `asd-edge keys show KEY.pub --as c` writes the file behind it. */
#ifndef ASD_PUBLIC_KEYS_H
#define ASD_PUBLIC_KEYS_H

#include "asd/asd_signature.h"

extern const uint32_t asd_n_public_keys;
extern const uint8_t asd_public_keys[][ASD_ED25519_KEY_BYTES];

#endif
