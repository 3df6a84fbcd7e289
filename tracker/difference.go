package tracker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// FirstDifference compares two JSON texts and returns the path of the first
// field that differs, in the order of the names, with both values; "" if none.
func FirstDifference(a, b json.RawMessage) (field, left, right string) {
	return firstDifference("", a, b)
}

func firstDifference(path string, a, b json.RawMessage) (field, left, right string) {
	var x, y map[string]json.RawMessage
	if json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x != nil && y != nil {
		names := map[string]bool{}
		for n := range x {
			names[n] = true
		}
		for n := range y {
			names[n] = true
		}
		var sorted []string
		for n := range names {
			sorted = append(sorted, n)
		}
		slices.Sort(sorted)
		for _, n := range sorted {
			if f, l, r := firstDifference(join(path, n), x[n], y[n]); f != "" {
				return f, l, r
			}
		}
		return "", "", ""
	}
	var s, t []json.RawMessage
	if json.Unmarshal(a, &s) == nil && json.Unmarshal(b, &t) == nil && s != nil && len(s) == len(t) {
		for i := range s {
			if f, l, r := firstDifference(fmt.Sprintf("%s[%d]", path, i), s[i], t[i]); f != "" {
				return f, l, r
			}
		}
		return "", "", ""
	}
	if bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b)) {
		return "", "", ""
	}
	return path, text(a), text(b)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func text(raw json.RawMessage) string {
	if raw == nil {
		return "missing"
	}
	return string(raw)
}
