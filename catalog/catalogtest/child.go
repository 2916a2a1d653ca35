package catalogtest

import "testing"

func runChild(t *testing.T, h Harness, location string) {}
