// Command importer defines, loads, exports and checks the city's collections.
package main

import (
	"os"

	"nagar/internal/app/importer"
)

func main() { os.Exit(importer.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
