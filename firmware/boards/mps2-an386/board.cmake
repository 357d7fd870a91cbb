# Cortex-M4F as in NXP's MK66FN2M0VLQ18 (K66F sub-family data sheet): 180 MHz, 256 KB RAM, 2 MB flash.
set(asd_cpu_flags "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard")
set(asd_core dsp)
set(asd_ram_bytes 262144) # of the part
set(asd_flash_bytes 2097152)
