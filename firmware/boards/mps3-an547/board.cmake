# Cortex-M55 with MVE as the high-efficiency core of an Alif Ensemble E3 (its data sheet): 160 MHz, 256 KB of DTCM,
# 256 KB of ITCM, 5.5 MB of MRAM, of which the board has 2 MB for the model.
set(asd_cpu_flags "-mcpu=cortex-m55 -mfloat-abi=hard")
set(asd_core mve)
set(asd_ram_bytes 262144) # of the part
set(asd_flash_bytes 5767168)
