# Debian's arm-none-eabi-gcc for one of QEMU's boards: -DASD_BOARD=mps2-an386|mps2-an500|mps2-an505|mps3-an547.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ASD_BOARD)

set(cpu_mps2-an386 "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard -DASD_CMSDK_TIMER=0x40000000u")
set(cpu_mps2-an500 "-mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard -DASD_CMSDK_TIMER=0x40000000u")
set(cpu_mps2-an505 "-mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard -DASD_CMSDK_TIMER=0x50000000u")
set(cpu_mps3-an547 "-mcpu=cortex-m55 -mfloat-abi=hard -DASD_SSE_COUNTER=0x58100000u")

set(CMAKE_C_FLAGS_INIT "-mthumb ${cpu_${ASD_BOARD}}")
set(CMAKE_ASM_FLAGS_INIT "-mthumb ${cpu_${ASD_BOARD}}")
set(CMAKE_EXE_LINKER_FLAGS_INIT
    "-nostartfiles -specs=nosys.specs -Wl,--no-warn-rwx-segments -L${CMAKE_CURRENT_LIST_DIR} -T${ASD_BOARD}.ld")
