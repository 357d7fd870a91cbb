"""The public headers from C++: g++ compiles a program that includes all of them and links it against the C sources."""

import subprocess
from pathlib import Path

import pytest

from tests.frontend.frontend_programs import FIRMWARE, missing

HEADERS = sorted((FIRMWARE / "include/asd").glob("*.h"))
SETTINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", f"-I{FIRMWARE / 'include'}")
MAIN = """
int main()
{
    static asd_frontend_state state;
    static asd_frontend_scratch scratch;
    static asd_frontend_frame frame;
    static asd_decimator_state decimator;
    const asd_frontend_params params = {};
    const int16_t samples[6] = {};
    int16_t decimated[3];
    asd_frontend_start(&state);
    asd_decimate_start(&decimator);
    const bool is_right = asd_decimate_s16(&decimator, samples, 6, decimated) == 2 && asd_saturate_s16(40000) == 32767
                          && asd_frontend_finish(&state, &scratch, &params, &frame) == ASD_ERROR_TOO_SHORT;
    asd_port_exit(is_right ? 0 : 1);
}
"""


@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_a_cpp_program_links_against_the_c_sources(standard: str, tmp_path: Path) -> None:
    if reason := missing("gcc", "g++"):
        pytest.skip(reason)
    source = tmp_path / "program.cpp"
    source.write_text("".join(f'#include "asd/{header.name}"\n' for header in HEADERS) + MAIN)
    sources = [*(FIRMWARE / "frontend").glob("*.c"), FIRMWARE / "boards/host/port.c"]
    subprocess.run(["gcc", "-std=c99", "-c", SETTINGS[-1], *map(str, sources)], cwd=tmp_path, check=True)
    objects = [str(path) for path in tmp_path.glob("*.o")]
    subprocess.run(
        ["g++", f"-std={standard}", *SETTINGS, str(source), *objects, "-o", "program"], cwd=tmp_path, check=True
    )
    subprocess.run([tmp_path / "program"], check=True)
