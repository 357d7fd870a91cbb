# Each target makes what it needs; nothing but Python 3.11 or newer, gcc and make has to be there.
# `make demo` and `make test` are the two to start with. PYTHON=python3.12 chooses another interpreter for .venv.

PYTHON ?= python3
PYTEST_ARGS ?=
BIN := .venv/bin
DEMO_DATA := data/demo
DEMO_WORK := work/demo

# What the C library of the installed package is built from.
FIRMWARE := firmware/CMakeLists.txt $(wildcard firmware/*/*.cmake $(foreach folder,frontend include/asd apps/host engine kernels scorer,firmware/$(folder)/*.[ch]))

# One BLAS thread per process: pytest runs two, and NumPy with more threads than cores is many times slower.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: help install demo demo-field check-rpi4 test check fuzz soak bars constraints clean setup-emulation frontend-tables
.PHONY: bench-cli bench-demo bench-ci bench-train bench-export bench-evaluate bench-frontend bench-engine bench-cores
.PHONY: bench-quantization bench-recipes bench-targets bench-calibration bench-finetune bench-listen
.PHONY: bench-profile bench-provision

help:
	@echo 'make demo    synthetic machines -> shipped checkpoint -> int8 model -> table of what int8 cost (under 6 minutes)'
	@echo 'make demo-field    a signed model on an emulated board: self-test, one alarm, a power cut, refusals, and back again'
	@echo 'make check-rpi4    engine and LiteRT for aarch64 under QEMU over the MIMII sample (ASD_EDGE_MIMII), against this machine'
	@echo 'make test    every test; those on real machine sound need ASD_EDGE_MIMII, the folder of the MIMII sample'
	@echo 'make check   ruff, mypy --strict and the import order'
	@echo 'make fuzz    a million mutated model images, and as many bundles, update logs and lines, under sanitizers (clang)'
	@echo 'make soak    an hour of audio through the listening service at 20 times real time, with faults'
	@echo 'make setup-emulation    cross compilers, QEMU and Chromium from Debian packages, for the tests that need them'
	@echo 'make bars    BENCHMARKS.md from tests/bars.toml and the committed results'
	@echo 'make bench-cli|bench-demo|bench-ci|bench-train|bench-export|bench-evaluate|bench-frontend|bench-engine|bench-cores    measure one result again'
	@echo 'make bench-quantization|bench-recipes|bench-targets|bench-calibration|bench-finetune|bench-listen|bench-profile|bench-provision    likewise; the first installs TensorFlow beside (3.5 GB)'

install: .venv/dev.stamp .venv-tflite-runtime/stamp

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'error: asd-edge needs Python 3.11 or newer: make PYTHON=python3.11 ...' >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The builder is installed first and used without isolation, so that its version is pinned like every other.
.venv/host.stamp: pyproject.toml constraints.txt $(FIRMWARE) | .venv/bin/python
	@echo 'installing asd-edge[host] into .venv: a minute or two'
	$(BIN)/python -m pip install --quiet -c constraints.txt scikit-build-core cmake
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e '.[host]'
	@touch $@

.venv/dev.stamp: .venv/host.stamp
	@echo 'installing asd-edge[host,listen,boards,field,verify,dev] into .venv'
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e '.[host,listen,boards,field,verify,dev]'
	@touch $@

# tflite-runtime 2.14, the interpreter of older Raspberry Pi images, has wheels for Linux up to Python 3.11 only.
# Elsewhere its test skips.
.venv-tflite-runtime/stamp: constraints-tflite-runtime.txt
	@mkdir -p .venv-tflite-runtime
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) or sys.platform != "linux")'; then \
		$(PYTHON) -m venv .venv-tflite-runtime \
		&& .venv-tflite-runtime/bin/python -m pip install --quiet -r constraints-tflite-runtime.txt; \
	else echo 'no tflite-runtime for this Python or system: its test will be skipped'; fi
	@touch $@

# The stock converter, which the quantization benchmark compares with: 3.5 GB, so no test and no other target needs it.
.venv-stock/stamp: constraints-stock.txt
	$(PYTHON) -m venv .venv-stock
	.venv-stock/bin/python -m pip install --quiet -r constraints-stock.txt
	@touch $@

# A named subset of the synthetic test clips: the first four of each class and machine ID, 144 in all.
demo: .venv/host.stamp
	$(BIN)/asd-edge data synth $(DEMO_DATA) --train 6 --test-normal 4 --test-anomaly 4
	$(BIN)/asd-edge export --calibration $(DEMO_DATA) -o $(DEMO_WORK)
	@# exit code 1 is the parity verdict, which the table explains; any other is a failure
	$(BIN)/asd-edge evaluate $(DEMO_WORK) --data $(DEMO_DATA) --backends torch,onnx,tflite,reference || [ $$? -eq 1 ]
	$(BIN)/asd-edge explain $(DEMO_DATA)/fan/test/anomaly_id_00_00000000.wav --work $(DEMO_WORK) -o $(DEMO_WORK)
	@ls -l $(DEMO_WORK)

demo-field: .venv/dev.stamp
	$(BIN)/python -m tests.demo_field

check-rpi4: .venv/dev.stamp
	$(ONE_THREAD) $(BIN)/python -m tests.check_rpi4

test: install
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy asd_edge quantization tests
	$(BIN)/python -m pytest -q tests/test_import_order.py
	@if command -v clang-format > /dev/null; then clang-format --dry-run -Werror $$(find firmware -name '*.[ch]' -not -path '*/CMakeFiles/*'); \
	else echo 'clang-format not found: the C is not checked; make setup-emulation installs it'; fi

fuzz: .venv/dev.stamp
	$(BIN)/python -m tests.engine.fuzz_images 1000000
	$(BIN)/python -m tests.package.fuzz_device 1000000

soak: .venv/dev.stamp
	$(BIN)/python -m tests.listen.soak 60

bars: .venv/dev.stamp
	$(BIN)/python -m tests.bars.build_benchmarks

bench-listen: .venv/dev.stamp
	$(BIN)/python -m tests.bench.bench_listen

bench-profile: install
	$(BIN)/python -m tests.bench.bench_profile

bench-provision: install
	$(ONE_THREAD) $(BIN)/python -m tests.bench.bench_provision

bench-cli: .venv/dev.stamp
	$(BIN)/python -m tests.bench.bench_cli

bench-demo:
	$(PYTHON) -m tests.bench.bench_fresh_clone demo

bench-ci:
	$(PYTHON) -m tests.bench.bench_fresh_clone ci

bench-train: .venv/dev.stamp
	$(BIN)/python -m tests.bench.bench_train

bench-export: install
	$(BIN)/python -m tests.bench.bench_export

bench-evaluate: install
	$(BIN)/python -m tests.bench.bench_evaluate

bench-frontend: install
	$(BIN)/python -m tests.bench.bench_frontend

bench-cores: install
	$(BIN)/python -m tests.bench.bench_cores

bench-engine: install
	$(BIN)/python -m tests.bench.bench_engine

bench-quantization: install .venv-stock/stamp
	$(ONE_THREAD) $(BIN)/python -m tests.bench.bench_quantization

bench-recipes: install
	$(ONE_THREAD) $(BIN)/python -m tests.bench.bench_recipes

bench-targets: install
	$(ONE_THREAD) $(BIN)/python -m tests.bench.bench_targets

bench-calibration: install
	$(ONE_THREAD) $(BIN)/python -m tests.bench.bench_calibration

bench-finetune: install
	$(BIN)/python -m tests.bench.bench_finetune

# After a change of a formula in asd_edge/frontend/fixed_tables.py.
frontend-tables: .venv/dev.stamp
	$(BIN)/python -m asd_edge.frontend.emit_c_tables firmware/frontend/asd_frontend_tables.c

EMULATION := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm qemu-user-static gcc-aarch64-linux-gnu \
	libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross clang libclang-rt-dev clang-format cmake
# Opens the report as its readers do.
BROWSER := chromium
SERVICES := mosquitto openssh-server openssl systemd libportaudio2 libasound2-data rauc squashfs-tools dbus
# What writes whole images onto boards.
PROGRAMMERS := gdb-multiarch openocd dfu-util

setup-emulation:
	apt-get update -q
	apt-get install -y -q --no-install-recommends $(EMULATION) $(BROWSER) $(SERVICES) $(PROGRAMMERS)

# After a deliberate upgrade: what is installed now becomes what is pinned.
constraints: .venv/dev.stamp
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > .venv/frozen.txt
	{ grep '^#' constraints.txt; cat .venv/frozen.txt; } > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

clean:
	rm -rf .venv .venv-tflite-runtime .venv-stock build dist $(DEMO_DATA) $(DEMO_WORK) asd_edge/*.so firmware/.cmake firmware/.ninja_* \
		firmware/.skbuild-info.json firmware/CMakeCache.txt firmware/CMakeFiles firmware/CMakeInit.txt firmware/Makefile \
		firmware/build.ninja firmware/cmake_install.cmake firmware/lib*.a
