#!/usr/bin/env bash
# Writes docs/third-party.md: what the commands and the viewer are built from.
# Run it after a dependency changes: `make notices`.
set -euo pipefail
cd "$(dirname "$0")/.."

licence_of() { # licence_of DIR: names the licence by words that only its text has
	local file
	file=$(find "$1" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \) | sort | head -n 1)
	[ -n "$file" ] || { echo "see its site"; return; }
	local text
	text=$(tr -s '[:space:]' ' ' <"$file")
	case $text in
	*"Apache License"*) echo "Apache-2.0" ;;
	*"Mozilla Public License"*2.0*) echo "MPL-2.0" ;;
	*"Permission to use, copy, modify, and"*"distribute this software for any purpose with or without fee"*) echo "ISC" ;;
	*"Permission is hereby granted, free of charge"*) echo "MIT" ;;
	*"Neither the name"* | *"names of its contributors"*) echo "BSD-3-Clause" ;;
	*"Redistribution and use in source and binary forms"*) echo "BSD-2-Clause" ;;
	*"SIL OPEN FONT LICENSE"*) echo "OFL-1.1" ;;
	*"CC0"*) echo "CC0-1.0" ;;
	*) echo "see $(basename "$file")" ;;
	esac
}

{
	cat <<'HEAD'
# Third-party notices

What Nagar is built from, and under which licences. Written by `make notices`; each package carries the full text of its licence.

## Linked into the commands (Go)

| module | version | licence |
|---|---|---|
HEAD
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/... | sort -u |
		while read -r path version dir; do
			[ -n "$path" ] && echo "| $path | $version | $(licence_of "$dir") |"
		done
	cat <<'MIDDLE'

`importer` is linked dynamically with Debian's PROJ (MIT) and GEOS (LGPL-2.1).

## In the viewer (npm)

| package | version | licence |
|---|---|---|
MIDDLE
	# shellcheck disable=SC2016 # the dollars are JavaScript's
	node -e '
		const { packages } = require("./web/viewer/package-lock.json");
		const rows = Object.entries(packages)
			.filter(([path, p]) => path && !p.dev && !p.optional)
			.map(([path, p]) => `| ${path.replace(/^.*node_modules\//, "")} | ${p.version} | ${p.license ?? "see package"} |`);
		console.log([...new Set(rows)].sort().join("\n"));
	'
} >docs/third-party.md
