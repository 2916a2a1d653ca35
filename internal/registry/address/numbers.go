package address

import (
	"slices"
	"strings"
)

// maxNumbers bounds each list of numbers.
const maxNumbers = 64

func addTo(list []string, s string) []string {
	if s == "" || len(list) >= maxNumbers || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// skip passes the words number and noise ("No.", "pt", "and") on the way to a number.
func (w *walk) skip() {
	for w.i < len(w.ts) {
		if t := w.ts[w.i]; t.code {
			return
		}
		s, n := w.v.lookup(w.ts, w.i)
		if n == 0 || s.role != numberRole && (s.role != noiseRole || s.canon[0] == "limited") {
			return
		}
		w.i += n
	}
}

// code reads one number: a token with a digit, a letter and a number apart ("H 51"),
// or, where letters may stand alone, a single letter. "" when there is none.
func (w *walk) code(letters bool) string {
	if w.i >= len(w.ts) {
		return ""
	}
	t := w.ts[w.i]
	switch {
	case t.code:
		w.i++
		return ordinal(t.text)
	case len(t.text) == 1 && w.i+1 < len(w.ts) && w.ts[w.i+1].code && allDigits(w.ts[w.i+1].text) && !w.ts[w.i+1].apart:
		w.i += 2
		return t.text + w.ts[w.i-1].text
	case letters && len(t.text) == 1:
		w.i++
		return t.text
	}
	return ""
}

// ordinal drops the ending of 6th, and zeros before a number.
func ordinal(s string) string {
	for _, end := range [...]string{"st", "nd", "rd", "th"} {
		if t, ok := strings.CutSuffix(s, end); ok && allDigits(t) {
			s = t
		}
	}
	if t := strings.TrimLeft(s, "0"); allDigits(s) && t != "" {
		return t
	}
	return s
}

func (w *walk) unit() {
	at := w.i
	w.skip()
	if w.i < len(w.ts) && (w.i > at || !w.ts[w.i].apart) && ordinal(w.ts[w.i].text) == strings.TrimLeft(w.ts[w.i].text, "0") {
		if c := w.code(false); c != "" {
			w.a.Unit = or(w.a.Unit, c)
			return
		}
	}
	w.i = at
}

// wing reads "A Wing", "A & B Wing", "Wing A".
func (w *walk) wing() {
	for n := len(w.words); n > 0 && len(w.words[n-1].Text) <= 2 && (len(w.words[n-1].Text) == 1 || w.words[n-1].isNumber()); n-- {
		w.a.Wings = addTo(w.a.Wings, w.words[n-1].Text)
		w.words = w.words[:n-1]
	}
	if len(w.a.Wings) == 0 && len(w.lonely) == 1 {
		w.a.Wings, w.lonely = addTo(nil, w.lonely), ""
	}
	if len(w.a.Wings) == 0 {
		at := w.i
		w.skip()
		if c := w.code(true); len(c) <= 2 && c != "" {
			w.a.Wings = addTo(w.a.Wings, c)
		} else {
			w.i = at
		}
	}
	slices.Sort(w.a.Wings)
	w.flush(Loose)
}

var groundWords = map[string]bool{"gr": true, "ground": true, "grd": true, "gf": true, "tal": true}

// floor reads "6th floor", "Gr floor", "Floor 6".
func (w *walk) floor() {
	if n := len(w.words); n > 0 {
		switch last := w.words[n-1].Text; {
		case groundWords[last]:
			w.a.Floor = "0"
			w.words = w.words[:n-1]
			return
		case hasDigit(last):
			w.a.Floor = ordinal(last)
			w.words = w.words[:n-1]
			return
		case (last == "th" || last == "st" || last == "nd" || last == "rd") && n > 1 && w.words[n-2].isNumber():
			w.a.Floor = w.words[n-2].Text
			w.words = w.words[:n-2]
			return
		}
	}
	if w.lonely != "" && len(w.words) == 0 {
		w.a.Floor, w.lonely = ordinal(w.lonely), ""
		return
	}
	at := w.i
	w.skip()
	if c := w.code(false); c != "" {
		w.a.Floor = c
		return
	}
	w.i = at
}

// building reads "Bldg No 16", "Bldg A", "Bldg 9A & 9B", "Ganesh Bldg", "F Bldg No 2".
func (w *walk) building() {
	at := w.i
	w.skip()
	if c := w.code(!w.wingAhead()); c != "" {
		w.a.Numbers = addTo(w.a.Numbers, c)
		for !allDigits(c) && w.i < len(w.ts) && w.ts[w.i].code && !w.ts[w.i].apart && !allDigits(w.ts[w.i].text) && ordinal(w.ts[w.i].text) == w.ts[w.i].text {
			w.a.Numbers = addTo(w.a.Numbers, w.code(false))
		}
		w.dropLetter()
		w.flush(Loose)
		return
	}
	w.i = at
	if n := len(w.words); n == 1 && (hasDigit(w.words[0].Text) || len(w.words[0].Text) == 1) {
		w.a.Numbers = addTo(w.a.Numbers, w.words[0].Text)
		w.words = nil
		return
	}
	if len(w.words) > w.places {
		w.named(Name)
	} else {
		w.flush(Loose)
	}
}

// wingAhead reports whether the letters that follow are of a wing: "Bldg A & B Wing".
func (w *walk) wingAhead() bool {
	for k := w.i; k < len(w.ts) && k < w.i+4; k++ {
		if s, n := w.v.lookup(w.ts, k); n > 0 && s.role == wingRole {
			return k > w.i
		}
		if len(w.ts[k].text) > 1 {
			return false
		}
	}
	return false
}

// dropLetter drops a letter before "Bldg No 2", which says the same again.
func (w *walk) dropLetter() {
	if n := len(w.words); n > 0 && len(w.words[n-1].Text) == 1 {
		w.a.Numbers = addTo(w.a.Numbers, w.words[n-1].Text)
		w.words = w.words[:n-1]
	}
}

func (w *walk) plot() {
	w.flush(Loose)
	at := w.i
	w.skip()
	c := w.code(false)
	if c == "" {
		w.i = at
		return
	}
	for c != "" { // "R 14 & R 15"
		w.a.Plots = addTo(w.a.Plots, c)
		if allDigits(c) || w.i >= len(w.ts) || w.ts[w.i].apart || allDigits(w.ts[w.i].text) {
			return
		}
		c = w.code(false)
	}
}

// numbers reads the list after "CTS No": numbers with "pt", "to", commas and
// brackets between them. Of a range only its ends are kept.
func (w *walk) numbers(list []string) []string {
	w.flush(Loose)
	for w.i < len(w.ts) {
		at := w.i
		w.skip()
		c := w.code(false)
		if c == "" || w.v.isPostcode(c) {
			w.i = at
			return list
		}
		list = addTo(list, c)
	}
	return list
}

// postcode reads a postcode of one or two tokens.
func (w *walk) postcode() bool {
	t := w.ts[w.i]
	if !t.code && w.v.stem != "" {
		return false
	}
	if w.v.isPostcode(t.text) || w.v.isPostcode(strings.ToUpper(t.text)) {
		w.i++
		w.pin(t.text)
		return true
	}
	if w.i+1 < len(w.ts) && w.ts[w.i+1].code && w.v.isPostcode(t.text+w.ts[w.i+1].text) {
		w.i += 2
		w.pin(t.text + w.ts[w.i-1].text)
		return true
	}
	return false
}

func (w *walk) pin(s string) {
	w.a.PIN = or(w.a.PIN, s)
	w.flush(Loose)
}

// city reads the city's name, and the shortened postcode after it: "Mumbai 53".
func (w *walk) city() {
	w.flush(Loose)
	if w.v.digits == 0 || w.i >= len(w.ts) || !allDigits(w.ts[w.i].text) {
		return
	}
	if w.postcode() {
		return
	}
	t := w.ts[w.i].text
	if n := w.v.digits - len(w.v.stem); len(t) <= n {
		if whole := w.v.stem + strings.Repeat("0", n-len(t)) + t; w.v.isPostcode(whole) {
			w.i++
			w.pin(whole)
		}
	}
}
