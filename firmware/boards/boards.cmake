# The port of the target, and programs on it: a board where a toolchain file chose one (ASD_BOARD), else the host's.
if(ASD_BOARD)
    file(GLOB port CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${asd_board_family}/*.[cS])
else()
    set(port ${CMAKE_CURRENT_LIST_DIR}/host/port.c)
endif()
add_library(asd_port OBJECT ${port})
target_include_directories(asd_port PRIVATE include
    ${CMAKE_CURRENT_LIST_DIR}/${ASD_BOARD} ${CMAKE_CURRENT_LIST_DIR}/${asd_board_family})

function(add_program name)
    add_executable(${name} ${ARGN} $<TARGET_OBJECTS:asd_port>)
    target_link_libraries(${name} PRIVATE asd_detector)
endfunction()

# Within the memory of the board's part, or as little RAM as ASD_RAM_BYTES says; the size of the program is printed.
function(limit_to_part name)
    if(asd_ram_bytes)
        set(ram_bytes ${asd_ram_bytes})
        if(ASD_RAM_BYTES GREATER asd_ram_bytes)
            message(FATAL_ERROR "ASD_RAM_BYTES is ${ASD_RAM_BYTES}, but the part has ${asd_ram_bytes}")
        endif()
        if(ASD_RAM_BYTES)
            set(ram_bytes ${ASD_RAM_BYTES})
        endif()
        target_link_options(${name} PRIVATE
            -Wl,--defsym=asd_ram_bytes=${ram_bytes} -Wl,--defsym=asd_flash_bytes=${asd_flash_bytes} -Wl,--print-memory-usage)
    endif()
endfunction()

# Scores clips: with an audio buffer of ASD_AUDIO_SAMPLES where that is set.
function(add_score_program name)
    add_program(${name} apps/score/score_clips.c engine/asd_audio_buffer.c ${ARGN})
    target_include_directories(${name} PRIVATE engine kernels frontend)
    target_compile_definitions(${name} PRIVATE ${packed_definitions})
    if(ASD_AUDIO_SAMPLES)
        target_compile_definitions(${name} PRIVATE ASD_AUDIO_SAMPLES=${ASD_AUDIO_SAMPLES}u)
    endif()
    limit_to_part(${name})
endfunction()

# Checks of the board itself, without the detector.
function(add_board_check name)
    add_executable(${name} ${ARGN} $<TARGET_OBJECTS:asd_port>)
    target_include_directories(${name} PRIVATE include)
    limit_to_part(${name})
endfunction()
