# Debian's arm-none-eabi-gcc for a Cortex-M board of boards/: -DASD_BOARD=<board>; its board.cmake names core and part.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ASD_BOARD)
set(asd_board_family cortex-m)

include(${CMAKE_CURRENT_LIST_DIR}/../${ASD_BOARD}/board.cmake)

set(CMAKE_C_FLAGS_INIT "-mthumb ${asd_cpu_flags} -ffunction-sections -fdata-sections")
set(CMAKE_ASM_FLAGS_INIT "-mthumb ${asd_cpu_flags}")
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT "-nostartfiles -specs=nosys.specs -Wl,--no-warn-rwx-segments -Wl,--gc-sections"
    " -L${CMAKE_CURRENT_LIST_DIR} -T${CMAKE_CURRENT_LIST_DIR}/../${ASD_BOARD}/memory.ld")
