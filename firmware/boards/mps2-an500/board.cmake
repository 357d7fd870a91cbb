# Cortex-M7 as in ST's STM32F767ZI (DS11532): 216 MHz, 512 KB RAM, 2 MB flash.
set(asd_cpu_flags "-mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard")
set(asd_core dsp)
set(asd_ram_bytes 524288) # of the part
set(asd_flash_bytes 2097152)
