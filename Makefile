# Thin doors; the work is in CMake presets and in ./test.
JOBS ?= $(shell nproc)

.PHONY: build test check fmt bench
build: ; cmake --preset release && cmake --build --preset release -j $(JOBS)
test:  ; ./test
check: ; tests/check_layers && tests/check_format && tests/check_tidy
fmt:   ; tests/check_format --fix
bench: ; tests/bench/run && tests/bench/run --tls --idle 1000 && tests/bench/run --h2 --idle 0 && tests/bench/admin
