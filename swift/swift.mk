# The Swift host: `make swift` builds bin/framegen-swift, `make swift-check` tests it, and
# `make swift-sanitize` does so under the thread sanitizer, which takes three minutes of a core more. Included by ../Makefile.
SWIFT := $(shell command -v swift 2>/dev/null)
SWIFT_LINT = $(SWIFT) format lint --strict --recursive Package.swift swift

.PHONY: swift swift-check swift-sanitize swift-libraries

ifeq ($(SWIFT),)
swift:
	@echo "make swift: no Swift toolchain on the PATH; install Swift 6 from https://swift.org/install" && exit 1

swift-check:
	@echo "swift-check: skipped, no Swift toolchain on the PATH"

swift-sanitize: swift
else
swift: $(ORT_LIBRARY) swift-libraries
	$(SWIFT) build --configuration release --static-swift-stdlib --product framegen-swift
	cp .build/release/framegen-swift bin/framegen-swift
	strip bin/framegen-swift

conformance: swift

swift-check: $(ORT_LIBRARY) swift-libraries
	@if $(SWIFT) format --version >/dev/null 2>&1; then $(SWIFT_LINT); else echo "swift format: not in this toolchain"; fi
	ONNXRUNTIME_SHARED_LIBRARY_PATH=$(CURDIR)/$(ORT_LIBRARY) $(SWIFT) test --quiet

swift-sanitize: $(ORT_LIBRARY) swift-libraries
	ONNXRUNTIME_SHARED_LIBRARY_PATH=$(CURDIR)/$(ORT_LIBRARY) $(SWIFT) test --quiet --sanitize=thread --scratch-path .build/sanitize
endif

# What Debian's packages bring; on Apple systems the system has it.
swift-libraries:
	@if [ "$$(uname)" = Linux ]; then \
	  for pair in turbojpeg.h:libturbojpeg0-dev png.h:libpng-dev; do \
	    printf "#include <stdio.h>\n#include <%s>\n" $${pair%%:*} | cc -E -x c - >/dev/null 2>&1 || \
	      { echo "make swift: $${pair%%:*} is missing; apt-get install $${pair##*:}"; exit 1; }; \
	  done; fi
