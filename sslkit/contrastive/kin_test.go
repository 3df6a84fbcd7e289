package contrastive

import (
	"math"
	"slices"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

var tiny = data.Spec{Height: 10, Width: 10, Channels: 1, Mean: []float32{0}, Std: []float32{1}}

// built returns a method built on a tiny encoder, and the heads.
func built(t *testing.T, m sslkit.Method, s sslkit.Setup) (nn.Encoder, nn.Module) {
	t.Helper()
	e, err := nn.ConvNet{Channels: []int{4, 6}}.Build(nn.Input{Height: 10, Width: 10, Channels: 1}, rng.New(s.Seed, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	heads, err := m.Build(e, tiny, s)
	if err != nil {
		t.Fatal(err)
	}
	return e, heads
}

// batch returns random views of n samples as the method wants them.
func batch(m sslkit.Viewer, seed uint64, n int) data.Batch {
	var b data.Batch
	for v, spec := range m.Views(tiny) {
		x := random(seed+uint64(v), n, spec.Height*spec.Width*spec.Channels)
		b.Views = append(b.Views, tensor.Reshape(x, n, spec.Height, spec.Width, spec.Channels))
	}
	return b
}

// step takes one step of SGD as the pipeline does.
func step(m sslkit.Method, e nn.Encoder, heads nn.Module, b data.Batch, i, total int) float32 {
	model := nn.Modules{e, heads}
	o := &nn.SGD{}
	o.Begin(model.Params())
	nn.ZeroGrad(model)
	s := sslkit.NewStep(i, total, 0, 1, nil)
	loss := m.Loss(b, s)
	tensor.Backward(loss)
	o.Step(0.1)
	nn.Commit(model)
	if h, ok := m.(sslkit.Stateful); ok {
		nn.Commit(h.State())
	}
	if a, ok := m.(sslkit.AfterStepper); ok {
		a.AfterStep(s)
	}
	return loss.Item()
}

func close(t reporter, what string, got float32, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance) {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

func TestRegressionClosedForms(t *testing.T) { regressionClosedForms(t, Regression) }

func regressionClosedForms(t reporter, loss func(p, z *tensor.Tensor) *tensor.Tensor) {
	x := random(1, 6, 4)
	close(t, "equal", loss(x, tensor.Scale(x, 3)).Item(), 0, 1e-6)
	close(t, "opposite", loss(x, tensor.Scale(x, -0.5)).Item(), 4, 1e-6)
	a, b := tensor.FromSlice([]float32{1, 0, 0, 2}, 2, 2), tensor.FromSlice([]float32{0, 5, -1, 0}, 2, 2)
	close(t, "orthogonal", loss(a, b).Item(), 2, 1e-6)
	p, z := random(2, 5, 3), random(3, 5, 3)
	var want float64
	for i := range 5 {
		var pz, pp, zz float64
		for j := range 3 {
			u, v := float64(p.Data()[i*3+j]), float64(z.Data()[i*3+j])
			pz, pp, zz = pz+u*v, pp+u*u, zz+v*v
		}
		want += (2 - 2*pz/math.Sqrt(pp*zz)) / 5
	}
	close(t, "random", loss(p, z).Item(), want, 1e-6)
}

// The target gets no gradient, follows by the closed form of its schedule, and
// its parameters are the online network's without the predictor.
func TestBYOLTarget(t *testing.T) {
	m := &BYOL{Momentum: 0.9}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 10, BatchSize: 6})
	target, online := m.State().Params(), nn.Modules{e, m.online.projector}.Params()
	if len(target) != len(online) || len(nn.Modules{e, heads}.Params()) != len(online)+len(m.predictor.Params()) {
		t.Fatalf("%d parameters in the target, %d in the online network", len(target), len(online))
	}
	before := slices.Clone(target[0].Value.Data())
	const total = 10
	step(m, e, heads, batch(m, 5, 6), 0, total)
	for i, v := range target[0].Value.Data() {
		want := 0.9*float64(before[i]) + 0.1*float64(online[0].Value.Data()[i])
		close(t, "target weight", v, want, 1e-6)
	}
	for _, p := range target {
		if p.Value.Grad() != nil {
			t.Errorf("%s of the target has a gradient", p.Name)
		}
	}
	close(t, "momentum at the start", rising(0.9, sslkit.NewStep(0, total, 0, 1, nil)), 0.9, 1e-6)
	close(t, "momentum half way", rising(0.9, sslkit.NewStep(5, total, 0, 1, nil)), 0.95, 1e-6)
}

// BYOL's loss is the distance of each prediction to the target's projection of
// the other view, both directions added.
func TestBYOLLoss(t *testing.T) {
	m := &BYOL{Dim: 8, Hidden: 12}
	built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	for _, p := range m.target.module().Params() { // as after some steps
		for i := range p.Value.Data() {
			p.Value.Data()[i] *= 1 + 0.1*float32(i%3)
		}
	}
	byolLoss(t, m, m.Loss)
}

func byolLoss(t reporter, m *BYOL, loss func(data.Batch, sslkit.Step) *tensor.Tensor) {
	b := batch(m, 3, 6)
	got := loss(b, sslkit.NewStep(0, 4, 0, 1, nil)).Item()
	var want float64
	for v, x := range b.Views {
		p, z := m.predictor.Forward(m.online.project(x), true), m.target.project(b.Views[1-v])
		for i := range 6 {
			a, c := p.Data()[8*i:8*i+8], z.Data()[8*i:8*i+8]
			want += (2 - 2*dot64(a, c)/math.Sqrt(dot64(a, a)*dot64(c, c))) / 6
		}
	}
	close(t, "loss", got, want, 2e-6*(1+want))
	discard(m.online)
	discard(m.target)
}

// spread is the mean standard deviation of normalised embeddings, times √D: 1 if
// they fill the sphere, 0 if they are one point.
func spread(z *tensor.Tensor) float64 {
	z = tensor.L2Normalize(z.Detach(), 1e-12)
	n, d := z.Dim(0), z.Dim(1)
	var total float64
	for j := range d {
		var sum, square float64
		for i := range n {
			v := float64(z.Data()[i*d+j])
			sum, square = sum+v, square+v*v
		}
		total += math.Sqrt(max(0, square/float64(n)-sum*sum/float64(n*n)))
	}
	return total / float64(d) * math.Sqrt(float64(d))
}

func TestSimSiamClosedForms(t *testing.T) {
	x := random(1, 6, 4)
	close(t, "equal", cosine(x, tensor.Scale(x, 2)).Item(), 1, 1e-6)
	close(t, "opposite", cosine(x, tensor.Scale(x, -2)).Item(), -1, 1e-6)
	m := &SimSiam{}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	if loss := step(m, e, heads, batch(m, 3, 6), 0, 4); loss < -1 || loss > 1 {
		t.Errorf("loss %g, want -1 to 1", loss)
	}
}

// SimSiam's loss is half the negative cosines of each prediction and the other
// view's projection, and its gradient that of the predictions alone.
func TestSimSiamLoss(t *testing.T) {
	m := &SimSiam{Dim: 8, Hidden: 12, Bottleneck: 12}
	e, _ := built(t, m, sslkit.Setup{Seed: 1, Steps: 4, BatchSize: 6})
	simSiamLoss(t, m, e, m.Loss)
}

func simSiamLoss(t reporter, m *SimSiam, e nn.Encoder, loss func(data.Batch, sslkit.Step) *tensor.Tensor) {
	b := batch(m, 3, 6)
	var held [2]*tensor.Tensor // projections, whatever becomes of the weights
	for v := range held {
		held[v] = m.online.project(b.Views[v]).Detach()
	}
	naive := func() (sum float64) {
		for v, x := range b.Views {
			p, z := m.predictor.Forward(m.online.project(x), true), held[1-v]
			for i := range 6 {
				a, c := p.Data()[8*i:8*i+8], z.Data()[8*i:8*i+8]
				sum -= dot64(a, c) / math.Sqrt(dot64(a, a)*dot64(c, c)) / 12
			}
		}
		return sum
	}
	got := loss(b, sslkit.NewStep(0, 4, 0, 1, nil))
	close(t, "loss", got.Item(), naive(), 1e-6)
	tensor.Backward(got)
	for _, p := range (nn.Modules{e, m.online.projector, m.predictor}).Params() {
		w, g := p.Value.Data(), p.Value.Grad()
		was, norm := slices.Clone(w), math.Sqrt(dot64(g, g))
		if norm < 1e-3 {
			continue // below what float32 shows
		}
		at := func(by float64) float64 {
			for i, v := range g {
				w[i] = was[i] + float32(by*float64(v)/norm)
			}
			return naive()
		}
		const h = 1e-3
		slope := (at(h) - at(-h)) / (2 * h)
		copy(w, was)
		if !(math.Abs(slope-norm) <= 0.03*norm) {
			t.Errorf("along the gradient of %s the loss rises by %g a unit, the gradient's length is %g", p.Name, slope, norm)
		}
		p.Value.ZeroGrad()
	}
	discard(m.online)
}

func TestMoCoQueueLossClosedForms(t *testing.T) {
	const k, d = 4096, 8
	one := func(n int) *tensor.Tensor {
		x := tensor.New(n, d)
		for i := range n {
			x.Data()[i*d] = 1
		}
		return x
	}
	loss, _ := queueLoss(one(3), one(3), one(k), 0.2)
	close(t, "all equal", loss.Item(), math.Log(1+k), 2e-6)
	apart := tensor.New(k, d)
	for i := range k {
		apart.Data()[i*d+1] = 1
	}
	loss, _ = queueLoss(one(3), one(3), apart, 0.2)
	close(t, "orthogonal negatives", loss.Item(), math.Log(1+k*math.Exp(-5)), 2e-6)
}

// The queue holds the last keys in their order and owns them; the loss of a step
// is against the old queue.
func TestMoCoQueueIsFirstInFirstOut(t *testing.T) {
	m := &MoCo{Queue: 12, Dim: 4}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: 6})
	for i := range 12 {
		if r := m.queue.Value[4*i : 4*i+4]; math.Abs(math.Sqrt(dot64(r, r))-1) > 1e-6 {
			t.Fatalf("key %d of the first queue is not of length 1", i)
		}
	}
	var keys []float32
	for i := range 3 {
		b := batch(m, uint64(10*i), 6)
		k := tensor.L2Normalize(m.key.project(b.Views[1]).Detach(), 1e-12)
		discard(m.key)
		keys = append(keys, k.Data()...)
		old := slices.Clone(m.queue.Value)
		s := sslkit.NewStep(i, 5, 0, 1, nil)
		m.Loss(b, s)
		if !slices.Equal(old, m.queue.Value) {
			t.Fatal("the queue changed before the step's end")
		}
		discard(m.query)
		discard(m.key)
		step(m, e, heads, b, i, 5)
	}
	if want := keys[len(keys)-12*4:]; !slices.Equal(m.queue.Value, want) {
		t.Error("the queue does not hold the last 12 keys in order")
	}
}

