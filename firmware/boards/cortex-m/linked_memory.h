/* Where sections.ld and memory.ld put things: only the addresses of these arrays mean something. */
#ifndef LINKED_MEMORY_H
#define LINKED_MEMORY_H

#include <stdint.h>

extern uint32_t asd_stack_bottom[], asd_stack_top[];
extern uint32_t asd_data_load[], asd_data_start[], asd_data_end[], asd_bss_start[], asd_bss_end[];
extern uint32_t asd_ram_start[], asd_ram_end[], asd_code_start[], asd_code_end[], asd_model_start[], asd_model_end[];

#define ASD_STACK_PAINT 0xA5D0A5D0u

#endif
