// Command twin serves the whole city from one process: the read paths, writes and live events.
package main

import (
	"os"

	"nagar/internal/app/server"
)

func main() { os.Exit(server.Twin(os.Args[1:], os.Stdout, os.Stderr)) }
