package app

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// Exit codes of every command.
const (
	ExitOK    = 0
	ExitError = 1
	ExitUsage = 2
)

// Parse reads args into the kong grammar cli; every flag --some-flag is also
// NAGAR_SOME_FLAG. vars fill ${...} in the help texts. When the command is to end at once (help, version, a wrong
// command line), it returns a nil context and the exit code.
func Parse(cli any, name, description string, vars kong.Vars, args []string, stdout, stderr io.Writer) (*kong.Context, int) {
	exit := -1
	if vars == nil {
		vars = kong.Vars{}
	}
	vars["version"] = Version()
	parser, err := kong.New(cli,
		kong.Name(name),
		kong.Description(description),
		kong.DefaultEnvars("NAGAR"),
		kong.Writers(stdout, stderr),
		vars,
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		panic(fmt.Sprintf("grammar of %s: %v", name, err)) // a mistake in our own struct tags
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 { // --help or --version has printed
		return nil, exit
	}
	if err != nil {
		var p *kong.ParseError
		if errors.As(err, &p) {
			fmt.Fprintf(stderr, "%s: %v (see %s --help)\n", name, err, name)
		}
		return nil, ExitUsage
	}
	return ctx, ExitOK
}

// Version is the version that was built: the module's, or the commit's.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	if revision == "" {
		return info.Main.Version
	}
	return revision + modified
}
