# `make test` is what continuous integration runs; `go test ./...` is its
# offline core and needs nothing but Go and a C compiler.
.PHONY: test check generate bench

test: check
	go test ./...
	go test -tags portable ./sslkit/internal/f32
	SSLKIT_ISA=generic go test ./sslkit/rng ./internal/...

# What a reader would trip over: formatting, vet, and generated files that are
# not what their generator writes.
check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not gofmt-ed'; exit 1; }
	go vet ./...
	GOARCH=arm64 CGO_ENABLED=0 go vet ./sslkit/...
	$(MAKE) generate
	git diff --exit-code -- '*_amd64.s' '*_stubs.go'

generate:
	go generate ./sslkit/...

bench:
	go test -run '^$$' -bench . ./sslkit/internal/f32
