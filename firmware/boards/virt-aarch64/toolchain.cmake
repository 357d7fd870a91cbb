# Debian's cross compiler for 64-bit Arm, for a program without an operating system on QEMU's `virt`: instruction counts.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ASD_BOARD)
set(ASD_BOARD virt-aarch64)
set(asd_board_family virt-aarch64)
set(asd_core generic)

set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a72 -fno-pie -fno-stack-protector -ffunction-sections -fdata-sections")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=cortex-a72")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -nostdlib -no-pie -Wl,--gc-sections -Wl,--build-id=none -T${CMAKE_CURRENT_LIST_DIR}/memory.ld")
