//go:build peers

package benchpeers

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is what docs/benchmarks.md says.
type report struct {
	once, mixed, streets, queries []row
	commands, ready               []command
	absent                        []string
}

type row struct {
	name string
	figures
}

// command is a program that ran to its end, or until it was ready.
type command struct {
	what      string
	wall, cpu time.Duration
	memory    int64 // at most, bytes
}

func (r *report) text(c *town) string {
	var b strings.Builder
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Fprintf(&b, `# Side by side

Written by `+"`make bench-peers`"+` on %s: %s, %d processors, %s. City: %s; %d distinct tiles of zooms 12 to 16 about buildings taken at random; client, servers and database share the processors. Only ratios within one run count. CPU is user and system time of the server and, where it stands on one, the database, per request; it is steadier than requests per second, but grows when other work shares the caches. Load average at the end of the run: %s.

What is compared: the peers send every feature of a tile; `+"`generalize=none`"+` makes Nagar do the same. As designed, Nagar generalises below zoom 14. The first table is the fair one: each server draws the very same tiles. In the timed ones all begin with the same tile, and a slow server comes less far in the list. All take gzip where they can.

A load average far above the number of processors means that other work ran beside all of them: then every figure of time is several times what a quiet machine gives, and only the ratios are of use.
`, time.Now().UTC().Format("2 January 2006, 15:04 UTC"), processor(), runtime.NumCPU(), runtime.Version(), c.source, len(c.tiles), strings.Join(strings.Fields(string(load))[:3], ", "))
	if len(r.absent) > 0 {
		fmt.Fprintf(&b, "\nNot on this machine, and left out: %s.\n", strings.Join(r.absent, ", "))
	}
	table := func(title string, rows []row) {
		fmt.Fprintf(&b, "\n## %s\n\n| | requests | errors | per second | CPU ms | p50 ms | p99 ms | kB sent | memory MB |\n|---|---|---|---|---|---|---|---|---|\n", title)
		for _, x := range rows {
			fmt.Fprintf(&b, "| %s | %d | %d | %.4g | %.3g | %.3g | %.3g | %.4g | %d |\n", x.name, x.requests, x.errors, x.perSecond, x.cpu,
				ms(x.p50), ms(x.p99), x.bytes/1000, x.memory>>20)
		}
	}
	table("Each tile once, 4 clients", r.once)
	table("Tiles of zooms 12 to 16, 8 clients", r.mixed)
	table("Tiles of zooms 14 to 16, 8 clients", r.streets)
	table("Queries, 8 clients", r.queries)
	fmt.Fprint(&b, "\n## Ready\n\n| | seconds until the first answer | memory MB then |\n|---|---|---|\n")
	for _, x := range r.ready {
		fmt.Fprintf(&b, "| %s | %.1f | %d |\n", x.what, x.wall.Seconds(), x.memory>>20)
	}
	fmt.Fprint(&b, "\n## Loading and exporting\n\n| | seconds | CPU seconds (without the database's) | most memory MB |\n|---|---|---|---|\n")
	for _, x := range r.commands {
		fmt.Fprintf(&b, "| %s | %.1f | %.1f | %d |\n", x.what, x.wall.Seconds(), x.cpu.Seconds(), x.memory>>20)
	}
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// processor is its name, as the system tells.
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
