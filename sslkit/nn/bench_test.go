package nn

import (
	"testing"

	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// BenchmarkResNet times a training step of SimCLR's encoder on 64 views.
func BenchmarkResNet(b *testing.B) {
	const views = 128
	r := rng.New(1, "weights")
	e, err := ResNet{Blocks: 2, StemStride: 1}.Build(Input{Height: 28, Width: 28, Channels: 1}, r)
	if err != nil {
		b.Fatal(err)
	}
	var o SGD
	o.Begin(e.Params())
	x := tensor.New(views, 28, 28, 1)
	for i := range x.Data() {
		x.Data()[i] = r.Norm()
	}
	for b.Loop() {
		for _, p := range e.Params() {
			p.Value.ZeroGrad()
		}
		tensor.Backward(tensor.Mean(e.Forward(x, true)))
		o.Step(0.01)
	}
	b.ReportMetric(views*float64(b.N)/b.Elapsed().Seconds(), "views/s")
}
