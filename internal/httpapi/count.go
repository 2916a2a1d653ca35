package httpapi

import (
	"net/http"
	"strconv"

	"nagar/layers"
)

// countFeatures answers /api/count: how many features there are in a place, and of
// each value of a field.
func (r *request) countFeatures() error {
	info, err := r.queryCollection()
	if err != nil {
		return err
	}
	req := layers.CountRequest{Collection: info.Name, View: r.view}
	if req.Limit, err = r.limit(); err != nil {
		return err
	}
	if req.By, err = r.text("by", maxCursor); err != nil {
		return err
	}
	common, err := r.queryCommon()
	if err != nil {
		return err
	}
	p, err := r.place()
	if err != nil {
		return err
	}
	req.Filter, req.After, req.At = common.filter, common.after, common.at
	req.Box, req.Polygon, req.Around, req.Distance = p.box, p.polygon, p.around, p.distance
	if common.before {
		return r.counts(info.Name, req.By, &layers.Counts{Rev: r.s.cfg.Engine.Rev()})
	}
	n, err := r.s.cfg.Engine.Count(r.Request().Context(), req)
	if err != nil {
		return queryError(err)
	}
	return r.counts(info.Name, req.By, n)
}

// counts answers numbers.
func (r *request) counts(collection, by string, n *layers.Counts) error {
	r.revision(n.Rev)
	r.carriesCounts(by, n.Carried)
	b := append(make([]byte, 0, 256), `{"collection":"`+collection+`","count":`...)
	if n.Withheld {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(n.Count), 10)
	}
	if by != "" {
		b = append(b, `,"numberReturned":`...)
		b = strconv.AppendInt(b, int64(len(n.Groups)), 10)
		b = append(b, `,"groups":[`...)
		for i := range n.Groups {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.Groups[i].Value.AppendJSON(append(b, `{"value":`...))
			b = strconv.AppendInt(append(b, `,"count":`...), int64(n.Groups[i].Count), 10)
			b = append(b, '}')
		}
		b = r.appendLinks(append(b, ']'), typeJSON, n.Next)
	}
	if n.Withheld || n.GroupsWithheld > 0 {
		b = strconv.AppendInt(append(b, `,"withheld":{"below":`...), int64(n.MinGroup), 10)
		if !n.Withheld {
			b = strconv.AppendInt(append(b, `,"groups":`...), int64(n.GroupsWithheld), 10)
			b = strconv.AppendInt(append(b, `,"count":`...), int64(n.CountWithheld), 10)
		}
		b = append(b, '}')
	}
	return r.send(http.StatusOK, typeJSON, append(b, '}'))
}