// A step's loss is of the queries among their keys and the queue as it was: no
// key of this step is a negative.
func TestMoCoLoss(t *testing.T) {
	m := &MoCo{Queue: 12, Dim: 4}
	built(t, m, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: 6})
	moCoLoss(t, m, m.Loss)
}

func moCoLoss(t reporter, m *MoCo, loss func(data.Batch, sslkit.Step) *tensor.Tensor) {
	b, old := batch(m, 3, 6), slices.Clone(m.queue.Value)
	got := loss(b, sslkit.NewStep(0, 5, 0, 1, nil)).Item()
	discard(m.query)
	discard(m.key)
	m.queue.Set(nil)
	q, k := m.query.project(b.Views[0]), m.key.project(b.Views[1])
	discard(m.query)
	discard(m.key)
	var want float64
	for i := range 6 {
		query := q.Data()[4*i : 4*i+4]
		logit := func(key []float32) float64 {
			return dot64(query, key) / max(math.Sqrt(dot64(query, query)*dot64(key, key)), 1e-12) / float64(m.Temperature)
		}
		right := logit(k.Data()[4*i : 4*i+4])
		sum := math.Exp(right)
		for key := range slices.Chunk(old, 4) {
			sum += math.Exp(logit(key))
		}
		want += (math.Log(sum) - right) / 6
	}
	close(t, "loss", got, want, 2e-6*(1+want))
}

