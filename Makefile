# make test   the tests of all Go packages and of Python: minutes, no root, nothing installed
# make check  everything a change must pass, as root; installs what it needs
# make quick  vet and the tests of Go, while you work
# make demo   real pictures between real processes
# make bench  this library beside limits and rivals, into bench/results; QUICK=1: in two minutes
# make bench-hosts frames from host to host, as root
# make install the command framebuffer, where go install puts it
# make install-python the Python package, in a virtual environment .venv of this directory
#
# What check is made of; of these, test runs unit, python and the first part of c, and leaves out
# what needs root or a tool that is not there:
# make vet    vet, gofmt, and whether go.mod is tidy
# make lint   the linter, golangci-lint
# make models every state of the protocols in docs/models
# make generate the assembly and the licenses are what their generators write
# make unit   the tests of all Go packages
# make race   the tests of all Go packages under the race detector, those of protocols with one and with four processors
# make mutants the orderings broken one at a time: the tests must notice each
# make kernels the tests with each kernel that copies and hashes, and without assembly
# make containers the command in real containers, as root
# make faults processes killed and stopped at every step, peers that write nonsense
# make hosts  three hosts in network namespaces, cut off, slowed and killed, as root
# make c      the C library's tests, by gcc and clang, under sanitizers, with Go on the other side
# make types  the Python package's types, by mypy
# make python the Python package's tests, with Go on the other side
# make arm64  the kernels of arm64, in an emulator
# make fuzz   every fuzz target for FUZZTIME each, inputs (30000x) or a time (60s)
# make cross  builds for the other platforms
# make bench-vet the benchmark compiles, and its pages and the README have the measured figures
#
# Not part of check:
# make soak   the faults for as long as you like: ROUNDS, BURSTS, ALLOCATIONS, RING_GIB, SOAK_TIME
# make soak-python a minute of both languages on one ring, with each server and backend
# make avx512 the AVX-512 kernels' tests in an emulator: ten minutes

GO        ?= go
FUZZTIME  ?= 30000x
TOOLS     := $(CURDIR)/.tools
SYSTEM_PYTHON := $(or $(PYTHON),/usr/bin/python3)
LINT_VER  := v2.15.0
LINT      := $(TOOLS)/golangci-lint-$(LINT_VER)

.PHONY: test check setup vet lint unit c c-gcc race race-drivers race-others mutants models kernels containers faults hosts soak types python soak-python bench-python arm64 avx512 generate fuzz cross demo quick bench bench-hosts bench-vet install install-python

# In this order, each timed; + joins what runs side by side: of each pair the first mostly waits.
CHECK := setup vet unit+python containers+lint hosts+models generate race mutants faults+fuzz kernels c types arm64 cross bench-vet

test:
	@./scripts/test $(filter-out setup unit python,$(subst +, ,$(CHECK)))

check: export FRAMEBUFFER_TEST_EVERYTHING = 1
check:
	@./scripts/steps $(CHECK)

setup:
	./scripts/setup

vet:
	$(GO) vet ./...
	$(GO) vet -tags containers ./test/containers
	$(GO) vet -tags failpoints ./...
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) mod tidy -diff

lint: $(LINT)
	$(LINT) run ./...

$(LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VER)
	mv $(TOOLS)/golangci-lint $@

# The protocols hold in every state of their models, and fail without any of their orderings.
models:
	./scripts/check-models

# TESTED=1 says that make test has passed just now: of unit and python only the rest is run.
# Four packages at a time: the two longest mostly wait for processes.
ifdef TESTED
unit python:
	./scripts/rest $@
else
unit:
	$(GO) test -p 4 -count=1 ./...
endif

# Once on a single processor, where goroutines switch in the middle of things, and once on four.
# Those whose tests drive processes or a browser, which choose their processors themselves, run once,
# beside the others: they mostly wait.
# Without the second that the race detector sleeps at the end of every process: tests start many.
DRIVERS := cmd/framebuffer examples service remote record cmd/framebuffer/internal/web cmd/framebuffer/internal/top cmd/framebuffer/internal/demo cmd/framebuffer/internal/doctor
race: export GORACE = atexit_sleep_ms=10
race: export CGO_ENABLED = 1
race:
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target race-drivers race-others
race-drivers:
	$(GO) test -p 2 -count=1 -race -cpu 4 -timeout 20m $(addprefix ./,$(DRIVERS))
race-others:
	$(GO) test -p 2 -count=1 -race -cpu 1,4 -timeout 20m \
		$$($(GO) list ./... | grep -v $(foreach d,$(DRIVERS),-e '/framebuffer/$(d)$$'))

# One ordering of the protocols broken at a time: the tests must notice.
mutants:
	$(GO) run ./scripts/mutants

