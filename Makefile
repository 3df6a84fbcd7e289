# `make test` is what continuous integration runs; `go test ./...` is its
# offline core and needs nothing but Go and a C compiler.
.PHONY: build test check generate bench data jupyter results gophernotes

build:
	go build -o sslnotes .

test: check data jupyter
	SSLNOTES_JUPYTER=1 go test ./...
	go test -tags portable ./sslkit/internal/f32
	SSLKIT_ISA=generic go test -count=1 ./sslkit/internal/f32 ./sslkit/nn
	SSLNOTES_TEST_REBUILD=1 go test -count=1 -run TestScripts/rebuild ./internal/cli

# What a reader would trip over: formatting, vet, and generated files that are
# not what their generator writes.
check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not gofmt-ed'; exit 1; }
	go vet ./...
	GOARCH=arm64 CGO_ENABLED=0 go vet ./sslkit/...
	$(MAKE) generate
	git diff --exit-code -- '*_amd64.s' '*_stubs.go' internal/catalog/table.go

# Tests on real images skip without them; here they must not.
data:
	@test -d /usr/share/datasets/fashion-mnist || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq --no-install-recommends dataset-fashion-mnist; } || \
	  { echo 'missing: the Debian package dataset-fashion-mnist'; exit 1; }

# So do the tests of the kernel under Jupyter itself.
jupyter:
	@/usr/bin/python3 -c 'import jupyter_kernel_test, nbconvert' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends python3-jupyter-kernel-test python3-nbconvert python3-ipykernel; } || \
	  { echo 'missing: the Debian packages python3-jupyter-kernel-test and python3-nbconvert'; exit 1; }

generate:
	go generate ./sslkit/... ./internal/catalog

# Speed beside PyTorch's, on this machine: an hour, and root for the set-up of
# PyTorch. BENCH can limit it, as in BENCH='mae --threads 1'.
bench: build
	sslkit/bench/peers/peer setup
	./sslnotes bench $(BENCH) --peer sslkit/bench/peers/peer --write sslkit/BENCHMARKS.md

# The runs behind the README's table, on full Fashion-MNIST: hours. It goes on
# where it was stopped; a row's file in sslkit/results says that it is finished.
results: build data
	./sslnotes results $(RESULTS)

# Stock gophernotes with our packages linked in, for JUPYTER_PATH=out/gophernotes/share/jupyter.
gophernotes:
	kernel/gophernotes/build.sh out/gophernotes