// A symmetric loss is the mean of that of the views and that of the views
// exchanged, and the keys of both enter the queue.
func TestMoCoSymmetric(t *testing.T) {
	of := func(symmetric bool, groups int) *MoCo {
		m := &MoCo{Queue: 24, Dim: 4, Symmetric: symmetric, ShuffleGroups: groups}
		built(t, m, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: 6})
		return m
	}
	losses := func(m *MoCo, b data.Batch) (loss, accuracy float32, entered []float32) {
		old := slices.Clone(m.queue.Value)
		loss = m.Loss(b, sslkit.NewStep(0, 5, 0, 1, func(_ string, v float32) { accuracy = v })).Item()
		nn.Commit(m.State())
		kept := len(old) - len(m.queue.Value)
		for !slices.Equal(old[kept:], m.queue.Value[:len(old)-kept]) {
			kept += 4
		}
		return loss, accuracy, m.queue.Value[len(old)-kept:]
	}
	b := batch(of(true, 1), 3, 6)
	exchanged := data.Batch{Views: []*tensor.Tensor{b.Views[1], b.Views[0]}}
	first, right, keys := losses(of(false, 1), b)
	second, also, more := losses(of(false, 1), exchanged)
	both, accuracy, entered := losses(of(true, 1), b)
	close(t, "loss", both, float64(first+second)/2, 1e-6)
	close(t, "accuracy", accuracy, float64(right+also)/2, 1e-6)
	if want := append(slices.Clone(keys), more...); !slices.Equal(entered, want) || len(want) != 2*6*4 {
		t.Errorf("%d values enter the queue, not the keys of both views", len(entered))
	}
	if _, _, entered := losses(of(true, 2), exchanged); len(entered) != 2*6*4 {
		t.Errorf("in groups %d values enter the queue", len(entered))
	}
}

