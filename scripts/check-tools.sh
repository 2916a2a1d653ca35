#!/usr/bin/env bash
# Says what is missing of Go and Node, and how to get it.
set -euo pipefail

fail() {
	echo "$1" >&2
	exit 1
}
at_least() { # at_least HAVE WANT: compares dotted versions
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

command -v go >/dev/null || fail "Go is missing. Nagar needs Go 1.26 or newer: https://go.dev/dl/"
have=$(go env GOVERSION | sed 's/^go//')
at_least "$have" 1.26 || fail "Go $have is too old. Nagar needs Go 1.26 or newer: https://go.dev/dl/"

command -v node >/dev/null || fail "Node is missing. Nagar needs Node 20 or newer to build the viewer: https://nodejs.org/"
have=$(node --version | sed 's/^v//')
at_least "$have" 20 || fail "Node $have is too old. Nagar needs Node 20 or newer to build the viewer: https://nodejs.org/"
command -v npm >/dev/null || fail "npm is missing; it comes with Node 20 or newer: https://nodejs.org/"
