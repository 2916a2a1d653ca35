// Command tileserver serves the read paths of the city: tiles, queries, the viewer.
package main

import (
	"os"

	"nagar/internal/app/server"
)

func main() { os.Exit(server.TileServer(os.Args[1:], os.Stdout, os.Stderr)) }
