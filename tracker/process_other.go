//go:build !linux

package tracker

// self identifies this process; here nothing does so reliably.
func self() string { return "" }

// alive cannot know here, and says yes.
func alive(string) bool { return true }
