package main

import "embed"

// files are this module's own, by which a run can be executed again for ever.
//
//go:embed go.mod go.sum main.go source.go internal kernel notebooks plots sslkit tracker
var files embed.FS
