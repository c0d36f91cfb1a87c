# Thin doors; the work is in CMake presets and in ./test.
JOBS ?= $(shell nproc)

.PHONY: build test check fmt bench
build: ; cmake --preset release && cmake --build --preset release -j $(JOBS)
test:  ; ./test
check: ; tests/check_layers && tests/check_format && tests/check_tidy
fmt:   ; tests/check_format --fix
bench: ; tests/bench/table && tests/bench/admin
