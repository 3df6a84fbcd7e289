package main

import "testing"

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ text, summary, paper string }{
		{"SimCLR contrasts views (Chen and\nothers 2020, algorithm 1). It has\na projector.", "SimCLR contrasts views.", "Chen and others 2020, algorithm 1"},
		{"Flip mirrors (left and right).", "Flip mirrors (left and right).", ""},
		{"", "", ""},
	} {
		if summary, paper := describe(c.text); summary != c.summary || paper != c.paper {
			t.Errorf("describe(%q) = %q, %q, want %q, %q", c.text, summary, paper, c.summary, c.paper)
		}
	}
}