// discard forgets what a forward pass left for the step's end.
func discard(b *branch) {
	for _, f := range b.module().Buffers() {
		f.Set(nil)
	}
}

func dot64(a, b []float32) (s float64) {
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// Keys of a shuffled batch come out in the order they went in: without BatchNorm
// they are those of the batch as it is, each in its place.
func TestMoCoShuffleKeepsTheOrder(t *testing.T) {
	e, err := nn.ViT{PatchSize: 5, Width: 8, Depth: 1, Heads: 2}.Build(nn.Input{Height: 10, Width: 10, Channels: 1}, rng.New(1, "weights"))
	if err != nil {
		t.Fatal(err)
	}
	for _, groups := range []int{1, 2, 3, 6} {
		m := &MoCo{Queue: 12, ShuffleGroups: groups}
		if _, err := m.Build(e, tiny, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: 12}); err != nil {
			t.Fatal(err)
		}
		x := batch(m, 3, 12).Views[1]
		got, want := m.keys(x, rng.New(1, "shuffle")), m.key.project(x)
		for i, v := range got.Data() {
			close(t, "a key", v, float64(want.Data()[i]), 1e-5)
		}
	}
}

// Keys are normalised among those that the shuffle puts them beside, others in
// every step; without the shuffle, among those that their queries are beside.
func TestMoCoShuffleGroups(t *testing.T) {
	const n, d = 12, 4
	for _, groups := range []int{2, 3, 6} {
		for _, still := range []bool{false, true} {
			m := &MoCo{Queue: n, Dim: d, ShuffleGroups: groups, NoShuffle: still}
			built(t, m, sslkit.Setup{Seed: 1, Steps: 5, BatchSize: n})
			x := batch(m, 3, n).Views[1]
			for i := range 3 {
				stream := func() *rng.Stream { return sslkit.NewStep(i, 5, 0, 1, nil).Stream("shuffle") }
				order := stream().Perm(n)
				if still {
					slices.Sort(order)
				}
				got := m.keys(x, stream()).Data()
				for group := range slices.Chunk(order, n/groups) {
					want := m.key.project(tensor.Rows(x, group)).Data()
					for j, image := range group {
						for c, v := range got[image*d : (image+1)*d] {
							close(t, "a key", v, float64(want[j*d+c]), 0)
						}
					}
				}
				discard(m.key)
			}
		}
	}
}

func TestSinkhorn(t *testing.T) {
	const b, k = 40, 8
	s := tensor.Scale(random(4, b, k), 0.3)
	before := math.Inf(1)
	for _, iterations := range []int{1, 3, 10, 60} {
		q, far := Sinkhorn(s, 0.1, iterations), 0.0
		for i := range b {
			var sum float64
			for _, v := range q.Data()[i*k : (i+1)*k] {
				sum += float64(v)
			}
			close(t, "a sample's code", float32(sum), 1, 1e-6)
		}
		for j := range k {
			var sum float64
			for i := range b {
				sum += float64(q.Data()[i*k+j])
			}
			far = max(far, math.Abs(sum*k/b-1))
		}
		if far >= before || iterations == 60 && far > 1e-6 {
			t.Errorf("%d iterations: a prototype misses its share by %g, with fewer by %g", iterations, far, before)
		}
		before = far
	}
	same := tensor.New(b, k)
	for _, v := range Sinkhorn(same, 0.05, 3).Data() {
		close(t, "equal samples", v, 1.0/k, 1e-6)
	}
	order := rng.New(1, "order").Perm(b)
	a, c := tensor.Rows(Sinkhorn(s, 0.1, 3), order), Sinkhorn(tensor.Rows(s, order), 0.1, 3)
	for i, v := range a.Data() {
		close(t, "permuted", c.Data()[i], float64(v), 1e-6)
	}
	if q := Sinkhorn(random(1, 6, 3), 1e-3, 3); slices.ContainsFunc(q.Data(), func(v float32) bool { return v != v }) {
		t.Error("a small epsilon gives NaN")
	}
}

