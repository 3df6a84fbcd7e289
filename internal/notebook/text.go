package notebook

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// text is a string that a file may hold in lines.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	var all []string
	if err := json.Unmarshal(b, &all); err == nil {
		*t = text(strings.Join(all, ""))
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("want text, or a list of lines")
	}
	*t = text(s)
	return nil
}

// lines is the form in which files hold text.
func lines(s string) []string {
	if s == "" {
		return []string{}
	}
	all := strings.SplitAfter(s, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// ansi matches the control sequences by which terminals are coloured.
var ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// Plain is text as a terminal would leave it on the screen: without control
// sequences, and with what follows a carriage return in the place of what stood
// before it.
func Plain(s string) string {
	s = strings.ReplaceAll(ansi.ReplaceAllString(s, ""), "\r\n", "\n")
	if !strings.Contains(s, "\r") {
		return s
	}
	all := strings.Split(s, "\n")
	for i, line := range all {
		var shown []rune
		for part := range strings.SplitSeq(line, "\r") {
			over := []rune(part)
			if len(over) < len(shown) {
				over = append(over, shown[len(over):]...)
			}
			shown = over
		}
		all[i] = strings.TrimRight(string(shown), " ")
	}
	return strings.Join(all, "\n")
}
