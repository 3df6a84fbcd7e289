package cli

import (
	"os"
	"strings"
	"testing"
)

// tableRows returns the cells of a page's table rows.
func tableRows(t *testing.T, path string) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i, c := range cells {
				cells[i] = strings.TrimSpace(c)
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// TestReadmeSpeed: the ratios that the README has are those that bench wrote.
func TestReadmeSpeed(t *testing.T) {
	measured := map[string]string{} // by model, threads and PyTorch's malloc
	for _, cells := range tableRows(t, "../../sslkit/BENCHMARKS.md") {
		if len(cells) < 13 || !strings.Contains(cells[7], "**") {
			continue
		}
		for malloc, column := range map[string]int{"told to keep its memory": 7, "with plain malloc": 12} {
			ratio, _, _ := strings.Cut(strings.TrimPrefix(cells[column], "**"), "**")
			measured[strings.Join([]string{cells[0], cells[1], malloc}, " ")] = ratio
		}
	}
	models, found := []string{"mae", "clip", "simclr"}, 0
	for _, cells := range tableRows(t, "../../README.md") {
		how, malloc, ok := strings.Cut(cells[0], ", PyTorch ")
		if !ok {
			continue
		}
		threads := map[string]string{"one thread": "1", "two threads": "2"}[how]
		for i, model := range models {
			found++
			if want := measured[strings.Join([]string{model, threads, malloc}, " ")]; cells[i+1] != want || want == "" {
				t.Errorf("%s, %s: the README says %s, BENCHMARKS.md %q", model, cells[0], cells[i+1], want)
			}
		}
	}
	if found != 12 {
		t.Errorf("the README has %d ratios, want 12", found)
	}
}
