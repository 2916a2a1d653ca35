package city

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"nagar/geo"
)

func dirOf(path string) string {
	if d := filepath.Dir(path); d != "" {
		return d
	}
	return "."
}

func (p *Profile) validate() error {
	if !nameRule.MatchString(p.Name) {
		return fmt.Errorf("name %q: want a lower-case letter, then up to 47 of a-z, 0-9, -", p.Name)
	}
	if len(p.Languages) == 0 {
		return fmt.Errorf("languages: at least one is needed, the default first")
	}
	if err := p.complete("title", p.Title); err != nil {
		return err
	}
	b := p.Bounds
	if b.IsEmpty() || !geo.World().ContainsBox(b) || b.W == b.E || b.S == b.N {
		return fmt.Errorf("bounds %v: want west, south, east, north in degrees", [4]float64{b.W, b.S, b.E, b.N})
	}
	if !b.Contains(p.Center[0], p.Center[1]) {
		return fmt.Errorf("center %v lies outside the bounds (want lon, lat)", p.Center)
	}
	if !(p.Zoom >= 0 && p.Zoom <= 22) {
		return fmt.Errorf("zoom %v: want 0 to 22", p.Zoom)
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "" || p.TimeZone == "Local" {
		return fmt.Errorf("time_zone %q is not an IANA time zone", p.TimeZone)
	}
	if p.CRS != "" && !crsRule.MatchString(p.CRS) {
		return fmt.Errorf("crs %q: want EPSG:number", p.CRS)
	}
	for name, months := range map[string]map[string]int{"inspection_months": p.Upkeep.InspectionMonths, "survey_months": p.Upkeep.SurveyMonths} {
		for kind, n := range months {
			if n < 0 || n > 1200 {
				return fmt.Errorf("upkeep.%s.%s: %d months; want 0 to 1200", name, kind, n)
			}
		}
	}
	if p.Base != "" && (filepath.Base(p.Base) != p.Base || strings.HasPrefix(p.Base, ".")) {
		return fmt.Errorf("base %q: want the name of a file beside the profile", p.Base)
	}
	if _, err := regexp.Compile(p.Address.Postcode); err != nil {
		return fmt.Errorf("address.postcode: %w", err)
	}
	if err := p.complete("address.city", p.Address.City); err != nil {
		return err
	}
	for role, words := range p.Address.Roles {
		if !slices.Contains(AddressRoles, role) {
			return fmt.Errorf("address.roles: no role is called %q", role)
		}
		for _, w := range words {
			if p.Address.Words[w] == nil {
				return fmt.Errorf("address.roles.%s: %q is not in address.words", role, w)
			}
		}
	}
	if err := p.validScale("air_index", &p.AirIndex); err != nil {
		return err
	}
	if err := p.validScale("rain", &p.Rain); err != nil {
		return err
	}
	for i, w := range p.Wards {
		if strings.TrimSpace(w.Name) == "" {
			return fmt.Errorf("wards[%d]: a ward needs a name", i)
		}
		if w.Population < 0 {
			return fmt.Errorf("wards[%d] %s: population %d", i, w.Name, w.Population)
		}
		if err := p.complete(fmt.Sprintf("wards[%d] %s: place", i, w.Name), w.Place); err != nil {
			return err
		}
	}
	return nil
}

// complete reports the first of the city's languages that the text lacks.
func (p *Profile) complete(where string, w Words) error {
	for _, l := range p.Languages {
		if strings.TrimSpace(w[l]) == "" {
			return fmt.Errorf("%s has no text in %q", where, l)
		}
	}
	return nil
}

func (p *Profile) validScale(where string, s *Scale) error {
	for i, c := range s.Classes {
		at := fmt.Sprintf("%s.classes[%d]", where, i)
		if c.Code == "" {
			return fmt.Errorf("%s has no code", at)
		}
		if i > 0 && !(c.From > s.Classes[i-1].From) {
			return fmt.Errorf("%s: from %v is not above the class before", at, c.From)
		}
		if !colourRule.MatchString(c.Colour) {
			return fmt.Errorf("%s: colour %q: want #RRGGBB", at, c.Colour)
		}
		if err := p.complete(at+".title", c.Title); err != nil {
			return err
		}
	}
	return nil
}