func TestSwAVLoss(t *testing.T) {
	uniform := []*tensor.Tensor{tensor.New(6, 8), tensor.New(6, 8), tensor.New(6, 8)}
	codes := []*tensor.Tensor{Sinkhorn(random(1, 6, 8), 0.1, 3), Sinkhorn(random(2, 6, 8), 0.1, 3)}
	close(t, "uniform predictions", swapped(uniform, codes, 0.1).Item(), math.Log(8), 1e-5)
}

// Every view's scores are held against every other view's code, not its own.
func TestSwappedEqualsNaive(t *testing.T) { swappedEqualsNaive(t, swapped) }

func swappedEqualsNaive(t reporter, loss func(scores, codes []*tensor.Tensor, temperature float32) *tensor.Tensor) {
	const n, k = 6, 8
	scores := []*tensor.Tensor{random(1, n, k), random(2, n, k), random(3, n, k)}
	codes := []*tensor.Tensor{Sinkhorn(random(4, n, k), 0.1, 3), Sinkhorn(random(5, n, k), 0.1, 3)}
	var want float64
	for c, q := range codes {
		for v, x := range scores {
			if v == c {
				continue
			}
			for i := range n {
				var sum, along float64
				for j := i * k; j < (i+1)*k; j++ {
					sum += math.Exp(float64(x.Data()[j]) / 0.5)
					along += float64(q.Data()[j]) * float64(x.Data()[j]) / 0.5
				}
				want += (math.Log(sum) - along) / (4 * n)
			}
		}
	}
	close(t, "loss", loss(scores, codes, 0.5).Item(), want, 2e-6*(1+want))
}

// With a queue a step's codes are those of its samples among the projections of
// the last steps, in their order, once there are enough; before, of the batch alone.
func TestSwAVQueue(t *testing.T) {
	const n, d, queue, steps = 6, 4, 12, 5
	m := &SwAV{Prototypes: 5, Dim: d, Hidden: 8, Freeze: -1, Local: 1, LocalSize: 6, Queue: queue}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: steps, BatchSize: n})
	var seen [2][]float32
	for i := range steps {
		b := batch(m, uint64(10*i), n)
		z := tensor.L2Normalize(m.projector.Forward(views(e, b.Views), true), 1e-12)
		for _, f := range (nn.Modules{e, heads}).Buffers() {
			f.Set(nil) // nothing of this pass is kept
		}
		var scores, codes []*tensor.Tensor
		for _, each := range split(z, n) {
			scores = append(scores, tensor.MatMulT(each, m.prototypes.Value))
		}
		for v := range 2 {
			before := seen[v][max(0, len(seen[v])-queue*d):]
			if len(before) < queue*d {
				before = nil
			}
			own := split(z, n)[v].Data()
			all := tensor.FromSlice(append(slices.Clone(before), own...), (len(before)+len(own))/d, d)
			pieces := split(Sinkhorn(tensor.MatMulT(all, m.prototypes.Value), m.Epsilon, m.Iterations), n)
			codes = append(codes, pieces[len(pieces)-1])
			seen[v] = append(seen[v], own...)
		}
		want := swapped(scores, codes, m.Temperature).Item()
		close(t, "loss", step(m, e, heads, b, i, steps), float64(want), 1e-6)
	}
	for v := range 2 {
		if last := seen[v][len(seen[v])-queue*d:]; !slices.Equal(m.queue.Value[v*queue*d:(v+1)*queue*d], last) {
			t.Errorf("the queue of view %d does not hold the last projections in order", v)
		}
	}
}

// Prototypes keep their length, and are held still at first.
func TestSwAVPrototypes(t *testing.T) {
	m := &SwAV{Prototypes: 5, Dim: 4, Freeze: 2, Local: 2, LocalSize: 6}
	e, heads := built(t, m, sslkit.Setup{Seed: 1, Steps: 8, BatchSize: 6})
	first := slices.Clone(m.prototypes.Value.Data())
	for i := range 4 {
		step(m, e, heads, batch(m, uint64(i), 6), i, 8)
		far := 0.0
		for j, v := range m.prototypes.Value.Data() {
			far = max(far, math.Abs(float64(v-first[j])))
		}
		if held := far < 1e-6; held != (i < 2) {
			t.Errorf("after step %d the prototypes moved by %g", i, far)
		}
		for j := range 5 {
			r := m.prototypes.Value.Data()[4*j : 4*j+4]
			close(t, "length", float32(math.Sqrt(dot64(r, r))), 1, 1e-6)
		}
	}
}
