package sslkittest

import (
	"strings"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
)

// encoded is the method as a record holds it.
func encoded(t *testing.T, m sslkit.Method) string {
	t.Helper()
	raw, err := config.Encode(m)
	if err != nil {
		t.Fatalf("the method's fields cannot be recorded: %v", err)
	}
	return string(raw)
}

// repeatable: what Build resolves is a fixed point, and reads back from the
// record to the same method.
func (s *suite) repeatable(t *testing.T) {
	m := s.world(t).method
	want := encoded(t, m)
	setup := sslkit.Setup{Seed: seed, Steps: 10, BatchSize: s.BatchSize}
	if _, err := m.Build(s.encoder(t, seed), s.Set.Spec(), setup); err != nil {
		t.Fatal(err)
	}
	if got := encoded(t, m); got != want {
		t.Errorf("built again the fields are %s, were %s", got, want)
	}
	again, err := typesOf(m).New([]byte(want))
	if err != nil {
		t.Fatalf("the record does not read back: %v", err)
	}
	read, ok := again.(sslkit.Method)
	if !ok {
		t.Fatalf("the record reads back as a %T, which is no method", again)
	}
	if _, err := read.Build(s.encoder(t, seed), s.Set.Spec(), setup); err != nil {
		t.Fatal(err)
	}
	if got := encoded(t, read); got != want {
		t.Errorf("read back and built the fields are %s, were %s", got, want)
	}
}

// forgets: a method that has trained trains again as a new one does.
func (s *suite) forgets(t *testing.T) {
	used := s.make()
	first := s.train(t, used, s.Set, s.schedule(3))
	if again := s.train(t, used, s.Set, s.schedule(3)); again != first {
		t.Error("a method that was used before trains to other bits: Build must forget all state")
	}
}

// refuses: bad fields and batches are named.
func (s *suite) refuses(t *testing.T) {
	for field, m := range s.Bad {
		_, err := m.Build(s.encoder(t, seed), s.Set.Spec(), sslkit.Setup{Seed: seed, Steps: 10, BatchSize: s.BatchSize})
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("bad %s: error %v, want one that names it", field, err)
		}
	}
	for _, size := range []int{1, s.Set.Len() + 1} {
		if _, err := (sslkit.Schedule{BatchSize: size}).Resolve(s.make(), s.Set.Len()); err == nil || !strings.Contains(err.Error(), "BatchSize") {
			t.Errorf("a batch of %d among %d samples: error %v, want one that names BatchSize", size, s.Set.Len(), err)
		}
	}
}
