package interp

import (
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// IsComplete reports whether code can run as it is ("complete"), goes on
// ("incomplete", with the indentation of its next line) or never will
// ("invalid").
func (e *Engine) IsComplete(code string) (status, indent string) {
	o := openEnd([]byte(code))
	switch {
	case o.mismatched:
		return "invalid", ""
	case o.unterminated || len(o.closers) > 0 || o.continues:
		return "incomplete", strings.Repeat("\t", len(o.closers))
	}
	items := split([]byte(code))
	if _, err := parse(token.NewFileSet(), "cell", []byte(code), items); err != nil {
		return "invalid", ""
	}
	return "complete", ""
}

// An ending is how code ends.
type ending struct {
	closers      []byte // that would close what is open, innermost last
	mismatched   bool   // a bracket closes another
	unterminated bool   // within a raw string or a comment
	inString     bool   // within a string of one line
	continues    bool   // after an operator
}

var closing = map[token.Token]byte{token.LPAREN: ')', token.LBRACK: ']', token.LBRACE: '}'}

// final are the operators, in the scanner's sense, that can end a statement.
var final = []token.Token{token.RPAREN, token.RBRACK, token.RBRACE, token.SEMICOLON, token.INC, token.DEC}

func openEnd(src []byte) ending {
	var o ending
	file := token.NewFileSet().AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, func(_ token.Position, msg string) {
		o.unterminated = o.unterminated || strings.Contains(msg, "raw string literal not terminated") || strings.Contains(msg, "comment not terminated")
		o.inString = o.inString || strings.Contains(msg, "string literal not terminated") && !strings.Contains(msg, "raw")
	}, 0)
	var last token.Token
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			o.continues = last.IsOperator() && !slices.Contains(final, last)
			return o
		case token.LPAREN, token.LBRACK, token.LBRACE:
			o.closers = append(o.closers, closing[tok])
		case token.RPAREN, token.RBRACK, token.RBRACE:
			n := len(o.closers) - 1
			if n < 0 || tok.String() != string(o.closers[n]) {
				o.mismatched = true
				return o
			}
			o.closers = o.closers[:n]
		}
		if tok != token.SEMICOLON || lit != "\n" {
			last = tok
		}
	}
}
