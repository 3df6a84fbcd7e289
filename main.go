// Sslnotes is a laboratory for self-supervised learning.
package main

import (
	"context"
	"os"
	"os/signal"

	"sslnotes/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := cli.Root(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
