# Two commands: `make walk` sets up and runs the course, `make test` tests all of
# it. On Debian they install what is missing if root runs them, otherwise they
# say what it is.
.PHONY: build walk test core arm jupyter check generate bench data results parity gophernotes tools

build: tools
	go build -o sslnotes .

# The course from the first to the last cell, without Jupyter: out/index.html.
walk: build
	./sslnotes walk --out out

# What continuous integration runs; `go test ./...` is its offline core and needs
# nothing but Go and a C compiler.
test: check core arm jupyter

core: tools data
	go test ./...
	go test -tags portable ./sslkit/internal/f32
	SSLKIT_ISA=generic go test -count=1 ./sslkit/internal/f32 ./sslkit/nn
	SSLNOTES_TEST_REBUILD=1 go test -count=1 -run TestScripts/rebuild ./internal/cli

# The same bits on arm64: the engine's tests, emulated.
arm: tools
	@.ci/need qemu-aarch64-static qemu-user-static
	GOARCH=arm64 CGO_ENABLED=0 go test -exec qemu-aarch64-static ./sslkit/internal/f32 ./sslkit/tensor ./sslkit/nn $(ARM)

# The kernel and the notebooks in real Jupyter, in stock gophernotes, and their
# pages in a browser.
jupyter: tools
	.ci/jupyter

tools:
	@.ci/need cc gcc libc6-dev
	@command -v go >/dev/null || { echo 'missing: Go 1.26 or newer, from https://go.dev/dl'; exit 1; }

# What a reader would trip over: formatting, vet, and generated files that are
# not what their generator writes.
check: tools
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not gofmt-ed'; exit 1; }
	go vet ./...
	GOARCH=arm64 CGO_ENABLED=0 go vet ./sslkit/internal/... ./sslkit/tensor ./sslkit/nn ./sslkit/rng
	GOARCH=arm64 CGO_ENABLED=0 go build ./sslkit/pretext ./sslkit/contrastive ./sslkit/mae
	$(MAKE) generate
	git diff --exit-code -- '*.s' '*_stubs.go' '*_other.go' internal/catalog/table.go 'kernel/symbols/*sslnotes*'

# Tests on real images skip without them; here they must not.
data: build
	@.ci/need /usr/share/datasets/fashion-mnist dataset-fashion-mnist
	./sslnotes data get mnist

generate:
	go generate ./sslkit/... ./internal/catalog ./kernel/symbols

# Speed beside PyTorch's, on this machine: an hour, and root for the set-up of
# PyTorch. BENCH can limit it, as in BENCH='mae --threads 1'.
bench: build
	sslkit/bench/peers/peer setup
	./sslnotes bench $(BENCH) --peer sslkit/bench/peers/peer --write sslkit/BENCHMARKS.md

# The runs behind the README's table, on full Fashion-MNIST: hours. It goes on
# where it was stopped; a row's file in sslkit/results says that it is finished.
results: build data
	./sslnotes results $(RESULTS)

# The table's methods trained by PyTorch, judged by our probe and held against
# ours in sslkit/RESULTS.md, and CLIP, asked what ours is asked: hours, and root
# for the set-up of PyTorch.
parity: build data
	sslkit/bench/peers/peer setup
	for m in simclr mae byol; do for s in 1 2 3; do \
		test -e sslkit/results/parity/$$m-$$s.json || test -e out/peers/$$m-$$s.json || \
		sslkit/bench/peers/peer parity /usr/share/datasets/fashion-mnist out/peers $$m --seed $$s || exit 1; \
	done; done
	./sslnotes retrieve --export out/emoji
	for s in 1 2 3; do \
		test -e sslkit/results/clip/torch-$$s.json || test -e out/peers/clip/clip-$$s.json || \
		sslkit/bench/peers/peer clip out/emoji out/peers/clip --seed $$s || exit 1; \
	done
	./sslnotes retrieve --peers out/peers/clip
	./sslnotes results --peers out/peers

# Stock gophernotes with our packages linked in, for JUPYTER_PATH=out/gophernotes/share/jupyter.
gophernotes:
	kernel/gophernotes/build.sh out/gophernotes
