package search

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"nagar/geo"
)

var pair = regexp.MustCompile(`^\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEWnsew]?)\s*[,;\s]\s*([+-]?\d{1,3}(?:\.\d+)?)\s*°?\s*([NSEWnsew]?)\s*$`)

// coordinates reads a position as people write it: latitude before longitude,
// as in "19.076, 72.8777" or "19.076 N 72.8777 E". Without letters, numbers that
// lie in the city only the other way round are taken that way.
func coordinates(s string, city geo.Box) (lon, lat float64, ok bool) {
	m := pair.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	a, b, first, second := toFloat(m[1]), toFloat(m[3]), strings.ToUpper(m[2]), strings.ToUpper(m[4])
	switch {
	case first == "" && second == "":
		if !strings.ContainsAny(s, ".,;") {
			return 0, 0, false // "12 15" is rather an address
		}
		lat, lon = a, b
		if !city.Contains(lon, lat) && city.Contains(lat, lon) {
			lon, lat = lat, lon
		}
	case strings.Contains("NS", first) && first != "" && strings.Contains("EW", second) && second != "":
		lat, lon = signed(a, first), signed(b, second)
	case strings.Contains("EW", first) && first != "" && strings.Contains("NS", second) && second != "":
		lon, lat = signed(a, first), signed(b, second)
	default:
		return 0, 0, false
	}
	return lon, lat, lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90
}

func toFloat(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64) // the expression above takes numbers only
	return f
}

func signed(f float64, letter string) float64 {
	if letter == "S" || letter == "W" {
		return -f
	}
	return f
}

// place is the hit for a position: what was written, said clearly.
func placeAt(lon, lat float64) Hit {
	return Hit{
		Title: fmt.Sprintf("%s, %s", strconv.FormatFloat(lat, 'f', -1, 64), strconv.FormatFloat(lon, 'f', -1, 64)),
		Lon:   lon, Lat: lat, Box: geo.Box{W: lon, S: lat, E: lon, N: lat}, Score: 1,
	}
}
