# ST's STM32F405RG (DS8626), Cortex-M4F: 168 MHz, 128 KB RAM beside 64 KB that only the core reaches, 1 MB flash.
set(asd_cpu_flags "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard")
set(asd_core dsp)
set(asd_ram_bytes 131072) # of the part
set(asd_flash_bytes 1048576)