# The torn-read and lapped-writer tests once more with each kernel below the best, and
# without assembly.
kernels:
	GO="$(GO)" ./scripts/test-kernels

# The C library as its users build it, and once more under sanitizers.
c: c-gcc
	$(MAKE) --no-print-directory -C c test CC=clang
	$(MAKE) --no-print-directory -C c test SAN=address,undefined
	$(MAKE) --no-print-directory -C c test SAN=thread
c-gcc:
	$(MAKE) --no-print-directory -C c test

# The static command in real containers.
containers:
	$(GO) test -count=1 -tags containers ./test/containers

# Every row of docs/crash.md, some rounds of the soak, hostile peers, and other faults.
faults:
	$(GO) test -count=1 -tags failpoints ./test/faults

# Hosts with a NATS server each, in network namespaces. A module of its own, for its proxy.
hosts:
	cd test/hosts && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 -timeout 20m ./...

# ROUNDS processes are killed or stopped, each backend's peers write nonsense BURSTS times a
# thousand, and so on. The figures in bench/faults.md are such a run's.
ROUNDS      ?= 5000
BURSTS      ?= 1000
ALLOCATIONS ?= 1000000000
RING_GIB    ?= 16
SOAK_TIME   ?= 0
SOAK        ?= Soak|Vandal|Crash|StopAndGoOn|WriterStopped|ManyAllocations|RingSizes
soak:
	SOAK_ROUNDS=$(ROUNDS) SOAK_TIME=$(SOAK_TIME) SOAK_BURSTS=$(BURSTS) SOAK_ALLOCATIONS=$(ALLOCATIONS) SOAK_RING_GIB=$(RING_GIB) \
		$(GO) test -count=1 -tags failpoints -timeout 0 -v -run '$(SOAK)' ./test/faults

# Debian's Python and its packages, those of the system or unpacked into .tools. PYTHON names
# another, and `make test PYTHON=none` leaves Python out.
ifndef TESTED
python:
ifeq ($(PYTHON),none)
	@echo "PYTHON=none: Python is left out"
	@printf 'Python (PYTHON=none)\tpython\tall tests\n' >>"$${FRAMEBUFFER_TEST_LEFT_OUT:?only make test leaves anything out}"
else
	python=$$(PYTHON="$(PYTHON)" ./scripts/python-env) && cd python && "$$python" -m pytest
endif
endif

types:
	cd python && $(SYSTEM_PYTHON) -m mypy --strict framebuffer

soak-python:
	cd python && FRAMEBUFFER_SOAK=60 $(SYSTEM_PYTHON) -m pytest -s tests/test_soak.py

# The Python package beside the original library's design, and ways to wait for a topic.
bench-python:
	PYTHONPATH=python $(SYSTEM_PYTHON) bench/python/main.py
	PYTHONPATH=python $(SYSTEM_PYTHON) bench/python/stream.py
	PYTHONPATH=python $(SYSTEM_PYTHON) bench/python/waiting.py

arm64:
	./scripts/test-arm64

avx512:
	apt-get install -y -qq --no-install-recommends bochs bochsbios vgabios isolinux syslinux-common xorriso cpio >/dev/null
	./scripts/test-avx512

# The assembly and the licenses are what their generators write.
generate:
	./scripts/check-generated

fuzz:
	FUZZTIME=$(FUZZTIME) ./scripts/fuzz

# The other platforms compile, and their assembly is looked at by vet.
cross:
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/framebuffer
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./...
	GOOS=linux GOARCH=riscv64 CGO_ENABLED=0 $(GO) vet . ./internal/ring ./internal/layout ./internal/shm ./internal/copyhash

# This library beside limits and rivals, in less than 15 minutes. The turns of this machine go into
# bench/results, with those of earlier runs of the same commit. QUICK=1 takes two minutes and only
# prints. What cannot be installed is left out, and said so.
BENCH = -for $(if $(QUICK),15s,$(1) -out results)
bench:
	./bench/setup || echo "some rivals are missing: they are left out"
	cd bench && $(GO) run ./topics -rounds 90 $(call BENCH,6m)
	cd bench && $(GO) run . $(call BENCH,3m)
	cd bench && $(GO) run ./targets -only sizes $(call BENCH,2m)
	cd bench && $(GO) run ./page

bench-hosts:
	cd bench && $(GO) run ./hosts -out .

# The benchmark compiles; its pages and the README's figures are those of the files in bench/results.
bench-vet:
	cd bench && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 ./...

install:
	$(GO) install ./cmd/framebuffer
	@echo "installed $$($(GO) list -f '{{.Target}}' ./cmd/framebuffer)"

install-python:
	python3 -m venv .venv && .venv/bin/pip install ./python

demo:
	$(GO) run ./cmd/framebuffer demo

quick:
	$(GO) vet ./... && $(GO) test ./...
