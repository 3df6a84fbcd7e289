package bench

import (
	"time"

	"sslnotes/sslkit/internal/f32"
	"sslnotes/sslkit/rng"
)

// Shapes are the matrix products that GEMM measures: cubes, and what the three
// models multiply.
var Shapes = [][3]int{{256, 256, 256}, {1024, 1024, 1024}, {2048, 2048, 2048}, {6272, 64, 192}, {12544, 128, 576}, {256, 512, 512}}

// A Product is a measured matrix product of [M,K] and [K,N].
type Product struct {
	M           int     `json:"m"`
	N           int     `json:"n"`
	K           int     `json:"k"`
	Threads     int     `json:"threads"`
	GFLOPS      float64 `json:"gflops"` // of the median time
	ShareOfPeak float64 `json:"share_of_peak"`
}

// GEMM measures the matrix products of Shapes.
func GEMM(o Options, peak float64) []Product {
	defer o.begin()()
	var all []Product
	for _, s := range Shapes {
		m, n, k := s[0], s[1], s[2]
		a, b, c := noise(o.Seed, m*k), noise(o.Seed+1, k*n), f32.Make(m*n)
		flops := 2 * float64(m) * float64(n) * float64(k)
		repeat := max(1, int(2e8/flops))
		var seconds []float64
		for range o.Warmup + o.Steps {
			start := time.Now()
			for range repeat {
				f32.Gemm(m, n, k, a, k, 1, b, n, c, n, f32.Start{})
			}
			seconds = append(seconds, time.Since(start).Seconds()/float64(repeat))
		}
		p := Product{M: m, N: n, K: k, Threads: o.Threads, GFLOPS: flops / median(seconds[o.Warmup:]) / 1e9}
		p.ShareOfPeak = p.GFLOPS / peak
		all = append(all, p)
	}
	return all
}

func noise(seed uint64, n int) []float32 {
	x, r := f32.Make(n), rng.New(seed, "bench")
	for i := range x {
		x[i] = r.Norm()
	}
	return x
}

// Peak measures the largest rate of fused multiply-adds of so many threads, in
// GFLOPS: the fastest of ten runs on registers alone.
func Peak(threads int) float64 {
	o := Options{Threads: threads}
	defer o.begin()()
	var best float64
	for range 10 {
		start := time.Now()
		flops := make([]int, 16*o.Threads) // many tasks: a thread that starts late must not leave its own to the others
		f32.Parallel(len(flops), flops, func(flops []int, i int) { flops[i] = f32.MultiplyAdds(1 << 18) })
		total := 0
		for _, n := range flops {
			total += n
		}
		best = max(best, float64(total)/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
