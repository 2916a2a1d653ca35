package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"nagar/catalog"
	"nagar/internal/registry/finding"
	"nagar/layers"
)

// ruleSum is how many findings a rule has, by state.
type ruleSum struct {
	Rule         string        `json:"rule"`
	Title        catalog.Words `json:"title"`
	Severity     string        `json:"severity"`
	Owner        string        `json:"owner"`
	Open         int           `json:"open"`
	Acknowledged int           `json:"acknowledged"`
	Resolved     int           `json:"resolved"`
	Dismissed    int           `json:"dismissed"`
}

type wardSum struct {
	Ward string `json:"ward"`
	Open int    `json:"open"`
}

type monthSum struct {
	Month  string `json:"month"`
	Found  int    `json:"found"`
	Closed int    `json:"closed"`
}

// sumFindings answers GET /api/findings/summary.
func (r *request) sumFindings() error {
	filter, box, err := r.findingQuestion()
	if err != nil {
		return err
	}
	by := func(field, more string) ([]layers.Group, error) {
		parts := slices.DeleteFunc([]string{filter, more}, func(s string) bool { return s == "" })
		n, err := r.s.cfg.Engine.Count(r.Request().Context(), layers.CountRequest{
			Collection: finding.Findings, By: field, Filter: strings.Join(parts, " AND "), Box: box, View: r.view, Limit: maxLimit})
		if err != nil {
			return nil, queryError(err)
		}
		r.revision(n.Rev)
		r.carriesCounts(field, n.Carried)
		return n.Groups, nil
	}
	rules, err := r.ruleSums(by)
	if err != nil {
		return err
	}
	out := struct {
		Rules  []ruleSum  `json:"rules"`
		Wards  []wardSum  `json:"wards"`
		Months []monthSum `json:"months"`
	}{rules, []wardSum{}, []monthSum{}}
	wards, err := by("ward", "state = '"+finding.Open+"'")
	if err != nil {
		return err
	}
	for _, g := range wards {
		out.Wards = append(out.Wards, wardSum{g.Value.Str(), g.Count})
	}
	for k, field := range []string{"found_month", "closed_month"} {
		groups, err := by(field, field+" IS NOT NULL")
		if err != nil {
			return err
		}
		for _, g := range groups {
			i := slices.IndexFunc(out.Months, func(m monthSum) bool { return m.Month == g.Value.Str() })
			if i < 0 {
				i = len(out.Months)
				out.Months = append(out.Months, monthSum{Month: g.Value.Str()})
			}
			if k == 0 {
				out.Months[i].Found = g.Count
			} else {
				out.Months[i].Closed = g.Count
			}
		}
	}
	slices.SortFunc(out.Months, func(a, b monthSum) int { return strings.Compare(a.Month, b.Month) })
	return r.json(http.StatusOK, out)
}

// ruleSums are the numbers by rule, of the rules that the caller sees and those
// that have findings.
func (r *request) ruleSums(by func(field, more string) ([]layers.Group, error)) ([]ruleSum, error) {
	out := []ruleSum{}
	kept, err := r.s.cfg.Findings.Rules(r.Request().Context())
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		if k.Rule != nil && r.seesRule(k.KeptRule) {
			out = append(out, ruleSum{Rule: k.Name, Title: k.Rule.Title, Severity: k.Rule.Severity, Owner: k.Rule.Owner})
		}
	}
	for _, state := range []string{finding.Open, finding.Acknowledged, finding.Resolved, finding.Dismissed} {
		groups, err := by("rule", "state = '"+state+"'")
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			i := slices.IndexFunc(out, func(s ruleSum) bool { return s.Rule == g.Value.Str() })
			if i < 0 {
				i = len(out)
				out = append(out, ruleSum{Rule: g.Value.Str(), Title: catalog.Words{"en": g.Value.Str()}})
			}
			switch state {
			case finding.Open:
				out[i].Open = g.Count
			case finding.Acknowledged:
				out[i].Acknowledged = g.Count
			case finding.Resolved:
				out[i].Resolved = g.Count
			default:
				out[i].Dismissed = g.Count
			}
		}
	}
	slices.SortFunc(out, func(a, b ruleSum) int { return strings.Compare(a.Rule, b.Rule) })
	return out, nil
}
