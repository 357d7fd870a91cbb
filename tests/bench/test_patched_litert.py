"""CPUID instructions that are replaced are answered without dot products, and nothing else in the file changes."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.litert_times import HIDE
from tests.bench.patched_litert import CPUID, UD0, replace_cpuid

SOURCE = """
const unsigned char no_instruction[] = {0x0f, 0xa2, 0x0f, 0xa2};
void features(unsigned leaf, unsigned *registers)
{
    __asm__ volatile("cpuid" : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
                     : "a"(leaf), "c"(0));
}
"""
VNNI_ECX = 1 << 11  # AVX512_VNNI, leaf 7
ASK = """
import ctypes, sys
library, registers = ctypes.CDLL(sys.argv[1]), (ctypes.c_uint * 4)()
for leaf in (0, 7):
    library.features(leaf, registers)
    print(*registers)
print(ctypes.c_int.in_dll(ctypes.CDLL(sys.argv[2]), "hide_dot_products_answers").value)
"""

pytestmark = [
    pytest.mark.skipif(platform.machine() != "x86_64", reason="CPUID is an instruction of x86-64"),
    pytest.mark.skipif(not (shutil.which("cc") and shutil.which("objdump")), reason="needs cc and objdump (binutils)"),
]


def library(folder: Path) -> Path:
    (folder / "features.c").write_text(SOURCE)
    return built(folder / "features.c", folder / "features.so")


def built(source: Path, path: Path) -> Path:
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", str(source), "-o", str(path)], check=True)
    return path


def test_only_what_is_an_instruction_is_replaced(tmp_path: Path) -> None:
    path = library(tmp_path)
    before = path.read_bytes()
    assert replace_cpuid(path) == 1
    after = path.read_bytes()
    assert after.count(UD0) == before.count(UD0) + 1
    assert after.count(CPUID) == before.count(CPUID) - 1 >= 2
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_replaced_instructions_are_answered_without_dot_products(tmp_path: Path) -> None:
    path = library(tmp_path)
    registers = (ctypes.c_uint * 4)()
    exact = []
    for leaf in (0, 7):
        ctypes.CDLL(str(path)).features(leaf, registers)
        exact.append(list(registers))
    patched = tmp_path / "patched.so"
    shutil.copy(path, patched)
    replace_cpuid(patched)
    hide = built(HIDE, tmp_path / "hide.so")
    environment = {**os.environ, "LD_PRELOAD": str(hide)}
    command = [sys.executable, "-c", ASK, str(patched), str(hide)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split("\n")
    vendor, features = ([int(word) for word in line.split()] for line in printed[:2])
    assert vendor == exact[0]
    assert features[2] & VNNI_ECX == 0
    assert features[2] | exact[1][2] == exact[1][2], "nothing is claimed that the CPU lacks"
    assert features[1] & (1 << 5) == exact[1][1] & (1 << 5), "AVX2 stays"
    assert printed[2] == "2"
