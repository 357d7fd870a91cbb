"""What a test needs to build a program of its own for the emulated Cortex-M4 without CMake."""

from tests.frontend.frontend_programs import FIRMWARE

M4_BOARD = "mps2-an386"
_BOARDS = FIRMWARE / "boards"
M4_FLAGS = (
    *("-O2", "-mthumb", "-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    *(f"-I{_BOARDS / M4_BOARD}", f"-I{_BOARDS / 'cortex-m'}", f"-L{_BOARDS / 'cortex-m'}"),
    *("-nostartfiles", "-specs=nosys.specs", "-Wl,--no-warn-rwx-segments", f"-T{_BOARDS / M4_BOARD / 'memory.ld'}"),
)
M4_PORT = sorted((_BOARDS / "cortex-m").glob("*.c"))
