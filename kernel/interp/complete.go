package interp

import "sslnotes/kernel/engine"

// Complete proposes words.
func (e *Engine) Complete(code string, cursor int) engine.Completion {
	return engine.Completion{Start: cursor, End: cursor}
}

// Inspect describes a name.
func (e *Engine) Inspect(code string, cursor, detail int) (string, bool) { return "", false }

// IsComplete tells.
func (e *Engine) IsComplete(code string) (string, string) { return "complete", "" }
