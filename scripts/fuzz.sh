#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time each.
# Usage: scripts/fuzz.sh 60s
set -euo pipefail

time=${1:-60s}
found=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		# An input of many kilobytes that reaches new code would be made smaller for a
		# minute, in which nothing new is tried.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 100x "$package"
		found=$((found + 1))
	done
done
echo "$found fuzz targets, $time each: clean"
