// Sslnotes is a laboratory for self-supervised learning.
package main

import (
	"os"

	"sslnotes/internal/cli"
)

func main() { os.Exit(cli.Main(files)) }
