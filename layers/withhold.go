package layers

import (
	"fmt"
	"slices"

	"nagar/catalog"
)

// withhold takes out what tells of fewer than least features, so that a table of
// numbers that is passed on names nobody.
//
// Groups below least are withheld (primary suppression). What is left of the sum
// would give away a single one, and would bound a few: so further groups, the
// smallest ones, follow until at least two are withheld and they have at least
// least features together (secondary suppression). Where that takes the last
// group, or there are fewer than least features in all, the sum is withheld too.
func (c *Counts) withhold(least int) {
	if least <= 1 {
		return
	}
	c.MinGroup = least
	told := len(c.Groups) // groups stand by falling count: the smallest are the last
	hidden := 0
	for told > 0 && c.Groups[told-1].Count < least {
		told--
		hidden += c.Groups[told].Count
	}
	for told > 0 && told < len(c.Groups) && (hidden < least || len(c.Groups)-told < 2) {
		told--
		hidden += c.Groups[told].Count
	}
	c.GroupsWithheld, c.CountWithheld = len(c.Groups)-told, hidden
	c.Groups = c.Groups[:told]
	if c.Count < least {
		c.Withheld, c.Count, c.GroupsWithheld, c.CountWithheld, c.Groups = true, 0, 0, 0, c.Groups[:0]
	}
}

// page cuts the groups from one on, at most limit.
func (c *Counts) page(from, limit int) {
	c.Groups = c.Groups[min(from, len(c.Groups)):]
	if len(c.Groups) > limit {
		c.Groups = slices.Clip(c.Groups[:limit])
		c.Next = makeCursor(cursorCount, uint64(from+limit), 0)
	}
}

// readGroupCursor is the number of groups on the pages before.
func readGroupCursor(after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	n, _, err := readCursor(cursorCount, after)
	if err == nil && n > 1<<31 {
		err = &catalog.Invalid{Path: "after", Reason: fmt.Sprintf("not a cursor of this query: %d groups", n)}
	}
	return int(n), err
}
