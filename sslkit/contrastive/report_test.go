package contrastive

import (
	"testing"

	"sslnotes/sslkit"
)

// TestReportsNeedAStep: before the first step methods have nothing to tell, and
// nothing is wrong.
func TestReportsNeedAStep(t *testing.T) {
	for _, m := range []sslkit.Reporter{&SimCLR{}, &MoCo{}, &BYOL{}, &SimSiam{}, &SwAV{}, &DINO{Outputs: 8}} {
		values := m.Report()
		if len(values) != 0 {
			t.Errorf("%T reports %v", m, values)
		}
		if d, ok := m.(sslkit.Diagnoser); ok && d.Diagnose(values) != "" {
			t.Errorf("%T says %q", m, d.Diagnose(values))
		}
	}
}
