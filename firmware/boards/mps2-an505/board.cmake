# Cortex-M33 as in ST's STM32H563ZI (DS14258): 250 MHz, 640 KB RAM, 2 MB flash.
set(asd_cpu_flags "-mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard")
set(asd_core dsp)
set(asd_ram_bytes 655360) # of the part
set(asd_flash_bytes 2097152)
